"""McNemar and the bootstrap: against oracles, against symmetry, and on four published models."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as oracle

from evalsuite.errors import InvalidInput
from evalsuite.statistics import mcnemar, paired_bootstrap, paired_difference, paired_mean

COUNTS = st.integers(0, 60)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_mcnemar_is_half_of_the_two_sided_exact_test(b: int, c: int) -> None:
    two_sided = oracle([[0, b], [c, 0]], exact=True).pvalue if b + c else 1.0
    smaller = min(mcnemar(b, c), mcnemar(c, b))
    assert min(1.0, 2 * smaller) == pytest.approx(two_sided)


@given(COUNTS, COUNTS)
def test_the_two_sides_of_mcnemar_share_one_outcome(b: int, c: int) -> None:
    assert mcnemar(b, c) + mcnemar(c, b) == pytest.approx(1 + binom.pmf(b, b + c, 0.5))


def test_a_base_against_itself_is_never_significant() -> None:
    assert mcnemar(0, 0) == 1.0
    assert all(mcnemar(k, k) > 0.5 for k in range(50))


def test_negative_counts_are_refused() -> None:
    with pytest.raises(InvalidInput, match="negative"):
        mcnemar(-1, 3)


def losses(rng: np.random.Generator, clusters: int, size: int) -> tuple[list[float], list[str]]:
    """Log-normal losses with a shared part in each cluster."""
    shared = np.repeat(rng.normal(0, 0.3, clusters), size)
    values = rng.lognormal(0, 0.6, clusters * size) + shared + 2
    return [float(v) for v in values], [f"c{i // size}" for i in range(clusters * size)]


def test_the_bootstrap_agrees_with_the_t_interval_on_many_clusters() -> None:
    rng = np.random.default_rng(3)
    candidate, clusters = losses(rng, 200, 3)
    baseline, _ = losses(rng, 200, 3)
    ours = paired_bootstrap(candidate, baseline, clusters)
    theirs = paired_mean(candidate, baseline, clusters)
    half = theirs.upper - theirs.value
    assert ours.value == pytest.approx(theirs.value)
    assert ours.lower == pytest.approx(theirs.lower, abs=0.1 * half)
    assert ours.upper == pytest.approx(theirs.upper, abs=0.1 * half)


def test_the_bootstrap_is_reproducible_and_flips_with_its_sides() -> None:
    rng = np.random.default_rng(4)
    candidate, clusters = losses(rng, 40, 2)
    baseline, _ = losses(rng, 40, 2)
    one = paired_bootstrap(candidate, baseline, clusters, seed=7)
    assert one == paired_bootstrap(candidate, baseline, clusters, seed=7)
    other = paired_bootstrap(baseline, candidate, clusters, seed=7)
    assert other.value == pytest.approx(-one.value)
    # Resampled quantiles are mirrored up to the noise of the resampling.
    assert other.upper == pytest.approx(-one.lower, abs=0.02)


def test_the_bootstrap_of_a_base_against_itself_is_zero() -> None:
    values, clusters = losses(np.random.default_rng(5), 10, 2)
    same = paired_bootstrap(values, values, clusters)
    assert (same.lower, same.value, same.upper) == (0, 0, 0)


def test_copies_of_cases_widen_nothing_and_narrow_nothing() -> None:
    rng = np.random.default_rng(6)
    candidate, clusters = losses(rng, 40, 2)
    baseline, _ = losses(rng, 40, 2)
    once = paired_bootstrap(candidate, baseline, clusters)
    twice = paired_bootstrap(candidate * 2, baseline * 2, clusters * 2)
    assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper))


def test_one_cluster_cannot_be_resampled() -> None:
    with pytest.raises(InvalidInput, match="two or more"):
        paired_bootstrap([1.0, 2.0], [1.0, 1.0], ["a", "a"])


@pytest.mark.slow
def test_the_bootstrap_covers_on_sixty_clusters() -> None:
    runs, rng = 400, np.random.default_rng(8)
    missed = 0
    for _ in range(runs):
        candidate, clusters = losses(rng, 60, 3)
        baseline, _ = losses(rng, 60, 3)
        missed += paired_bootstrap(candidate, baseline, clusters, resamples=999).upper < 0
    # The true difference is 0. BCa is a little short on 60 clusters: up to 7 % are allowed for.
    assert missed / runs <= binom.ppf(0.999, runs, 0.07) / runs


MODELS = ("6b_finetuning", "175b_finetuning", "6b_verification", "175b_verification")
"""From the weakest to the strongest: 21.7, 34.7, 39.0 and 56.3 % on the whole question set."""


@pytest.fixture(scope="module")
def answers(public_data: Path) -> dict[str, list[float]]:
    lines = (public_data / "gsm8k/example_model_solutions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return {name: [float(not row[name]["is_correct"]) for row in rows] for name in MODELS}


def test_four_published_models_are_ordered_as_their_authors_say(
    answers: dict[str, list[float]],
) -> None:
    questions = [str(i) for i in range(len(answers[MODELS[0]]))]
    for weaker, stronger in combinations(MODELS, 2):
        estimate = paired_difference(answers[weaker], answers[stronger], questions)
        pairs = list(zip(answers[weaker], answers[stronger], strict=True))
        b, c = pairs.count((1.0, 0.0)), pairs.count((0.0, 1.0))
        assert estimate.value == pytest.approx((b - c) / len(pairs))
        assert estimate.value > 0
        # Score interval and exact test say the same at the same level, in both directions.
        assert (estimate.lower > 0) == (mcnemar(b, c) < 0.05)
        assert mcnemar(c, b) > 0.5
