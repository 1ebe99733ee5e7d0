"""Histories that broke a candidate once: each is an item of its own, read from the one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.regressions import FOLDER, load_regressions
from evalsuite.runfolder import Run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    config = metafunc.config
    cases = config.getoption("--gate-cases") or config.rootpath / "cases"
    known = load_regressions(Path(cases) / FOLDER)
    metafunc.parametrize("regression", [item.case.id for item in known])


def test_what_broke_a_candidate_once_breaks_it_no_more(regression: str, gate_run: Run) -> None:
    (row,) = (row for row in gate_run.scores if row.panel == FOLDER and row.case_id == regression)
    if row.value:
        pytest.fail(row.explanation, pytrace=False)
