"""The questions of the natural world: which there are of each kind, and what each asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalsuite.cases import Kind, Language
from evalsuite.scenarios.names import Split
from evalsuite.scenarios.natural.content import Answered, Hasty, Left, content


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a type of thing, asked in a conversation of some kind."""

    language: Language
    kind: Kind
    split: Split
    type: str
    """The type's name; '' for a question that names and means nothing."""
    topic: str
    """What is asked about: an aspect, a person's role, or the kind itself."""
    place: int
    """The question's place under its topic."""

    @property
    def cluster(self) -> str:
        """The cluster of every case that asks about the same of the same type."""
        about = f"{self.type or 'general'}/{self.topic}"
        return f"natural/{self.split}/{self.language}/{about}".replace(" ", "-")

    @property
    def frame(self) -> str:
        """The question with its slot; what is left of it where it leaves its thing out."""
        match self.entry:
            case Left() as left:
                return left.bare
            case Hasty() as hasty:
                return hasty.noisy
            case Answered() as answered:
                return answered.ask
            case str() as asked:
                return asked

    @property
    def entry(self) -> Answered | Left | Hasty | str:
        """The question as its file holds it."""
        part = content(self.language, self.split)
        if not self.type:
            return part.general.standalone[self.place]
        kindred = part.types[self.type]
        match self.kind:
            case Kind.PLURAL:
                return kindred.both[self.place]
            case Kind.DROPPED_SUBJECT:
                return kindred.elliptic[self.place]
            case Kind.NOISY:
                return kindred.noisy[self.place]
        for person in kindred.people:
            if person.role == self.topic and self.kind is Kind.PERSON:
                return person.asks[self.place]
        return kindred.aspects[self.topic][self.place]


def places(language: Language, kind: Kind, split: Split) -> Iterator[tuple[str, str, int]]:
    """Yield type, topic and place of every question of a kind, in a fixed order."""
    part = content(language, split)
    if kind is Kind.STANDALONE:
        yield from _each("", kind.value, len(part.general.standalone))
    for name, kindred in part.types.items():
        match kind:
            case Kind.PLURAL:
                yield from _each(name, kind.value, len(kindred.both))
            case Kind.DROPPED_SUBJECT:
                yield from _each(name, kind.value, len(kindred.elliptic))
            case Kind.NOISY:
                yield from _each(name, kind.value, len(kindred.noisy))
            case Kind.STANDALONE:
                for aspect in kindred.aspects:
                    yield from _each(name, aspect, 1)
            case Kind.PERSON:
                for person in kindred.people:
                    yield from _each(name, person.role, len(person.asks))
                # Some ask about the thing, so that "always the person" is not a way out.
                for aspect in tuple(kindred.aspects)[::2] if kindred.people else ():
                    yield from _each(name, aspect, 1)
            case _:
                for aspect, asks in kindred.aspects.items():
                    yield from _each(name, aspect, len(asks))


def _each(type_: str, topic: str, n: int) -> Iterator[tuple[str, str, int]]:
    for place in range(n):
        yield type_, topic, place
