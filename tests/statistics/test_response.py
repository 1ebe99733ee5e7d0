"""The curve of blocking over severity: maximum likelihood, and what cannot be fitted."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from evalsuite.errors import InvalidInput
from evalsuite.statistics import ResponseCurve, response_curve

SEVERITIES, BLOCKED, RUNS = (0.01, 0.02, 0.04, 0.08), (1, 4, 13, 20), (20, 20, 20, 20)


def test_the_fit_is_logistic_regression_on_the_logarithm_of_the_severity() -> None:
    curve = response_curve(SEVERITIES, BLOCKED, RUNS)
    assert curve is not None
    counts = np.column_stack((BLOCKED, np.subtract(RUNS, BLOCKED)))
    place = sm.add_constant(np.log(SEVERITIES))
    intercept, slope = sm.GLM(counts, place, family=sm.families.Binomial()).fit().params
    assert curve.slope == pytest.approx(slope, rel=1e-3)
    assert curve.middle == pytest.approx(np.exp(-intercept / slope), rel=1e-3)


def test_a_curve_and_its_inverse() -> None:
    curve = ResponseCurve(middle=0.04, slope=3.0)
    assert curve.probability(0.0) == 0.0
    assert curve.probability(0.04) == 0.5
    # Twice the middle: 1 / (1 + 2 ** -3).
    assert curve.probability(0.08) == pytest.approx(8 / 9)
    assert curve.severity(8 / 9) == pytest.approx(0.08)
    assert curve.probability(1e-300) == pytest.approx(0.0, abs=1e-200)


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1])
def test_no_severity_is_blocked_never_or_always(probability: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1, both excluded"):
        ResponseCurve(middle=0.04, slope=3.0).severity(probability)


def test_a_jump_gets_the_steepest_slope_and_lies_between_its_severities() -> None:
    curve = response_curve((0.01, 0.1), (0, 10), (10, 10))
    assert curve is not None
    assert curve.slope <= 40.0
    assert 0.01 < curve.middle < 0.1
    assert curve.probability(0.01) < 0.05 < 0.95 < curve.probability(0.1)


def test_nothing_or_everything_blocked_has_no_curve() -> None:
    assert response_curve((0.01, 0.1), (0, 0), (10, 10)) is None
    assert response_curve((0.01, 0.1), (10, 10), (10, 10)) is None


@pytest.mark.parametrize(
    ("severities", "blocked", "runs"),
    [
        ((0.1, 0.2), (1,), (2, 2)),
        ((), (), ()),
        ((0.0,), (1,), (2,)),
        ((0.1,), (3,), (2,)),
        ((0.1,), (-1,), (2,)),
    ],
)
def test_counts_that_cannot_be_are_refused(
    severities: tuple[float, ...], blocked: tuple[int, ...], runs: tuple[int, ...]
) -> None:
    with pytest.raises(InvalidInput):
        response_curve(severities, blocked, runs)
