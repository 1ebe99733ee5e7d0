"""From what a reference showed to a limit and a panel: checked against the gates' own decision."""

from __future__ import annotations

import random

import pytest

from evalsuite.calibration.limits import LEAST, Measure, Unit, propose
from evalsuite.errors import InvalidInput
from evalsuite.statistics import Estimate, clustered_rate, paired_mean


def rate(failures: int, n: int, size: int = 1) -> Estimate:
    losses = [1.0] * failures + [0.0] * (n - failures)
    random.Random(3).shuffle(losses)
    return clustered_rate(losses, [str(i // size) for i in range(n)])


def measure(estimate: Estimate, limit: float, panel: int = 1000, **more: object) -> Measure:
    return Measure(
        name="example_leakage.literal",
        unit=Unit.RATE,
        estimate=estimate,
        limit=limit,
        panel=panel,
        **more,  # type: ignore[arg-type]
    )


def test_a_clean_reference_keeps_the_limit_and_the_fewest_cases_that_pass_it() -> None:
    found = propose(measure(rate(0, 900), 0.02), most=2000, power=0.9, confidence=0.95)
    assert found.limit == 0.02
    assert found.passes >= 0.9
    assert found.panel < 1000
    fewer = propose(measure(rate(0, 900), 0.02), most=found.panel - 10, power=0.9, confidence=0.95)
    assert fewer.limit is None or fewer.limit > 0.02


def test_what_is_proposed_passes_as_often_as_it_says_when_it_is_drawn() -> None:
    asked = measure(rate(30, 900), 0.10)
    found = propose(asked, most=2000, power=0.9, confidence=0.95)
    rng = random.Random(7)
    passed = 0
    for _ in range(400):
        losses = [float(rng.random() < asked.assumed) for _ in range(found.panel)]
        drawn = clustered_rate(losses, [str(i) for i in range(found.panel)])
        passed += drawn.upper <= 0.10
    assert found.passes == pytest.approx(passed / 400, abs=0.05)


def test_what_is_blocked_no_longer_passes() -> None:
    asked = measure(rate(9, 900), 0.05)
    found = propose(asked, most=2000, power=0.9, confidence=0.95)
    assert found.blocked is not None
    rng = random.Random(8)
    passed = 0
    for _ in range(300):
        losses = [float(rng.random() < found.blocked) for _ in range(found.panel)]
        drawn = clustered_rate(losses, [str(i) for i in range(found.panel)])
        passed += drawn.upper <= 0.05
    assert passed / 300 < 0.1
    assert found.harm is not None
    assert found.harm > found.blocked > asked.assumed


def test_a_limit_moves_only_where_no_panel_lets_the_reference_pass_and_to_twice_at_most() -> None:
    near = propose(measure(rate(17, 900), 0.02), most=2000, power=0.9, confidence=0.95)
    assert near.limit is not None
    assert 0.02 < near.limit <= 0.04
    assert "no panel that is affordable" in near.reason
    far = propose(measure(rate(90, 900), 0.02), most=2000, power=0.9, confidence=0.95)
    assert far.limit is None
    assert "twice the limit" in far.reason


def test_cases_that_fail_together_need_larger_panels() -> None:
    losses = [float(i // 5 % 20 == 0) for i in range(1000)]
    together = clustered_rate(losses, [str(i // 5) for i in range(1000)])
    apart = clustered_rate(losses, [str(i) for i in range(1000)])
    sizes = [
        propose(measure(e, 0.10), most=4000, power=0.9, confidence=0.95).panel
        for e in (together, apart)
    ]
    assert sizes[0] > 1.5 * sizes[1]


def test_clusters_that_run_out_are_worth_less_and_less() -> None:
    losses = [float(i % 100 < 5) for i in range(1000)]
    seen = clustered_rate(losses, [str(i % 100) for i in range(1000)])
    few = measure(seen, 0.10, clusters=100)
    assert few.effective(4000) == pytest.approx(few.effective(1000), rel=0.05)
    many = measure(seen, 0.10)
    assert many.effective(4000) == pytest.approx(4 * few.effective(1000), rel=0.05)


def test_nats_are_judged_as_a_difference() -> None:
    rng = random.Random(5)
    base = [4 + rng.random() for _ in range(200)]
    worse = [x + 0.02 + rng.gauss(0, 0.05) for x in base]
    asked = Measure(
        name="forgetting.text.en",
        unit=Unit.DIFFERENCE,
        estimate=paired_mean(worse, base, [str(i) for i in range(200)]),
        limit=0.05,
        panel=200,
    )
    found = propose(asked, most=400, power=0.9, confidence=0.95)
    assert found.limit == 0.05
    assert found.panel >= LEAST
    assert found.passes >= 0.9
    assert found.harm is not None
    assert found.harm > 0.05
    lost = [x + 0.4 + rng.gauss(0, 0.05) for x in base]
    bad = Measure(
        name="forgetting.text.en",
        unit=Unit.DIFFERENCE,
        estimate=paired_mean(lost, base, [str(i) for i in range(200)]),
        limit=0.05,
        panel=200,
    )
    assert propose(bad, most=400, power=0.9, confidence=0.95).limit is None


def test_groups_that_decide_by_themselves_need_their_cases() -> None:
    asked = measure(rate(0, 900), 0.20, least=390)
    assert propose(asked, most=2000, power=0.9, confidence=0.95).panel >= 390
    assert propose(asked, most=200, power=0.9, confidence=0.95).panel == 200


def test_no_case_is_no_panel() -> None:
    with pytest.raises(InvalidInput, match="most=0"):
        propose(measure(rate(0, 90), 0.02), most=0, power=0.9, confidence=0.95)
