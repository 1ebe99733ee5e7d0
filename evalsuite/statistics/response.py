"""How the probability to block grows with the severity of a defect.

A Hill curve (log-logistic) by maximum likelihood: no defect, no alarm; two numbers say where it
rises and how steeply. It only joins what was measured: beside it stand the exact intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalsuite.errors import InvalidInput
from evalsuite.statistics.clusters import Array

_STEEPEST = 40.0
"""A curve that jumps between two tested severities has no slope of its own; it gets this one."""


@dataclass(frozen=True, slots=True)
class ResponseCurve:
    """``p(theta) = 1 / (1 + (middle / theta) ** slope)``."""

    middle: float
    """The severity that is blocked half of the time."""
    slope: float

    def probability(self, severity: float) -> float:
        """Return the probability to block at ``severity``, 0 or more."""
        if severity <= 0:
            return 0.0
        exponent = self.slope * (math.log(self.middle) - math.log(severity))
        # Beyond 709 the exponential overflows; the probability is 0 long before.
        return 1 / (1 + math.exp(min(exponent, 700.0)))

    def severity(self, probability: float) -> float:
        """Return the severity that is blocked with ``probability``: theta50, theta95."""
        if not 0 < probability < 1:
            raise InvalidInput(f"probability={probability} must lie between 0 and 1, both excluded")
        return self.middle * math.exp(math.log(probability / (1 - probability)) / self.slope)


def response_curve(
    severities: Sequence[float], blocked: Sequence[int], runs: Sequence[int]
) -> ResponseCurve | None:
    """Fit a curve to counts; None when nothing, or everything, was blocked at every severity.

    Args:
        severities: above 0, in any order.
        blocked: how many runs were blocked at each.
        runs: how many were made at each.

    Raises:
        InvalidInput: lengths that differ, severities of 0 or less, more blocked than run.
    """
    from scipy.optimize import minimize

    if not len(severities) == len(blocked) == len(runs):
        raise InvalidInput("severities, blocked and runs must have the same length")
    theta, k, n = (np.asarray(values, dtype=float) for values in (severities, blocked, runs))
    if not theta.size or (theta <= 0).any() or (k < 0).any() or (k > n).any():
        raise InvalidInput("need severities above 0, and 0 <= blocked <= runs")
    if k.sum() in (0, n.sum()):
        return None
    place = np.log(theta)

    def deviance(parameters: Array) -> float:
        logit = np.exp(np.clip(parameters[1], -5, math.log(_STEEPEST))) * (place - parameters[0])
        return float((n * np.logaddexp(0, logit) - k * logit).sum())

    # From every tested severity and two slopes, a choice: the deviance may have local minima.
    starts = [np.array([middle, slope]) for middle in place for slope in (0.0, 1.5)]
    best = min(
        (minimize(deviance, start, method="Nelder-Mead") for start in starts),
        key=lambda found: float(found.fun),
    )
    slope = math.exp(min(max(float(best.x[1]), -5.0), math.log(_STEEPEST)))
    return ResponseCurve(math.exp(float(best.x[0])), slope)
