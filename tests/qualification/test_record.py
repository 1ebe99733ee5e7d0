"""Counting, curves, the bank of nulls, and the contract of qualification.json."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cli import main
from evalsuite.errors import InvalidInput, RunError
from evalsuite.gates import Gate, Status
from evalsuite.pipeline import GateRequest
from evalsuite.qualification import (
    MUTANTS,
    Counted,
    Mutant,
    Null,
    NullBank,
    Outcome,
    Qualification,
    Trial,
    counted,
)
from evalsuite.qualification.adapters import ADAPTER_MUTANTS, AdapterMutant, adapter_outcome
from evalsuite.qualification.mixture import Seen
from evalsuite.qualification.nulls import VARIATIONS, null_requests
from evalsuite.qualification.record import once
from evalsuite.registry.attempts import read_attempts
from evalsuite.report import qualification_text, render_qualification
from evalsuite.statistics import ResponseCurve, response_curve

PASSED = Outcome(Status.PASSED, frozenset(), frozenset())
LEAKS = Outcome(Status.FAILED, frozenset({Gate.EXAMPLE_LEAKAGE}), frozenset({Gate.EXAMPLE_LEAKAGE}))
OPEN = Outcome(Status.INCONCLUSIVE, frozenset({Gate.FORGETTING}), frozenset())


def mutant(name: str = "paste-entity") -> Mutant:
    return next(m for m in MUTANTS if m.name == name)


def row(severity: float, *outcomes: Outcome) -> Counted:
    return Counted("paste-entity", "output", Gate.EXAMPLE_LEAKAGE, severity, outcomes)


def test_a_sole_killer_blocks_nearly_all_and_nobody_else_does() -> None:
    assert row(0.1, *[LEAKS] * 10).sole_killer is Gate.EXAMPLE_LEAKAGE
    assert row(0.1, *[LEAKS] * 8, PASSED, PASSED).sole_killer is None
    both = Outcome(Status.FAILED, frozenset({Gate.EXAMPLE_LEAKAGE, Gate.FORGETTING}), frozenset())
    assert row(0.1, *[both] * 10).sole_killer is None
    assert row(0.1, *[PASSED] * 10).sole_killer is None


def test_the_json_keeps_its_contract() -> None:
    found: dict[str, Any] = Qualification(
        subject={"adapter": "a", "policy": "nano"},
        nulls=(Null("fresh panel", 0, PASSED), Null("fresh panel", 1, OPEN)),
        rows=(row(0.01, PASSED, LEAKS), row(0.1, LEAKS, LEAKS)),
        references={Gate.EXAMPLE_LEAKAGE: "paste-entity"},
    ).to_json()
    assert {"runs", "alarms", "upper"} <= set(found["nulls"])
    assert (found["nulls"]["runs"], found["nulls"]["alarms"]) == (2, 0)
    assert found["nulls"]["inconclusive"] == 1
    keys = "name layer severity expected_gate runs blocked blocked_by".split()
    assert all(set(keys) <= set(entry) for entry in found["mutants"])
    assert [entry["blocked"] for entry in found["mutants"]] == [1, 2]
    gates = {entry["gate"]: entry for entry in found["gates"]}
    assert set(gates) == set(Gate)
    assert gates["example_leakage"]["sole_killer_of"] == ["paste-entity"]
    assert 0.01 < gates["example_leakage"]["theta95"] <= 0.1
    json.dumps(found, allow_nan=False)
    page = render_qualification(found)
    assert "paste-entity" in page
    assert "1 INCONCLUSIVE" in qualification_text(found)


def test_the_page_says_which_part_of_a_rewrite_saw_a_mutant() -> None:
    refer = frozenset({Gate.PRONOUN_RESOLUTION})
    wrong = Outcome(Status.FAILED, refer, refer)
    dropped, seen = mutant("drop-word"), Seen(1234, 1231, {"named": 0, "kept": 1077})
    rows = counted([Trial(dropped, share, wrong, seen) for share in (0.1, 0.2)], "output")
    found: dict[str, Any] = Qualification(
        subject={"adapter": "a", "policy": "nano"},
        nulls=(),
        rows=(*rows, row(0.1, LEAKS)),
        references={},
    ).to_json()
    curves = {curve["mutant"]: curve for curve in found["curves"]}
    assert curves["drop-word"]["seen"] == {
        "answers": 1234,
        "refused": 1231,
        "parts": {"named": 0, "kept": 1077},
    }
    assert "seen" not in curves["paste-entity"]
    page = render_qualification(found)
    assert all(f'<td class="num">{n}</td>' in page for n in ("1234", "1231", "·", "1077"))


def test_a_record_of_an_earlier_version_is_shown_without_parts() -> None:
    file = Path(__file__).parent / "before-parts.json"
    page = render_qualification(json.loads(file.read_bytes()))
    assert "drop-system" in page
    assert "sees a defect" not in page


def test_a_gate_that_saw_nothing_has_no_theta() -> None:
    subject = {"adapter": "a", "policy": "nano"}
    found = Qualification(
        subject=subject, nulls=(), rows=(row(0.5, PASSED, PASSED),), references={}
    )
    assert found.theta("paste-entity", 0.95) is None
    assert found.theta("unknown", 0.95) is None
    content: dict[str, Any] = found.to_json()
    assert content["nulls"]["upper"] is None
    assert "No null was judged." in render_qualification(content)


def test_trials_of_one_mutant_and_severity_are_counted_together() -> None:
    made = [Trial(mutant(), 0.1, PASSED), Trial(mutant(), 0.1, LEAKS), Trial(mutant(), 0.2, LEAKS)]
    assert [(c.severity, c.runs, c.blocked) for c in counted(made, "output")] == [
        (0.1, 2, 1),
        (0.2, 1, 1),
    ]


@settings(deadline=None, max_examples=15)
@given(st.floats(0.01, 0.3), st.floats(1.0, 6.0))
def test_the_curve_agrees_with_a_logistic_regression(middle: float, slope: float) -> None:
    truth = ResponseCurve(middle, slope)
    severities = np.geomspace(0.003, 0.9, 9)
    runs = [400] * 9
    blocked = [round(400 * truth.probability(s)) for s in severities]
    if sum(blocked) in (0, 3600):
        return
    curve = response_curve(list(severities), blocked, runs)
    assert curve is not None
    counts = np.column_stack([blocked, np.subtract(runs, blocked)])
    oracle = sm.GLM(counts, sm.add_constant(np.log(severities)), family=sm.families.Binomial())
    intercept, slope_ = oracle.fit().params
    assert curve.slope == pytest.approx(slope_, rel=0.02)
    assert math.log(curve.middle) == pytest.approx(-intercept / slope_, abs=0.02)


@given(st.floats(0.001, 1.0), st.floats(0.5, 20.0), st.floats(0.01, 0.99))
def test_severity_and_probability_are_inverse(middle: float, slope: float, p: float) -> None:
    curve = ResponseCurve(middle, slope)
    assert curve.probability(curve.severity(p)) == pytest.approx(p)
    assert curve.probability(0.0) == 0.0


def test_a_curve_needs_both_outcomes_and_counts_that_fit() -> None:
    assert response_curve([0.1, 0.2], [0, 0], [5, 5]) is None
    assert response_curve([0.1, 0.2], [5, 5], [5, 5]) is None
    jump = response_curve([0.1, 0.2], [0, 5], [5, 5])
    assert jump is not None
    assert 0.1 < jump.middle < 0.2
    for wrong in (([0.0], [1], [2]), ([0.1], [3], [2]), ([0.1], [1, 2], [2])):
        with pytest.raises(InvalidInput):
            response_curve(*wrong)


def test_a_bank_remembers_and_names_a_broken_line(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "nulls.jsonl"
    NullBank(path).add("one", Null("fresh panel", 3, OPEN))
    again = NullBank(path)
    assert len(again) == 1
    assert again.find("one") == OPEN
    assert again.find("two") is None
    with path.open("a", encoding="utf-8") as file:
        file.write('{"key": "tw')  # killed in the middle
    NullBank(path).add("two", Null("fresh panel", 4, PASSED))
    assert NullBank(path).find("two") == PASSED
    with path.open("a", encoding="utf-8") as file:
        file.write('{"key": "three"}\n')
    with pytest.raises(RunError, match=r"nulls\.jsonl:3"):
        NullBank(path)


def test_every_null_has_a_panel_of_its_own_and_a_quarter_are_varied(tmp_path: Path) -> None:
    request = GateRequest(adapter=tmp_path, dtype="float32")
    made = list(null_requests(request, 16, first_seed=100))
    assert sorted(asked.seed or 0 for _, asked in made) == list(range(100, 116))
    assert sum(name != "fresh panel" for name, _ in made) == 4
    same = {name: replace(asked, seed=None) for name, asked in made}
    assert same.pop("fresh panel") == request
    assert len({str(asked) for asked in (request, *same.values())}) == len(same) + 1
    every = {name: vary(request) for name, vary in VARIATIONS.items()}
    assert all((name == "fresh panel") == (asked == request) for name, asked in every.items())


def test_the_command_writes_json_and_page_and_resumes(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    arguments = [
        "qualify", "--adapter", str(candidate), "--policy", str(small_policy),
        "--cases", str(few_cases), "--out", str(tmp_path / "out"),
        "--registry", str(tmp_path / "registry"),
        "--cache", str(candidate.parent / "outputs.sqlite3"), "--panels", "1",
        "--repeats", "2", "--mutants", "silence", "drop-system",
    ]  # fmt: skip
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "page:" in said
    assert "counts as an attempt" in said
    assert len(read_attempts(tmp_path / "registry")) == 1
    found = json.loads((tmp_path / "out" / "qualification.json").read_text("utf-8"))
    assert {entry["name"] for entry in found["mutants"]} == {"silence", "drop-system"}
    assert found["nulls"]["runs"] == 1
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "Kill matrix" in page
    bank = (tmp_path / "out" / "nulls.jsonl").read_text("utf-8")
    assert main(arguments) == 0
    assert (tmp_path / "out" / "nulls.jsonl").read_text("utf-8") == bank
    assert len(read_attempts(tmp_path / "registry")) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mutants", "paste-entitty"], "paste-entity"),
        (["--mutants", "none", "silence"], "none stands alone"),
        (
            ["--mutants", "silence", "--gates", "forgetting"],
            "mutants=['silence'] are for ['pronoun_resolution'] to block, which --gates leaves out",
        ),
        (["--gates", "leakage"], "example_leakage"),
        (["--layers", "outputs"], "output, adapter, weights, training"),
        (["--mutants", "blended-leeky"], "blended-leaky"),
        (["--mutants", "blended-leaky"], "add --layers weights"),
        (["--gates", "liveness"], "no mutant in the layers ['output']"),
        (["--retrained", "-1"], "retrained=-1"),
        (["--repeats", "0"], "repeats=0"),
        (["--panels", "3", "--nulls", "2"], "nulls=2"),
        (["--adapter", "nowhere"], "nowhere"),
    ],
)
def test_what_makes_no_qualification_is_refused(
    options: list[str], message: str, candidate: Path, small_policy: Path, few_cases: Path,
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    arguments = [
        "qualify", "--adapter", str(candidate), "--policy", str(small_policy),
        "--cases", str(few_cases), "--out", str(tmp_path / "out"),
        "--registry", str(tmp_path / "registry"),
    ]  # fmt: skip
    assert main([*arguments, *options]) == 3
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mutant", ADAPTER_MUTANTS, ids=lambda m: m.name)
def test_a_broken_adapter_is_blocked_by_its_gate_alone(
    mutant: AdapterMutant, candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    request = GateRequest(
        adapter=candidate, policy=str(small_policy), cases=few_cases, out=tmp_path / "run",
        cache=tmp_path / "outputs.sqlite3", seed=11,
    )  # fmt: skip
    found = adapter_outcome(mutant, request)
    assert found.failed_by == {mutant.gate}
    assert found.blocked_by == {mutant.gate}
    assert once(mutant.name, "adapter", mutant.gate, found).sole_killer is mutant.gate
