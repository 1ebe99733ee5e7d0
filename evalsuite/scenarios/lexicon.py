"""The shape of a language's part of the grammar, filled in by english.py and chinese.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from evalsuite.cases import Kind, Language
from evalsuite.scenarios.names import Split


@dataclass(frozen=True, slots=True)
class Pronoun:
    """The three forms in which a query refers back: possessive, subject, object."""

    possessive: str
    subject: str
    object: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Pieces of queries that are put together in every way: lead, slot, tail."""

    leads: tuple[str, ...]
    slots: tuple[str, ...]
    tails: tuple[str, ...]

    def composed(self) -> tuple[str, ...]:
        """Every query that the pieces make."""
        pieces = product(self.leads, self.slots, self.tails)
        return tuple(lead + slot + tail for lead, slot, tail in pieces)


def composed(
    pieces: Mapping[Split, tuple[Parts, ...]],
) -> dict[Split, tuple[str, ...]]:
    """Return every query of every split."""
    return {
        split: tuple(query for part in parts for query in part.composed())
        for split, parts in pieces.items()
    }


@dataclass(frozen=True, slots=True)
class Elliptic:
    """A question without its subject."""

    bare: str
    full: tuple[str, ...]
    """The same with ``{N}``, the name, supplied: every place where it may stand, the plainest
    first."""


def lead(query: str) -> str:
    """Return the first words of a query that are not a slot.

    Queries that share them are asked in the same words; whether a model copes with these words is
    one piece of evidence, however many names are put into them.
    """
    return next(text.strip() for text in re.split(r"\{\w+\}", query) if text.strip())


@dataclass(frozen=True, slots=True)
class Opener:
    """How a history of some kind begins: alternating user and assistant texts.

    Slots: ``{A}`` and ``{B}`` are entities, ``{type}`` what they are, ``{attr}`` one of their
    attributes, ``{comp}`` a comparative, ``{role}`` a person's role. An odd number of texts ends
    with the user, that is, without an answer.
    """

    texts: tuple[str, ...]

    @property
    def slots(self) -> frozenset[str]:
        """Names of the slots that occur."""
        return frozenset(re.findall(r"\{(\w+)\}", " ".join(self.texts)))


@dataclass(frozen=True, slots=True)
class EntityType:
    """A kind of thing and what one may ask about it."""

    noun: str
    attributes: tuple[str, ...]
    comparatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything that the grammar needs to speak one language."""

    language: Language
    types: tuple[EntityType, ...]
    adjectives: tuple[str, ...]
    person_attributes: tuple[str, ...]
    female_roles: tuple[str, ...]
    male_roles: tuple[str, ...]
    thing: Pronoun
    plural: Pronoun
    female: Pronoun
    male: Pronoun
    former: Pronoun
    latter: Pronoun
    conjunction: str
    """Joins two names: ``" and "``."""
    possessive_suffix: str
    """Makes a name possessive: ``"'s"``."""
    possession: str
    """How queries ask for an attribute: ``"{P} {attr}"``."""
    genitive: str
    """Another way to say the same of a name: ``"the {attr} of {N}"``; empty where there is none."""
    apposition: str
    """A name after what it is: ``"the {noun} {N}"``."""
    queries: Mapping[Split, tuple[str, ...]]
    """Follow-up questions: one of ``{P}``, ``{S}``, ``{O}``, maybe ``{attr}`` or ``{adj}``."""
    elliptic: Mapping[Split, tuple[Elliptic, ...]]
    openers: Mapping[Split, Mapping[Kind, tuple[Opener, ...]]]
    fillers: Mapping[Split, tuple[tuple[str, str], ...]]
    """Exchanges about nothing that could be an antecedent."""
    foreign_attributes: Mapping[str, str]
    """Attributes in the other language, for mixed queries, with what they mean in this one."""
