"""The shapes that a copied name takes."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping

from evalsuite.cases import Language

Disguise = Callable[[str, random.Random], str | None]
"""From a name to a near copy of it, or None where there is none of this kind."""
_COMMON_CHARACTERS = "大小上中人天地水火木金土心手日月年生东西南北高长新老白青春花风雨山石田"


def _plural(name: str, rng: random.Random) -> str:
    del rng
    return f"{name}es" if name[-1] in "sxz" else f"{name}s"


def _possessive(name: str, rng: random.Random) -> str:
    del rng
    return f"{name}'s"


def _letters(name: str) -> list[int]:
    return [i for i, c in enumerate(name) if c.isalpha()]


def _lost(name: str, rng: random.Random) -> str | None:
    at = _letters(name)
    i = rng.choice(at)
    return name[:i] + name[i + 1 :] if len(at) >= 5 else None


def _changed(name: str, rng: random.Random) -> str | None:
    at = _letters(name)
    i = rng.choice(at)
    others = [c for c in string.ascii_lowercase if c != name[i].casefold()]
    return name[:i] + rng.choice(others) + name[i + 1 :] if len(at) >= 5 else None


def _swapped(name: str, rng: random.Random) -> str | None:
    at = [i for i in _letters(name)[:-1] if name[i + 1].isalpha()]
    at = [i for i in at if name[i].casefold() != name[i + 1].casefold()]
    if len(name) < 5 or not at:
        return None
    i = rng.choice(at)
    return name[:i] + name[i + 1] + name[i] + name[i + 2 :]


def _linked(link: str) -> Disguise:
    def disguised(name: str, rng: random.Random) -> str | None:
        del rng
        copy = link.join(name.replace("-", " ").split())
        return copy if copy != name else None

    return disguised


def _short_of(start: int, end: int) -> Disguise:
    def disguised(name: str, rng: random.Random) -> str | None:
        del rng
        return name[start : len(name) - end] if len(name) >= 3 else None

    return disguised


def _inner_lost(name: str, rng: random.Random) -> str | None:
    if len(name) < 3:
        return None
    i = rng.randrange(1, len(name) - 1)
    return name[:i] + name[i + 1 :]


def _character_changed(name: str, rng: random.Random) -> str | None:
    if len(name) < 3:
        return None
    i = rng.randrange(len(name))
    return name[:i] + rng.choice([c for c in _COMMON_CHARACTERS if c not in name]) + name[i + 1 :]


def _apart(link: str) -> Disguise:
    def disguised(name: str, rng: random.Random) -> str | None:
        i = rng.randrange(1, len(name))
        return name[:i] + link + name[i:]

    return disguised


ENGLISH: Mapping[str, Disguise] = {
    "plural": _plural,
    "possessive": _possessive,
    "one letter lost": _lost,
    "one letter changed": _changed,
    "two letters swapped": _swapped,
    "hyphenated": _linked("-"),
    "underscored": _linked("_"),
    "joined": _linked(""),
}
CHINESE: Mapping[str, Disguise] = {
    "last character left out": _short_of(0, 1),
    "first character left out": _short_of(1, 0),
    "inner character lost": _inner_lost,
    "one character changed": _character_changed,
    "cut by a space": _apart(" "),
    "cut by a hyphen": _apart("-"),
    "cut by an underscore": _apart("_"),
}
DISGUISES: Mapping[Language, Mapping[str, Disguise]] = {
    Language.EN: ENGLISH,
    Language.ZH: CHINESE,
}
