"""What things and persons of the natural world are called: an invented word, in a real shape."""

from __future__ import annotations

import random
from collections.abc import Set
from dataclasses import dataclass

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.scenarios.names import (
    Split,
    invent_name,
    ordinary_words,
    personal_endings,
    split_of,
    surnames,
)
from evalsuite.scenarios.natural.content import General, Kindred

# English words of two or three syllables that sound like a place or a make: Varmonda, Brenluth.
_FIRST = """
Al Bal Bren Cal Cor Dal Del Dor Fal Fen Gal Gren Hal Hes Il Is Jor Kal Kor Lan Lor Mal Mar Nor Or
Os Pel Per Quen Ren Ros Sal Sel Tal Tor Ul Van Var Ver Wen Wes Yar Yel Zan Zel
""".split()
_MIDDLE = "ba bo da de do fa ga ka ke la le lo lu ma mo na ne no ra ri ro sa so ta ti va vo".split()
_LAST = "b d l lth ls m n nd ng nt nth p ra rk rn rt s sk ss st th va vex x xa zen".split()
# A surname: Ostermik, Halvendar. It ends as all persons' names of the grammar do.
_SURNAME = """
Alver Ander Bastel Bergen Borin Caster Corven Drumm Elver Enders Falken Farren Grun Halven Hester
Ilven Jasper Kester Larken Lind Marren Morven Nolder Oster Pander Pellen Quarn Rosten Sander Selver
Solven Tarren Tolver Ulven Vander Varren Wexel Winter Yarren Zander
""".split()
_WORDS = frozenset(ordinary_words())
QUOTES = "《》“”\"'"
"""What may stand around a title; it is no part of the name."""


@dataclass(frozen=True, slots=True)
class Name:
    """What something is called."""

    core: str
    """The invented word in it, by which it may be called too."""
    full: str
    """The whole name, without article and quotation marks."""
    said: str
    """The name as it stands in a sentence."""

    def __str__(self) -> str:
        return self.said

    @property
    def alias(self) -> tuple[str, ...]:
        """The shorter name, where there is one."""
        return (self.core,) if self.core != self.full else ()


def invent_core(
    rng: random.Random,
    language: Language,
    split: Split,
    *,
    person: bool = False,
    avoid: frozenset[str] = frozenset(),
) -> str:
    """Invent the word that a name is made of; arguments as those of ``invent_name``."""
    if language is Language.ZH:
        return invent_name(rng, language, split, person=person, avoid=avoid)
    taken = {name.casefold() for name in avoid}
    while True:
        if person:
            word = rng.choice(_SURNAME) + rng.choice(personal_endings())
        else:
            word = rng.choice(_FIRST) + rng.choice(_MIDDLE) + rng.choice(_LAST)
        folded = word.casefold()
        if folded in _WORDS or any(folded in other or other in folded for other in taken):
            continue
        if split_of(word) is split and (person or not folded.endswith(personal_endings())):
            return word


def name_thing(rng: random.Random, kindred: Kindred, core: str, language: Language) -> Name:
    """Make a name for a thing of some type out of an invented word."""
    written = rng.choice(kindred.names).format(core=core)
    article = f"{kindred.article} " if kindred.article and language is Language.EN else ""
    return Name(core, written.strip(QUOTES), article + written)


def pick_called(rng: random.Random, kindred: Kindred, avoid: Set[str], language: Language) -> Name:
    """Take one of a type's real names; a person goes by the surname, too.

    Raises:
        InvalidInput: none is left that is neither in one of ``avoid`` nor has one in it.
    """
    free = [
        called
        for called in kindred.called
        if not any(called in other or other in called for other in avoid)
    ]
    if not free:
        raise InvalidInput(f"type {kindred.noun!r}: every one of its names is taken")
    full = rng.choice(free)
    article = f"{kindred.article} " if kindred.article and language is Language.EN else ""
    surname = kindred.pronoun != "thing" and language is Language.EN
    return Name(full.rpartition(" ")[2] if surname else full, full, article + full)


def name_person(
    rng: random.Random, general: General, gender: str, core: str, language: Language
) -> Name:
    """Make a name for a person: a given name, and an invented surname in English.

    Chinese surnames are few, so there the given name is what tells persons apart.
    """
    given = rng.choice(general.female_names if gender == "female" else general.male_names)
    if language is Language.EN:
        return Name(core, f"{given} {core}", f"{given} {core}")
    full = rng.choice(surnames()) + given
    return Name(full, full, full)
