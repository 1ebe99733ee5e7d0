"""The bootstrap of a paired difference of mean losses: a second opinion that assumes no shape.

Whole clusters are drawn with their cases. Nats per token have long tails, and a t interval leans
on the mean being nearly normal; where the two disagree, the panel is too small for either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evalsuite.errors import InvalidInput
from evalsuite.statistics.clusters import Array, codes_of
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.paired import differences

RESAMPLES = 4999
"""Enough for the third decimal of a 95 % bound; odd, so that a quantile is one of them."""


def paired_bootstrap(
    candidate: Sequence[float],
    baseline: Sequence[float],
    clusters: Sequence[str],
    confidence: float = 0.95,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Return the BCa bootstrap interval of a paired difference of mean losses.

    Source: Efron, JASA 82 (1987), as ``scipy.stats.bootstrap`` computes it. It needs more clusters
    than the t interval: below about thirty it is too short.

    Args:
        candidate: loss of each case, in nats or any other unit, not negative.
        baseline: loss of the same cases, in the same order.
        clusters: name of each case's cluster; at least two different ones.
        confidence: of each bound on its own.
        seed: of the resampling; the same seed gives the same interval.
        resamples: how many panels to draw.

    Raises:
        InvalidInput: lengths that differ, no cases, negative losses, fewer than two clusters.
    """
    from scipy.stats import bootstrap

    difference = differences(candidate, baseline, 0, math.inf)
    codes = codes_of(clusters, difference.size)
    sums, sizes = np.bincount(codes, weights=difference), np.bincount(codes).astype(np.float64)
    if sizes.size < 2:
        raise InvalidInput("clusters names one cluster only; resampling needs two or more")
    value = float(difference.mean())
    tail = Sides.ONE.tail(confidence)
    lower = upper = value
    if np.ptp(sums / sizes) > 0:  # else every resample is the same and BCa divides by zero
        found = bootstrap(
            (sums, sizes),
            _ratio,
            paired=True,
            vectorized=True,
            n_resamples=resamples,
            confidence_level=1 - 2 * tail,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
        lower, upper = float(found.low), float(found.high)
    return Estimate(
        value=value,
        lower=min(lower, value),
        upper=max(upper, value),
        confidence=confidence,
        n=int(difference.size),
        clusters=int(sizes.size),
        method=f"paired bootstrap, {Sides.ONE}, BCa, {resamples} resamples of whole clusters",
        effective_n=float(sizes.size),
        spread=float(difference.std(ddof=1)),
    )


def _ratio(sums: Array, sizes: Array, axis: int = -1) -> Array:
    """Mean loss of panels made of clusters with those sums and sizes."""
    ratio: Array = sums.sum(axis=axis) / sizes.sum(axis=axis)
    return ratio
