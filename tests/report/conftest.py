"""One passing and one failing run, shared by every test that only reads them."""

from __future__ import annotations

import pytest

from evalsuite.runs.folder import Run
from tests.report.factory import write_run


@pytest.fixture(scope="session")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run that passed."""
    return write_run(tmp_path_factory.mktemp("passed") / "run")


@pytest.fixture(scope="session")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run that failed."""
    return write_run(tmp_path_factory.mktemp("failed") / "run", failing=True)
