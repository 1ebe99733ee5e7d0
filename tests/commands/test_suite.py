"""The commands suite import and suite check, from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalsuite.cli import main
from evalsuite.suites import read_suites

GOOD = {"question": "9 eggs at $2?", "answer": "9*2=18\n#### 18"}
BAD = {"question": "And 3?", "answer": "six"}


def published(folder: Path, *rows: object) -> Path:
    path = folder / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_set_is_imported_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "suite.jsonl"
    file = published(tmp_path, GOOD, GOOD, GOOD)
    assert main(["suite", "import", "gsm8k", str(file), "--out", str(out), "--limit", "2"]) == 0
    assert f"wrote 2 of 2 records to {out}" in capsys.readouterr().out.replace("\n", "")
    assert [item.answer for item in read_suites([out])] == ["18", "18"]
    assert main(["suite", "check", str(out)]) == 0
    told = capsys.readouterr().out
    assert "gsm8k (en): 2 questions" in told
    assert "2 questions, nothing wrong" in told


def test_a_broken_record_is_refused_or_skipped_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "suite.jsonl"
    file = published(tmp_path, GOOD, BAD)
    ask = ["suite", "import", "gsm8k", str(file), "--out", str(out)]
    assert main(ask) == 3
    assert not out.exists()
    said = capsys.readouterr().err.replace("\n", "")
    assert "test.jsonl:2: the answer does not end with '#### NUMBER'" in said
    assert "--skip-bad" in said
    assert main([*ask, "--skip-bad"]) == 1
    told = capsys.readouterr().out.replace("\n", "")
    assert "left out: " in told
    assert "wrote 1 of 2 records" in told


def test_what_no_suite_can_ask_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"key": 1, "prompt": "Write.", "instruction_id_list": ["punctuation:no_comma"]}
    unknown = {**row, "key": 2, "instruction_id_list": ["combination:two_responses"]}
    rows = [{**one, "kwargs": [{}]} for one in (row, unknown)]
    out = tmp_path / "ifeval.jsonl"
    file = published(tmp_path, *rows)
    assert main(["suite", "import", "ifeval", str(file), "--out", str(out)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "left out: 1 records: the instruction combination:two_responses is not" in told


def test_an_input_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = published(tmp_path, GOOD)
    before = file.read_bytes()
    assert main(["suite", "import", "gsm8k", str(file), "--out", str(file)]) == 3
    assert "is an input, which would be lost" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_suite_that_is_wrong_ends_with_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["suite", "check", str(published(tmp_path, GOOD))]) == 3
    assert "test.jsonl:1: neither the row nor the header names a rule" in " ".join(
        capsys.readouterr().err.split()
    )


def test_a_case_file_is_a_suite_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "house_en.yaml"
    path.write_text(
        'cases:\n  - {id: one, language: en, kind: single, query: "Say fox.", '
        "expect: {rewrites: [fox]}}\n",
        "utf-8",
    )
    assert main(["suite", "check", str(path)]) == 0
    assert "house (en): 1 questions" in capsys.readouterr().out
