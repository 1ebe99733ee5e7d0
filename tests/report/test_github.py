"""Workflow commands: where they point, and that nothing a model wrote becomes one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalsuite.cli import main
from evalsuite.report import workflow_commands
from evalsuite.runs.folder import Run
from tests.report.factory import hostile_run

COMMAND = re.compile(r"::(notice|warning|error) (?:(\w+)=([^,:]*),?)+::[^\r\n]*")


def test_a_failed_run_marks_its_cases_in_their_files(failed: Run) -> None:
    first, *marks = workflow_commands(failed)
    assert first.startswith("::error title=evalsuite%3A Failed::This adapter must not be promoted.")
    assert marks
    assert any(
        mark.startswith(
            "::error file=cases/pronoun_resolution/comparison.yaml,line=41,"
            "title=example_leakage%3A comparison.velmora.03"
        )
        and "Ostrava Loom" in mark
        for mark in marks
    )
    assert not [mark for mark in marks if "scenarios/panel" in mark]


def test_a_passed_run_is_a_notice(passed: Run) -> None:
    [first] = workflow_commands(passed)
    assert first.startswith("::notice title=evalsuite%3A Passed::")


@pytest.mark.parametrize("text", ["a\n::error::forged", "100% %0A::warning::x\r\n", "b,c:d"])
def test_what_a_model_wrote_starts_no_command(tmp_path: Path, text: str) -> None:
    run = hostile_run(tmp_path / "run", f"{text} x.yaml:3")
    for line in workflow_commands(run):
        assert COMMAND.fullmatch(line), line
        assert "%0A" not in line.replace("%250A", "")


def test_the_summary_is_appended_to_the_file_that_github_names(
    tmp_path: Path, failed: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["report", str(failed.folder), "--github"]) == 1
    assert capsys.readouterr().out.count("::error ") >= 2
    assert summary.read_text("utf-8").startswith("before\n# ")
