"""How rare a word is in its language: what a part of a name, or a near copy of it, proves.

Rarity is the negative decimal logarithm of a word's share of all words: 4.2 is one word in 16,000.
It comes from two short lists of common words (``common/``); what is on neither is ``UNLISTED``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

UNLISTED = 7.0
"""Rarity of a word on no list: the lists end near 5.6."""
_LONGEST = 5
"""Characters of the longest Chinese word that is looked up."""


def rarity(word: str) -> float:
    """How rare a folded word is, in English or Chinese."""
    return _listed().get(word, UNLISTED)


def is_listed(word: str) -> bool:
    """Whether a folded word is one of the common ones."""
    return word in _listed()


def segments(characters: str) -> tuple[str, ...]:
    """Cut Chinese characters into the words that are likeliest together.

    Takes time in proportion to the length.
    """
    listed = _listed()
    best = [0.0]
    cut = [0]
    for end in range(1, len(characters) + 1):
        start = end - 1
        cost = best[start] + listed.get(characters[start], UNLISTED)
        for first in range(max(0, end - _LONGEST), end - 1):
            known = listed.get(characters[first:end])
            if known is not None and best[first] + known < cost:
                start, cost = first, best[first] + known
        best.append(cost)
        cut.append(start)
    found: list[str] = []
    end = len(characters)
    while end:
        found.append(characters[cut[end] : end])
        end = cut[end]
    return tuple(reversed(found))


@cache
def _listed() -> dict[str, float]:
    folder = resources.files("evalsuite.detectors") / "common"
    found: dict[str, float] = {}
    for name in ("en.txt", "zh.txt"):
        for line in (folder / name).read_text("utf-8").splitlines():
            if line.startswith("#"):
                continue
            value, *words = line.split()
            found.update(dict.fromkeys(words, float(value)))
    return found
