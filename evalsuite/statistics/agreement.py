"""How far two people agree about the same answers, beyond what chance would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite.errors import InvalidInput
from evalsuite.statistics.estimate import Estimate, Sides
from evalsuite.statistics.rates import clopper_pearson


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two readings of the same answers."""

    agreed: Estimate
    """The share of answers that both called the same, Clopper-Pearson, two-sided."""
    expected: float
    """The share that would agree if each called as often what they called, blindly."""
    kappa: float | None
    """Cohen's kappa: 1 whole agreement, 0 what chance does, below 0 worse than it; None: both
    called everything the same, so that chance would agree too, and there is nothing to tell."""
    lower: float | None
    upper: float | None


def agreement(first: Sequence[str], second: Sequence[str], confidence: float = 0.95) -> Agreement:
    """Return the agreement of two raters, two-sided.

    The interval of kappa is that of the share that agreed, on kappa's scale, with the expected
    share taken as known. The usual normal interval has no width where all agree, which is what few
    answers often do. Source of kappa: Cohen, Educational and Psychological Measurement 20 (1960).

    Args:
        first: what the first rater called each answer.
        second: what the second called the same answers, in the same order.
        confidence: of both bounds together.

    Raises:
        InvalidInput: no answers, or not the same number.
    """
    n = len(first)
    if n == 0 or n != len(second):
        raise InvalidInput(f"{n} and {len(second)} readings: need the same answers, at least one")
    same = sum(a == b for a, b in zip(first, second, strict=True))
    ours, theirs = Counter(first), Counter(second)
    # Whole numbers until the end, so that a share of exactly 1 is known for one.
    matches = sum(ours[word] * theirs[word] for word in ours)
    agreed = clopper_pearson(same, n, confidence, sides=Sides.TWO)
    if matches == n * n:
        return Agreement(agreed=agreed, expected=1.0, kappa=None, lower=None, upper=None)
    expected = matches / n**2

    def scaled(share: float) -> float:
        return max(-1.0, (share - expected) / (1 - expected))

    return Agreement(
        agreed=agreed,
        expected=expected,
        kappa=scaled(agreed.value),
        lower=scaled(agreed.lower),
        upper=scaled(agreed.upper),
    )
