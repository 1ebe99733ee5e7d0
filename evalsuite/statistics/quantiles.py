"""Quantiles of the few distributions that intervals need.

scipy is imported on first use: reading a policy or a verdict should not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

_HALVINGS = 200
"""Only a guard: halving an interval within 0 to 1 ends at neighbouring floats far earlier, unless
the crossing lies at 0 itself."""


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile."""
    return NormalDist().inv_cdf(probability)


def t_quantile(probability: float, degrees: float) -> float:
    """Return Student's t quantile; ``degrees`` may be fractional."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution with shapes ``a`` and ``b``."""
    from scipy.special import betaincinv

    return float(betaincinv(a, b, probability))


def binomial_above(k: int, n: int, rate: float) -> float:
    """Return the probability of more than ``k`` successes in ``n`` trials."""
    from scipy.special import bdtrc

    return float(bdtrc(k, n, rate)) if k < n else 0.0


def crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where ``function`` turns from negative (at ``low``) to positive (at ``high``).

    Plain bisection: no slope, no starting value, and it ends at neighbouring floats.
    """
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return high
