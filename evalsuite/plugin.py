"""The pytest plugin: gates as test items.

``pytest tests/gates --base-model nano --adapter DIR`` runs the one pipeline once and reports each
verdict and each golden case as an item. A test that asks for the fixture ``gate_verdict`` runs
once for every gate of the policy, one that asks for ``golden_case`` once for every golden case.
Under xdist one worker makes the run and the others read it. Without ``--adapter`` the plugin does
nothing at all.

Beside ``--base-model`` and ``--adapter`` the options are those of ``evalsuite gate`` with
``--gate-`` in front: pytest loads this plugin wherever evalsuite is installed, and a project's own
``--device`` must not clash with it. When the gates could not run, the session ends with status 3.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from evalsuite.errors import EvalsuiteError
    from evalsuite.gates import Policy
    from evalsuite.run import GateRequest
    from evalsuite.runfolder import Run
    from evalsuite.runrecord import CaseRow, ScoreRow, Verdict

_RUN: pytest.StashKey[Run] = pytest.StashKey()
_ASKED: pytest.StashKey[bool] = pytest.StashKey()
"""Set when a test asks for the run; without ``_RUN`` beside it, the run could not be made."""
_WITHOUT_RUN = "evalsuite_without_run"
"""Attribute of a test's report, which xdist carries to the process that reports."""
_OPTION = re.compile(
    r"(?<!\S)(?<!evalsuite gate )"
    r"--(?=(?:policy|cases|out|seed|prompt-format|dtype|device|cache|registry|champion|waivers)\b)"
)
"""An option of ``evalsuite gate`` in an error's advice, where it is called ``--gate-...`` here."""


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
    from evalsuite.commands.options import HELP

    group = parser.getgroup("evalsuite", "evalsuite: gates for a fine-tuned adapter")
    group.addoption("--base-model", default="nano", help=HELP["base_model"])
    group.addoption("--adapter", type=Path, help="the candidate; without it no gate runs")
    group.addoption("--gate-policy", help=HELP["policy"])
    group.addoption("--gate-cases", type=Path, help="folder of golden cases (default: ROOT/cases)")
    group.addoption(
        "--gate-out",
        type=Path,
        help="run folder, replaced by each run (default: ROOT/reports/pytest)",
    )
    group.addoption("--gate-waivers", type=Path, help=HELP["waivers"])
    group.addoption("--gate-seed", type=int, help=HELP["seed"])
    group.addoption("--gate-prompt-format", default="xml", help=HELP["prompt_format"])
    group.addoption("--gate-dtype", default="auto", help=HELP["dtype"])
    group.addoption("--gate-device", default="auto", help=HELP["device"])
    group.addoption("--gate-batch-tokens", type=int, metavar="N", help=HELP["batch_tokens"])
    group.addoption("--gate-unmerged", action="store_true", help=HELP["unmerged"])
    group.addoption("--gate-cache", type=Path, help=HELP["cache"])
    group.addoption(
        "--gate-search-budget",
        type=int,
        default=150,
        metavar="N",
        help="hostile histories to try beside the gates (default: 150)",
    )
    group.addoption(
        "--gate-registry",
        type=Path,
        help="folder of the ledger of attempts (default: ROOT/registry)",
    )
    group.addoption("--gate-champion", default="auto", metavar="WHOM", help=HELP["champion"])


def _request(config: pytest.Config) -> GateRequest:
    from evalsuite.run import GateRequest

    root = config.rootpath
    return GateRequest(
        base_model=config.getoption("--base-model"),
        adapter=config.getoption("--adapter"),
        policy=config.getoption("--gate-policy"),
        cases=config.getoption("--gate-cases") or root / "cases",
        out=config.getoption("--gate-out") or root / "reports" / "pytest",
        cache=config.getoption("--gate-cache"),
        seed=config.getoption("--gate-seed"),
        prompt_format=config.getoption("--gate-prompt-format"),
        dtype=config.getoption("--gate-dtype"),
        device=config.getoption("--gate-device"),
        merged=not config.getoption("--gate-unmerged"),
        batch_tokens=config.getoption("--gate-batch-tokens"),
        waivers=config.getoption("--gate-waivers"),
        registry=config.getoption("--gate-registry") or root / "registry",
        champion=config.getoption("--gate-champion"),
        command=("pytest", *sys.argv[1:]),
    )


def _policy(config: pytest.Config) -> Policy:
    from evalsuite.run import choose_policy

    return choose_policy(config.getoption("--gate-policy"), config.getoption("--base-model"))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Read what the options name before any worker starts; what is wrong ends the session."""
    config = session.config
    if config.getoption("--adapter") is None or _is_worker(config):
        return
    from evalsuite.errors import EvalsuiteError
    from evalsuite.run.inputs import resolve

    config.pluginmanager.register(_ExitStatus())
    try:
        resolve(_request(config))
    except EvalsuiteError as error:
        _give_up(config, error)


def _is_worker(config: pytest.Config) -> bool:
    # Not by an environment variable: a session that a test starts inherits it from its worker.
    return hasattr(config, "workerinput")


def _give_up(config: pytest.Config, error: EvalsuiteError) -> NoReturn:
    """End the session with the reason; a worker cannot, so there the test tells it."""
    from evalsuite.commands.options import COULD_NOT_RUN

    told = f"evalsuite could not run: {_OPTION.sub('--gate-', str(error))}"
    if _is_worker(config):
        raise pytest.fail.Exception(told, pytrace=False) from None
    pytest.exit(told, returncode=COULD_NOT_RUN)


class _ExitStatus:
    """Ends the session with status 3 when a test asked for the run and there was none."""

    def __init__(self) -> None:
        self._without_run = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._without_run |= getattr(report, _WITHOUT_RUN, False)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        from evalsuite.commands.options import COULD_NOT_RUN

        if self._without_run:
            session.exitstatus = COULD_NOT_RUN


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the reports of a process that could not make the run."""
    report = yield
    stash = item.config.stash
    if _ASKED in stash and _RUN not in stash:
        setattr(report, _WITHOUT_RUN, True)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each gate and one for each golden case; ids hold no model text."""
    config = metafunc.config
    if config.getoption("--adapter") is None:
        return
    if "gate_verdict" in metafunc.fixturenames:
        gates = [gate.value for gate in _policy(config).enabled]
        metafunc.parametrize("gate_verdict", gates, indirect=True)
    if "golden_case" in metafunc.fixturenames:
        metafunc.parametrize("golden_case", _golden_ids(config), indirect=True)


def _golden_ids(config: pytest.Config) -> list[str]:
    from evalsuite.casefiles import load_cases

    folder = config.getoption("--gate-cases") or config.rootpath / "cases"
    return [case.id for case in load_cases(folder)]


@pytest.fixture(scope="session")
def gate_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The finished run of the candidate that ``--adapter`` names."""
    from evalsuite.errors import EvalsuiteError

    config = request.config
    if config.getoption("--adapter") is None:
        # Not a skip: a gate that was never asked must not look like one that passed.
        pytest.fail("no candidate to gate: give --adapter DIR", pytrace=False)
    config.stash[_ASKED] = True
    try:
        run = _shared_run(config, tmp_path_factory)
    except EvalsuiteError as error:
        _give_up(config, error)
    config.stash[_RUN] = run
    return run


def _shared_run(config: pytest.Config, factory: pytest.TempPathFactory) -> Run:
    """Make the run, or wait for the worker that makes it and read it."""
    from evalsuite.runfolder import load_run
    from evalsuite.storage import FileLock

    request = _request(config)
    if not _is_worker(config):
        return _reported_run(request)
    # The parent of a worker's temporary folder belongs to this one session of all workers.
    shared = factory.getbasetemp().parent
    with FileLock(shared / "evalsuite-run.lock") as lock:
        lock.acquire(timeout=24 * 3600)
        _make_once(request, shared / "evalsuite-run-ended")
    return load_run(request.out)


def _reported_run(request: GateRequest) -> Run:
    from evalsuite.report import write_reports
    from evalsuite.run import evaluate

    run = evaluate(request)
    write_reports(run)
    return run


def _make_once(request: GateRequest, ended: Path) -> None:
    """Make the run unless a worker did; ``ended`` holds why it could not, or nothing."""
    from evalsuite.errors import EvalsuiteError, RunError

    if not ended.exists():
        try:
            _reported_run(request)
        except EvalsuiteError as error:
            ended.write_text(str(error), "utf-8")
            raise
        ended.touch()
    reason = ended.read_text("utf-8")
    if reason:
        raise RunError(reason)


@pytest.fixture(scope="session")
def gate_request(pytestconfig: pytest.Config) -> GateRequest:
    """What the options ask for, as :func:`evalsuite.run.evaluate` takes it."""
    return _request(pytestconfig)


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
    """Fail the test unless the gate passed; an advisory or waived one is an expected failure."""
    from evalsuite.runrecord import Status, Tier

    if verdict.status is Status.PASSED:
        return
    told = f"{verdict.gate} {verdict.status}: {verdict.reason}"
    if verdict.tier is not Tier.BLOCKING:
        pytest.xfail(f"{verdict.tier}: {told}")
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
