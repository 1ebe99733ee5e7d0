"""Sample sizes, power and what a panel can see."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from evalsuite.errors import InvalidInput
from evalsuite.statistics import (
    clopper_pearson,
    clustered_rate,
    more_cases_for_difference,
    more_cases_for_mean,
    more_cases_for_rate,
    paired_difference,
    paired_mean,
    power,
    sample_size,
    smallest_detectable_difference,
    smallest_detectable_rate,
    zero_failure_size,
)

TABLE = {
    (0.05, 0.05): (124, 172),
    (0.05, 0.03): (344, 476),
    (0.05, 0.02): (773, 1071),
    (0.05, 0.01): (3092, 4282),
    (0.10, 0.05): (248, 343),
    (0.10, 0.03): (687, 952),
    (0.10, 0.02): (1546, 2141),
    (0.20, 0.05): (495, 686),
    (0.20, 0.03): (1374, 1904),
}


def apart(n: int) -> list[str]:
    return [str(index) for index in range(n)]


@pytest.mark.parametrize(("plan", "sizes"), TABLE.items())
def test_the_published_table_of_sample_sizes_comes_out(
    plan: tuple[float, float], sizes: tuple[int, int]
) -> None:
    assert tuple(sample_size(*plan, power=p) for p in (0.8, 0.9)) == sizes


@settings(deadline=None)
@given(st.floats(0.01, 0.5), st.floats(0.01, 0.2), st.floats(0.6, 0.99))
def test_a_planned_panel_has_its_power_and_not_a_case_too_many(
    discordance: float, margin: float, wanted: float
) -> None:
    n = sample_size(discordance, margin, power=wanted)
    assert power(n, discordance, margin) >= wanted - 1e-9
    if n > 1:
        assert power(n - 1, discordance, margin) < wanted


@settings(deadline=None)
@given(st.integers(10, 5000), st.floats(0.01, 0.5))
def test_the_smallest_detectable_difference_is_the_margin_with_that_power(
    n: int, discordance: float
) -> None:
    margin = smallest_detectable_difference(n, discordance**0.5)
    assert power(n, discordance, margin) == pytest.approx(0.9, abs=1e-9)


def test_a_worse_candidate_needs_more_cases() -> None:
    equal, worse = sample_size(0.1, 0.05), sample_size(0.1, 0.05, difference=0.02)
    assert worse > 2 * equal


def test_the_true_difference_lowers_the_power() -> None:
    assert power(343, 0.1, 0.05) == pytest.approx(0.9, abs=0.001)
    assert power(343, 0.1, 0.05, difference=0.05) == pytest.approx(0.05)
    assert power(50, 0.01, 0.5, difference=0.1) == 1.0


def test_the_small_example_panel_of_a_vendor_has_a_quarter_of_the_power() -> None:
    # 50 problems, margin 5 points; a fifth to a quarter of the pairs differ.
    assert 0.15 < power(50, 0.25, 0.05) < 0.30


@pytest.mark.parametrize(
    ("limit", "n"), [(0.0582, 50), (0.0296, 100), (0.01, 299), (0.003, 998), (0.001, 2995)]
)
def test_zero_failures_prove_a_limit_with_the_known_sizes(limit: float, n: int) -> None:
    assert zero_failure_size(limit) == n
    assert clopper_pearson(0, n).upper <= limit < clopper_pearson(0, n - 1).upper


@settings(deadline=None)
@given(st.integers(20, 800), st.sampled_from([0.02, 0.1, 0.3]))
def test_the_smallest_detectable_rate_is_blocked_with_its_power(n: int, limit: float) -> None:
    rate = smallest_detectable_rate(n, limit)
    assert rate is not None
    blocked = [k for k in range(n + 1) if clopper_pearson(k, n).lower > limit]
    assert binom.sf(blocked[0] - 1, n, rate) == pytest.approx(0.9, abs=1e-6)
    assert rate > limit


def test_a_panel_that_can_prove_nothing_says_so() -> None:
    assert smallest_detectable_rate(2, 0.5) is None


def test_the_further_cases_of_a_rate_really_decide_it() -> None:
    estimate = clustered_rate([1.0] * 3 + [0.0] * 97, apart(100))
    more = more_cases_for_rate(estimate, 0.06)
    assert more is not None
    assert more > 20
    failures = 0.03 * (100 + more)
    assert clopper_pearson(int(failures), 100 + more).upper <= 0.06
    assert more_cases_for_rate(clopper_pearson(0, 100), 0.02) == zero_failure_size(0.02) - 100


def test_the_further_cases_of_a_difference_really_decide_it() -> None:
    candidate, baseline = [1.0] * 2 + [0.0] * 98, [0.0] * 2 + [1.0] * 2 + [0.0] * 96
    estimate = paired_difference(candidate, baseline, apart(100))
    assert estimate.upper > 0.03
    more = more_cases_for_difference(estimate, 0.03)
    assert more is not None
    factor = -(-(100 + more) // 100)
    grown = paired_difference(candidate * factor, baseline * factor, apart(100 * factor))
    assert grown.upper <= 0.03


def test_the_further_cases_of_a_mean_follow_the_square_root() -> None:
    candidate = [1.0, 1.2, 0.9, 1.1] * 5
    estimate = paired_mean(candidate, [1.0] * 20, apart(20))
    limit = estimate.value + (estimate.upper - estimate.value) / 2
    assert more_cases_for_mean(estimate, limit) == pytest.approx(60, abs=1)


def test_a_value_on_the_limit_is_settled_by_no_number_of_cases() -> None:
    estimate = clopper_pearson(5, 100)
    assert more_cases_for_rate(estimate, 0.05) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: sample_size(0.1, 0.05, difference=0.05),
        lambda: sample_size(0.0, 0.05),
        lambda: sample_size(0.1, 0.05, power=1.0),
        lambda: power(0, 0.1, 0.05),
        lambda: smallest_detectable_difference(0, 0.1),
        lambda: zero_failure_size(0.0),
    ],
)
def test_impossible_plans_are_refused(call: object) -> None:
    with pytest.raises(InvalidInput):
        call()  # type: ignore[operator]


def test_quantiles_agree_with_scipy() -> None:
    expected = (norm.ppf(0.95) + norm.ppf(0.8)) * (0.05 / 200) ** 0.5
    assert smallest_detectable_difference(200, 0.05**0.5, power=0.8) == pytest.approx(expected)
