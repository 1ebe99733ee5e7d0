"""Rates of a whole of which unequal shares were read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import InvalidInput
from evalsuite.statistics import (
    Estimate,
    Sides,
    Stratum,
    clopper_pearson,
    complement,
    stratified_rate,
    weighted_sum,
)

STRATA = st.lists(
    st.tuples(st.integers(1, 200), st.integers(1, 20), st.integers(0, 20)).map(
        lambda t: Stratum(size=max(t[:2]), drawn=t[1], failures=min(t[1:]))
    ),
    min_size=1,
    max_size=12,
)


def rate(strata: list[Stratum]) -> Estimate:
    return stratified_rate(strata)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 60))
def test_one_stratum_has_the_exact_interval(drawn: int, failures: int) -> None:
    failures = min(drawn, failures)
    ours = rate([Stratum(size=1000, drawn=drawn, failures=failures)])
    exact = clopper_pearson(failures, drawn, sides=Sides.TWO)
    # Its variance is that of a sample, n / (n - 1) larger, so it is a little wider.
    assert exact.lower + 1e-9 >= ours.lower >= exact.lower - 0.1
    assert exact.upper - 1e-9 <= ours.upper <= exact.upper + 0.1


@settings(deadline=None)
@given(STRATA)
def test_bounds_enclose_the_rate_and_no_more_is_known_than_was_read(strata: list[Stratum]) -> None:
    found = rate(strata)
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    assert found.effective_n <= sum(one.drawn for one in strata) + 1e-9


@settings(deadline=None)
@given(STRATA, st.randoms(use_true_random=False))
def test_the_order_of_strata_changes_nothing(strata: list[Stratum], random: object) -> None:
    turned = sorted(strata, key=lambda one: (one.failures, one.size, one.drawn))
    assert rate(turned).upper == pytest.approx(rate(strata).upper, abs=1e-9)


@settings(deadline=None)
@given(STRATA)
def test_failures_and_successes_change_places(strata: list[Stratum]) -> None:
    turned = [Stratum(size=s.size, drawn=s.drawn, failures=s.drawn - s.failures) for s in strata]
    ours, theirs = rate(strata), complement(rate(turned))
    assert ours.value == pytest.approx(theirs.value)
    assert ours.upper == pytest.approx(theirs.upper, abs=1e-6)


def test_the_rate_is_that_of_the_whole_and_not_of_the_rows() -> None:
    strata = [Stratum(size=90, drawn=6, failures=0), Stratum(size=10, drawn=6, failures=6)]
    assert rate(strata).value == pytest.approx(0.1)


def test_strata_in_which_nothing_varies_do_not_look_certain() -> None:
    strata = [Stratum(size=100, drawn=2, failures=0), Stratum(size=100, drawn=2, failures=2)]
    found = rate(strata)
    assert found.lower < 0.1
    assert found.upper > 0.9


def test_nothing_found_in_unequal_strata_says_less_than_in_equal_ones() -> None:
    equal = rate([Stratum(size=100, drawn=30, failures=0)] * 2)
    unequal = rate(
        [Stratum(size=450, drawn=30, failures=0), Stratum(size=50, drawn=30, failures=0)]
    )
    assert equal.upper == pytest.approx(clopper_pearson(0, 60, sides=Sides.TWO).upper)
    assert unequal.upper > equal.upper * 1.4


@pytest.mark.parametrize("values", [{"drawn": 0}, {"failures": 4}, {"size": 2}, {"failures": -1}])
def test_strata_that_cannot_be_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="need 0 <= failures"):
        Stratum(**({"size": 9, "drawn": 3, "failures": 0} | values))


def test_an_empty_whole_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        rate([])


DESIGNS = {
    "even draws, one rate": (
        [100, 80, 60, 40, 30, 20, 10, 10, 5, 5],
        [6] * 8 + [5] * 2,
        [0.2] * 10,
    ),
    "even draws, the largest fails": (
        [100, 80, 60, 40, 30, 20, 10, 10],
        [6] * 8,
        [0.5] + [0.02] * 7,
    ),
    "one huge stratum": ([1000] + [20] * 20, [3] * 21, [0.3] + [0.0] * 20),
    "two of each": ([100] * 5 + [20] * 25, [2] * 30, [0.3] * 5 + [0.02] * 25),
    "by size, rare": ([200] * 26, [2] * 26, [0.02] * 26),
    "by size, rates differ": ([200] * 26, [2] * 26, [0.3, 0.0] * 13),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_the_interval_covers_the_rate_of_the_whole(design: str) -> None:
    sizes, drawn, rates = DESIGNS[design]
    rng = np.random.default_rng(7)
    bad = [round(size * one) for size, one in zip(sizes, rates, strict=True)]
    true, runs = sum(bad) / sum(sizes), 600
    hits = 0
    for _ in range(runs):
        found = rate(
            [
                Stratum(size=s, drawn=d, failures=int(rng.hypergeometric(b, s - b, d)))
                for s, d, b in zip(sizes, drawn, bad, strict=True)
            ]
        )
        hits += found.lower <= true <= found.upper
    # Nominal 95 %; three standard errors of the simulation are 2.7 points.
    assert hits / runs >= 0.925


@pytest.mark.parametrize(("accused", "accepted"), [(0.2, 0.01), (0.5, 0.1), (0.02, 0.3)])
def test_the_sum_of_two_halves_covers_too(accused: float, accepted: float) -> None:
    rng = np.random.default_rng(8)
    share, runs, hits = 0.1, 600, 0
    true = share * accused + (1 - share) * accepted
    for _ in range(runs):
        halves = [
            stratified_rate([Stratum(size=10_000, drawn=60, failures=int(rng.binomial(60, one)))])
            for one in (accused, accepted)
        ]
        found = weighted_sum([(share, halves[0]), (1 - share, halves[1])])
        hits += found.lower <= true <= found.upper
    assert hits / runs >= 0.925


def test_a_part_in_which_nothing_was_found_still_adds_what_it_may_hide() -> None:
    none = clopper_pearson(0, 60, sides=Sides.TWO)
    some = clopper_pearson(30, 60, sides=Sides.TWO)
    found = weighted_sum([(0.1, some), (0.9, none)])
    assert found.value == pytest.approx(0.05)
    assert found.upper - found.value > 0.9 * none.upper
    assert found.upper - found.value == pytest.approx(
        math.hypot(0.9 * none.upper, 0.1 * (some.upper - some.value))
    )


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [(-0.1, clopper_pearson(1, 9))],
        [(0.5, clopper_pearson(1, 9, 0.9)), (0.5, clopper_pearson(1, 9))],
    ],
)
def test_sums_that_mean_nothing_are_refused(parts: list[tuple[float, Estimate]]) -> None:
    with pytest.raises(InvalidInput):
        weighted_sum(parts)
