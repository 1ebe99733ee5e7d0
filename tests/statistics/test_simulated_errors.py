"""How often the intervals are wrong, measured on simulated panels with fixed seeds.

A share measured in R runs may exceed its nominal value by what chance explains: the tolerance is
the 99.9 % quantile of the binomial count, stated where it is used.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom, norm

from evalsuite.statistics import (
    Estimate,
    clopper_pearson,
    clustered_rate,
    paired_difference,
    tango_statistic,
)

NOMINAL = 0.05
CORRELATIONS = (0.0, 0.1, 0.3, 0.6)


def panel(
    rng: np.random.Generator, shape: tuple[int, int], rate: float, icc: float
) -> tuple[list[float], list[str]]:
    """Beta-binomial cases: ``shape`` is (clusters, cases in each)."""
    clusters, size = shape
    if icc:
        total = 1 / icc - 1
        rates = rng.beta(rate * total, (1 - rate) * total, clusters)
    else:
        rates = np.full(clusters, rate)
    values = rng.random((clusters, size)) < rates[:, None]
    names = [f"t{index // size}" for index in range(clusters * size)]
    return [float(value) for value in values.ravel()], names


def share(runs: int, event: Callable[[], bool]) -> float:
    return sum(event() for _ in range(runs)) / runs


def allowed(runs: int, nominal: float = NOMINAL) -> float:
    """Largest share that chance explains at ``nominal``: the 99.9 % quantile."""
    return float(binom.ppf(0.999, runs, nominal)) / runs


def false_pass(
    shape: tuple[int, int], limit: float, icc: float, runs: int, *, assumed: float = 0.3
) -> float:
    rng = np.random.default_rng([*shape, int(limit * 1000), int(icc * 10), runs])

    def passes() -> bool:
        values, names = panel(rng, shape, limit, icc)
        return clustered_rate(values, names, assumed_icc=assumed).upper <= limit

    return share(runs, passes)


@pytest.mark.parametrize("icc", CORRELATIONS)
def test_templates_are_counted_so_that_a_leaky_panel_rarely_passes(icc: float) -> None:
    assert false_pass((20, 15), 0.02, icc, 400) <= allowed(400)


def test_counting_cases_instead_of_templates_would_pass_a_leaky_panel() -> None:
    rng = np.random.default_rng(5)

    def naive() -> bool:
        values, _ = panel(rng, (20, 15), 0.02, 0.3)
        return clopper_pearson(int(sum(values)), 300).upper <= 0.02

    assert 0.17 < share(500, naive) < 0.29


@pytest.mark.slow
@pytest.mark.parametrize("icc", CORRELATIONS)
@pytest.mark.parametrize("limit", [0.02, 0.05, 0.15, 0.35])
@pytest.mark.parametrize("shape", [(20, 15), (60, 5), (60, 10), (12, 25), (240, 2)])
def test_the_false_pass_rate_keeps_its_promise(
    shape: tuple[int, int], limit: float, icc: float
) -> None:
    runs = 2000
    # A correlation beyond the assumed one is promised for 20 templates and a 2 % limit only;
    # elsewhere it may cost up to 3.5 points more, which docs/statistics.md tells.
    promised = NOMINAL if icc <= 0.3 or (shape, limit) == ((20, 15), 0.02) else 0.085
    assert false_pass(shape, limit, icc, runs) <= allowed(runs, promised)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.02, 0.05, 0.15])
@pytest.mark.parametrize("shape", [(20, 15), (60, 5), (60, 10)])
def test_assuming_the_true_correlation_keeps_the_promise_beyond_the_default(
    shape: tuple[int, int], limit: float
) -> None:
    runs = 2000
    assert false_pass(shape, limit, 0.6, runs, assumed=0.6) <= allowed(runs)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "discordance"), [(50, 0.1), (50, 0.2), (200, 0.05), (200, 0.1)])
def test_tango_keeps_its_size_where_wald_does_not(n: int, discordance: float) -> None:
    margin, runs = 0.05, 20_000
    rng = np.random.default_rng([n, int(100 * discordance)])
    worse = (discordance + margin) / 2
    counts = rng.multinomial(n, [worse, discordance - worse, 1 - discordance], runs)
    z = norm.ppf(0.95)
    tango = [tango_statistic(float(b), float(c), n, margin) <= -z for b, c, _ in counts]
    difference = (counts[:, 0] - counts[:, 1]) / n
    spread = (counts[:, 0] + counts[:, 1]) / n - difference**2
    wald = difference + z * np.sqrt(spread / n) <= margin
    # 5.1 % was simulated for Tango; 0.3 points of slack for chance in 20,000 runs.
    assert float(np.mean(tango)) <= 0.054
    assert float(np.mean(wald)) > 0.055


def flipped(
    rng: np.random.Generator, shape: tuple[int, int], difference: float, icc: float
) -> Estimate:
    """A paired panel whose share of differing pairs is 12 %, correlated within clusters."""
    worse, names = panel(rng, shape, (0.12 + difference) / 2, icc)
    better, _ = panel(rng, shape, (0.12 - difference) / 2, icc)
    candidate = [max(w - b, 0.0) for w, b in zip(worse, better, strict=True)]
    baseline = [max(b - w, 0.0) for w, b in zip(worse, better, strict=True)]
    return paired_difference(candidate, baseline, names)


def test_a_candidate_at_the_margin_rarely_passes_on_clustered_pairs() -> None:
    rng = np.random.default_rng(8)
    runs = 400
    passed = share(runs, lambda: flipped(rng, (40, 8), 0.05, 0.3).upper <= 0.05)
    assert passed <= allowed(runs)


@pytest.mark.slow
@pytest.mark.parametrize("icc", CORRELATIONS)
@pytest.mark.parametrize("shape", [(20, 15), (40, 8), (100, 4), (300, 1)])
def test_the_paired_false_pass_rate_keeps_its_promise(shape: tuple[int, int], icc: float) -> None:
    rng = np.random.default_rng([*shape, int(icc * 10)])
    runs = 2000
    passed = share(runs, lambda: flipped(rng, shape, 0.05, icc).upper <= 0.05)
    assert passed <= allowed(runs)


@pytest.mark.slow
@pytest.mark.parametrize("icc", CORRELATIONS)
def test_equal_sides_are_rarely_called_different(icc: float) -> None:
    rng = np.random.default_rng([9, int(icc * 10)])
    runs = 2000
    assert share(runs, lambda: flipped(rng, (40, 8), 0.0, icc).lower > 0) <= allowed(runs)
