"""The gates on one candidate: ``pytest tests/gates --base-model nano --adapter DIR``."""

from __future__ import annotations

from evalsuite.plugin import GoldenCase, require, require_golden
from evalsuite.runs import Verdict


def test_gate(gate_verdict: Verdict) -> None:
    require(gate_verdict)


def test_golden_case(golden_case: GoldenCase) -> None:
    require_golden(golden_case)
