"""Intervals for one failure rate, made for rates near zero.

Clopper-Pearson is exact for independent cases: it never promises more than it holds, also at zero
failures, where normal and bootstrap intervals shrink to nothing and Wilson's is too short.
Clustered panels use the same interval at the effective sample size of
:mod:`evalsuite.statistics.clusters`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evalsuite.errors import InvalidInput
from evalsuite.statistics.clusters import (
    ASSUMED_ICC,
    as_numbers,
    codes_of,
    effective_size,
    summarise,
)
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.quantiles import beta_quantile


def binomial_bounds(failures: float, n: float, tail: float) -> tuple[float, float]:
    """Return the Clopper-Pearson bounds, each with error probability ``tail``.

    ``failures`` and ``n`` need not be whole numbers: that is how a design effect enters.
    """
    passes = max(n - failures, 0.0)
    lower = beta_quantile(tail, failures, passes + 1) if failures > 0 else 0.0
    upper = beta_quantile(1 - tail, failures + 1, passes) if passes > 0 else 1.0
    rate = failures / n
    return min(lower, rate), max(upper, rate)


def best_case_upper(rate: float, effective_n: float, share: float, confidence: float) -> float:
    """Return the upper bound that a panel would end with if nothing failed from here on.

    Args:
        rate: failure rate of the part that was seen.
        effective_n: independent cases that this part is worth.
        share: of the whole panel that it makes up, above 0 and up to 1.
        confidence: one-sided, of the bound at the end.
    """
    tail = Sides.ONE.tail(confidence)
    return binomial_bounds(rate * effective_n, effective_n / share, tail)[1]


def clopper_pearson(
    failures: int, n: int, confidence: float = 0.95, *, sides: Sides = Sides.ONE
) -> Estimate:
    """Return the exact interval of a failure rate from ``n`` independent cases.

    Source: Clopper and Pearson, Biometrika 26 (1934).

    Raises:
        InvalidInput: no cases, or more failures than cases.
    """
    if n < 1 or not 0 <= failures <= n:
        raise InvalidInput(f"failures={failures}, n={n}: need n >= 1 and 0 <= failures <= n")
    lower, upper = binomial_bounds(failures, n, sides.tail(confidence))
    rate = failures / n
    return Estimate(
        value=rate,
        lower=lower,
        upper=upper,
        confidence=confidence,
        n=n,
        clusters=n,
        method=f"Clopper-Pearson, {sides}",
        effective_n=float(n),
        spread=math.sqrt(rate * (1 - rate)),
    )


def clustered_rate(
    values: Sequence[float],
    clusters: Sequence[str],
    confidence: float = 0.95,
    *,
    sides: Sides = Sides.ONE,
    assumed_icc: float = ASSUMED_ICC,
) -> Estimate:
    """Return the interval of a failure rate whose cases come in clusters.

    Args:
        values: loss of each case, 0 (good) to 1 (defect).
        clusters: name of each case's cluster; cases that share one are not independent.
        confidence: of each bound, or of both, as ``sides`` says.
        sides: one-sided bounds for a decision, two-sided for a chart.
        assumed_icc: intra-class correlation assumed where few or no events were seen.

    Raises:
        InvalidInput: no values, values outside 0 to 1, or not one cluster per value.
    """
    losses = as_numbers("values", values, 0, 1)
    codes = codes_of(clusters, losses.size)
    tail = sides.tail(confidence)
    summary = summarise(losses, codes)
    rate = min(1.0, max(0.0, summary.mean))
    spread = math.sqrt(rate * (1 - rate))
    # The rarer outcome tells how cases cluster: a panel where all fails is as silent as one where
    # nothing does.
    with_event = min(np.unique(codes[losses > 0]).size, np.unique(codes[losses < 1]).size)
    effective = effective_size(summary, spread, with_event, tail=tail, assumed_icc=assumed_icc)
    lower, upper = binomial_bounds(rate * effective.n, effective.n, tail)
    return Estimate(
        value=rate,
        lower=min(lower, rate),
        upper=max(upper, rate),
        confidence=confidence,
        n=int(losses.size),
        clusters=summary.clusters,
        method=f"Clopper-Pearson, {sides}, effective n {effective.n:.1f}; {effective.note}",
        effective_n=effective.n,
        spread=spread,
    )
