"""What the process that reports does with the run: properties, report, summary, exit status."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalsuite.plugin.options import renderer_of, request_of
from evalsuite.plugin.session import RUN, WITHOUT_RUN

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter
    from _pytest.terminal import TerminalReporter

    from evalsuite.runs.folder import Run


class Results:
    """Finds the run when the session ends, wherever it was made, and passes it on.

    Args:
        config: of the process that reports.
        report: where the report is to be written too.
    """

    def __init__(self, config: pytest.Config, report: Path | None) -> None:
        self._config = config
        self._report = report
        self._began = datetime.now(UTC)
        self._without_run = False
        self._unwritten = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notice that a test asked for the run and there was none."""
        self._without_run |= getattr(report, WITHOUT_RUN, False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Add the properties of the run before pytest writes its document, and write the report."""
        run = self._found()
        if run is None:
            return
        self._config.stash[RUN] = run
        _add_suite_properties(self._config, run)
        if self._report is not None:
            self._unwritten = _written(run, self._report)

    def _found(self) -> Run | None:
        """The run of this process, or the one that xdist's workers made."""
        made = self._config.stash.get(RUN, None)
        if made is not None or not self._config.pluginmanager.hasplugin("dsession"):
            return made
        from evalsuite.errors import EvalsuiteError
        from evalsuite.runs.folder import load_run

        try:
            run = load_run(request_of(self._config).out)
        except EvalsuiteError:
            return None
        # Only this session's: an older run in the folder is no result of these items.
        return run if run.info.finished >= self._began else None

    def show(self, reporter: TerminalReporter) -> None:
        """Write the verdict table, in colour where pytest writes in colour."""
        run = self._config.stash.get(RUN, None)
        if run is None and self._report is None:
            return
        reporter.section("evalsuite")
        if run is None:
            reporter.write_line(f"no run was made, so {self._report} was not written")
            return
        from evalsuite.report import summary_text

        writer = reporter._tw
        text = summary_text(run, width=writer.fullwidth, colour=writer.hasmarkup)
        reporter.write_line(_writable(text, writer))
        reporter.write_line(f"report: {run.folder / 'report.html'}")
        if self._unwritten:
            reporter.write_line(self._unwritten, red=True)
        elif self._report is not None:
            reporter.write_line(f"report: {self._report}")

    @property
    def could_not_run(self) -> bool:
        """Whether the session could not do what it was asked for, whatever its tests say."""
        return self._without_run or bool(self._unwritten)


class ExitStatus:
    """Ends the session with status 3 when it could not do what it was asked for."""

    def __init__(self, results: Results) -> None:
        self._results = results

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Set the exit status, after everything that sets another."""
        from evalsuite.commands.options import COULD_NOT_RUN

        if self._results.could_not_run:
            session.exitstatus = COULD_NOT_RUN


def _add_suite_properties(config: pytest.Config, run: Run) -> None:
    # pytest's fixture for this works in the process of a test only, which under xdist is not the
    # one that writes the document.
    from _pytest.junitxml import xml_key

    from evalsuite.report import run_properties

    document = config.stash.get(xml_key, None)
    if document is not None:
        for name, value in run_properties(run).items():
            document.add_global_property(name, value)


def _written(run: Run, path: Path) -> str:
    """Write the report to ``path``; return why it could not be written, or nothing."""
    from evalsuite import report
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_named

    text: str = getattr(report, renderer_of(path))(run)
    try:
        with storage_errors(path, RunStorageError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_named(path, text.encode("utf-8", "backslashreplace"))
    except RunStorageError as error:
        return f"{error}; the run itself is kept in {run.folder}"
    return ""


def _writable(text: str, writer: TerminalWriter) -> str:
    """Name what the terminal's encoding lacks; pytest would escape the whole table for one sign."""
    encoding = getattr(writer._file, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
