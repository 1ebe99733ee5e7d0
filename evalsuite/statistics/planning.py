"""How many cases a decision needs, and what a given panel can see.

Normal approximations for paired differences (they reproduce the usual tables for one-sided
non-inferiority), exact binomial probabilities for rates.
"""

from __future__ import annotations

import math

from evalsuite.errors import InvalidInput
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.paired import tango_statistic
from evalsuite.statistics.quantiles import (
    binomial_above,
    crossing,
    normal_quantile,
)
from evalsuite.statistics.rates import binomial_bounds

LARGEST_PLAN = 1_000_000
"""Beyond this many cases a plan is no plan; a choice, far beyond any panel that was run."""


def _quantiles(power: float, confidence: float) -> float:
    if not 0 < power < 1:
        raise InvalidInput(f"power={power} must lie between 0 and 1, both excluded; 0.9 is usual")
    return normal_quantile(1 - Sides.ONE.tail(confidence)) + normal_quantile(power)


def smallest_detectable_difference(
    n: float, spread: float, *, power: float = 0.9, confidence: float = 0.95
) -> float:
    """Return the smallest true difference that ``n`` independent cases show with that power.

    Args:
        n: independent cases; pass the effective sample size of a clustered panel.
        spread: standard deviation of one case's difference; for failures, the root of the share
            of pairs that differ.
        power: probability to see it.
        confidence: one-sided.
    """
    if n <= 0 or spread < 0:
        raise InvalidInput(f"n={n}, spread={spread}: need n > 0 and spread >= 0")
    return _quantiles(power, confidence) * spread / math.sqrt(n)


def smallest_detectable_rate(
    n: float, limit: float, *, power: float = 0.9, confidence: float = 0.95
) -> float | None:
    """Return the smallest true rate that ``n`` independent cases prove to exceed ``limit``.

    Exact binomial. None when not even ``n`` failures in ``n`` cases would prove it.
    """
    # Rounded down: a part of a case proves nothing.
    trials = int(n)
    tail = Sides.ONE.tail(confidence)
    proving = (k for k in range(1, trials + 1) if binomial_bounds(k, trials, tail)[0] > limit)
    enough = next(proving, None)
    if enough is None:
        return None
    critical = enough - 1
    return crossing(lambda rate: binomial_above(critical, trials, rate) - power, limit, 1.0)


def more_cases_for_rate(estimate: Estimate, limit: float) -> int | None:
    """Return how many more cases decide a rate that stays as it is; None when none would.

    Assumes that the new cases come in new clusters of the same size.
    """
    tail = Sides.ONE.tail(estimate.confidence)

    def decided(scale: float) -> bool:
        size = estimate.effective_n * scale
        lower, upper = binomial_bounds(estimate.value * size, size, tail)
        # As a gate decides: on the limit passes, and only beyond it fails.
        return not lower <= limit < upper

    largest = LARGEST_PLAN / estimate.n
    if not decided(largest):
        return None
    return _further(estimate, crossing(lambda s: 1.0 if decided(s) else -1.0, 1.0, largest))


def more_cases_for_difference(estimate: Estimate, limit: float) -> int | None:
    """Return how many more pairs decide a paired difference of rates that stays as it is."""
    differing = estimate.spread**2
    worse, better = (differing + estimate.value) / 2, (differing - estimate.value) / 2
    size = estimate.effective_n
    reached = tango_statistic(max(worse, 0.0) * size, max(better, 0.0) * size, size, limit)
    needed = normal_quantile(1 - Sides.ONE.tail(estimate.confidence))
    # The statistic grows with the root of the size.
    return _further(estimate, _squared(needed / reached) if reached else math.inf)


def more_cases_for_mean(estimate: Estimate, limit: float) -> int | None:
    """Return how many more cases decide a difference of means that stays as it is."""
    distance = limit - estimate.value
    half = estimate.upper - estimate.value
    return _further(estimate, _squared(half / distance) if distance else math.inf)


def _squared(ratio: float) -> float:
    """The square; infinite where ``**`` would raise OverflowError, as next to a limit of 1e-200."""
    return ratio * ratio


def _further(estimate: Estimate, scale: float) -> int | None:
    """Return the cases that grow the panel by ``scale``, None when that is no plan."""
    if estimate.n * scale > LARGEST_PLAN:
        return None
    # Rounding must not ask for a case more; what is open needs one more at least.
    return max(1, math.ceil(estimate.n * (scale - 1) - 1e-6))
