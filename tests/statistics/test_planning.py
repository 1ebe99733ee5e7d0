"""What a panel can see, and how many more cases a decision needs."""

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
    smallest_detectable_difference,
    smallest_detectable_rate,
)

TABLE = {
    (0.05, 0.05): (124, 172),
    (0.05, 0.03): (344, 476),
    (0.05, 0.02): (773, 1071),
    (0.05, 0.01): (3092, 4282),
    (0.10, 0.05): (248, 343),
    (0.10, 0.03): (687, 952),
    (0.10, 0.02): (1546, 2141),
    (0.10, 0.01): (6183, 8564),
    (0.20, 0.05): (495, 686),
    (0.20, 0.03): (1374, 1904),
    (0.20, 0.02): (3092, 4282),
    (0.20, 0.01): (12366, 17128),
}


def apart(n: int) -> list[str]:
    return [str(index) for index in range(n)]


@pytest.mark.parametrize(("plan", "sizes"), TABLE.items())
@pytest.mark.parametrize("place", [0, 1])
def test_the_published_table_of_sample_sizes_comes_out(
    plan: tuple[float, float], sizes: tuple[int, int], place: int
) -> None:
    discordance, margin = plan
    wanted = (0.8, 0.9)[place]
    enough, fewer = (
        smallest_detectable_difference(n, discordance**0.5, power=wanted)
        for n in (sizes[place], sizes[place] - 1)
    )
    assert enough <= margin < fewer


@settings(deadline=None)
@given(st.integers(10, 5000), st.floats(0.01, 0.5), st.floats(0.6, 0.99))
def test_the_smallest_detectable_difference_is_the_margin_with_that_power(
    n: int, discordance: float, wanted: float
) -> None:
    margin = smallest_detectable_difference(n, discordance**0.5, power=wanted)
    # An upper bound of 95 % lies within the margin where the mean lies 1.645 errors below it.
    error = (discordance / n) ** 0.5
    assert norm.cdf(margin - norm.ppf(0.95) * error, scale=error) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("limit", "n"), [(0.0582, 50), (0.0296, 100), (0.01, 299), (0.003, 998), (0.001, 2995)]
)
def test_zero_failures_prove_a_limit_with_the_known_sizes(limit: float, n: int) -> None:
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
    # Without any failure the bound has a closed form: 0.98 ** 149 is the first power below 5 %.
    assert 0.98**149 < 0.05 < 0.98**148
    assert more_cases_for_rate(clopper_pearson(0, 100), 0.02) == 49


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
        lambda: smallest_detectable_difference(0, 0.1),
        lambda: smallest_detectable_difference(100, -0.1),
        lambda: smallest_detectable_difference(100, 0.1, power=0.0),
        lambda: smallest_detectable_difference(100, 0.1, power=1.0),
        lambda: smallest_detectable_difference(100, 0.1, confidence=1.0),
    ],
)
def test_impossible_plans_are_refused(call: object) -> None:
    with pytest.raises(InvalidInput):
        call()  # type: ignore[operator]


def test_quantiles_agree_with_scipy() -> None:
    expected = (norm.ppf(0.95) + norm.ppf(0.8)) * (0.05 / 200) ** 0.5
    assert smallest_detectable_difference(200, 0.05**0.5, power=0.8) == pytest.approx(expected)


@pytest.mark.parametrize("limit", [5e-324, 1e-200])
def test_no_plan_reaches_a_limit_next_to_nothing(limit: float) -> None:
    losses, clusters = [0.0, 0.1] * 10, [str(number) for number in range(20)]
    same = paired_difference(losses, losses, clusters)
    assert more_cases_for_difference(same, limit) is None
    assert more_cases_for_mean(paired_mean(losses, losses[::-1], clusters), limit) is None
