"""Restored n-grams: what of the reference was put back, as RUN's scorer counts it.

Most words of a rewrite stand in the query already, so whatever looks at all of them flatters every
system. Only n-grams that hold a **restored** token count, one that the query lacks: each once (a
set), summed over the corpus before anything is divided. Sources: Pan et al. 2019 ("Improving
Open-Domain Dialogue Systems via Multi-Turn Incomplete Utterance Restoration"), and
``Scorer.restored_count`` and ``FScoreMetric`` of RUN's ``data_utils.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

ORDERS = (1, 2, 3)
"""Lengths of the n-grams."""
_NOTHING = ("",)
"""The tokens of an empty answer: RUN's scorer splits it into one empty token, which was restored
and is wrong."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Precision, recall and their harmonic mean, each 0 to 1; 0 where nothing can be divided."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How many n-grams with a restored token there are."""

    shared: int = 0
    """In the answer and in the reference."""
    given: int = 0
    """In the answer."""
    wanted: int = 0
    """In the reference."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.shared + other.shared, self.given + other.given, self.wanted + other.wanted
        )

    @property
    def shares(self) -> Shares:
        """Precision, recall and F of these counts."""
        precision = self.shared / self.given if self.given else 0.0
        recall = self.shared / self.wanted if self.wanted else 0.0
        both = precision + recall
        return Shares(precision, recall, 2 * precision * recall / both if both else 0.0)


Restored = tuple[Counts, Counts, Counts]
"""Of single tokens, pairs and triples."""


def restored(
    query: Sequence[str], reference: Sequence[str], answer: Sequence[str]
) -> Restored | None:
    """Compare what an answer and a reference put back.

    Args:
        query: tokens of the incomplete utterance.
        reference: tokens of the accepted rewrite.
        answer: tokens of the answer.

    Returns:
        None where the reference restores nothing: such an utterance is skipped.
    """
    known = frozenset(query)
    if known.issuperset(reference):
        return None
    answer = answer or _NOTHING
    one, two, three = (_counts(known, reference, answer, n) for n in ORDERS)
    return one, two, three


def total(found: Sequence[Restored]) -> Restored:
    """The sums over a corpus."""
    one, two, three = (
        reduce(Counts.__add__, (counts[at] for counts in found), Counts())
        for at in range(len(ORDERS))
    )
    return one, two, three


def _counts(
    known: frozenset[str], reference: Sequence[str], answer: Sequence[str], n: int
) -> Counts:
    wanted, given = _grams(known, reference, n), _grams(known, answer, n)
    return Counts(len(wanted & given), len(given), len(wanted))


def _grams(known: frozenset[str], tokens: Sequence[str], n: int) -> set[tuple[str, ...]]:
    grams = zip(*(tokens[start:] for start in range(n)), strict=False)
    return {gram for gram in grams if not known.issuperset(gram)}
