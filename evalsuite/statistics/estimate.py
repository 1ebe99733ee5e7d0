"""The result of every measurement: a number, its bounds, and how much evidence stands behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.errors import InvalidInput


class Sides(StrEnum):
    """Which promise the confidence level is about."""

    ONE = "one-sided"
    """Each bound holds on its own with the stated confidence; what a gate asks for."""
    TWO = "two-sided"
    """Both bounds hold together with the stated confidence; what a reader of a chart expects."""

    def tail(self, confidence: float) -> float:
        """Return the error probability that each bound may spend.

        Raises:
            InvalidInput: the confidence does not lie strictly between one half and one.
        """
        # At one half both bounds would be the value itself, and below it they would change places.
        if not 0.5 < confidence < 1:
            raise InvalidInput(
                f"confidence={confidence} must lie between 0.5 and 1, both excluded; 0.95 is usual"
            )
        return (1 - confidence) / (1 if self is Sides.ONE else 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate, a difference of rates, or a difference of mean losses.

    Raises:
        InvalidInput: bounds that are not finite, or do not enclose the value.
    """

    value: float
    """The point estimate: a share of 1, or nats."""
    lower: float
    upper: float
    confidence: float
    """Of each bound alone (:attr:`Sides.ONE`) or of both (:attr:`Sides.TWO`); see ``method``."""
    n: int
    """Cases measured."""
    clusters: int
    """Groups of cases that are independent of one another; the honest count of the evidence."""
    method: str
    """One line that names the interval and every assumption in it."""
    effective_n: float
    """How many independent cases the panel is worth; never more than ``n``."""
    spread: float
    """Standard deviation of one independent case, for planning; 0 where none was seen."""

    def __post_init__(self) -> None:
        numbers = (self.lower, self.value, self.upper)
        if not all(math.isfinite(number) for number in numbers):
            raise InvalidInput(f"an estimate needs finite numbers, not {numbers}")
        if not self.lower <= self.value <= self.upper:
            raise InvalidInput(f"the bounds of {numbers} do not enclose the value")
