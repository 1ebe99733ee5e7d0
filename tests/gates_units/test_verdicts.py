"""Verdicts, their JSON, and the status of a whole run."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import InvalidInput, RunError
from evalsuite.gates import (
    Evidence,
    Policy,
    SliceVerdict,
    Status,
    Tier,
    Verdict,
    dump_verdicts,
    judge,
    load_verdicts,
    overall,
)

NUMBERS = st.none() | st.floats(-5, 5)
TEXTS = st.text(min_size=1).filter(lambda text: bool(text.strip()))
COMMON: dict[str, Any] = {
    "status": st.sampled_from(Status),
    "value": NUMBERS,
    "lower": NUMBERS,
    "upper": NUMBERS,
    "n": st.integers(0, 9999),
    "clusters": st.integers(0, 9999),
    "method": st.text(),
    "reason": TEXTS,
    "tier": st.sampled_from(Tier),
    "smallest_detectable": NUMBERS,
}
SLICES = st.builds(
    SliceVerdict, name=TEXTS, limit=st.floats(0, 1), by_value=st.booleans(), **COMMON
)
VERDICTS = st.builds(
    Verdict,
    gate=TEXTS,
    limit=NUMBERS,
    slices=st.lists(SLICES, max_size=3).map(tuple),
    **COMMON,
)


def verdict(gate: str = "g", status: Status = Status.PASSED, tier: Tier = Tier.BLOCKING) -> Verdict:
    return Verdict(
        gate=gate,
        status=status,
        value=0.1,
        lower=0.0,
        upper=0.2,
        limit=0.3,
        n=10,
        clusters=10,
        method="m",
        reason="Because.",
        tier=tier,
    )


@settings(deadline=None)
@given(VERDICTS)
def test_a_verdict_survives_json(made: Verdict) -> None:
    text = json.dumps(made.to_json(), allow_nan=False)
    assert Verdict.from_json(json.loads(text)) == made


def test_real_verdicts_survive_the_file(policy: Policy, evidence: Evidence) -> None:
    verdicts = judge(policy, evidence)
    data = json.loads(json.dumps(dump_verdicts(verdicts, policy.required), allow_nan=False))
    assert data["status"] == "passed"
    assert load_verdicts(data) == (Status.PASSED, verdicts)


def test_the_file_has_the_keys_of_the_contract(policy: Policy, evidence: Evidence) -> None:
    data: dict[str, Any] = dump_verdicts(judge(policy, evidence), policy.required)
    numbers = {"value", "lower", "upper", "limit", "n", "clusters"}
    contract = {"gate", "status", "method", "reason"} | numbers
    assert all(contract <= set(entry) for entry in data["verdicts"])
    assert {entry["status"] for entry in data["verdicts"]} <= {"passed", "failed", "inconclusive"}


@settings(deadline=None)
@given(st.lists(st.sampled_from(Status), max_size=5))
def test_the_run_is_as_bad_as_its_worst_blocking_gate(statuses: list[Status]) -> None:
    verdicts = [verdict(f"g{index}", status) for index, status in enumerate(statuses)]
    if Status.FAILED in statuses:
        expected = Status.FAILED
    elif Status.INCONCLUSIVE in statuses or not statuses:
        expected = Status.INCONCLUSIVE
    else:
        expected = Status.PASSED
    assert overall(verdicts, [v.gate for v in verdicts]) is expected


def test_no_verdicts_are_inconclusive() -> None:
    assert overall([], []) is Status.INCONCLUSIVE


def test_advisory_verdicts_alone_prove_nothing() -> None:
    assert overall([verdict(tier=Tier.ADVISORY)], []) is Status.INCONCLUSIVE


def test_an_advisory_failure_does_not_fail_the_run() -> None:
    verdicts = [verdict("a"), verdict("b", Status.FAILED, Tier.ADVISORY)]
    assert overall(verdicts, ["a"]) is Status.PASSED


@pytest.mark.parametrize(
    ("status", "expected"),
    [(Status.PASSED, Status.INCONCLUSIVE), (Status.FAILED, Status.FAILED)],
)
def test_a_required_gate_without_verdict_keeps_the_run_from_passing(
    status: Status, expected: Status
) -> None:
    assert overall([verdict("a", status)], ["a", "b"]) is expected


def test_an_advisory_verdict_does_not_stand_in_for_a_required_one() -> None:
    verdicts = [verdict("a"), verdict("b", tier=Tier.ADVISORY)]
    assert overall(verdicts, ["a", "b"]) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    "change",
    [
        {"status": "fine"},
        {"status": None},
        {"tier": "other"},
        {"value": "0.1"},
        {"value": True},
        {"n": -1},
        {"n": 1.5},
        {"reason": ""},
        {"slices": None},
        {"slices": [{"name": "x"}]},
        {"extra": 1},
        {"upper": math.nan},
    ],
)
def test_a_foreign_verdict_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="verdict"):
        Verdict.from_json(verdict().to_json() | change)


@pytest.mark.parametrize("data", [None, [], {}, {"status": "passed"}, "text"])
def test_a_foreign_file_is_refused(data: object) -> None:
    with pytest.raises(RunError, match=r"verdicts\.json"):
        load_verdicts(data)


def test_a_status_better_than_its_verdicts_is_refused() -> None:
    data = dump_verdicts([verdict(status=Status.FAILED)], ["g"]) | {"status": "passed"}
    with pytest.raises(RunError, match="better than its verdicts allow"):
        load_verdicts(data)


@pytest.mark.parametrize("change", [{"value": math.inf}, {"reason": " "}])
def test_a_verdict_without_a_number_or_reason_is_not_made(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(verdict(), **change)
