"""Corpus BLEU as RUN's scorer has it: NLTK's ``corpus_bleu`` without smoothing.

Papineni et al. 2002, with two habits of that code that move the last digits: a sentence shorter
than n tokens adds one to the n-grams of the corpus all the same, and BLEU-3 weighs each order with
0.33. sacreBLEU gives other numbers (:mod:`~evalsuite.rewrites.metrics.libraries`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ORDER = 4
_WEIGHTS = ((1.0,), (0.5, 0.5), (0.33, 0.33, 0.33), (0.25, 0.25, 0.25, 0.25))
_EMPTY = ("",)
"""The tokens of an empty answer: one that no reference holds."""

Bleus = tuple[float, float, float, float]
"""BLEU-1 to BLEU-4, each 0 to 1."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What one answer adds to the counts of a corpus."""

    matched: tuple[int, ...]
    """N-grams of the answer that the reference has too, each as often as it has them; n = 1 to
    4."""
    counted: tuple[int, ...]
    """N-grams of the answer, 1 where it is shorter than n."""
    answered: int
    """Tokens of the answer."""
    wanted: int
    """Tokens of the reference."""


def matches(reference: Sequence[str], answer: Sequence[str]) -> Matches:
    """Count the n-grams of an answer, both given as tokens."""
    answer = answer or _EMPTY
    matched, counted = [], []
    for n in range(1, ORDER + 1):
        grams = Counter(_grams(answer, n))
        matched.append((grams & Counter(_grams(reference, n))).total())
        counted.append(max(1, grams.total()))
    return Matches(tuple(matched), tuple(counted), len(answer), len(reference))


def corpus_bleu(found: Iterable[Matches]) -> Bleus:
    """BLEU of a corpus of at least one answer.

    All are 0 where no token is matched; one is 0 where no n-gram of its length is.
    """
    every = list(found)
    matched = [sum(one.matched[at] for one in every) for at in range(ORDER)]
    counted = [sum(one.counted[at] for one in every) for at in range(ORDER)]
    answered, wanted = sum(one.answered for one in every), sum(one.wanted for one in every)
    short = math.exp(1 - wanted / answered) if answered <= wanted else 1.0
    one, two, three, four = (_weighed(weights, matched, counted, short) for weights in _WEIGHTS)
    return one, two, three, four


def _weighed(
    weights: Sequence[float], matched: Sequence[int], counted: Sequence[int], short: float
) -> float:
    orders = list(zip(weights, matched, counted, strict=False))
    if not all(shared for _, shared, _ in orders):
        return 0.0
    logs = (weight * math.log(shared / grams) for weight, shared, grams in orders)
    return short * math.exp(math.fsum(logs))


def _grams(tokens: Sequence[str], n: int) -> zip[tuple[str, ...]]:
    return zip(*(tokens[start:] for start in range(n)), strict=False)
