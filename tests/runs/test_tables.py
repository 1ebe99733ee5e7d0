"""A run as tables: nothing lost, nothing that a spreadsheet runs."""

from __future__ import annotations

import builtins
import csv
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import evalsuite
from evalsuite.cli import main
from evalsuite.errors import MissingDependency, RunError
from evalsuite.runs.folder import Run
from evalsuite.runs.tables import guarded, tables_of, unguarded
from tests.report.factory import hostile_run, write_run


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("failed") / "run", failing=True)


def test_every_row_of_a_run_is_a_row_of_a_table(failed: Run) -> None:
    tables = evalsuite.load_run(failed.folder)
    assert len(tables.cases) == len(failed.cases)
    assert len(tables.outputs) == len(failed.outputs)
    assert len(tables.scores) == len(failed.scores)
    parts = sum(1 + len(verdict.slices) for verdict in failed.verdicts)
    assert len(tables.verdicts) == parts
    joined = tables.scores.merge(tables.cases, on=["panel", "case_id"], validate="many_to_one")
    assert len(joined) == len(failed.scores)


def test_what_the_tables_say_is_what_the_run_says(failed: Run) -> None:
    tables = tables_of(failed)
    mine = tables.scores[(tables.scores.side == "candidate") & tables.scores.failed]
    assert set(mine.case_id) == {s.case_id for s in failed.scores if s.failed and s.outputs}
    assert tables.scores.value.dtype == float
    leakage = tables.verdicts[(tables.verdicts.gate == "example_leakage")]
    assert list(leakage.part) == ["", "language/zh", "language/en", "control"]
    assert list(leakage.status)[:2] == ["failed", "failed"]
    first = tables.cases.iloc[0]
    assert first.history.splitlines()[0] == "user: Which is faster, Velmora or Tessick?"
    assert first.expected == "How is Velmora's memory management?"


def test_a_measurement_that_is_missing_is_no_number(failed: Run) -> None:
    from dataclasses import replace

    scores = tuple(replace(score, value=None) for score in failed.scores)
    values = tables_of(replace(failed, scores=scores)).scores.value
    assert all(math.isnan(value) for value in values.astype(float))


@given(st.text() | st.text("\\u01bn'=\x1b\u202e\u2066"))
@example("\\u001b")
@example("\\\\u001b")
@example("\x1b]0;title\x07 \\ \u202egnp.exe")
def test_a_guarded_text_comes_back_and_neither_hides_nor_acts(text: str) -> None:
    cell = guarded(text)
    assert unguarded(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert not set(cell) & set("\x00\x07\x1b\x7f\x9b\u061c\u200e\u202a\u202e\u2066\u2069")
    assert all(char in "\t\n\r" or char.isprintable() or ord(char) > 0x9F for char in cell)


def test_csv_holds_no_formula_and_loses_nothing(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "run", '=HYPERLINK(1)\n@x, "quoted" \'')
    assert main(["tables", str(run.folder), "--out", str(tmp_path / "tables")]) == 0
    texts: list[str] = []
    for path in sorted((tmp_path / "tables").iterdir()):
        with path.open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert not [c for c in cells if c.startswith(("=", "@", "+"))]
        texts += map(unguarded, cells)
    assert run.cases[0].query in texts
    assert run.outputs[0].text in texts


def test_parquet_is_written_where_pyarrow_is(tmp_path: Path, failed: Run) -> None:
    pytest.importorskip("pyarrow")
    paths = tables_of(failed).write_parquet(tmp_path)
    read = pd.read_parquet(paths[1])
    assert list(read.text) == [output.text for output in failed.outputs]


@pytest.mark.parametrize(("missing", "said"), [("pandas", ".[pandas]"), ("pyarrow", ".[parquet]")])
def test_what_is_not_installed_is_named(
    tmp_path: Path, failed: Run, monkeypatch: pytest.MonkeyPatch, missing: str, said: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == missing:
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    tables = tables_of(failed)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match=missing) as raised:
        tables_of(failed) if missing == "pandas" else tables.write_parquet(tmp_path)
    assert said in str(raised.value)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        evalsuite.load_run(tmp_path)
