"""A truncated sequential probability ratio test whose errors are exact, not asymptotic.

The sum of losses walks up with every case. Above a rising line harm is settled, below a parallel
one no harm is, and at the last look a cut decides (Wald 1945, truncated). Wald's own lines are
made for a look after every case and no end; with few looks and an end they miss their errors. So
the lines are moved until the exact distribution of the walk, carried from look to look, keeps them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np

from evalsuite.errors import InvalidInput
from evalsuite.statistics.clusters import Array

_NARROWEST, _WIDEST = 0.02, 4.0
"""Multiples of Wald's distances between which the lines are sought."""
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Step:
    """Distribution of one case's loss: -1, 0 or +1.

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
    def rate(cls, rate: float) -> Step:
        """One case of a failure rate."""
        return cls(0.0, rate)

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
        """Expected loss of one case."""
        return self.worse - self.better

    @property
    def variance(self) -> float:
        """Variance of the loss of one case."""
        return self.worse + self.better - self.mean**2


class Decision(StrEnum):
    """What a look says."""

    PASS = "pass"  # noqa: S105 (no password)
    BLOCK = "block"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Characteristics:
    """What a sequential test does to candidates of one kind; exact."""

    passes: float
    """Probability to pass."""
    blocks: float
    """Probability to block; the two sum to 1."""
    mean_cases: float
    median_cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialTest:
    """A plan: at look ``i``, after ``looks[i]`` cases, compare the sum of losses with two lines."""

    looks: tuple[int, ...]
    slope: float
    """Rise of both lines per case: the loss halfway between harmless and harmful."""
    block_from: float
    """Distance of the upper line from the middle; the sum reaches it: block."""
    pass_from: float
    """Distance of the lower line from the middle; the sum falls to it: pass. Infinite: never."""
    cut: int
    """At the last look a sum up to this passes and any other blocks."""

    def blocks(self, total: float, cases: float) -> bool:
        """Whether a sum of losses lies on or above the upper line, at any number of cases."""
        return total >= self.slope * cases + self.block_from

    def decide(self, look: int, total: float) -> Decision:
        """Return what the sum of losses ``total`` says at look number ``look``, from 0.

        Raises:
            InvalidInput: no such look.
        """
        if not 0 <= look < len(self.looks):
            raise InvalidInput(f"look={look}: the plan has the looks 0 to {len(self.looks) - 1}")
        if look == len(self.looks) - 1:
            return Decision.PASS if total <= self.cut else Decision.BLOCK
        cases = self.looks[look]
        if self.blocks(total, cases):
            return Decision.BLOCK
        return Decision.PASS if total <= self.slope * cases - self.pass_from else Decision.CONTINUE

    def characteristics(self, step: Step) -> Characteristics:
        """Return the exact behaviour on cases that are independent and distributed as ``step``."""
        reached = _walk(self, step)
        choices = [_decisions(self, look) for look in range(len(self.looks))]
        passed, blocked = (
            np.array([here[c == way].sum() for here, c in zip(reached, choices, strict=True)])
            for way in (-1, 1)
        )
        stopped, cases = passed + blocked, np.asarray(self.looks)
        return Characteristics(
            passes=float(passed.sum()),
            blocks=float(blocked.sum()),
            mean_cases=float(stopped @ cases),
            median_cases=int(cases[np.searchsorted(np.cumsum(stopped), 0.5 - 1e-12)]),
        )


def truncated_sprt(
    harmful: Step,
    harmless: Step,
    looks: Sequence[int],
    *,
    false_pass: float = 0.05,
    false_block: float = 0.05,
    pass_early: bool = True,
) -> SequentialTest:
    """Return the earliest-stopping truncated SPRT that keeps both errors exactly.

    Args:
        harmful: a candidate just bad enough that passing it is an error.
        harmless: a candidate that should pass; its mean loss is the smaller one.
        looks: cases seen at each look, rising; the last one ends the test.
        false_pass: largest probability to pass a ``harmful`` candidate.
        false_block: largest probability to block a ``harmless`` one.
        pass_early: whether a look before the last may pass; without, only blocking stops early.

    Raises:
        InvalidInput: looks that do not rise, steps in the wrong order, or a last look that comes
            too early to keep both errors.
    """
    ends = _checked(harmful, harmless, looks, false_pass, false_block)
    gap = harmful.mean - harmless.mean
    unit = (harmful.variance + harmless.variance) / 2 / gap
    upper = unit * math.log((1 - false_pass) / false_block)
    lower = unit * math.log((1 - false_block) / false_pass) if pass_early else math.inf

    def plan(scale: float) -> SequentialTest:
        test = SequentialTest(
            looks=ends,
            slope=(harmful.mean + harmless.mean) / 2,
            block_from=scale * upper,
            pass_from=scale * lower,
            cut=ends[-1],
        )
        return replace(test, cut=_largest_cut(test, harmful, false_pass))

    def keeps(test: SequentialTest) -> bool:
        return (
            test.characteristics(harmful).passes <= false_pass
            and test.characteristics(harmless).blocks <= false_block
        )

    if not keeps(plan(_WIDEST)):
        raise InvalidInput(
            f"{ends[-1]} cases cannot keep false_pass={false_pass} and false_block={false_block} "
            f"for mean losses {harmless.mean:g} and {harmful.mean:g}; end later"
        )
    return plan(_smallest(lambda scale: keeps(plan(scale))))


def early_blocking(
    harmful: Step, harmless: Step, looks: Sequence[int], *, false_block: float
) -> SequentialTest:
    """Return a plan that only ever blocks, before its last look; what then remains is not decided.

    For panels that are judged as a whole when they are complete: looking earlier cannot help a
    harmful candidate, and stops a harmless one with probability ``false_block`` at most.

    Args:
        harmful: what should be stopped early.
        harmless: what must not be.
        looks: cases seen at each look, rising; the last one is the complete panel.
        false_block: largest probability to stop a ``harmless`` candidate at any look before it.

    Raises:
        InvalidInput: as :func:`truncated_sprt`.
    """
    ends = _checked(harmful, harmless, looks, false_block)
    gap = harmful.mean - harmless.mean
    wald = (harmful.variance + harmless.variance) / 2 / gap * math.log(1 / false_block)

    def plan(scale: float) -> SequentialTest:
        return SequentialTest(
            looks=ends,
            slope=(harmful.mean + harmless.mean) / 2,
            block_from=scale * wald,
            pass_from=math.inf,
            cut=ends[-1],
        )

    return plan(_smallest(lambda s: plan(s).characteristics(harmless).blocks <= false_block))


def _checked(
    harmful: Step, harmless: Step, looks: Sequence[int], *errors: float
) -> tuple[int, ...]:
    ends = tuple(looks)
    if not ends or ends[0] < 1 or any(b <= a for a, b in pairwise(ends)):
        raise InvalidInput(f"looks={list(ends)} must be rising numbers of cases, from 1")
    if not harmless.mean < harmful.mean:
        raise InvalidInput(
            f"the harmless mean loss {harmless.mean:g} must lie below the harmful {harmful.mean:g}"
        )
    if not all(0 < error < 1 for error in errors):
        raise InvalidInput("false_pass and false_block must lie between 0 and 1, both excluded")
    return ends


def _smallest(keeps: Callable[[float], bool]) -> float:
    """Return the narrowest multiple of Wald's distances that keeps the errors."""
    low, high = _NARROWEST, _WIDEST
    for _ in range(_HALVINGS):
        scale = (low + high) / 2
        low, high = (low, scale) if keeps(scale) else (scale, high)
    return high


def _largest_cut(test: SequentialTest, harmful: Step, false_pass: float) -> int:
    """Return the largest sum at the last look that may pass, below the upper line there."""
    size = test.looks[-1]
    *before, last = _walk(test, harmful)
    spent = sum(float(here[_decisions(test, look) < 0].sum()) for look, here in enumerate(before))
    passing = np.cumsum(last) <= false_pass - spent
    highest = math.ceil(test.slope * size + test.block_from) - 1
    return min(highest, int(passing.sum()) - 1 - size)


def _walk(test: SequentialTest, step: Step) -> list[Array]:
    """Return, for each look, the probability to get there with each sum from -last to last."""
    reached: list[Array] = []
    here = np.zeros(2 * test.looks[-1] + 1)
    here[test.looks[-1]] = 1.0
    for look, cases in enumerate(test.looks):
        seen = test.looks[look - 1] if look else 0
        reached.append(np.convolve(here, _sums(step, cases - seen), mode="same"))
        here = np.where(_decisions(test, look) == 0, reached[-1], 0.0)
    return reached


def _decisions(test: SequentialTest, look: int) -> Array:
    """Return -1 (pass), 0 or 1 (block) for every sum from -last to last."""
    size = test.looks[-1]
    totals = np.arange(-size, size + 1)
    if look == len(test.looks) - 1:
        return np.where(totals <= test.cut, -1.0, 1.0)
    middle = test.slope * test.looks[look]
    blocks = totals >= middle + test.block_from
    return np.where(blocks, 1.0, np.where(totals <= middle - test.pass_from, -1.0, 0.0))


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
