"""Corpus BLEU as RUN's scorer has it: NLTK's ``corpus_bleu`` without smoothing.

Papineni et al. 2002, with two habits of that code that move the last digits: a sentence shorter
than n tokens adds one to the n-grams of the corpus all the same, and BLEU-3 weighs each order with
0.33. sacreBLEU gives other numbers (:mod:`~evalsuite.rewrites.metrics.libraries`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

ORDER = 4
_WEIGHTS = ((1.0,), (0.5, 0.5), (0.33, 0.33, 0.33), (0.25, 0.25, 0.25, 0.25))
_EMPTY = ("",)
"""The tokens of an empty answer: one that no reference holds."""
Tokens = Sequence[str]


def corpus_bleu(pairs: Sequence[tuple[Tokens, Tokens]]) -> tuple[float, float, float, float]:
    """BLEU-1 to BLEU-4, each 0 to 1, of pairs of a reference's tokens and an answer's.

    All are 0 where no token is shared; one is 0 where no n-gram of its length is.
    """
    matched, counted = [0] * ORDER, [0] * ORDER
    answered = wanted = 0
    for reference, answer in pairs:
        answer = answer or _EMPTY
        answered += len(answer)
        wanted += len(reference)
        for n in range(1, ORDER + 1):
            grams = Counter(_grams(answer, n))
            matched[n - 1] += (grams & Counter(_grams(reference, n))).total()
            counted[n - 1] += max(1, grams.total())
    short = math.exp(1 - wanted / answered) if answered and answered <= wanted else 1.0
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


def _grams(tokens: Tokens, n: int) -> zip[tuple[str, ...]]:
    return zip(*(tokens[start:] for start in range(n)), strict=False)
