"""How far two raters agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from evalsuite.errors import InvalidInput
from evalsuite.statistics import agreement

WORDS = ["yes", "no", "cannot tell"]
PAIRS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), min_size=1, max_size=80)


def kappa(pairs: list[tuple[str, str]]) -> float | None:
    return agreement([a for a, _ in pairs], [b for _, b in pairs]).kappa


@settings(deadline=None)
@given(PAIRS)
def test_kappa_is_that_of_statsmodels(pairs: list[tuple[str, str]]) -> None:
    table = np.zeros((3, 3))
    for a, b in pairs:
        table[WORDS.index(a), WORDS.index(b)] += 1
    ours = kappa(pairs)
    assume(ours is not None)
    theirs = cohens_kappa(table, return_results=False)
    assert ours == pytest.approx(float(theirs), abs=1e-9)


def test_a_published_example() -> None:
    # Cohen 1960, Table 1 in counts of 200: kappa .492.
    table = {("1", "1"): 88, ("1", "2"): 14, ("1", "3"): 18, ("2", "1"): 10, ("2", "2"): 40,
             ("2", "3"): 10, ("3", "1"): 2, ("3", "2"): 6, ("3", "3"): 12}  # fmt: skip
    pairs = [pair for pair, times in table.items() for _ in range(times)]
    assert kappa(pairs) == pytest.approx(0.492, abs=0.0005)


@settings(deadline=None)
@given(PAIRS)
def test_raters_may_change_places_and_bounds_enclose(pairs: list[tuple[str, str]]) -> None:
    ours = agreement([a for a, _ in pairs], [b for _, b in pairs])
    theirs = agreement([b for _, b in pairs], [a for a, _ in pairs])
    assert ours == theirs
    if ours.kappa is not None:
        assert ours.lower is not None
        assert ours.upper is not None
        assert -1 <= ours.lower <= ours.kappa <= ours.upper <= 1


def test_whole_agreement_of_few_rows_proves_little() -> None:
    words = ["yes", "no"] * 10
    found = agreement(words, words)
    assert found.kappa == 1.0
    assert found.lower is not None
    assert found.lower < 0.7


def test_two_who_say_one_word_alone_have_no_kappa() -> None:
    found = agreement(["yes"] * 9, ["yes"] * 9)
    assert found.kappa is None
    assert found.agreed.value == 1.0


@pytest.mark.parametrize(("first", "second"), [([], []), (["yes"], []), (["a"], ["a", "b"])])
def test_readings_of_different_answers_are_refused(first: list[str], second: list[str]) -> None:
    with pytest.raises(InvalidInput, match="need the same answers"):
        agreement(first, second)


@pytest.mark.parametrize(("share", "slip"), [(0.5, 0.1), (0.2, 0.1), (0.1, 0.05), (0.5, 0.3)])
def test_the_interval_covers_kappa(share: float, slip: float) -> None:
    rng = np.random.default_rng(5)
    seen = share * (1 - slip) + (1 - share) * slip
    expected = seen**2 + (1 - seen) ** 2
    true = ((1 - slip) ** 2 + slip**2 - expected) / (1 - expected)
    hits, runs = 0, 600
    for _ in range(runs):
        truth = rng.random(120) < share
        first, second = (
            ["yes" if one else "no" for one in truth ^ (rng.random(120) < slip)] for _ in range(2)
        )
        found = agreement(first, second)
        if found.lower is not None and found.upper is not None:
            hits += found.lower <= true <= found.upper
    # Nominal 95 %; the share that agrees by chance is itself an estimate, which costs a little.
    assert hits / runs >= 0.92
