"""A sequential test that only ever blocks, with an error that is exact and not asymptotic.

The sum of losses walks up with every case; on or above a rising line harm is settled (Wald 1945).
Wald's own line is made for a look after every case and no end; with few looks it misses its error.
So the line is moved until the exact distribution of the walk, carried from look to look, keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evalsuite.errors import InvalidInput
from evalsuite.statistics.clusters import Array

_NARROWEST, _WIDEST = 0.02, 4.0
"""Multiples of Wald's distance between which the line is sought.

A choice, wide on both sides: for panels of 300 to 1,600 pairs and the shipped looks, multiples
of 0.1 to 0.8 were found. Under the narrower end the slope alone keeps the error."""
_HALVINGS = 40
"""Brings the bracket below 1e-11 of that distance, while sums of losses are whole numbers."""


@dataclass(frozen=True, slots=True)
class Step:
    """Distribution of one pair's loss: -1, 0 or +1.

    Raises:
        InvalidInput: probabilities outside 0 to 1.
    """

    better: float
    """Probability of -1: only the baseline fails."""
    worse: float
    """Probability of +1: the candidate fails, and the baseline does not."""

    def __post_init__(self) -> None:
        if self.better < 0 or self.worse < 0 or self.better + self.worse > 1:
            raise InvalidInput(
                f"better={self.better}, worse={self.worse}: need shares of 1 whose sum is at most 1"
            )

    @classmethod
    def paired(cls, difference: float, discordance: float) -> Step:
        """One pair; ``discordance`` is the share of pairs whose two sides differ."""
        if abs(difference) > discordance:
            raise InvalidInput(
                f"difference={difference} is larger than discordance={discordance}; a difference "
                "comes from pairs that differ"
            )
        return cls((discordance - difference) / 2, (discordance + difference) / 2)

    @property
    def mean(self) -> float:
        """Expected loss of one pair."""
        return self.worse - self.better

    @property
    def variance(self) -> float:
        """Variance of the loss of one pair."""
        return self.worse + self.better - self.mean**2


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockingPlan:
    """At each look but the last, compare the sum of losses with one rising line."""

    looks: tuple[int, ...]
    """Pairs seen at each look; the last one is the complete panel, which this does not judge."""
    slope: float
    """Rise of the line per pair: the loss halfway between harmless and harmful."""
    distance: float
    """Height of the line over the middle."""

    def blocks(self, total: float, cases: float) -> bool:
        """Whether a sum of losses lies on or above the line, at any number of pairs."""
        return total >= self.slope * cases + self.distance

    def blocked(self, step: Step) -> float:
        """Return the exact probability to block before the last look.

        Args:
            step: how the loss of each pair is distributed; pairs are independent.
        """
        size = self.looks[-1]
        totals = np.arange(-size, size + 1)
        here: Array = np.where(totals == 0, 1.0, 0.0)
        spent = 0.0
        for seen, cases in pairwise((0, *self.looks[:-1])):
            here = np.convolve(here, _sums(step, cases - seen), mode="same")
            beyond = totals >= self.slope * cases + self.distance
            spent += float(here[beyond].sum())
            here = np.where(beyond, 0.0, here)
        return spent


def early_blocking(
    harmful: Step, harmless: Step, looks: Sequence[int], *, false_block: float
) -> BlockingPlan:
    """Return a plan that only ever blocks, before its last look; what then remains is not decided.

    For panels that are judged as a whole when they are complete: looking earlier cannot help a
    harmful candidate, and stops a harmless one with probability ``false_block`` at most.

    Args:
        harmful: what should be stopped early.
        harmless: what must not be; its mean loss is the smaller one.
        looks: pairs seen at each look, rising; the last one is the complete panel.
        false_block: largest probability to stop a ``harmless`` candidate at any look before it.

    Raises:
        InvalidInput: looks that do not rise, steps in the wrong order, or a probability outside
            0 to 1.
    """
    ends = _checked(harmful, harmless, looks, false_block)
    gap = harmful.mean - harmless.mean
    # Wald's upper line with no false pass to allow for: log((1 - 0) / false_block).
    wald = (harmful.variance + harmless.variance) / 2 / gap * math.log(1 / false_block)

    def plan(scale: float) -> BlockingPlan:
        middle = (harmful.mean + harmless.mean) / 2
        return BlockingPlan(looks=ends, slope=middle, distance=scale * wald)

    return plan(_smallest(lambda scale: plan(scale).blocked(harmless) <= false_block))


def _checked(
    harmful: Step, harmless: Step, looks: Sequence[int], false_block: float
) -> tuple[int, ...]:
    ends = tuple(looks)
    if not ends or ends[0] < 1 or any(b <= a for a, b in pairwise(ends)):
        raise InvalidInput(f"looks={list(ends)} must be rising numbers of cases, from 1")
    if not harmless.mean < harmful.mean:
        raise InvalidInput(
            f"the harmless mean loss {harmless.mean:g} must lie below the harmful {harmful.mean:g}"
        )
    if not 0 < false_block < 1:
        raise InvalidInput(f"false_block={false_block} must lie between 0 and 1, both excluded")
    return ends


def _smallest(keeps: Callable[[float], bool]) -> float:
    """Return the narrowest multiple of Wald's distance that keeps the error."""
    low, high = _NARROWEST, _WIDEST
    for _ in range(_HALVINGS):
        scale = (low + high) / 2
        low, high = (low, scale) if keeps(scale) else (scale, high)
    # Only ``high`` is known to keep it.
    return high


def _sums(step: Step, cases: int) -> Array:
    """Return the distribution of the sum of ``cases`` losses, from -cases to +cases."""
    one = np.array([step.better, 1 - step.better - step.worse, step.worse])
    power = np.ones(1)
    while cases:
        if cases & 1:
            power = np.convolve(power, one)
        cases >>= 1
        if cases:
            one = np.convolve(one, one)
    return power
