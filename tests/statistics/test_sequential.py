"""The truncated SPRT: exact errors, and the lines that keep them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from evalsuite.errors import InvalidInput
from evalsuite.statistics import Decision, SequentialTest, Step, truncated_sprt

MARGIN, DISCORDANCE = 0.05, 0.12
HARMFUL = Step.paired(MARGIN, DISCORDANCE)
HARMLESS = Step.paired(0.0, DISCORDANCE)
LOOKS = tuple(range(64, 1025, 64))


def simulated(test: SequentialTest, step: Step, runs: int, seed: int) -> tuple[float, float]:
    """Share of simulated candidates that pass, and the mean number of cases."""
    rng = np.random.default_rng(seed)
    odds = [step.better, 1 - step.better - step.worse, step.worse]
    losses = rng.choice([-1, 0, 1], p=odds, size=(runs, test.looks[-1]))
    totals = losses.cumsum(axis=1)
    passed, cases = 0, 0
    for row in totals:
        for look, seen in enumerate(test.looks):
            decision = test.decide(look, float(row[seen - 1]))
            if decision is not Decision.CONTINUE:
                passed += decision is Decision.PASS
                cases += seen
                break
    return passed / runs, cases / runs


@pytest.mark.parametrize("pass_early", [True, False])
@pytest.mark.parametrize(
    ("harmful", "harmless"),
    [(HARMFUL, HARMLESS), (Step.rate(0.04), Step.rate(0.01)), (Step.rate(0.2), Step.rate(0.1))],
)
def test_both_errors_are_kept_and_used(harmful: Step, harmless: Step, pass_early: bool) -> None:
    test = truncated_sprt(
        harmful, harmless, LOOKS, false_pass=0.05, false_block=0.02, pass_early=pass_early
    )
    passes = test.characteristics(harmful).passes
    blocks = test.characteristics(harmless).blocks
    assert passes <= 0.05
    assert blocks <= 0.02
    # Not by stopping nothing: the lines stand as close as one of the errors allows.
    assert max(passes / 0.05, blocks / 0.02) > 0.5


def test_the_exact_errors_are_those_of_simulated_candidates() -> None:
    test = truncated_sprt(HARMFUL, HARMLESS, LOOKS)
    for seed, difference in enumerate((0.0, 0.03, 0.05, 0.1)):
        step = Step.paired(difference, DISCORDANCE)
        exact = test.characteristics(step)
        passed, cases = simulated(test, step, 4000, seed)
        # Four standard errors of a share and of a mean in 4,000 runs.
        assert passed == pytest.approx(exact.passes, abs=0.032)
        assert cases == pytest.approx(exact.mean_cases, rel=0.06)


def test_a_candidate_twice_the_margin_worse_is_blocked_early() -> None:
    # A test of fixed size would need 425 pairs for 90 % power; 35 % of that are 149.
    test = truncated_sprt(
        HARMFUL, HARMLESS, tuple(range(40, 841, 40)), false_block=0.02, pass_early=False
    )
    bad = test.characteristics(Step.paired(2 * MARGIN, DISCORDANCE + MARGIN))
    assert bad.median_cases <= 149
    assert bad.blocks > 0.999


def test_one_look_is_the_exact_test_of_fixed_size() -> None:
    test = truncated_sprt(Step.rate(0.1), Step.rate(0.02), [100], false_block=0.1)
    assert test.cut == binom.ppf(0.05, 100, 0.1) - 1
    assert test.characteristics(Step.rate(0.1)).passes == pytest.approx(
        binom.cdf(test.cut, 100, 0.1)
    )


def test_without_early_passing_nothing_passes_before_the_end() -> None:
    test = truncated_sprt(HARMFUL, HARMLESS, LOOKS, pass_early=False)
    for look in range(len(LOOKS) - 1):
        assert test.decide(look, -float(LOOKS[look])) is Decision.CONTINUE
    assert test.decide(len(LOOKS) - 1, -float(LOOKS[-1])) is Decision.PASS


@settings(deadline=None, max_examples=12)
@given(st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.integers(0, 14))
def test_more_losses_never_help(better: float, worse: float, look: int) -> None:
    test = truncated_sprt(HARMFUL, HARMLESS, LOOKS)
    order = {Decision.PASS: 0, Decision.CONTINUE: 1, Decision.BLOCK: 2}
    decided = [order[test.decide(look, total)] for total in range(-LOOKS[look], LOOKS[look] + 1)]
    assert all(a <= b for a, b in pairwise(decided))
    found = test.characteristics(Step(better, worse))
    assert found.passes + found.blocks == pytest.approx(1)
    assert LOOKS[0] <= found.median_cases <= LOOKS[-1]


def test_a_worse_candidate_passes_less_often() -> None:
    test = truncated_sprt(HARMFUL, HARMLESS, LOOKS)
    passes = [
        test.characteristics(Step.paired(d / 100, DISCORDANCE)).passes for d in range(-12, 13)
    ]
    assert all(a >= b for a, b in pairwise(passes))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((HARMFUL, HARMLESS, []), "looks"),
        ((HARMFUL, HARMLESS, [10, 10]), "rising"),
        ((HARMLESS, HARMFUL, [100]), "below the harmful"),
        ((HARMFUL, HARMLESS, [20]), "end later"),
    ],
)
def test_plans_that_cannot_be_are_refused(
    arguments: tuple[Step, Step, list[int]], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        truncated_sprt(*arguments)


def test_errors_must_be_probabilities() -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        truncated_sprt(HARMFUL, HARMLESS, LOOKS, false_block=0.0)


def test_impossible_steps_are_refused() -> None:
    with pytest.raises(InvalidInput, match="shares of 1"):
        Step(0.6, 0.6)
    with pytest.raises(InvalidInput, match="larger than discordance"):
        Step.paired(0.2, 0.1)
    with pytest.raises(InvalidInput, match="looks 0 to"):
        truncated_sprt(HARMFUL, HARMLESS, LOOKS).decide(99, 0)
