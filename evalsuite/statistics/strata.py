"""A rate of a whole of which unequal shares were looked at, stratum by stratum.

Where a rare stratum is drawn more often than a common one, the drawn cases do not have the rates of
the whole: each stands for as many as were not drawn. The interval of such a weighted rate is
Clopper-Pearson at the effective size, as that of a clustered panel
(:mod:`evalsuite.statistics.clusters`): where nothing was found a bootstrap would collapse to
nothing, and this does not. Source: Korn and Graubard, Survey Methodology 24 (1998).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite.errors import InvalidInput
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.rates import binomial_bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Cases that were drawn with one probability.

    Raises:
        InvalidInput: not ``0 <= failures <= drawn <= size`` with something drawn.
    """

    size: int
    """Cases of it in the whole."""
    drawn: int
    """Those of them that were looked at; what nobody could judge is not counted."""
    failures: int
    """Those of the drawn that failed."""

    def __post_init__(self) -> None:
        if not (0 <= self.failures <= self.drawn <= self.size and self.drawn):
            raise InvalidInput(
                f"a stratum of size={self.size} with drawn={self.drawn} and failures="
                f"{self.failures}: need 0 <= failures <= drawn <= size, and something drawn"
            )


def stratified_rate(
    strata: Sequence[Stratum], confidence: float = 0.95, *, sides: Sides = Sides.TWO
) -> Estimate:
    """Return the rate of failures in the whole, with an interval.

    The effective size is the smaller of two: what the unequal weights leave (Kish), as if all
    strata failed alike, and what the variances within the strata leave. The first keeps strata
    with a few cases, in which nothing happened to vary, from looking certain; the second sees
    failures that stand where one case weighs most. Nothing is gained from having looked at much of
    the whole: no correction for a finite one.

    Raises:
        InvalidInput: no strata.
    """
    if not strata:
        raise InvalidInput("strata=() is empty; at least one stratum must have been looked at")
    whole = sum(one.size for one in strata)
    drawn = sum(one.drawn for one in strata)
    rate = sum(one.size / whole * one.failures / one.drawn for one in strata)
    # Rounding must not leave a rate of 1.0000000000000002.
    rate = min(1.0, max(0.0, rate))
    spread = math.sqrt(rate * (1 - rate))
    effective = _effective(strata, whole, rate)
    lower, upper = binomial_bounds(rate * effective, effective, sides.tail(confidence))
    return Estimate(
        value=rate,
        lower=min(lower, rate),
        upper=max(upper, rate),
        confidence=confidence,
        n=drawn,
        clusters=drawn,
        method=f"Clopper-Pearson, {sides}, {len(strata)} strata, effective n {effective:.1f}",
        effective_n=effective,
        spread=spread,
    )


def _effective(strata: Sequence[Stratum], whole: int, rate: float) -> float:
    """How many cases drawn alike would say as much; never more than were drawn."""
    shares = [one.size / whole for one in strata]
    alike = 1 / sum(w**2 / one.drawn for w, one in zip(shares, strata, strict=True))
    variance = sum(
        w**2 * _variance(one, rate) / one.drawn for w, one in zip(shares, strata, strict=True)
    )
    within = rate * (1 - rate) / variance if variance > 0 else alike
    return min(alike, within)


def _variance(stratum: Stratum, rate: float) -> float:
    """Variance of one case of a stratum; of a single one it is that of the whole."""
    n = stratum.drawn
    if n == 1:
        return rate * (1 - rate)
    own = stratum.failures / n
    return own * (1 - own) * n / (n - 1)


def complement(estimate: Estimate) -> Estimate:
    """Return the estimate of the share that the given one leaves."""
    return Estimate(
        value=1 - estimate.value,
        lower=1 - estimate.upper,
        upper=1 - estimate.lower,
        confidence=estimate.confidence,
        n=estimate.n,
        clusters=estimate.clusters,
        method=estimate.method,
        effective_n=estimate.effective_n,
        spread=estimate.spread,
    )


def weighted_sum(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """Return the sum of independent rates, each times its share of the whole.

    The distances from each rate to its bounds are squared, weighted and added (MOVER: Zou and
    Donner, Statistics in Medicine 27 (2008); for two rates Newcombe's hybrid score). So a part in
    which nothing was found still adds what it may hide.

    Raises:
        InvalidInput: no parts, negative shares, or parts of different confidence.
    """
    if not parts or any(share < 0 for share, _ in parts):
        raise InvalidInput(f"shares={[share for share, _ in parts]}: need some, none negative")
    if len({one.confidence for _, one in parts}) > 1:
        raise InvalidInput("parts of different confidence cannot be added; ask for one")
    value = sum(share * one.value for share, one in parts)
    below = math.hypot(*(share * (one.value - one.lower) for share, one in parts))
    above = math.hypot(*(share * (one.upper - one.value) for share, one in parts))
    return Estimate(
        value=value,
        lower=max(0.0, value - below),
        upper=value + above,
        confidence=parts[0][1].confidence,
        n=sum(one.n for _, one in parts),
        clusters=sum(one.clusters for _, one in parts),
        method="; ".join(dict.fromkeys(["MOVER", *(one.method for _, one in parts)])),
        effective_n=sum(one.effective_n for _, one in parts),
        spread=math.sqrt(sum(share * one.spread**2 for share, one in parts)),
    )
