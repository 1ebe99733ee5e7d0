"""Waivers: named, dated, shown, and blocking when they do not hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from evalsuite.errors import InvalidPolicy
from evalsuite.gates import (
    Gate,
    Policy,
    Status,
    Tier,
    Verdict,
    Waiver,
    dump_verdicts,
    judge,
    load_policy,
    load_verdicts,
    load_waivers,
    overall,
    waived,
)
from tests.gates_units.gates_units_helpers import good, observations

ADAPTER = "0123456789abcdef" * 4
TODAY = date(2026, 6, 1)
FILE = """waivers:
  - gate: example_leakage
    adapter: 0123456789abcdef
    reason: The pilot's prompts show no demonstrations.
    by: Ada Lovelace
    expires: "2026-12-31"
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy("nano")


@pytest.fixture(scope="module")
def leaky(policy: Policy) -> tuple[Verdict, ...]:
    return judge(policy, replace(good(), literal_leaks=observations("l", 300, failing=30)))


def waiver(**changes: object) -> Waiver:
    known = {
        "gate": "example_leakage", "adapter": ADAPTER[:16], "reason": "It shows no examples.",
        "by": "Ada Lovelace", "expires": date(2026, 12, 31),
    }  # fmt: skip
    return Waiver.model_validate(known | changes)


def test_a_comparison_that_set_the_champion_aside_is_waived_though_it_passed() -> None:
    passed = Verdict(
        gate="regression", status=Status.PASSED, value=0.0, lower=0.0, upper=0.0, limit=0.1, n=9,
        clusters=9, method="paired", reason="Compared with the base, as asked.",
    )  # fmt: skip
    asked = waiver(gate="regression")

    def tiers(*set_aside: Gate, tier: Tier = Tier.BLOCKING) -> list[Tier]:
        found = waived(
            [replace(passed, tier=tier)], [asked], adapter=ADAPTER, today=TODAY,
            set_aside=set_aside,
        )  # fmt: skip
        return [verdict.tier for verdict in found]

    assert tiers(Gate.REGRESSION) == [Tier.WAIVED]
    assert tiers() == tiers(Gate.FORGETTING) == [Tier.BLOCKING, Tier.BLOCKING]
    assert tiers(Gate.REGRESSION, tier=Tier.ADVISORY) == [Tier.ADVISORY, Tier.BLOCKING]


def applied(verdicts: tuple[Verdict, ...], *waivers: Waiver) -> tuple[Verdict, ...]:
    return waived(verdicts, waivers, adapter=ADAPTER, today=TODAY)


def test_a_waived_gate_lets_the_run_pass_and_says_by_whom(
    policy: Policy, leaky: tuple[Verdict, ...]
) -> None:
    assert overall(leaky, policy.required) is Status.FAILED
    found = applied(leaky, waiver())
    assert overall(found, policy.required) is Status.PASSED
    gate = next(v for v in found if v.gate == "example_leakage")
    assert gate.status is Status.FAILED
    assert gate.tier is Tier.WAIVED
    assert "waived by Ada Lovelace until 2026-12-31: It shows no examples" in gate.reason
    assert load_verdicts(dump_verdicts(found, policy.required)) == (Status.PASSED, found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expires": date(2026, 5, 31)}, "expired on 2026-05-31"),
        ({"gate": "forgetting"}, "that of forgetting by Ada Lovelace has nothing to waive"),
    ],
)
def test_a_waiver_that_does_not_hold_blocks(
    policy: Policy, leaky: tuple[Verdict, ...], changes: dict[str, object], words: str
) -> None:
    found = applied(leaky, waiver(**changes))
    assert overall(found, policy.required) is Status.FAILED
    assert found[-1].gate == "waivers"
    assert words in found[-1].reason
    # Also where all else is well.
    well = applied(judge(policy, good()), waiver(**changes))
    assert overall(well, policy.required) is Status.FAILED


def test_a_waiver_holds_to_the_end_of_its_last_day(
    policy: Policy, leaky: tuple[Verdict, ...]
) -> None:
    found = applied(leaky, waiver(expires=TODAY))
    assert overall(found, policy.required) is Status.PASSED


def test_a_waiver_of_another_candidate_blocks_and_lets_nothing_through(
    policy: Policy, leaky: tuple[Verdict, ...]
) -> None:
    for verdicts in (leaky, judge(policy, good())):
        found = applied(verdicts, waiver(adapter="f" * 64))
        assert found[:-1] == verdicts
        assert overall(found, policy.required) is Status.FAILED
        assert f"is for another adapter, {'f' * 16}" in found[-1].reason
    both = applied(leaky, waiver(), waiver(gate="forgetting", adapter="f" * 64))
    assert "1 of 2 waivers do not hold" in both[-1].reason


def test_one_waiver_lets_no_other_gate_through(policy: Policy) -> None:
    evidence = replace(
        good(),
        literal_leaks=observations("l", 300, failing=30),
        skills=observations("s", 400, failing=120, baseline_failing=18),
    )
    found = applied(judge(policy, evidence), waiver())
    assert overall(found, policy.required) is Status.FAILED


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(FILE, "utf-8")
    assert load_waivers(path) == (waiver(reason="The pilot's prompts show no demonstrations."),)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("example_leakage", "liveness", "liveness cannot be waived"),
        ("example_leakage", "example_leak", "example_leakage"),
        ("0123456789abcdef", "0123", "adapter"),
        ("The pilot's prompts show no demonstrations.", "ok", "at least 10"),
        ('"2026-12-31"', '"soon"', "expires"),
        ('"2026-12-31"', "2026-12-31", "put it in quotes"),
        ("    by: Ada Lovelace\n", "", "'waivers.0.by' is missing"),
        ("    by:", "    bye:", "did you mean 'by'"),
    ],
)
def test_a_wrong_file_names_the_line_and_the_fix(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(FILE.replace(old, new), "utf-8")
    with pytest.raises(InvalidPolicy, match=words) as caught:
        load_waivers(path)
    assert "waivers.yaml:" in str(caught.value)
    assert "at least 1 item" not in str(caught.value), "the list holds one, if a wrong one"


def test_a_gate_is_waived_once(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(FILE + FILE.partition("\n")[2], "utf-8")
    with pytest.raises(InvalidPolicy, match="waived twice"):
        load_waivers(path)
    with pytest.raises(InvalidPolicy, match=r"none\.yaml"):
        load_waivers(tmp_path / "none.yaml")
