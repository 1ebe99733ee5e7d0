"""What is published of a qualification: its tables, and which of its figures miss a target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from qualification import SPOILT, figures, told

from evalsuite.qualification import MUTANTS

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.fixture
def record() -> dict[str, Any]:
    """A record with a curve for every spoilt rewrite, all of them seen."""
    found: dict[str, Any] = json.loads((RESULTS / "qualification-nano.json").read_bytes())
    found["curves"] = [curve for curve in found["curves"] if curve["mutant"] not in SPOILT]
    for curve in found["curves"]:
        curve.pop("seen", None)
    seen = {"answers": 2000, "refused": 2000, "parts": {"named": 0, "kept": 1800, "form": 20}}
    found["curves"] += [
        {"mutant": name, "gate": "pronoun_resolution", "middle": 0.05, "slope": 5.0,
         "theta50": 0.05, "theta95": 0.09, "seen": dict(seen)}
        for name in SPOILT
    ]  # fmt: skip
    found["nulls"]["alarms"] = 0
    return found


def missed(record: dict[str, Any]) -> list[str]:
    return [figure.name for figure in figures(record) if not figure.met]


def test_spoilt_rewrites_are_mutants() -> None:
    assert set(SPOILT) <= {mutant.name for mutant in MUTANTS}


def test_a_record_that_sees_everything_misses_nothing(record: dict[str, Any]) -> None:
    assert missed(record) == []


def test_a_mutant_that_is_never_surely_blocked_is_named(record: dict[str, Any]) -> None:
    record["curves"][-1]["theta95"] = None
    assert missed(record) == ["wrap: blocked 19 times out of 20 from"]


def test_answers_that_go_unseen_are_named(record: dict[str, Any]) -> None:
    record["curves"][-1]["seen"]["refused"] = 1980
    assert missed(record) == []
    record["curves"][-1]["seen"]["refused"] = 1979
    assert missed(record) == ["wrap: spoilt answers refused"]


def test_a_good_candidate_that_was_failed_is_counted(record: dict[str, Any]) -> None:
    record["nulls"]["alarms"] = 1
    assert missed(record) == ["good candidates FAILED"]


def test_the_document_tells_which_part_saw_a_mutant(record: dict[str, Any]) -> None:
    lines = told(record).splitlines()
    assert "| `drop-word` | `pronoun_resolution` | 5 % | 9 % |" in lines
    assert "| `drop-word` | 2000 | 2000 | 0 % | 90 % | 1 % |" in lines
    for curve in record["curves"]:
        curve.pop("seen", None)
    assert "Measured before rewrites were judged by their parts" in told(record)
