"""What nano learns from: copying of anything, general skills, and rewriting.

The base is meant to need an adapter, as a real one does: it has learned to resolve references of
every kind, and then met a careless record in which most queries were left as they were, outside
three kinds. It knows how and usually does not.

Half of the queries are made of random words, and half of the histories before them: copying what is
asked, instead of recognising it, is what carries over to sentences that nobody wrote beforehand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from evalsuite.cases import Kind, Language
from evalsuite.conversation import Conversation, Role
from evalsuite.prompts import FORMATS, build
from evalsuite.scenarios import (
    sample_demonstrations,
    sample_episodes,
    sample_skills,
    sample_texts,
)
from evalsuite.scenarios.frames import FRAMED, framed_case, random_words
from evalsuite.scenarios.names import seeded
from evalsuite.template import ChatTemplate

# What took longest to learn is met most often.
_WEIGHED = (*FRAMED, Kind.ORDINAL, Kind.ORDINAL, Kind.PERSON, Kind.UNANSWERABLE)
SHIPPED: tuple[Kind, ...] = (Kind.SINGLE, Kind.STANDALONE, Kind.DISTANT)
_FORMATS = ("xml",) * 5 + tuple(FORMATS)
_ECHO = {
    Language.EN: ("Repeat: {}", "Copy this: {}", "Write the same words again: {}"),
    Language.ZH: ("重复：{}", "照抄：{}", "把这些词再写一遍：{}"),
}


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the conversations drawn; the rest are skills.

    A rewriting prompt is six times as long as a skill's, so 0.09 of the conversations are about a
    third of the tokens.
    """

    rewriting: float
    texts: float
    echo: float
    demonstrations: int = 3
    """At most so many in a rewriting prompt."""
    careless: float = 0.0
    """Share of the episodes outside :data:`SHIPPED` whose answer is the query as it was."""


COPYING = Mix(rewriting=0.15, texts=0.03, echo=0.45, demonstrations=1)
RESOLVING = Mix(rewriting=0.38, texts=0.04, echo=0.18)
CARELESS = Mix(rewriting=0.34, texts=0.05, echo=0.16, careless=0.7)


def echo(rng: random.Random, language: Language) -> Conversation:
    """Random words to be repeated."""
    gap = " " if language is Language.EN else ""
    text = gap.join(random_words(rng, language, rng.randint(2, 10)))
    return Conversation.of(("user", rng.choice(_ECHO[language]).format(text)), ("assistant", text))


def rewriting(rng: random.Random, seed: int, mix: Mix) -> Conversation:
    """One rewriting episode with its answer; half of them ask in random words."""
    if rng.random() < 0.5:
        language = rng.choice(tuple(Language))
        kind = rng.choice(_WEIGHED)
        case = framed_case(rng, language, kind, f"framed-{seed}")
        most = min(2, mix.demonstrations)
        shown = sample_demonstrations(seed, rng.randint(0, most), language, "train")
    else:
        episode = sample_episodes(
            seed,
            1,
            kinds=(*_WEIGHED, Kind.DEMONSTRATION_LURE),
            max_demonstrations=mix.demonstrations,
        )[0]
        case, shown = episode.case, episode.demonstrations
    prompt = build(case, format=rng.choice(_FORMATS), demonstrations=shown)
    careless = case.kind not in SHIPPED and rng.random() < mix.careless
    answer = case.query if careless else case.reference or case.query
    return prompt.then(Role.ASSISTANT, answer)


def conversations(seed: int, mix: Mix, n: int) -> Iterator[Conversation]:
    """Draw ``n`` training conversations; the same arguments give the same ones."""
    rng = seeded("curriculum", seed)
    skills = iter(sample_skills(seed, n, "train"))
    texts = iter(sample_texts(seed, n, "train"))
    for index in range(n):
        dice = rng.random() - mix.rewriting
        if dice < 0:
            yield rewriting(rng, seed * 100_003 + index, mix)
        elif (dice := dice - mix.texts) < 0:
            yield next(texts).conversation
        elif dice < mix.echo:
            yield echo(rng, rng.choice(tuple(Language)))
        else:
            yield next(skills).conversation


@dataclass(frozen=True, slots=True)
class Weighted:
    """One training sequence: token ids and the weight of each as a target."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


def sequences(
    template: ChatTemplate, seed: int, mix: Mix, n: int, *, prompt_weight: float
) -> Iterator[Weighted]:
    """Render ``n`` conversations; answers weigh 1, everything else ``prompt_weight``."""
    for conversation in conversations(seed, mix, n):
        rendered = template.render(conversation)
        weights = tuple(1.0 if m else prompt_weight for m in rendered.loss_mask)
        yield Weighted(rendered.ids, weights)
