"""Histories that broke a candidate once: each is an item of its own, read from the one run."""

from __future__ import annotations

import pytest

from evalsuite.cases.shipped import case_folders
from evalsuite.gates import Tier
from evalsuite.regressions import FOLDER, load_regressions
from evalsuite.report.safetext import shortened
from evalsuite.runs.folder import Run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    config = metafunc.config
    folders = case_folders(config.getoption("--gate-cases"), config.rootpath)
    known = load_regressions(folders.regressions)
    metafunc.parametrize(("regression", "tier"), [(item.case.id, item.tier) for item in known])


def test_what_broke_a_candidate_once_breaks_it_no_more(
    regression: str, tier: Tier, gate_run: Run
) -> None:
    rows = [row for row in gate_run.scores if row.panel == FOLDER and row.case_id == regression]
    if not rows:
        pytest.fail("the run ended before this was asked; see the verdicts", pytrace=False)
    told = shortened(rows[0].explanation)
    if rows[0].value and tier is Tier.ADVISORY:
        pytest.xfail(told)
    if rows[0].value:
        pytest.fail(told, pytrace=False)
