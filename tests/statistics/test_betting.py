"""The betting e-process: valid at every look, and strong enough to be of use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from evalsuite.errors import InvalidInput
from evalsuite.statistics import Claim, betting_wealth, first_reaching

MARGIN = 0.05
LOSSES = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=80)


def pairs(rng: np.random.Generator, difference: float, discordance: float, n: int) -> list[float]:
    odds = [(discordance - difference) / 2, 1 - discordance, (discordance + difference) / 2]
    return [float(x) for x in rng.choice([-1, 0, 1], p=odds, size=n)]


def refuted(difference: float, discordance: float, claim: Claim, runs: int) -> list[int | None]:
    rng = np.random.default_rng([int(100 * difference), int(100 * discordance), runs])
    return [
        first_reaching(
            betting_wealth(pairs(rng, difference, discordance, 800), MARGIN, claim), 0.05
        )
        for _ in range(runs)
    ]


@pytest.mark.parametrize("claim", list(Claim))
@pytest.mark.parametrize("discordance", [0.06, 0.12, 0.4])
def test_a_true_claim_is_rarely_refuted_at_any_look(claim: Claim, discordance: float) -> None:
    found = refuted(MARGIN, discordance, claim, 500)
    share = sum(look is not None for look in found) / len(found)
    assert share <= binom.ppf(0.999, 500, 0.05) / 500


def test_a_false_claim_is_refuted() -> None:
    harmless = refuted(0.0, 0.05, Claim.HARMFUL, 300)
    harmful = refuted(0.12, 0.15, Claim.HARMLESS, 300)
    for found in (harmless, harmful):
        assert sum(look is not None for look in found) / len(found) > 0.9
    # About 170 pairs in the median at 5 % differing pairs, where a fixed size needs 172.
    assert 120 <= np.median([look or 800 for look in harmless]) <= 220


@pytest.mark.slow
@pytest.mark.parametrize("discordance", [0.06, 0.1, 0.2])
def test_the_size_over_many_looks(discordance: float) -> None:
    runs = 4000
    found = refuted(MARGIN, discordance, Claim.HARMFUL, runs)
    share = sum(look is not None for look in found) / runs
    assert 0.005 <= share <= binom.ppf(0.999, runs, 0.05) / runs


@settings(deadline=None)
@given(LOSSES)
def test_mirrored_losses_against_the_mirrored_claim_earn_the_same(losses: list[float]) -> None:
    ours = betting_wealth(losses, MARGIN, Claim.HARMFUL)
    theirs = betting_wealth([-loss for loss in losses], -MARGIN, Claim.HARMLESS)
    assert theirs == pytest.approx(ours)


@settings(deadline=None)
@given(LOSSES, LOSSES)
def test_what_comes_later_changes_nothing_before(first: list[float], more: list[float]) -> None:
    before = betting_wealth(first, MARGIN)
    assert betting_wealth(first + more, MARGIN)[: len(first)] == pytest.approx(before)


@settings(deadline=None)
@given(LOSSES)
def test_nobody_goes_bankrupt(losses: list[float]) -> None:
    for claim in Claim:
        assert (betting_wealth(losses, MARGIN, claim) > 0).all()


def test_nothing_that_differs_is_evidence_too() -> None:
    look = first_reaching(betting_wealth([0.0] * 200, MARGIN), 0.05)
    assert look is not None
    assert 59 <= look <= 160


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match="losses"):
        betting_wealth([], MARGIN)
    with pytest.raises(InvalidInput, match="margin"):
        betting_wealth([0.0], 1.0)
    with pytest.raises(InvalidInput, match="alpha"):
        first_reaching(betting_wealth([0.0], MARGIN), 0)
