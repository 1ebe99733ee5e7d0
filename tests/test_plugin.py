from __future__ import annotations

from pathlib import Path

import pytest

TESTS = """
from evalsuite.plugin import require, require_resolved

def test_gate(gate_verdict):
    require(gate_verdict)

def test_golden_case(golden_case):
    require_resolved(golden_case)
"""


@pytest.fixture
def options(
    pytester: pytest.Pytester, candidate: Path, small_policy: Path, few_cases: Path
) -> list[str]:
    pytester.makepyfile(TESTS)
    return [
        "--adapter", str(candidate), "--policy", str(small_policy), "--cases", str(few_cases),
        "--run-out", str(pytester.path / "run"), "--panel-seed", "11",
        "--output-cache", str(candidate.parent / "outputs.sqlite3"),
    ]  # fmt: skip


def test_every_gate_and_every_golden_case_is_an_item(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    result = pytester.runpytest_subprocess("-v", "--junitxml=junit.xml", *options)
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) + outcomes.get("xfailed", 0) == 7
    result.stdout.fnmatch_lines(["*test_gate?forgetting?*", "*=* evalsuite *=*", "*report.html*"])
    assert (pytester.path / "junit.xml").is_file()


def test_workers_share_one_run(pytester: pytest.Pytester, options: list[str]) -> None:
    result = pytester.runpytest_subprocess("-n", "2", *options)
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) + outcomes.get("xfailed", 0) == 7
    result.stdout.fnmatch_lines(["*=* evalsuite *=*", "*report.html*"])


def test_items_can_be_chosen_by_name(pytester: pytest.Pytester, options: list[str]) -> None:
    result = pytester.runpytest_subprocess("-k", "liveness", *options)
    result.assert_outcomes(passed=1, deselected=6)


def test_a_failed_gate_is_a_failed_item(
    pytester: pytest.Pytester, options: list[str], small_policy: Path
) -> None:
    strict = pytester.path / "strict.yaml"
    text = small_policy.read_text("utf-8").replace("{limit: 0.999}", "{limit: 0.0}", 1)
    strict.write_text(text, "utf-8")
    result = pytester.runpytest_subprocess("-k", "test_gate", *options, "--policy", str(strict))
    assert result.parseoutcomes()["failed"] >= 1
    result.stdout.fnmatch_lines(["*pronoun_resolution*"])


def test_a_run_that_cannot_be_made_ends_the_session_with_status_3(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    missing = ["--adapter", str(pytester.path / "nothing")]
    assert pytester.runpytest_subprocess(*options, *missing).ret == 3


def test_without_an_adapter_the_plugin_changes_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine():\n    assert True\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "evalsuite" not in result.stdout.str().split("collected")[1]


def test_pytest_help_loads_no_tensor_library(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import sys\ndef pytest_unconfigure():\n"
        "    print('LOADED', [m for m in ('torch', 'transformers') if m in sys.modules])\n"
    )
    result = pytester.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(["*--adapter*", "LOADED []"])


def test_asking_for_a_run_without_a_candidate_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine(gate_run):\n    assert gate_run\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*give --adapter DIR*"])
