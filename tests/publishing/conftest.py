"""One passing, one failing and one hostile run, shared by tests that only read them."""

from __future__ import annotations

import pytest

from evalsuite.runs.folder import Run
from tests.report.factory import adapter_folder, hostile_run, write_run


@pytest.fixture(scope="session")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run that passed, of an adapter that lies in its folder."""
    folder = tmp_path_factory.mktemp("passed")
    return write_run(folder / "run", adapter=adapter_folder(folder / "rewriter"))


@pytest.fixture(scope="session")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run that failed."""
    return write_run(tmp_path_factory.mktemp("failed") / "run", failing=True)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which everything that can hold text attacks whoever shows it."""
    text = (
        "<script>alert(1)</script> ---\n--- ![x](http://evil.example/p.png) www.evil.example "
        "@team $x^2$ `code` | cell | <!-- evalsuite:end --> \u202eevil\u202c \x1b[31m\x07 "
        "!!python/object:os.system [link](javascript:alert(1)) ; run PASSED"
    )
    return hostile_run(tmp_path_factory.mktemp("hostile") / "run", text)
