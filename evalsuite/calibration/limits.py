"""From what a reference showed to a limit and the panel that a candidate like it passes.

A limit states the harm that users would notice, so it is moved only where no panel of the size that
one can afford would let a good candidate pass, and never to more than twice what it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from evalsuite.errors import InvalidInput
from evalsuite.statistics import Estimate, smallest_detectable_rate
from evalsuite.statistics.quantiles import (
    binomial_above,
    crossing,
    normal_quantile,
)
from evalsuite.statistics.rates import binomial_bounds

MOST = 2.0
"""How far a limit may be moved: so many times what it was."""
STEPS = (1.0, 1.25, 1.5, 1.75, 2.0)
"""Limits that are tried, in units of the one it started from."""
LEAST = 40
"""Fewest cases of a panel: below this the approximations say little."""
CAUTION = 0.2
"""Error probability of the bound that a reference's rate is taken to be."""
_MISSED = 0.05
"""A defect is seen when a panel passes it no more often than this."""


class Unit(StrEnum):
    """What a limit bounds."""

    RATE = "rate"
    """Share of cases that fail."""
    DIFFERENCE = "difference"
    """Share that the candidate fails more often than the base, or nats that it predicts worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing that a policy limits, as the reference showed it."""

    name: str
    """``example_leakage.literal``: the gate and what of it."""
    unit: Unit
    estimate: Estimate
    limit: float
    """Of the policy that is started from."""
    panel: int
    """Cases that this policy asks."""
    language: str = ""
    """The one whose cases count; '': all of them."""
    clusters: int | None = None
    """How many clusters there are to draw from; None: as many as one likes."""
    least: int = LEAST
    """Fewest cases that are proposed: groups that decide by themselves need theirs."""

    @property
    def assumed(self) -> float:
        """What a candidate as good as the reference shows: a cautious bound of what was seen."""
        seen = self.estimate
        if self.unit is Unit.RATE:
            return binomial_bounds(seen.value * seen.effective_n, seen.effective_n, CAUTION)[1]
        deviation = seen.spread / math.sqrt(seen.effective_n)
        return seen.value + normal_quantile(1 - CAUTION) * deviation

    def effective(self, n: float) -> float:
        """How many independent cases a panel of ``n`` is worth, clustered as this one was."""
        seen = self.estimate
        size = seen.n / seen.clusters
        # Kish's design effect, solved for the correlation within a cluster.
        icc = 0.0
        if size > 1:
            icc = min(1.0, max(0.0, (seen.n / seen.effective_n - 1) / (size - 1)))
        clusters = n / size if self.clusters is None else min(n / size, self.clusters)
        within = max(1.0, n / clusters)
        return n / (1 + (within - 1) * icc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A limit and a panel, and what they can do."""

    measure: Measure
    limit: float | None
    """None: none within reach lets a candidate as good as the reference pass."""
    panel: int
    passes: float
    """Probability that a candidate as good as the reference passes."""
    harm: float | None
    """What this panel proves to be beyond the limit, with the power of the policy."""
    blocked: float | None
    """What no longer passes this panel 19 times out of 20."""
    reason: str


def propose(measure: Measure, *, most: int, power: float, confidence: float) -> Proposal:
    """Choose the tightest limit, from the present one on, that a good candidate can pass.

    Args:
        measure: what the reference showed.
        most: cases that one can afford.
        power: probability with which a candidate as good as the reference has to pass.
        confidence: one-sided, of the bound that decides.

    Raises:
        InvalidInput: nothing can be asked.
    """
    if most < 1:
        raise InvalidInput(f"most={most}: at least one case has to be asked")
    for step in STEPS:
        limit = measure.limit * step
        n = _smallest(measure, limit, most, power, confidence)
        if n is not None:
            return _proposal(measure, limit, n, step, power, confidence)
    return Proposal(
        measure=measure,
        limit=None,
        panel=most,
        passes=_passes(measure, most, measure.limit * MOST, confidence),
        harm=None,
        blocked=None,
        reason=(
            f"not even {measure.limit * MOST:g}, twice the limit, lets a candidate pass that is as "
            f"good as the reference ({measure.estimate.value:.3g}, cautiously "
            f"{measure.assumed:.3g}), with {most:,} cases"
        ),
    )


def _proposal(
    measure: Measure, limit: float, n: int, step: float, power: float, confidence: float
) -> Proposal:
    seen = measure.estimate
    found = (
        f"the reference shows {seen.value:.3g} in {seen.n:,} cases, at most {measure.assumed:.3g}"
    )
    if step == 1.0 and n <= measure.least:
        why = f"{found}: {n:,} cases, the fewest that are asked, suffice"
    elif step == 1.0:
        why = f"{found}: {n:,} cases are the fewest with which it passes {power:.0%} of the time"
    else:
        why = (
            f"{found}: with {measure.limit:g} no panel that is affordable lets it pass "
            f"{power:.0%} of the time; {n:,} cases do with {limit:g}"
        )
    size = measure.effective(n)
    if measure.unit is Unit.RATE:
        harm = smallest_detectable_rate(size, limit, power=power, confidence=confidence)
    else:
        far = normal_quantile(confidence) + normal_quantile(power)
        harm = limit + far * seen.spread / math.sqrt(size)
    return Proposal(
        measure=measure,
        limit=limit,
        panel=n,
        passes=_passes(measure, n, limit, confidence),
        harm=harm,
        blocked=_blocked(measure, n, limit, confidence),
        reason=why,
    )


def _smallest(
    measure: Measure, limit: float, most: int, power: float, confidence: float
) -> int | None:
    """The fewest cases, in tens, from which on the panel suffices; None: not even ``most`` do.

    With a whole number of failures the probability to pass is a saw: what suffices is taken from
    above, so that no case more makes it fail.
    """
    found = None
    for n in range(most, min(most, measure.least) - 1, -10):
        if _passes(measure, n, limit, confidence) < power:
            break
        found = n
    return found


def _passes(measure: Measure, n: float, limit: float, confidence: float) -> float:
    """Probability that a candidate as good as the reference passes ``n`` cases."""
    return _passing(measure, measure.assumed, n, limit, confidence)


def _passing(measure: Measure, rate: float, n: float, limit: float, confidence: float) -> float:
    size = measure.effective(n)
    if measure.unit is Unit.DIFFERENCE:
        if measure.estimate.spread == 0:
            return float(rate <= limit)
        deviation = measure.estimate.spread / math.sqrt(size)
        return NormalDist().cdf((limit - rate) / deviation - normal_quantile(confidence))
    trials = int(size)
    allowed = -1
    while allowed < trials and binomial_bounds(allowed + 1, trials, 1 - confidence)[1] <= limit:
        allowed += 1
    return 0.0 if allowed < 0 else 1 - binomial_above(allowed, trials, rate)


def _blocked(measure: Measure, n: int, limit: float, confidence: float) -> float | None:
    """What passes ``n`` cases only once in 20 times."""

    def too_often(rate: float) -> float:
        return _MISSED - _passing(measure, rate, n, limit, confidence)

    largest = 1.0 if measure.unit is Unit.RATE else limit + 10 * (measure.estimate.spread or limit)
    return crossing(too_often, 0.0, largest) if too_often(0.0) < 0 <= too_often(largest) else None
