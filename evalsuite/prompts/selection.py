"""Which demonstrations a prompt shows: always the same ones, or those that are like its case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.cases import Case
from evalsuite.conversation import Message
from evalsuite.prompts.content import Demonstration

_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+|\d+|(?=([\u3400-\u9fff]{2}))")
POOL = 24
"""Demonstrations that are drawn in each language for the nearest to be chosen of."""


class Choose(StrEnum):
    """Which of the pool a prompt shows."""

    FIRST = "first"
    NEAREST = "nearest"


class Similarity(StrEnum):
    """By what two conversations are alike: the Jaccard index of what both hold."""

    WORDS = "words"
    """Words without case; in Chinese pairs of characters."""
    CHARACTERS = "characters"
    """Three characters in a row, without case."""


class Order(StrEnum):
    """In which order the nearest demonstrations stand."""

    NEAREST_LAST = "nearest-last"
    NEAREST_FIRST = "nearest-first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How many demonstrations a prompt shows, and which."""

    number: int | None = None
    """None: as many as whoever asks says."""
    pool: tuple[Demonstration, ...] = ()
    """Those of a file, in order; empty: they are drawn."""
    choose: Choose = Choose.FIRST
    similarity: Similarity = Similarity.WORDS
    order: Order = Order.NEAREST_LAST

    @property
    def drawn(self) -> bool:
        """Whether they are invented for a run, and in the usual way: the same for a few cases."""
        return not self.pool and self.choose is Choose.FIRST

    def of(
        self, case: Case, pool: Sequence[Demonstration], number: int
    ) -> tuple[tuple[Demonstration, ...], tuple[Demonstration, ...]]:
        """Choose what a case's prompt shows, and what its counterfactual shows: the next best.

        The second is empty where the pool of the case's language does not hold twice as many,
        or names of one would stand in the other.
        """
        ranked = [one for one in pool if one.language is case.language]
        if self.choose is Choose.NEAREST:
            asked = self._grams(case.history, case.query)
            ranked.sort(key=lambda one: -_shared(asked, self._grams(one.history, one.query)))
        shown = ranked[:number]
        named = {name.casefold() for one in shown for name in one.entities}
        apart = [
            one for one in ranked[number:] if not named & {name.casefold() for name in one.entities}
        ]
        other = apart[:number] if len(apart) >= number else []
        return self._ordered(shown), self._ordered(other)

    def _ordered(self, ranked: Sequence[Demonstration]) -> tuple[Demonstration, ...]:
        last = self.choose is Choose.NEAREST and self.order is Order.NEAREST_LAST
        return tuple(reversed(ranked)) if last else tuple(ranked)

    def _grams(self, history: Sequence[Message], query: str) -> frozenset[str]:
        text = "\n".join((*(turn.content for turn in history), query)).casefold()
        if self.similarity is Similarity.CHARACTERS:
            return frozenset(text[at : at + 3] for at in range(len(text) - 2))
        return frozenset(match[1] or match[0] for match in _WORD.finditer(text)) - {""}


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """The Jaccard index."""
    return len(one & other) / (len(one | other) or 1)
