"""Intervals of candidate minus baseline."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm, t, ttest_rel
from statsmodels.stats.contingency_tables import mcnemar

from evalsuite.errors import InvalidInput
from evalsuite.statistics import (
    Sides,
    paired_difference,
    paired_mean,
    tango_interval,
    tango_statistic,
)

TABLES = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200)).map(
    lambda t: (t[0], t[1], t[0] + t[1] + t[2])
)
BITS = st.sampled_from([0.0, 1.0])
PANELS = st.lists(st.tuples(BITS, BITS, st.sampled_from("abcdefgh")), min_size=1, max_size=60)


def columns(panel: list[tuple[float, float, str]]) -> tuple[list[float], list[float], list[str]]:
    candidate, baseline, clusters = zip(*panel, strict=True)
    return list(candidate), list(baseline), list(clusters)


@pytest.mark.parametrize(
    ("b", "c", "n", "interval"),
    [
        # Bentur 2009 and Cavo 2012, as analysed by Fagerland, Lydersen and Laake (2014).
        (1, 7, 21, (-0.517, -0.026)),
        (6, 16, 161, (-0.124, -0.005)),
        # Without a differing pair the bound has a closed form: z^2 / (n + z^2).
        (0, 0, 100, (-3.8415 / 103.8415, 3.8415 / 103.8415)),
    ],
)
def test_the_interval_agrees_with_published_examples(
    b: int, c: int, n: int, interval: tuple[float, float]
) -> None:
    assert tango_interval(b, c, n, sides=Sides.TWO) == pytest.approx(interval, abs=6e-4)


@settings(deadline=None)
@given(TABLES)
def test_the_statistic_at_zero_is_mcnemars(table: tuple[int, int, int]) -> None:
    b, c, n = table
    assume(b + c > 0)
    oracle = mcnemar([[n - b - c, b], [c, 0]], exact=False, correction=False)
    assert tango_statistic(b, c, n, 0.0) ** 2 == pytest.approx(oracle.statistic, rel=1e-9)


@settings(deadline=None)
@given(TABLES, st.floats(-0.95, 0.95))
def test_the_nuisance_is_at_its_constrained_maximum(
    table: tuple[int, int, int], difference: float
) -> None:
    b, c, n = table
    low, high = max(0.0, -difference), (1 - difference) / 2

    def deviance(q: float) -> float:
        terms = ((b, q + difference), (c, q), (n - b - c, 1 - 2 * q - difference))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    best = minimize_scalar(deviance, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    variance = 2 * best.x + difference * (1 - difference)
    assume(variance > 1e-6)
    expected = (b - c - n * difference) / math.sqrt(n * variance)
    assert tango_statistic(b, c, n, difference) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@settings(deadline=None)
@given(TABLES, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_bounds_are_where_the_score_test_turns(
    table: tuple[int, int, int], confidence: float
) -> None:
    b, c, n = table
    lower, upper = tango_interval(b, c, n, confidence)
    z = norm.ppf(confidence)
    assert -1 <= lower <= (b - c) / n <= upper <= 1
    assert tango_statistic(b, c, n, upper) == pytest.approx(-z, abs=1e-4)
    assert tango_statistic(b, c, n, lower) == pytest.approx(z, abs=1e-4)


@settings(deadline=None)
@given(TABLES)
def test_swapping_the_counts_mirrors_the_interval_exactly(table: tuple[int, int, int]) -> None:
    b, c, n = table
    lower, upper = tango_interval(b, c, n)
    assert tango_interval(c, b, n) == (-upper, -lower)


def test_when_every_pair_differs_the_bound_is_one() -> None:
    lower, upper = tango_interval(20, 0, 20)
    assert upper == 1.0
    assert 0.7 < lower < 1


@pytest.mark.parametrize(("b", "c", "n"), [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_impossible_tables_are_refused(b: int, c: int, n: int) -> None:
    with pytest.raises(InvalidInput, match=r"need b, c >= 0"):
        tango_interval(b, c, n)


@settings(deadline=None)
@given(PANELS)
def test_swapping_the_sides_flips_the_sign(panel: list[tuple[float, float, str]]) -> None:
    candidate, baseline, clusters = columns(panel)
    ours = paired_difference(candidate, baseline, clusters)
    theirs = paired_difference(baseline, candidate, clusters)
    assert theirs.value == pytest.approx(-ours.value, abs=1e-12)
    assert theirs.lower == pytest.approx(-ours.upper, abs=1e-9)
    assert theirs.upper == pytest.approx(-ours.lower, abs=1e-9)


@settings(deadline=None)
@given(PANELS, st.randoms(use_true_random=False))
def test_the_order_of_the_pairs_changes_nothing(
    panel: list[tuple[float, float, str]], random: object
) -> None:
    shuffled = list(panel)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = paired_difference(*columns(panel)), paired_difference(*columns(shuffled))
    assert (after.lower, after.upper) == pytest.approx((before.lower, before.upper), abs=1e-9)


@settings(deadline=None)
@given(PANELS)
def test_the_base_against_itself_is_never_significant(
    panel: list[tuple[float, float, str]],
) -> None:
    _, baseline, clusters = columns(panel)
    estimate = paired_difference(baseline, baseline, clusters)
    assert estimate.lower < 0 < estimate.upper
    assert estimate.value == 0


@settings(deadline=None)
@given(PANELS)
def test_clusters_never_narrow_the_interval_of_independent_pairs(
    panel: list[tuple[float, float, str]],
) -> None:
    candidate, baseline, clusters = columns(panel)
    clustered = paired_difference(candidate, baseline, clusters)
    alone = paired_difference(candidate, baseline, [str(i) for i in range(len(panel))])
    assert clustered.upper >= alone.upper - 1e-9
    assert clustered.lower <= alone.lower + 1e-9


def test_pairs_without_clusters_get_tangos_interval() -> None:
    candidate, baseline = [1.0] * 12 + [0.0] * 38, [0.0] * 12 + [1.0] * 2 + [0.0] * 36
    estimate = paired_difference(candidate, baseline, [str(i) for i in range(50)])
    assert (estimate.lower, estimate.upper) == pytest.approx(tango_interval(12, 2, 50), abs=1e-9)


def test_forty_clusters_that_differ_weigh_as_much_as_the_assumption() -> None:
    # One pair of five differs in every cluster: nothing varies between them, and the measured
    # correlation is -1 / 4. Forty of them weigh half, so 0.35 is pulled to 0.05.
    names = [f"t{index // 5}" for index in range(200)]
    worse = ([1.0] + [0.0] * 4) * 40
    estimate = paired_difference(worse, [0.0] * 200, names, assumed_icc=0.35)
    few_clusters = (t.ppf(0.95, 39) / t.ppf(0.95, 199)) ** 2
    assert estimate.effective_n == pytest.approx(200 / ((1 + 4 * 0.05) * few_clusters))


@pytest.mark.parametrize("copies", [2, 10])
def test_copies_of_correlated_pairs_are_no_further_evidence(copies: int) -> None:
    candidate = [1.0] * 9 + [0.0] * 91
    baseline = [0.0] * 30 + [1.0] * 6 + [0.0] * 64
    clusters = [f"t{index // 10}" for index in range(100)]
    once = paired_difference(candidate, baseline, clusters)
    often = paired_difference(candidate * copies, baseline * copies, clusters * copies)
    assert often.upper >= once.upper - 1e-9
    assert often.lower <= once.lower + 1e-9


def test_weights_give_every_skill_the_same_say() -> None:
    candidate = [1.0] * 10 + [0.0] * 90
    baseline = [0.0] * 100
    clusters = [str(index) for index in range(100)]
    weights = [1 / 10] * 10 + [1 / 90] * 90
    estimate = paired_difference(candidate, baseline, clusters, weights=weights)
    assert estimate.value == pytest.approx(0.5)
    assert estimate.effective_n < 40


@settings(deadline=None)
@given(PANELS, st.floats(0.01, 100))
def test_the_scale_of_the_weights_is_irrelevant(
    panel: list[tuple[float, float, str]], scale: float
) -> None:
    plain = paired_difference(*columns(panel))
    weighted = paired_difference(*columns(panel), weights=[scale] * len(panel))
    assert weighted.upper == pytest.approx(plain.upper, abs=1e-6)


def test_sides_of_unequal_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="pair them up"):
        paired_difference([0.0, 1.0], [0.0], ["a", "b"])


def test_mean_losses_agree_with_statsmodels_on_equal_clusters() -> None:
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(12), 8)
    difference = rng.normal(0.1, 0.3, 96) + rng.normal(0, 0.4, 12)[groups]
    baseline = rng.uniform(1, 3, 96)
    ours = paired_mean(list(baseline + difference), list(baseline), [f"c{g}" for g in groups])
    fit = sm.OLS(difference, np.ones(96)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    low, high = fit.conf_int(alpha=0.10)[0]
    assert (ours.lower, ours.upper) == pytest.approx((low, high), rel=1e-9)
    assert "11.0 degrees of freedom" in ours.method


def test_mean_losses_of_independent_cases_agree_with_the_paired_t_test() -> None:
    rng = np.random.default_rng(4)
    baseline = rng.uniform(1, 3, 40)
    candidate = baseline + rng.normal(0.05, 0.2, 40)
    ours = paired_mean(list(candidate), list(baseline), [str(i) for i in range(40)])
    interval = ttest_rel(candidate, baseline).confidence_interval(0.90)
    assert (ours.lower, ours.upper) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert ours.effective_n == pytest.approx(40)


def test_unequal_clusters_leave_fewer_degrees_of_freedom_than_clusters() -> None:
    values = [float(index % 7) for index in range(60)]
    clusters = ["big"] * 40 + [f"c{index}" for index in range(20)]
    estimate = paired_mean(values, [1.0] * 60, clusters)
    degrees = float(estimate.method.split(", ")[-1].split()[0])
    assert 1 <= degrees < 5


LOSSES = st.lists(
    st.tuples(st.floats(0, 9), st.floats(0, 9), st.sampled_from("abcd")), min_size=4, max_size=40
)


@settings(deadline=None)
@given(LOSSES)
def test_swapping_the_sides_flips_the_sign_of_a_mean(
    panel: list[tuple[float, float, str]],
) -> None:
    candidate, baseline, clusters = columns(panel)
    assume(len(set(clusters)) > 1)
    ours = paired_mean(candidate, baseline, clusters)
    theirs = paired_mean(baseline, candidate, clusters)
    assert theirs.lower == pytest.approx(-ours.upper, abs=1e-9)


@settings(deadline=None)
@given(LOSSES, st.integers(2, 6))
def test_copies_change_nothing_about_a_mean(
    panel: list[tuple[float, float, str]], copies: int
) -> None:
    candidate, baseline, clusters = columns(panel)
    assume(len(set(clusters)) > 1)
    once = paired_mean(candidate, baseline, clusters)
    often = paired_mean(candidate * copies, baseline * copies, clusters * copies)
    assert (often.lower, often.upper) == pytest.approx((once.lower, once.upper), abs=1e-7)


def test_one_cluster_cannot_tell_how_a_mean_varies() -> None:
    with pytest.raises(InvalidInput, match="one cluster only"):
        paired_mean([1.0, 2.0], [1.0, 1.0], ["a", "a"])


@given(st.floats(0.0, 5.0), st.integers(2, 60), st.integers(1, 4))
def test_the_same_difference_in_every_case_leaves_something_to_plan_with(
    difference: float, clusters: int, each: int
) -> None:
    names = [f"c{number % clusters}" for number in range(clusters * each)]
    estimate = paired_mean([2.0 + difference] * len(names), [2.0] * len(names), names)
    assert estimate.value == pytest.approx(difference, abs=1e-12)
    assert 0 < estimate.effective_n <= len(names)
