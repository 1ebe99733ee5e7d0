"""The pytest plugin: gates as test items.

``pytest tests/gates --base-model nano --adapter DIR`` runs the one pipeline once and reports each
verdict and each golden case as an item. A test that asks for the fixture ``gate_verdict`` runs
once for every gate of the policy, one that asks for ``golden_case`` once for every golden case.
Under xdist one worker makes the run and the others read it. Without ``--adapter`` or
``--gate-candidate`` the plugin does nothing at all.

Beside ``--base-model`` and ``--adapter`` the options are those of ``evalsuite gate`` with
``--gate-`` in front: pytest loads this plugin wherever evalsuite is installed, and a project's own
``--device`` must not clash with it. When the gates could not run, the session ends with status 3.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from evalsuite.plugin.options import (
    add_options,
    golden_ids,
    is_asked,
    is_report_free,
    policy_of,
    report_path,
    report_renamed,
    request_of,
)
from evalsuite.plugin.progress import Watch
from evalsuite.plugin.results import ExitStatus, Results
from evalsuite.plugin.session import ASKED, RUN, WITHOUT_RUN, give_up, is_worker, the_run

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from evalsuite.pipeline import GateRequest
    from evalsuite.runs import CaseRow, ScoreRow, Verdict
    from evalsuite.runs.folder import Run

_RESULTS: pytest.StashKey[Results] = pytest.StashKey()


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
    add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Take ``--report`` for ``--gate-report`` where nobody else has an option of that name.

    Declared like other options it would keep pytest from starting wherever another plugin, or a
    conftest that is yet to be read, declares it too.
    """
    if is_report_free(parser):
        # So that the report is no test file to pytest when it looks for conftests.
        known = parser.parse_known_args(report_renamed(args))
        early_config.known_args_namespace.file_or_dir = known.file_or_dir
    result = yield
    if is_report_free(parser):
        args[:] = report_renamed(args)
    return result


def pytest_sessionstart(session: pytest.Session) -> None:
    """Read what the options name before any worker starts; what is wrong ends the session."""
    config = session.config
    if is_worker(config):
        return
    from evalsuite.errors import EvalsuiteError
    from evalsuite.pipeline.inputs import resolve

    try:
        if not is_asked(config):
            return
        results = Results(config, report_path(config))
        config.pluginmanager.register(ExitStatus(results))
        resolve(request_of(config))
    except EvalsuiteError as error:
        give_up(config, error)
    config.stash[_RESULTS] = results
    config.pluginmanager.register(results)
    if config.pluginmanager.hasplugin("dsession"):
        config.pluginmanager.register(Watch(config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the reports of a process that could not make the run."""
    report = yield
    stash = item.config.stash
    if ASKED in stash and RUN not in stash:
        setattr(report, WITHOUT_RUN, True)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each gate and one for each golden case; ids hold no model text."""
    config = metafunc.config
    if not is_asked(config):
        return
    if "gate_verdict" in metafunc.fixturenames:
        gates = [gate.value for gate in policy_of(config).enabled]
        metafunc.parametrize("gate_verdict", gates, indirect=True)
    if "golden_case" in metafunc.fixturenames:
        metafunc.parametrize("golden_case", golden_ids(config), indirect=True)


@pytest.fixture(scope="session")
def gate_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The finished run of the candidate that ``--adapter`` names."""
    if not is_asked(request.config):
        # Not a skip: a gate that was never asked must not look like one that passed.
        pytest.fail("no candidate to gate: give --adapter DIR", pytrace=False)
    return the_run(request.config, tmp_path_factory)


@pytest.fixture(scope="session")
def gate_request(pytestconfig: pytest.Config) -> GateRequest:
    """What the options ask for, as :func:`evalsuite.pipeline.evaluate` takes it."""
    return request_of(pytestconfig)


@pytest.fixture
def gate_verdict(request: pytest.FixtureRequest, gate_run: Run) -> Verdict:
    """The verdict of one gate; its numbers are properties of the item."""
    from evalsuite.report import gate_properties

    verdict = next(v for v in gate_run.verdicts if v.gate == request.param)
    request.node.user_properties.extend(gate_properties(verdict).items())
    return verdict


@pytest.fixture
def golden_case(request: pytest.FixtureRequest, gate_run: Run) -> GoldenCase:
    """One golden case of the run; its gates and its place in a file are properties of the item."""
    from evalsuite.detectors import PARTS, Detector
    from evalsuite.report.safetext import shortened
    from evalsuite.runs import Side

    # Not the control of the leak search: its finds are false alarms.
    judging = (Detector.RIGHT, *PARTS, Detector.LITERAL_LEAK, Detector.SWAP_LEAK)
    scores = tuple(
        score
        for score in gate_run.scores
        if (score.case_id, score.side) == (request.param, Side.CANDIDATE)
        and score.detector in judging
    )
    if not scores:
        pytest.fail(f"case {request.param!r} was not scored: the liveness gate stopped the run")
    row = gate_run.case_index[(scores[0].panel, request.param)]
    gates = ", ".join(sorted({score.gate or score.detector for score in scores}))
    request.node.user_properties.extend([("gates", gates), ("source", shortened(row.source))])
    return GoldenCase(row, scores, _allowed(gate_run, row.panel))


def _allowed(run: Run, golden_set: str) -> frozenset[str]:
    """The gates that a failing case of a set does not fail."""
    from evalsuite.gates import Part, Topic
    from evalsuite.runs import Status, Tier

    about = Part(Topic.GOLDENS, golden_set=golden_set)
    return frozenset(
        verdict.gate
        for verdict in run.verdicts
        for part in verdict.slices
        if part.part == about
        if Tier.ADVISORY in (part.tier, verdict.tier) or part.status is Status.PASSED
    )


def require(verdict: Verdict) -> None:
    """Fail the test unless the gate passed; an advisory or waived one is an expected failure."""
    from evalsuite.runs import Status, Tier

    if verdict.status is Status.PASSED:
        return
    told = _shown(f"{verdict.gate} {verdict.status}: {verdict.reason}")
    if verdict.tier is not Tier.BLOCKING:
        pytest.xfail(f"{verdict.tier}: {told}")
    pytest.fail(told, pytrace=False)


def require_golden(golden: GoldenCase) -> None:
    """Fail the test when the case failed a gate; where the policy allows it, that is expected."""
    from evalsuite.runs import told

    failed = [*told(golden.scores), *(s for s in golden.scores if s.value is None)]
    if not failed:
        return
    decisive = [score for score in failed if score.gate not in golden.allowed]
    shown = _shown(f"{golden.row.source}: {' '.join(map(_explained, decisive or failed))}")
    if not decisive:
        pytest.xfail(f"allowed by the policy: {shown}")
    pytest.fail(shown, pytrace=False)


def _explained(score: ScoreRow) -> str:
    """Which gate a score fails, of a rewrite in what way, and why."""
    part = f"{score.detector}: " if score.detail else ""
    return f"{score.gate}: {part}{score.explanation}"


def _shown(text: str) -> str:
    """What a terminal and a document may show: a model may have written some of it."""
    from evalsuite.report.safetext import shortened

    return shortened(text)


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter) -> Iterator[None]:
    """Add the verdict table at the end."""
    yield
    results = terminalreporter.config.stash.get(_RESULTS, None)
    if results is not None:
        results.show(terminalreporter)
