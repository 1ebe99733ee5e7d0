"""``assert_test`` in people's own test files, beside evalsuite's own plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("deepeval")
pytestmark = pytest.mark.slow

TESTS = """
import pytest
from deepeval import assert_test
from evalsuite.integrations.deepeval import (
    conversational_metric, conversational_test_case, llm_test_case, metric,
)
from tests.integrations.samples import ANSWERED, GOOD, LEAK, WRONG

DETECTORS = ("literal_leak", "right")

@pytest.mark.parametrize("answer", [GOOD, LEAK, WRONG], ids=["good", "leak", "wrong"])
def test_answer(answer):
    assert_test(llm_test_case(ANSWERED.answering(answer)), [metric(n) for n in DETECTORS])

@pytest.mark.parametrize("answer", [GOOD, LEAK, WRONG], ids=["good", "leak", "wrong"])
def test_conversation(answer):
    test_case = conversational_test_case(ANSWERED.answering(answer))
    assert_test(test_case, [conversational_metric(n) for n in DETECTORS])
"""
GATES = """
from evalsuite.plugin import require

def test_gate(gate_verdict):
    require(gate_verdict)

def test_both_plugins_are_here(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin("deepeval")
    assert pytestconfig.pluginmanager.hasplugin("evalsuite")
"""


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    monkeypatch.setenv("DEEPEVAL_TELEMETRY_OPT_OUT", "1")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(test_answers=TESTS)
    return pytester


def test_good_answers_pass_and_planted_defects_fail_with_their_reason(
    session: pytest.Pytester,
) -> None:
    result = session.runpytest_subprocess("-v", "test_answers.py")
    result.assert_outcomes(passed=2, failed=4)
    shown = result.stdout.str()
    for shape in ("answer", "conversation"):
        assert f"test_{shape}[good] PASSED" in shown
        assert f"test_{shape}[leak] FAILED" in shown
        assert f"test_{shape}[wrong] FAILED" in shown
    assert 'names "Ostrava Loom", which occurs in a demonstration' in shown
    assert 'names "Quobra", which is not meant' in shown
    assert not (session.path / ".deepeval").exists()


def test_gates_and_metrics_run_in_one_session(
    session: pytest.Pytester, candidate: Path, small_policy: Path, few_cases: Path
) -> None:
    session.makepyfile(test_gates=GATES)
    result = session.runpytest_subprocess(
        "-v", "--adapter", str(candidate), "--gate-policy", str(small_policy),
        "--gate-cases", str(few_cases), "--gate-out", str(session.path / "run"),
        "--gate-seed", "11", "--gate-cache", str(candidate.parent / "outputs.sqlite3"),
        "--gate-registry", str(session.path / "registry"),
    )  # fmt: skip
    shown = result.stdout.str()
    assert "test_both_plugins_are_here PASSED" in shown
    assert "test_gate[liveness]" in shown
    outcomes = result.parseoutcomes()
    # Of the answers two pass and four fail as ever; the gates add their own verdicts.
    assert outcomes["passed"] >= 2 + 1 + 1
    assert outcomes["failed"] >= 4
    assert "errors" not in outcomes
