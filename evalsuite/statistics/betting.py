"""Evidence that may be looked at after every case, without a plan: betting against a claim.

A gambler who bets against "the candidate is harmful" cannot expect to gain where it is: after any
number of cases, chosen in any way, a wealth of 20 has a chance of at most one in twenty (Ville
1939; Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86, 2024). No number of looks has to be known
beforehand, and cases may be added until the answer is clear. The price is more cases for good
candidates than a test of fixed size needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from evalsuite.errors import InvalidInput
from evalsuite.statistics.clusters import Array, as_numbers

_BOLDEST = 0.5
"""Share of the wealth that one case may cost at most: nobody goes bankrupt on one surprise."""


class Claim(StrEnum):
    """What the gambler bets against."""

    HARMFUL = "harmful"
    """The mean loss is at least the margin; wealth is evidence of no harm."""
    HARMLESS = "harmless"
    """The mean loss is at most the margin; wealth is evidence of harm."""


def betting_wealth(
    losses: Sequence[float],
    margin: float,
    claim: Claim = Claim.HARMFUL,
    *,
    low: float = -1.0,
    high: float = 1.0,
) -> Array:
    """Return the gambler's wealth after each loss, shape ``[n]``; it starts from 1.

    If the claim holds, the wealth ever reaches ``1 / alpha`` with a probability of ``alpha`` at
    most. Each bet follows the losses before it (an approximate Kelly bet on their mean and
    variance), so the order of the losses matters and must not be chosen by their values.

    Args:
        losses: of independent cases, in the order in which they were seen. Cases of one cluster
            are not independent: give the mean loss of each cluster.
        margin: where the claim begins, strictly between ``low`` and ``high``.
        claim: what to bet against.
        low: smallest loss there can be: -1 for a pair, 0 for a failure.
        high: largest loss there can be.

    Raises:
        InvalidInput: losses or a margin outside their range.
    """
    values = as_numbers("losses", losses, low, high)
    if not low < margin < high:
        raise InvalidInput(f"margin={margin} must lie between {low} and {high}, both excluded")
    side = 1.0 if claim is Claim.HARMFUL else -1.0
    gains = side * (margin - values)
    worst = high - margin if claim is Claim.HARMFUL else margin - low
    bets = _bets(gains, (high - low) / 2)
    wealth: Array = np.exp(np.cumsum(np.log1p(np.clip(bets, 0, _BOLDEST / worst) * gains)))
    return wealth


def first_reaching(wealth: Array, alpha: float) -> int | None:
    """Return after how many cases the wealth first refutes its claim; None: never.

    Raises:
        InvalidInput: ``alpha`` is no probability.
    """
    if not 0 < alpha < 1:
        raise InvalidInput(f"alpha={alpha} must lie between 0 and 1, both excluded; 0.05 is usual")
    reached = np.flatnonzero(wealth >= 1 / alpha * (1 - math.ulp(1.0)))
    return int(reached[0]) + 1 if reached.size else None


def _bets(gains: Array, scale: float) -> Array:
    """Return the bet on each gain, from the gains before it: mean over second moment.

    One imagined case of gain 0 and spread ``scale`` stands before the first.
    """
    seen = np.arange(gains.size) + 1.0
    total = np.concatenate(([0.0], np.cumsum(gains)[:-1]))
    squares = scale**2 + np.concatenate(([0.0], np.cumsum(gains**2)[:-1]))
    bets: Array = (total / seen) / (squares / seen)
    return bets
