"""Shows how far the run is while it is made, in the process that reports.

On a terminal one line renews itself; elsewhere, in the log of a CI job, each step and each tenth of
inference is a line. Under xdist the worker that makes the run appends its events to a file whose
name the controller gave it, and a thread of the controller shows what is added there: a worker has
no other way to speak before its first test ends.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from _pytest.capture import CaptureManager
    from _pytest.terminal import TerminalReporter

    from evalsuite.pipeline import Event

_FILE = "evalsuite_progress"
"""Key of ``workerinput``: where a worker writes its events."""
_WHO = "gates: "
_PERIOD = 0.2
"""Seconds between two looks at that file."""


class _Worker(Protocol):
    """One of xdist's worker controllers, as far as it is used here."""

    workerinput: dict[str, str]


class Line:
    """Shows events through pytest's terminal reporter; says nothing where there is none."""

    def __init__(self, config: pytest.Config) -> None:
        from evalsuite.commands.progress import Milestones

        plugins = config.pluginmanager
        self._reporter: TerminalReporter | None = plugins.getplugin("terminalreporter")
        self._capture: CaptureManager | None = plugins.getplugin("capturemanager")
        self._milestones = Milestones()
        self._open = False
        if config.get_verbosity() < 0:
            self._reporter = None

    def tell(self, event: Event) -> None:
        """Show that a step is at work, or how far it is."""
        if self._reporter is None or event.note:
            return
        with self._uncaptured():
            if self._reporter.isatty:
                self._renew(self._reporter, event)
            else:
                line = self._milestones.line(event)
                if line is not None:
                    self._reporter.write_line(f"{_WHO}{line}")
            self._reporter.flush()

    def end(self) -> None:
        """Leave the line that renewed itself, for what comes next."""
        if self._open and self._reporter is not None:
            self._open = False
            with self._uncaptured():
                self._reporter.write("\n", flush=True)

    def _renew(self, reporter: TerminalReporter, event: Event) -> None:
        from evalsuite.commands.progress import status_line

        if not self._open:
            reporter.ensure_newline()
            self._open = True
        room = reporter._tw.fullwidth - len(_WHO) - 1
        reporter.rewrite(f"{_WHO}{status_line(event, room)}", erase=True)

    def _uncaptured(self) -> AbstractContextManager[None]:
        if self._capture is None:
            return nullcontext()
        return self._capture.global_and_fixture_disabled()


@contextmanager
def progress_of(config: pytest.Config) -> Iterator[Callable[[Event], None]]:
    """Give what :func:`evalsuite.pipeline.evaluate` tells its events to, and end what they show."""
    named = getattr(config, "workerinput", {}).get(_FILE)
    if named is not None:
        try:
            yield lambda event: _tell(Path(named), event)
        finally:
            _append(Path(named), [])
        return
    line = Line(config)
    try:
        yield line.tell
    finally:
        line.end()


def _tell(path: Path, event: Event) -> None:
    if not event.note:
        _append(path, [event.step, event.done, event.total])


def _append(path: Path, event: list[str | int]) -> None:
    # Progress must not cost a run: a full disk ends it soon enough, with a reason.
    with suppress(OSError), path.open("a", encoding="utf-8") as stream:
        stream.write(f"{json.dumps(event)}\n")


class Watch:
    """Shows in xdist's controller what the worker that makes the run tells."""

    def __init__(self, config: pytest.Config) -> None:
        self._line = Line(config)
        self._folder = Path(tempfile.mkdtemp(prefix="evalsuite-"))
        self._path = self._folder / "events.jsonl"
        self._seen = 0
        self._stop = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: _Worker) -> None:
        """Tell each worker where to write its events."""
        node.workerinput[_FILE] = str(self._path)
        if not self._thread.is_alive():
            self._thread.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logstart(self) -> Generator[None, object, object]:
        """Keep the thread from writing while pytest writes."""
        with self._writing:
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        """Keep the thread from writing while pytest writes."""
        with self._writing:
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Show what is left, and clear up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._show_new()
        self._line.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _follow(self) -> None:
        while not self._stop.wait(_PERIOD):
            self._show_new()

    def _show_new(self) -> None:
        from evalsuite.pipeline import Event

        for event in self._new():
            with self._writing:
                if event is not None:
                    self._line.tell(Event(*event))
                else:
                    self._line.end()

    def _new(self) -> Iterator[tuple[str, int, int] | None]:
        """Yield the events that were added; None: there will be no more."""
        if not self._path.exists():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._seen)
            data = stream.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._seen += len(whole)
        for line in whole.splitlines():
            event: list[str | int] = json.loads(line)
            yield (str(event[0]), int(event[1]), int(event[2])) if event else None
