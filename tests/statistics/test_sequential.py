"""Early blocking: an exact error, and the line that keeps it."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import InvalidInput
from evalsuite.statistics import BlockingPlan, Step, early_blocking

MARGIN, DISCORDANCE = 0.05, 0.12
HARMFUL = Step.paired(MARGIN, DISCORDANCE)
HARMLESS = Step.paired(0.0, DISCORDANCE)
LOOKS = tuple(range(64, 1025, 64))


def enumerated(plan: BlockingPlan, step: Step) -> float:
    """Probability to block before the last look, summed over every possible run of losses."""
    odds = {-1: step.better, 0: 1 - step.better - step.worse, 1: step.worse}
    total = 0.0
    for losses in product(odds, repeat=plan.looks[-2]):
        line = (sum(losses[:n]) >= plan.slope * n + plan.distance for n in plan.looks[:-1])
        if any(line):
            total += float(np.prod([odds[loss] for loss in losses]))
    return total


@settings(deadline=None, max_examples=30)
@given(
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.5),
    st.floats(-0.3, 0.3),
    st.floats(0.1, 4.0),
    st.sampled_from([(1, 2), (2, 5, 9), (1, 2, 3, 7), (4, 6, 8)]),
)
def test_the_error_is_that_of_every_possible_run_of_losses(
    better: float, worse: float, slope: float, distance: float, looks: tuple[int, ...]
) -> None:
    plan = BlockingPlan(looks=looks, slope=slope, distance=distance)
    step = Step(better, worse)
    assert plan.blocked(step) == pytest.approx(enumerated(plan, step), abs=1e-12)


def test_a_sum_on_the_line_blocks_and_one_loss_less_does_not() -> None:
    # After two pairs the line stands at 2 * 0.5 + 1 = 2: two losses, a chance of 1 in 16, reach it.
    plan = BlockingPlan(looks=(2, 4), slope=0.5, distance=1.0)
    assert plan.blocks(2, 2)
    assert not plan.blocks(1, 2)
    assert plan.blocked(Step(0.25, 0.25)) == 1 / 16


def test_the_last_look_is_left_to_the_judge_of_the_complete_panel() -> None:
    certain = Step(0.0, 1.0)
    plan = BlockingPlan(looks=(10,), slope=0.0, distance=0.0)
    assert plan.blocked(certain) == 0.0
    assert BlockingPlan(looks=(9, 10), slope=0.0, distance=0.0).blocked(certain) == 1.0


@pytest.mark.parametrize("margin", [0.03, 0.05, 0.1])
@pytest.mark.parametrize("false_block", [0.01, 0.05])
def test_the_error_is_kept_and_used(margin: float, false_block: float) -> None:
    plan = early_blocking(
        Step.paired(margin, DISCORDANCE), HARMLESS, [120, 210, 360, 600], false_block=false_block
    )
    # Sums are whole numbers, so an error cannot be met exactly; half of it must be spent.
    assert false_block / 2 < plan.blocked(HARMLESS) <= false_block


def test_a_line_any_closer_would_break_the_error() -> None:
    plan = early_blocking(HARMFUL, HARMLESS, [120, 210, 360, 600], false_block=0.01)
    closer = BlockingPlan(looks=plan.looks, slope=plan.slope, distance=plan.distance - 1e-6)
    assert plan.blocked(HARMLESS) <= 0.01 < closer.blocked(HARMLESS)


def test_the_line_rises_halfway_between_harmless_and_harmful() -> None:
    plan = early_blocking(HARMFUL, HARMLESS, LOOKS, false_block=0.02)
    assert plan.slope == pytest.approx(MARGIN / 2, abs=1e-12)


def test_the_exact_errors_are_those_of_simulated_candidates() -> None:
    plan = early_blocking(HARMFUL, HARMLESS, LOOKS, false_block=0.02)
    ends = np.array(LOOKS[:-1])
    for seed, difference in enumerate((0.0, 0.03, 0.05, 0.1)):
        step = Step.paired(difference, DISCORDANCE)
        odds = [step.better, 1 - step.better - step.worse, step.worse]
        rng = np.random.default_rng(seed)
        totals = rng.choice([-1, 0, 1], p=odds, size=(4000, LOOKS[-1])).cumsum(axis=1)
        blocked = (totals[:, ends - 1] >= plan.slope * ends + plan.distance).any(axis=1)
        # Four standard errors of a share in 4,000 runs.
        assert blocked.mean() == pytest.approx(plan.blocked(step), abs=0.032)


def test_a_candidate_twice_the_margin_worse_is_blocked_early() -> None:
    # A test of fixed size would need 425 pairs for 90 % power; 35 % of that are 149.
    looks = tuple(range(40, 841, 40))
    plan = early_blocking(HARMFUL, HARMLESS, looks, false_block=0.02)
    bad = Step.paired(2 * MARGIN, DISCORDANCE + MARGIN)
    until = BlockingPlan(looks=(40, 80, 120, 160), slope=plan.slope, distance=plan.distance)
    assert until.blocked(bad) > 0.5
    assert plan.blocked(bad) > 0.999


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 14))
def test_more_losses_never_help(look: int) -> None:
    plan = early_blocking(HARMFUL, HARMLESS, LOOKS, false_block=0.02)
    seen = LOOKS[look]
    blocked = [plan.blocks(total, seen) for total in range(-seen, seen + 1)]
    assert blocked == sorted(blocked)
    assert not blocked[0]
    assert blocked[-1]


def test_a_worse_candidate_is_blocked_more_often() -> None:
    plan = early_blocking(HARMFUL, HARMLESS, LOOKS, false_block=0.02)
    blocked = [plan.blocked(Step.paired(d / 100, DISCORDANCE)) for d in range(-12, 13)]
    assert all(a <= b for a, b in pairwise(blocked))
    assert blocked[0] < 1e-6
    assert blocked[-1] > 0.999


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((HARMFUL, HARMLESS, []), "looks"),
        ((HARMFUL, HARMLESS, [0, 10]), "from 1"),
        ((HARMFUL, HARMLESS, [10, 10]), "rising"),
        ((HARMLESS, HARMFUL, [100]), "below the harmful"),
        ((HARMLESS, HARMLESS, [100]), "below the harmful"),
    ],
)
def test_plans_that_cannot_be_are_refused(
    arguments: tuple[Step, Step, list[int]], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        early_blocking(*arguments, false_block=0.01)


@pytest.mark.parametrize("false_block", [0.0, 1.0])
def test_errors_must_be_probabilities(false_block: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        early_blocking(HARMFUL, HARMLESS, LOOKS, false_block=false_block)


def test_impossible_steps_are_refused() -> None:
    for better, worse in ((0.6, 0.6), (-0.1, 0.5), (0.5, -0.1)):
        with pytest.raises(InvalidInput, match="shares of 1"):
            Step(better, worse)
    with pytest.raises(InvalidInput, match="larger than discordance"):
        Step.paired(0.2, 0.1)
    assert Step.paired(0.1, 0.1) == Step(0.0, 0.1)
