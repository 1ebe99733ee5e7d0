"""General conversations that keep an adapter near its base while it is trained.

Chats, texts, and questions of the plain skills, in turn. No gate asks any of them: chats are of the
natural world's training split, texts are others than the gate's passages, and the questions are of
the exercises that are kept for training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import count, islice, zip_longest

from evalsuite.cases import Language
from evalsuite.conversation import Conversation
from evalsuite.errors import InvalidInput
from evalsuite.scenarios.names import Split, seeded
from evalsuite.scenarios.natural.dialogues import make_chat
from evalsuite.scenarios.plainskills import PLAIN
from evalsuite.scenarios.skills import sample_skills
from evalsuite.scenarios.texts import ASKS_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One general conversation that ends with the assistant."""

    id: str
    language: Language
    sort: str
    """``chat``, ``text`` or ``skill``."""
    cluster: str
    conversation: Conversation


def sample_anchors(
    seed: int, n: int, languages: Sequence[Language] = tuple(Language)
) -> tuple[Anchor, ...]:
    """Draw ``n`` anchors, spread evenly over languages and sorts.

    Chats never run out; texts and questions do, and chats then take their turn.
    """
    drawn: list[Anchor] = []
    for index, language in enumerate(languages):
        share = n // len(languages) + (index < n % len(languages))
        sorts = [make(seed, language) for make in _SORTS.values()]
        every = (one for turn in zip_longest(*sorts) for one in turn if one is not None)
        drawn += islice(every, share)
    return tuple(drawn)


def _chats(seed: int, language: Language) -> Iterator[Anchor]:
    rng = seeded("anchors", "chats", seed, language)
    for number in count():
        name = f"anchor-{seed}-{language}-chat-{number:05d}"
        yield Anchor(
            id=name,
            language=language,
            sort="chat",
            cluster=name,
            conversation=make_chat(rng, language, Split.TRAIN),
        )


@cache
def kept_texts(language: Language) -> tuple[str, ...]:
    """Return the passages of a language that no gate scores."""
    folder = resources.files("evalsuite.scenarios")
    return tuple(folder.joinpath(f"kept_{language}.txt").read_text("utf-8").strip().split("\n\n"))


def _texts(seed: int, language: Language) -> Iterator[Anchor]:
    every = list(enumerate(kept_texts(language)))
    seeded("anchors", "texts", seed, language).shuffle(every)
    for number, text in every:
        name = f"anchor-{language}-text-{number:03d}"
        yield Anchor(
            id=name,
            language=language,
            sort="text",
            cluster=name,
            conversation=Conversation.of(("user", ASKS_TEXT[language]), ("assistant", text)),
        )


def _questions(seed: int, language: Language) -> Iterator[Anchor]:
    items = [item for skill in PLAIN for item in _of_skill(seed, language, skill)]
    seeded("anchors", "questions", seed, language).shuffle(items)
    yield from items


_EACH = 12
"""Questions of each skill; some have no more that training may rehearse."""


def _of_skill(seed: int, language: Language, skill: str) -> Iterator[Anchor]:
    for n in range(_EACH, 0, -1):
        try:
            items = sample_skills(
                seed, n, Split.TRAIN, languages=(language,), skills=(skill,), rehearsed=True
            )
        except InvalidInput:
            continue
        for item in items:
            yield Anchor(
                id=f"anchor-{item.id}",
                language=language,
                sort="skill",
                cluster=item.cluster,
                conversation=item.conversation,
            )
        return


_SORTS: Mapping[str, Callable[[int, Language], Iterator[Anchor]]] = {
    "chat": _chats,
    "text": _texts,
    "skill": _questions,
}
