"""The worlds that conversations can be drawn from, and what each of them has to be able to do.

``nano`` is small enough for the embedded model and combines words without asking whether anybody
would say so; ``natural`` reads as people write, for real models (docs/natural.md).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import grammar
from evalsuite.scenarios.names import Split, invent_name
from evalsuite.scenarios.natural import dialogues, lures
from evalsuite.scenarios.natural.content import content
from evalsuite.scenarios.natural.naming import invent_core


class Drawable(Protocol):
    """One question of a world, from which cases are made."""

    @property
    def language(self) -> Language:
        """The language of the question."""
        ...

    @property
    def kind(self) -> Kind:
        """What makes the question depend on its history."""
        ...

    @property
    def split(self) -> Split:
        """The split to which it belongs."""
        ...

    @property
    def cluster(self) -> str:
        """The cluster of every case that it makes."""
        ...

    def case(
        self,
        rng: random.Random,
        case_id: str,
        source: str = "",
        avoid: frozenset[str] = frozenset(),
        distance: int | None = None,
    ) -> Case:
        """Make one case; the state of ``rng`` decides everything that is drawn.

        Args:
            rng: the only source of randomness.
            case_id: the case's id.
            source: where the case comes from.
            avoid: names that are not used.
            distance: for distant antecedents, exchanges in between; None draws two or three.
        """
        ...

    def asks_like(self, case: Case, shown: Sequence[Demonstration]) -> bool:
        """Whether a case that it made asks in the words of one of these."""
        ...


@dataclass(frozen=True, slots=True)
class Grammar:
    """How the cases of a world are made."""

    templates: Templates
    lure: Lure
    fillers: Fillers
    invent: Invent


class Templates(Protocol):
    """Lists every question of a kind."""

    def __call__(self, language: Language, kind: Kind, split: Split, /) -> Sequence[Drawable]: ...


class Lure(Protocol):
    """Makes a case out of a demonstration's history."""

    def __call__(
        self,
        rng: random.Random,
        shown: Demonstration,
        split: Split,
        case_id: str,
        source: str = "",
        avoid: frozenset[str] = frozenset(),
        /,
    ) -> Case: ...


class Fillers(Protocol):
    """Lists exchanges about nothing that could be an antecedent."""

    def __call__(self, language: Language, split: Split, /) -> Sequence[tuple[str, str]]: ...


class Invent(Protocol):
    """Invents a word that names something, or a person."""

    def __call__(
        self,
        rng: random.Random,
        language: Language,
        split: Split,
        /,
        *,
        person: bool = False,
        avoid: frozenset[str] = frozenset(),
    ) -> str: ...


GRAMMARS: Mapping[WorldName, Grammar] = MappingProxyType(
    {
        WorldName.NANO: Grammar(
            templates=grammar.templates,
            lure=grammar.make_lure,
            fillers=lambda language, split: grammar.LEXICONS[language].fillers[split],
            invent=invent_name,
        ),
        WorldName.NATURAL: Grammar(
            templates=dialogues.templates,
            lure=lures.make_lure,
            fillers=lambda language, split: content(language, split).general.fillers,
            invent=invent_core,
        ),
    }
)
