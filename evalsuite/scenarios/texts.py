"""General texts whose likelihood under base and candidate is compared.

For the embedded base these are drawn stories of its own words; for real ones passages that read as
what many different people write, 200 in each language, written for this project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from evalsuite.cases import Language
from evalsuite.conversation import Conversation
from evalsuite.errors import InvalidInput
from evalsuite.scenarios.names import Split, seeded
from evalsuite.scenarios.skills import SkillContext

ASKS_TEXT: Mapping[Language, str] = {
    Language.EN: "Write a short text.",
    Language.ZH: "写一段短文。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextItem:
    """A short general text, whose likelihood under base and candidate is compared."""

    id: str
    language: Language
    cluster: str
    prompt: str
    text: str
    source: str = field(default="scenarios/texts", compare=False, repr=False)
    """Where it was read."""

    @property
    def question(self) -> Conversation:
        """The conversation that asks for a text."""
        return Conversation.of(("user", self.prompt))

    @property
    def conversation(self) -> Conversation:
        """The conversation with the text as its answer."""
        return Conversation.of(("user", self.prompt), ("assistant", self.text))


_SENTENCES: Mapping[Language, tuple[str, ...]] = {
    Language.EN: (
        "{p} has a {c} {o}.",
        "{p} goes to the {l}.",
        "The {o} of {p} is {c}.",
        "In the {l} {p} sees a {a}.",
        "{p} gives the {o} to {q}.",
        "{p} likes {f}, but {q} does not.",
    ),
    Language.ZH: (
        "{p}有一个{c}的{o}。",
        "{p}去{l}。",
        "{p}的{o}是{c}的。",
        "在{l}，{p}看见了{a}。",
        "{p}把{o}给了{q}。",
        "{p}喜欢{f}，但是{q}不喜欢。",
    ),
}


def _sentence(c: SkillContext, people: Sequence[str]) -> tuple[int, str]:
    words = c.words
    classes = list(words.classes.values())
    at = c.rng.randrange(len(_SENTENCES[c.language]))
    p, q = people if c.rng.random() < 0.7 else people[::-1]
    return at, _SENTENCES[c.language][at].format(
        p=p,
        q=q,
        a=c.rng.choice(classes[0]),
        c=c.rng.choice(classes[1]),
        f=c.rng.choice(classes[2]),
        o=c.rng.choice(words.objects),
        l=c.rng.choice(words.places),
    )


PASSAGES = 200
"""Passages in each language."""


@cache
def passages(language: Language) -> tuple[TextItem, ...]:
    """Return every passage of a language."""
    name = f"passages_{language.value}.txt"
    written = resources.files("evalsuite.scenarios").joinpath(name).read_text("utf-8")
    return tuple(
        TextItem(
            id=f"passage-{language.value}-{number:03d}",
            language=language,
            cluster=f"{language.value}/passage/{number:03d}",
            prompt=ASKS_TEXT[language],
            text=text,
            source=f"scenarios/{name}",
        )
        for number, text in enumerate(written.strip().split("\n\n"))
    )


def sample_passages(seed: int, n: int, language: Language) -> tuple[TextItem, ...]:
    """Draw ``n`` different passages of a language.

    Raises:
        InvalidInput: there are not so many.
    """
    every = passages(language)
    if not 0 <= n <= len(every):
        raise InvalidInput(f"n={n}: there are {len(every)} passages in {language.value}")
    return tuple(seeded("passages", seed, language.value).sample(every, n))


def sample_texts(
    seed: int,
    n: int,
    split: str = "panel",
    *,
    languages: Sequence[Language] = tuple(Language),
) -> tuple[TextItem, ...]:
    """Sample ``n`` short stories of two or three sentences about two people."""
    rng = seeded("texts", seed, split)
    items: list[TextItem] = []
    for index in range(n):
        language = languages[index % len(languages)]
        context = SkillContext(rng, language, Split(split))
        people = rng.sample(context.words.people, 2)
        told = [_sentence(context, people) for _ in range(rng.randint(2, 3))]
        gap = " " if language is Language.EN else ""
        items.append(
            TextItem(
                id=f"{split}-{seed}-{language}-text-{index:05d}",
                language=language,
                cluster=f"{language}/text/" + "-".join(str(at) for at, _ in told),
                prompt=ASKS_TEXT[language],
                text=gap.join(sentence for _, sentence in told),
            )
        )
    return tuple(items)
