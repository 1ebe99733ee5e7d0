"""Makes the one run of a session: in this process, or in one of xdist's workers for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from evalsuite.plugin.options import in_pytests_words, request_of
from evalsuite.plugin.progress import progress_of

if TYPE_CHECKING:
    from evalsuite.errors import EvalsuiteError
    from evalsuite.pipeline import GateRequest
    from evalsuite.runs.folder import Run

RUN: pytest.StashKey[Run] = pytest.StashKey()
ASKED: pytest.StashKey[bool] = pytest.StashKey()
"""Set when a test asks for the run; without ``RUN`` beside it, the run could not be made."""
WITHOUT_RUN = "evalsuite_without_run"
"""Attribute of a test's report, which xdist carries to the process that reports."""


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    # Not by an environment variable: a session that a test starts inherits it from its worker.
    return hasattr(config, "workerinput")


def give_up(config: pytest.Config, error: EvalsuiteError) -> NoReturn:
    """End the session with the reason; a worker cannot, so there the test tells it."""
    from evalsuite.commands.options import COULD_NOT_RUN

    told = f"evalsuite could not run: {in_pytests_words(str(error))}"
    if is_worker(config):
        raise pytest.fail.Exception(told, pytrace=False) from None
    pytest.exit(told, returncode=COULD_NOT_RUN)


def the_run(config: pytest.Config, factory: pytest.TempPathFactory) -> Run:
    """Make the run, or wait for the worker that makes it and read it; remember it.

    Raises:
        pytest.exit.Exception: it cannot be made; in a worker, pytest.fail.Exception.
    """
    from evalsuite.errors import EvalsuiteError

    config.stash[ASKED] = True
    try:
        run = _shared_run(config, factory)
    except EvalsuiteError as error:
        give_up(config, error)
    config.stash[RUN] = run
    return run


def _shared_run(config: pytest.Config, factory: pytest.TempPathFactory) -> Run:
    from evalsuite.files.storage import FileLock
    from evalsuite.runs.folder import load_run

    request = request_of(config)
    if not is_worker(config):
        return _reported_run(config, request)
    # The parent of a worker's temporary folder belongs to this one session of all workers.
    shared = factory.getbasetemp().parent
    with FileLock(shared / "evalsuite-run.lock") as lock:
        lock.acquire(timeout=24 * 3600)
        _make_once(config, request, shared / "evalsuite-run-ended")
    return load_run(request.out)


def _reported_run(config: pytest.Config, request: GateRequest) -> Run:
    from evalsuite.pipeline import evaluate
    from evalsuite.report import write_reports

    with progress_of(config) as tell:
        run = evaluate(request, tell=tell)
        write_reports(run)
    return run


def _make_once(config: pytest.Config, request: GateRequest, ended: Path) -> None:
    """Make the run unless a worker did; ``ended`` holds why it could not, or nothing."""
    from evalsuite.errors import EvalsuiteError, RunError

    if not ended.exists():
        try:
            _reported_run(config, request)
        except EvalsuiteError as error:
            ended.write_text(str(error), "utf-8")
            raise
        ended.touch()
    reason = ended.read_text("utf-8")
    if reason:
        raise RunError(reason)
