"""Intervals of one failure rate."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from statsmodels.stats.proportion import proportion_confint

from evalsuite.errors import InvalidInput
from evalsuite.statistics import Estimate, Sides, best_case_upper, clopper_pearson, clustered_rate

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
PANELS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from("abcdefg")), min_size=1, max_size=60
)


def apart(n: int) -> list[str]:
    return [f"cluster-{index}" for index in range(n)]


@pytest.mark.parametrize(
    ("n", "upper"), [(50, 0.058), (100, 0.0295), (299, 0.010), (1000, 0.0030), (2995, 0.0010)]
)
def test_zero_failures_leave_the_known_upper_bounds(n: int, upper: float) -> None:
    assert clopper_pearson(0, n).upper == pytest.approx(upper, rel=0.01)


@settings(deadline=None)
@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_one_sided_bounds_agree_with_scipy(counts: tuple[int, int], confidence: float) -> None:
    failures, n = counts
    ours = clopper_pearson(failures, n, confidence)
    below = binomtest(failures, n, alternative="less").proportion_ci(confidence)
    above = binomtest(failures, n, alternative="greater").proportion_ci(confidence)
    assert ours.upper == pytest.approx(below.high, abs=1e-7)
    assert ours.lower == pytest.approx(above.low, abs=1e-7)


@settings(deadline=None)
@given(COUNTS)
def test_two_sided_bounds_agree_with_statsmodels(counts: tuple[int, int]) -> None:
    failures, n = counts
    ours = clopper_pearson(failures, n, sides=Sides.TWO)
    low, high = proportion_confint(failures, n, alpha=0.05, method="beta")
    assert ours.lower == pytest.approx(low, abs=1e-9)
    assert ours.upper == pytest.approx(high, abs=1e-9)


@settings(deadline=None)
@given(COUNTS)
def test_a_panel_of_single_cases_gets_the_exact_interval(counts: tuple[int, int]) -> None:
    failures, n = counts
    values = [1.0] * failures + [0.0] * (n - failures)
    clustered, exact = clustered_rate(values, apart(n)), clopper_pearson(failures, n)
    assert clustered.upper == pytest.approx(exact.upper, abs=1e-9)
    assert clustered.lower == pytest.approx(exact.lower, abs=1e-9)
    assert clustered.effective_n == pytest.approx(n)


def rate(panel: list[tuple[float, str]]) -> Estimate:
    return clustered_rate([value for value, _ in panel], [cluster for _, cluster in panel])


@settings(deadline=None)
@given(PANELS, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_changes_nothing(
    panel: list[tuple[float, str]], random: Random
) -> None:
    shuffled = list(panel)
    random.shuffle(shuffled)
    before, after = rate(panel), rate(shuffled)
    assert after.upper == pytest.approx(before.upper, abs=1e-12)
    assert after.lower == pytest.approx(before.lower, abs=1e-12)


@settings(deadline=None)
@given(PANELS)
def test_the_effective_size_never_exceeds_the_cases(panel: list[tuple[float, str]]) -> None:
    estimate = rate(panel)
    assert 0 < estimate.effective_n <= len(panel) + 1e-9
    assert estimate.upper >= clopper_pearson(int(sum(v for v, _ in panel)), len(panel)).upper - 1e-9


@settings(deadline=None)
@given(PANELS)
def test_counting_passes_instead_of_failures_mirrors_the_interval(
    panel: list[tuple[float, str]],
) -> None:
    values, clusters = zip(*panel, strict=True)
    failing, passing = (
        clustered_rate(values, clusters),
        clustered_rate([1 - v for v in values], clusters),
    )
    assert passing.lower == pytest.approx(1 - failing.upper, abs=1e-9)


@pytest.mark.parametrize("copies", [2, 5, 20])
def test_copies_of_correlated_cases_are_no_further_evidence(copies: int) -> None:
    values = [1.0] * 12 + [0.0] * 8 + [0.0] * 100
    clusters = [f"t{index // 10}" for index in range(120)]
    once = clustered_rate(values, clusters)
    often = clustered_rate(values * copies, clusters * copies)
    assert often.upper >= once.upper - 1e-9
    assert often.lower <= once.lower + 1e-9


def test_without_failures_copies_are_worth_at_most_the_clusters_over_the_correlation() -> None:
    clusters = [f"t{index % 20}" for index in range(300)]
    once = clustered_rate([0.0] * 300, clusters)
    often = clustered_rate([0.0] * 30_000, clusters * 100)
    assert once.effective_n == pytest.approx(300 / (1 + 14 * 0.3))
    assert often.effective_n < 20 / 0.3


def test_a_single_cluster_counts_as_one_case() -> None:
    estimate = clustered_rate([0.0] * 500, ["t"] * 500)
    assert estimate.effective_n == 1
    assert estimate.upper == pytest.approx(0.95)
    assert "single cluster" in estimate.method


def test_failures_that_cluster_widen_the_interval_more_than_scattered_ones() -> None:
    clusters = [f"t{index // 10}" for index in range(300)]
    together = clustered_rate([1.0] * 30 + [0.0] * 270, clusters)
    scattered = clustered_rate(([1.0] + [0.0] * 9) * 30, clusters)
    assert together.upper > scattered.upper + 0.03
    assert together.effective_n < scattered.effective_n


def test_one_failure_does_not_make_the_templates_look_independent() -> None:
    clusters = [f"t{index // 15}" for index in range(300)]
    none = clustered_rate([0.0] * 300, clusters)
    one = clustered_rate([1.0] + [0.0] * 299, clusters)
    assert one.upper > none.upper


def test_the_assumption_is_stated_in_the_method() -> None:
    estimate = clustered_rate([0.0] * 40, ["a", "b"] * 20, assumed_icc=0.4)
    assert "intra-class correlation 0.4 assumed" in estimate.method
    assert "one-sided" in estimate.method


@settings(deadline=None)
@given(PANELS, st.floats(0, 0.9))
def test_assuming_more_correlation_never_narrows_the_interval(
    panel: list[tuple[float, str]], icc: float
) -> None:
    values, clusters = zip(*panel, strict=True)
    weak = clustered_rate(values, clusters, assumed_icc=icc)
    strong = clustered_rate(values, clusters, assumed_icc=icc + 0.1)
    assert strong.upper >= weak.upper - 1e-9


@pytest.mark.parametrize(("failures", "seen", "whole"), [(0, 50, 200), (3, 150, 600), (7, 90, 90)])
def test_the_best_case_is_the_bound_of_the_whole_panel_with_todays_failures(
    failures: int, seen: int, whole: int
) -> None:
    best = best_case_upper(failures / seen, seen, seen / whole, 0.95)
    exact = binomtest(failures, whole, alternative="less").proportion_ci(0.95)
    assert best == pytest.approx(exact.high, abs=1e-7)


def korn_and_graubard(clusters: int, cases: int) -> float:
    """The published factor for one-sided 95 % bounds: the squared ratio of two t quantiles."""
    return float((t.ppf(0.95, clusters - 1) / t.ppf(0.95, cases - 1)) ** 2)


@pytest.mark.parametrize(("clusters", "size"), [(5, 4), (10, 5), (30, 2)])
def test_the_effective_size_is_that_of_the_published_formulas(clusters: int, size: int) -> None:
    # Every cluster has one failure, so nothing varies between clusters and the measured correlation
    # is -1 / (size - 1), its smallest value. Ten clusters weigh as much as the assumption.
    estimate = clustered_rate(
        ([1.0] + [0.0] * (size - 1)) * clusters,
        [f"t{index // size}" for index in range(clusters * size)],
    )
    measured, assumed = -1 / (size - 1), 0.3
    pulled = (clusters * measured + 10 * assumed) / (clusters + 10)
    effect = 1 + (size - 1) * max(0.0, pulled)
    expected = clusters * size / (effect * korn_and_graubard(clusters, clusters * size))
    assert estimate.effective_n == pytest.approx(expected)


def test_ten_clusters_with_an_event_weigh_as_much_as_the_assumption() -> None:
    # Half of -1 / 4 and of 0.3 each; nine clusters would leave more of the assumption.
    def correlation(clusters: int) -> str:
        names = [f"t{index // 5}" for index in range(5 * clusters)]
        return clustered_rate(([1.0] + [0.0] * 4) * clusters, names, assumed_icc=0.35).method

    assert "intra-class correlation 0.05 (measured -0.25, prior 0.35)" in correlation(10)
    assert "intra-class correlation 0.07 (measured -0.25, prior 0.35)" in correlation(9)
    assert "intra-class correlation 0.04 (measured -0.25, prior 0.35)" in correlation(11)


@pytest.mark.parametrize(
    ("values", "clusters", "message"),
    [
        ([], [], "holds no values"),
        ([0.5, 1.5], ["a", "b"], r"values\[1\]=1.5 must be a finite number from 0 to 1"),
        ([math.nan], ["a"], r"values\[0\]=nan"),
        ([0.0, 1.0], ["a"], "1 entries for 2 values"),
    ],
)
def test_unusable_panels_are_refused(
    values: list[float], clusters: list[str], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        clustered_rate(values, clusters)


@pytest.mark.parametrize("confidence", [0.5, 1.0, 95, math.nan])
def test_an_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(InvalidInput, match="must lie between"):
        clopper_pearson(1, 10, confidence)


@pytest.mark.parametrize(("failures", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(failures: int, n: int) -> None:
    with pytest.raises(InvalidInput, match="need n >= 1"):
        clopper_pearson(failures, n)


def test_an_unequal_panel_counts_its_large_cluster() -> None:
    values = np.zeros(100)
    values[:10] = 1.0
    equal = clustered_rate(list(values), [f"t{index % 10}" for index in range(100)])
    unequal = clustered_rate(list(values), ["big"] * 55 + [f"t{index % 9}" for index in range(45)])
    assert unequal.effective_n < equal.effective_n
