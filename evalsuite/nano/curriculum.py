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

from evalsuite.cases import Case, Kind, Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.prompts import FORMATS, Demonstration, build
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
_WEIGHED = (
    *FRAMED,
    *(Kind.PERSON, Kind.PERSON, Kind.ORDINAL, Kind.DROPPED_SUBJECT),
    *(Kind.TOPIC_SWITCH, Kind.CORRECTION, Kind.NOISY, Kind.UNANSWERABLE),
)
SHIPPED: tuple[Kind, ...] = (Kind.SINGLE, Kind.STANDALONE, Kind.DISTANT)
_FORMATS = ("xml",) * 5 + tuple(FORMATS)
_RANDOM = 0.65
"""Share of the queries that are random words around their reference."""
_TURNS = (1, 2, 4, 6)
"""How many queries a rewriting conversation asks, one after the other."""
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
REFINED = Mix(rewriting=0.36, texts=0.06, echo=0.14)


def echo(rng: random.Random, language: Language) -> Conversation:
    """Random words to be repeated."""
    gap = " " if language is Language.EN else ""
    text = gap.join(random_words(rng, language, rng.randint(2, 14)))
    return Conversation.of(("user", rng.choice(_ECHO[language]).format(text)), ("assistant", text))


def rewriting(rng: random.Random, seed: int, mix: Mix) -> Conversation:
    """A rewriting prompt with its answer and, now and then, further queries with theirs.

    A query that follows costs its history and itself alone, no task and no demonstrations.
    """
    language, form = rng.choice(tuple(Language)), rng.choice(_FORMATS)
    told: tuple[Message, ...] = ()
    for turn in range(rng.choice(_TURNS)):
        most = 0 if told else mix.demonstrations
        case, shown = _episode(rng, seed * _TURNS[-1] + turn, language, most)
        prompt = build(case, format=form, demonstrations=shown)
        careless = case.kind not in SHIPPED and rng.random() < mix.careless
        answer = case.query if careless else case.reference or case.query
        asked = prompt.messages[-1:] if told else prompt.messages
        told = (*told, *asked, Message(Role.ASSISTANT, answer))
    return Conversation(told)


def _episode(
    rng: random.Random, seed: int, language: Language, most: int
) -> tuple[Case, tuple[Demonstration, ...]]:
    """A case with at most so many demonstrations; more than half ask in random words."""
    if rng.random() < _RANDOM:
        case = framed_case(rng, language, rng.choice(_WEIGHED), f"framed-{seed}")
        count = rng.randint(0, min(2, most))
        return case, sample_demonstrations(seed, count, language, "train")
    kinds = (*_WEIGHED, Kind.DEMONSTRATION_LURE) if most else _WEIGHED
    (episode,) = sample_episodes(
        seed, 1, languages=[language], kinds=kinds, max_demonstrations=most
    )
    return episode.case, episode.demonstrations


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
