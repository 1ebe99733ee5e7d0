"""Differences between candidate and baseline on the same cases.

All differences are losses, candidate minus baseline: positive means that the candidate is worse.
Failure rates use the score interval of Tango (Statistics in Medicine 17, 1998), because the Wald
interval promises 95 % and holds 72 to 92 % on panels of fifty. Mean losses in nats use a
cluster-robust t interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evalsuite.errors import InvalidInput
from evalsuite.statistics.clusters import (
    ASSUMED_ICC,
    PRIOR_CLUSTERS_PAIRED,
    Array,
    Clustered,
    Effective,
    as_numbers,
    codes_of,
    effective_size,
    summarise,
)
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.quantiles import (
    crossing,
    normal_quantile,
    t_quantile,
)

_NEXT_TO = 1e-12
"""How far from the estimate the search for a bound starts: far below any difference that counts,
far above the rounding of numbers near 1."""


def _constrained_variance(b: float, c: float, n: float, difference: float) -> float:
    """Variance of one pair's difference when the true difference is ``difference``.

    The nuisance (the rate of pairs where only the baseline fails) is at its maximum likelihood
    given the difference, the positive root of a quadratic (Tango 1998, section 3).
    """
    linear = (2 * n - b + c) * difference - b - c
    constant = -c * difference * (1 - difference)
    # The root is real, positive and at least -difference; all three but for rounding.
    root = math.sqrt(max(linear**2 - 8 * n * constant, 0.0))
    only_baseline = max((root - linear) / (4 * n), 0.0, -difference)
    return max(2 * only_baseline + difference * (1 - difference), 0.0)


def tango_statistic(b: float, c: float, n: float, difference: float) -> float:
    """Return Tango's score statistic for the hypothesis that the difference is ``difference``.

    Standard normal when the hypothesis holds; large when the candidate is worse than that. At
    ``difference=0`` it is the signed root of McNemar's statistic.

    Args:
        b: pairs where only the candidate fails.
        c: pairs where only the baseline fails.
        n: all pairs. Counts need not be whole numbers.
        difference: the hypothesis, -1 to 1.
    """
    distance = b - c - n * difference
    scale = math.sqrt(n * _constrained_variance(b, c, n, difference))
    if scale == 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / scale


def tango_interval(
    b: float, c: float, n: float, confidence: float = 0.95, *, sides: Sides = Sides.ONE
) -> tuple[float, float]:
    """Return Tango's score interval of the paired difference ``(b - c) / n``.

    Swapping ``b`` and ``c`` mirrors it exactly. Without any differing pair the upper bound is
    ``z**2 / (n + z**2)``, never 0.

    Raises:
        InvalidInput: negative counts, or more differing pairs than pairs.
    """
    # Counts at the scale of an effective size are fractions, whose sum may be rounded up.
    if b < 0 or c < 0 or n <= 0 or b + c > n * (1 + 1e-9):
        raise InvalidInput(f"b={b}, c={c}, n={n}: need b, c >= 0, n > 0 and b + c <= n")
    z = normal_quantile(1 - sides.tail(confidence))
    return -_tango_upper(c, b, n, z), _tango_upper(b, c, n, z)


def _tango_upper(b: float, c: float, n: float, z: float) -> float:
    estimate = (b - c) / n
    if estimate >= 1 - _NEXT_TO:
        return 1.0

    def beyond(difference: float) -> float:
        variance = _constrained_variance(b, c, n, difference)
        return n * difference - (b - c) - z * math.sqrt(n * variance)

    # The estimate itself is a second, trivial root when no pair differs: start next to it.
    return crossing(beyond, estimate + _NEXT_TO, 1.0)


def paired_difference(
    candidate: Sequence[float],
    baseline: Sequence[float],
    clusters: Sequence[str],
    confidence: float = 0.95,
    *,
    weights: Sequence[float] | None = None,
    assumed_icc: float = ASSUMED_ICC,
) -> Estimate:
    """Return Tango's interval of a paired difference of failure rates, clusters counted.

    The counts of differing pairs enter at the scale of the effective sample size. A fractional
    loss counts as that part of a differing pair, which can only widen the interval.

    Args:
        candidate: loss of each case, 0 (good) to 1 (defect).
        baseline: loss of the same cases, in the same order.
        clusters: name of each case's cluster.
        confidence: of each bound on its own.
        weights: positive weight of each case, for example to give every skill the same say.
        assumed_icc: intra-class correlation assumed where few or no pairs differ.

    Raises:
        InvalidInput: lengths that differ, no cases, losses outside 0 to 1.
    """
    difference = differences(candidate, baseline, 0, 1)
    codes = codes_of(clusters, difference.size)
    share = _shares(weights, difference.size)
    worse = float(share @ np.maximum(difference, 0))
    better = float(share @ np.maximum(-difference, 0))
    summary = summarise(difference, codes, share)
    effective = effective_size(
        summary,
        math.sqrt(max(worse + better - (worse - better) ** 2, 0.0)),
        np.unique(codes[difference != 0]).size,
        tail=Sides.ONE.tail(confidence),
        assumed_icc=assumed_icc,
        prior=PRIOR_CLUSTERS_PAIRED,
    )
    return _tango_estimate(worse, better, summary, effective, int(difference.size), confidence)


def _tango_estimate(
    worse: float,
    better: float,
    summary: Clustered,
    effective: Effective,
    n: int,
    confidence: float,
) -> Estimate:
    """Tango's interval for shares of differing pairs at an effective sample size."""
    size, value = effective.n, worse - better
    lower, upper = tango_interval(worse * size, better * size, size, confidence)
    return Estimate(
        value=value,
        lower=min(lower, value),
        upper=max(upper, value),
        confidence=confidence,
        n=n,
        clusters=summary.clusters,
        method=f"Tango score, paired, {Sides.ONE}, effective n {size:.1f}; {effective.note}",
        effective_n=size,
        # Not around the mean: planning takes the share of differing pairs back out of it.
        spread=math.sqrt(worse + better),
    )


def paired_mean(
    candidate: Sequence[float],
    baseline: Sequence[float],
    clusters: Sequence[str],
    confidence: float = 0.95,
) -> Estimate:
    """Return the cluster-robust t interval of a paired difference of mean losses.

    CR2 variance with Satterthwaite degrees of freedom (Bell and McCaffrey 2002): clusters - 1
    when all clusters have the same size.

    Args:
        candidate: loss of each case, in nats or any other unit, not negative.
        baseline: loss of the same cases, in the same order.
        clusters: name of each case's cluster; at least two different ones.
        confidence: of each bound on its own.

    Raises:
        InvalidInput: lengths that differ, no cases, negative losses, fewer than two clusters.
    """
    difference = differences(candidate, baseline, 0, math.inf)
    summary = summarise(difference, codes_of(clusters, difference.size))
    if summary.clusters < 2:
        raise InvalidInput("clusters names one cluster only; a mean needs two or more to vary")
    tail = Sides.ONE.tail(confidence)
    error = math.sqrt(summary.variance)
    half = t_quantile(1 - tail, summary.degrees) * error
    spread = float(difference.std(ddof=1))
    # Where all differences are the same, rounding alone may leave a variance between clusters.
    varies = spread > 0 and summary.variance > 0
    independent = spread**2 / summary.variance if varies else float(difference.size)
    return Estimate(
        value=summary.mean,
        lower=summary.mean - half,
        upper=summary.mean + half,
        confidence=confidence,
        n=int(difference.size),
        clusters=summary.clusters,
        method=f"paired t, {Sides.ONE}, CR2 clusters, {summary.degrees:.1f} degrees of freedom",
        effective_n=min(float(difference.size), independent),
        spread=spread,
    )


def differences(
    candidate: Sequence[float], baseline: Sequence[float], low: float, high: float
) -> Array:
    """Return candidate minus baseline, shape ``[n]``, of losses from ``low`` to ``high``."""
    if len(candidate) != len(baseline):
        raise InvalidInput(
            f"candidate has {len(candidate)} values, baseline {len(baseline)}; pair them up"
        )
    return as_numbers("candidate", candidate, low, high) - as_numbers(
        "baseline", baseline, low, high
    )


def _shares(weights: Sequence[float] | None, n: int) -> Array:
    if weights is None:
        return np.full(n, 1 / n)
    # The smallest number above 0: a case without weight would still be counted as a case.
    given = as_numbers("weights", weights, math.ulp(0.0), math.inf)
    if given.size != n:
        raise InvalidInput(f"weights has {given.size} entries for {n} cases; give one each")
    shares: Array = given / given.sum()
    return shares
