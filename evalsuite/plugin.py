"""The pytest plugin: gates as test items.

``pytest tests/gates --base-model nano --adapter DIR`` runs the one pipeline once and reports each
verdict and each golden case as an item. A test that asks for the fixture ``gate_verdict`` runs
once for every gate of the policy, one that asks for ``golden_case`` once for every golden case.
Under xdist one worker makes the run and the others read it. Without ``--adapter`` the plugin does
nothing at all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evalsuite.gates import Policy
    from evalsuite.run import GateRequest
    from evalsuite.runfolder import Run
    from evalsuite.runrecord import CaseRow, ScoreRow, Verdict

_RUN: pytest.StashKey[Run] = pytest.StashKey()


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One golden case of the run with everything that the candidate was scored on."""

    row: CaseRow
    scores: tuple[ScoreRow, ...]
    allowed: frozenset[str]
    """Gates whose failures are within what the policy allows: an advisory set, or a blocking one
    whose share of failures keeps its limit."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the gates."""
    group = parser.getgroup("evalsuite", "evalsuite: gates for a fine-tuned adapter")
    group.addoption("--base-model", default="nano", help="nano, a folder, or a Hugging Face id")
    group.addoption("--adapter", type=Path, help="the candidate; without it no gate runs")
    group.addoption("--policy", help="nano, default, or a YAML file; default: by the base")
    group.addoption("--cases", type=Path, help="folder of golden cases (default: ROOT/cases)")
    group.addoption("--run-out", type=Path, help="run folder (default: ROOT/reports/pytest)")
    group.addoption("--panel-seed", type=int, help="default: from the candidate")
    group.addoption("--prompt-format", default="xml", help="xml, json, markdown or plain")
    group.addoption("--dtype", default="auto", help="auto, float32 or bfloat16")
    group.addoption("--device", default="auto", help="auto, cpu or cuda")
    group.addoption("--output-cache", type=Path, help="SQLite file of answers")


def _request(config: pytest.Config) -> GateRequest:
    from evalsuite.run import GateRequest

    root = config.rootpath
    return GateRequest(
        base_model=config.getoption("--base-model"),
        adapter=config.getoption("--adapter"),
        policy=config.getoption("--policy"),
        cases=config.getoption("--cases") or root / "cases",
        out=config.getoption("--run-out") or root / "reports" / "pytest",
        cache=config.getoption("--output-cache"),
        seed=config.getoption("--panel-seed"),
        prompt_format=config.getoption("--prompt-format"),
        dtype=config.getoption("--dtype"),
        device=config.getoption("--device"),
        command=("pytest", *sys.argv[1:]),
    )


def _policy(config: pytest.Config) -> Policy:
    from evalsuite.run import choose_policy

    return choose_policy(config.getoption("--policy"), config.getoption("--base-model"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each gate and one for each golden case; ids hold no model text."""
    config = metafunc.config
    if config.getoption("--adapter") is None:
        return
    from evalsuite.errors import EvalsuiteError

    try:
        if "gate_verdict" in metafunc.fixturenames:
            gates = [gate.value for gate in _policy(config).enabled]
            metafunc.parametrize("gate_verdict", gates, indirect=True)
        if "golden_case" in metafunc.fixturenames:
            metafunc.parametrize("golden_case", _golden_ids(config), indirect=True)
    except EvalsuiteError as error:
        raise pytest.UsageError(str(error)) from error


def _golden_ids(config: pytest.Config) -> list[str]:
    from evalsuite.casefiles import load_cases

    folder = config.getoption("--cases") or config.rootpath / "cases"
    return [case.id for case in load_cases(folder)]


@pytest.fixture(scope="session")
def gate_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The finished run of the candidate that ``--adapter`` names."""
    from evalsuite.errors import EvalsuiteError

    config = request.config
    if config.getoption("--adapter") is None:
        # Not a skip: a gate that was never asked must not look like one that passed.
        pytest.fail("no candidate to gate: give --adapter DIR", pytrace=False)
    try:
        run = _shared_run(config, tmp_path_factory)
    except EvalsuiteError as error:
        pytest.exit(f"evalsuite could not run: {error}", returncode=3)
    config.stash[_RUN] = run
    return run


def _shared_run(config: pytest.Config, factory: pytest.TempPathFactory) -> Run:
    """Make the run, or wait for the worker that makes it and read it."""
    from evalsuite.report import write_reports
    from evalsuite.run import evaluate
    from evalsuite.runfolder import load_run
    from evalsuite.storage import FileLock

    request = _request(config)
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        run = evaluate(request)
        write_reports(run)
        return run
    # The parent of a worker's temporary folder belongs to this one session of all workers.
    shared = factory.getbasetemp().parent
    done = shared / "evalsuite-run-is-made"
    lock = FileLock(shared / "evalsuite-run.lock")
    lock.acquire(timeout=24 * 3600)
    try:
        if not done.exists():
            write_reports(evaluate(request))
            done.touch()
    finally:
        lock.release()
    return load_run(request.out)


@pytest.fixture
def gate_verdict(request: pytest.FixtureRequest, gate_run: Run) -> Verdict:
    """The verdict of one gate."""
    return next(v for v in gate_run.verdicts if v.gate == request.param)


@pytest.fixture
def golden_case(request: pytest.FixtureRequest, gate_run: Run) -> GoldenCase:
    """One golden case of the run."""
    from evalsuite.runrecord import Side

    scores = tuple(
        score
        for score in gate_run.scores
        if (score.case_id, score.side) == (request.param, Side.CANDIDATE)
        and score.detector in _GOLDEN_DETECTORS
    )
    if not scores:
        pytest.fail(f"case {request.param!r} was not scored: the liveness gate stopped the run")
    row = gate_run.case_index[(scores[0].panel, request.param)]
    return GoldenCase(row, scores, _allowed(gate_run, row.panel))


# Not the control of the leak search: its finds are false alarms.
_GOLDEN_DETECTORS = frozenset({"pronoun_resolution", "literal_leak", "swap_leak"})


def _allowed(run: Run, golden_set: str) -> frozenset[str]:
    """The gates that a failing case of a set does not fail."""
    from evalsuite.runrecord import Status, Tier

    return frozenset(
        verdict.gate
        for verdict in run.verdicts
        for part in verdict.slices
        if part.name == f"goldens/{golden_set}"
        if Tier.ADVISORY in (part.tier, verdict.tier) or part.status is Status.PASSED
    )


def require(verdict: Verdict) -> None:
    """Fail the test unless the gate passed; an advisory gate is an expected failure."""
    from evalsuite.runrecord import Status, Tier

    if verdict.status is Status.PASSED:
        return
    told = f"{verdict.gate} {verdict.status}: {verdict.reason}"
    if verdict.tier is Tier.ADVISORY:
        pytest.xfail(f"advisory: {told}")
    pytest.fail(told, pytrace=False)


def require_golden(golden: GoldenCase) -> None:
    """Fail the test when the case failed a gate; where the policy allows it, that is expected."""
    failed = [score for score in golden.scores if score.failed or score.value is None]
    if not failed:
        return
    decisive = [score for score in failed if score.gate not in golden.allowed]
    told = " ".join(f"{s.gate}: {s.explanation}" for s in decisive or failed)
    if not decisive:
        pytest.xfail(f"allowed by the policy: {golden.row.source}: {told}")
    pytest.fail(f"{golden.row.source}: {told}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: Any) -> Iterator[None]:
    """Add the verdict table at the end."""
    yield
    run = terminalreporter.config.stash.get(_RUN, None) or _made_by_workers(terminalreporter)
    if run is None:
        return
    from evalsuite.report import summary_text

    terminalreporter.section("evalsuite")
    terminalreporter.write_line(summary_text(run, width=terminalreporter._tw.fullwidth))
    terminalreporter.write_line(f"report: {run.folder / 'report.html'}")


def _made_by_workers(terminalreporter: Any) -> Run | None:
    """The run that xdist's workers made, read by the process that reports."""
    config = terminalreporter.config
    distributed = getattr(config.option, "numprocesses", None)
    if config.getoption("--adapter") is None or not distributed:
        return None
    from evalsuite.errors import EvalsuiteError
    from evalsuite.runfolder import load_run

    try:
        run = load_run(_request(config).out)
    except EvalsuiteError:
        return None
    # Only this session's: an older run in the folder is no result of these items.
    return run if run.info.finished.timestamp() >= terminalreporter._session_start.time else None
