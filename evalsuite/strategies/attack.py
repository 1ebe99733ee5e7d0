"""Attacks: hostile histories as a handful of whole numbers.

Whatever draws one - Hypothesis, a seeded sampler, a search that breeds - and wherever it is built,
the same numbers make the same case. Nothing here calls a model.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import GRAMMARS, WRITTEN_SKILLS, Split, seeded
from evalsuite.scenarios.worlds import Grammar

ANSWERABLE = tuple(
    kind for kind in Kind if kind not in (Kind.UNANSWERABLE, Kind.DEMONSTRATION_LURE)
)
"""Kinds whose history settles what is meant, whatever is put around it."""
SEEDS = 2**16
"""Seeds lie below this."""
PLACES = 16
"""Places lie below this; a place beyond the last turn counts on from the first."""
SIZES = 4
"""Sizes lie below this; 0 is the least that an operator does."""
ORDERS = 24
"""Orders of demonstrations lie below this."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One use of an operator."""

    operator: str
    seed: int = 0
    """Which words."""
    place: int = 0
    """Which turn of the history, counted from the first."""
    size: int = 0
    """How much."""

    @property
    def rng(self) -> random.Random:
        """The edit's own source of randomness, at its start."""
        return seeded(self.operator, self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A harmless case of the scenario grammar and what is done to it."""

    language: Language
    kind: Kind = Kind.SINGLE
    skill: str = ""
    """Ask for this general skill in a chat, instead of for a rewrite; the kind is ``single``."""
    template: int = 0
    """Place among the templates of the kind, counted on from the first beyond the last. For a
    skill: whether something was talked about before (odd) or not."""
    seed: int = 0
    """Of names and fillings."""
    edits: tuple[Edit, ...] = ()
    shown: int = 2
    """Demonstrations in the prompt."""
    order: int = 0
    """Which order they stand in; 0 is the order in which they were sampled."""

    def __post_init__(self) -> None:
        if self.skill:
            object.__setattr__(self, "kind", Kind.SINGLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Which histories may be drawn: what a model is held to."""

    languages: tuple[Language, ...] = tuple(Language)
    kinds: tuple[Kind, ...] = ANSWERABLE
    operators: tuple[str, ...] = ()
    """Names out of the table of operators; empty: all that can be used."""
    max_edits: int = 4
    max_demonstrations: int = 2
    skills: tuple[str, ...] = ()
    """General skills that some attacks ask for, in a chat; empty: rewrites only."""


def spell(attack: Attack) -> str:
    """Write an attack on one line; :func:`parse_attack` reads it back.

    Language, kind or skill, template and seed; demonstrations and their order; then each edit with
    its seed, place and size: ``en/single/3/17 2/0 gap/5/0/1``.
    """
    topic = attack.skill or attack.kind.value
    head = f"{attack.language}/{topic}/{attack.template}/{attack.seed}"
    edits = (f"{e.operator}/{e.seed}/{e.place}/{e.size}" for e in attack.edits)
    return " ".join((head, f"{attack.shown}/{attack.order}", *edits))


def parse_attack(text: str) -> Attack:
    """Read an attack that :func:`spell` wrote.

    Raises:
        InvalidInput: the text is none.
    """
    try:
        head, prompt, *edits = text.split(" ")
        language, topic, template, seed = head.split("/")
        shown, order = prompt.split("/")
        parts = [edit.split("/") for edit in edits]
        return Attack(
            language=Language(language),
            kind=Kind.SINGLE if topic in WRITTEN_SKILLS else Kind(topic),
            skill=topic if topic in WRITTEN_SKILLS else "",
            template=int(template),
            seed=int(seed),
            edits=tuple(Edit(name, int(a), int(b), int(c)) for name, a, b, c in parts),
            shown=int(shown),
            order=int(order),
        )
    except ValueError:
        raise InvalidInput(
            f"attack={text!r} is none; one looks like 'en/single/3/17 2/0 gap/5/0/1'"
        ) from None


@dataclass(frozen=True, slots=True)
class World:
    """What an operator may use."""

    split: Split = Split.PANEL
    demonstrations: Mapping[Language, tuple[Demonstration, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """All that a prompt may show."""
    room: Callable[[Case, Sequence[Demonstration]], int] | None = None
    """Tokens that the prompt of a case may still grow by, which shows those demonstrations;
    negative when it is too long. None: nobody measures."""
    drawn_from: WorldName = WorldName.NANO
    """Where harmless cases and new names come from."""

    @property
    def grammar(self) -> Grammar:
        """How cases are made."""
        return GRAMMARS[self.drawn_from]

    def names(self, language: Language) -> frozenset[str]:
        """Names of the demonstrations, which no case may use."""
        return frozenset(n for d in self.demonstrations.get(language, ()) for n in d.entities)

    def left(self, case: Case) -> int:
        """Tokens that the case's prompt may still grow by; 0 where nobody measures."""
        shown = self.demonstrations.get(case.language, ())
        return 0 if self.room is None else self.room(case, shown)
