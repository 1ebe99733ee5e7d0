"""evalsuite gate --adapters: several candidates of one base, a run each and one page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import COULD_NOT_RUN, EXIT, check_result, write_result
from evalsuite.commands.progress import LONG, Milestones, Pace, status_line

if TYPE_CHECKING:
    from evalsuite.pipeline import Event, GateRequest
    from evalsuite.report.candidates import Row

DATA, TEXT = "candidates.json", "candidates.md"
_ORDER = ("failed", "inconclusive", "passed")
"""The first of these that some candidate is decides the exit status."""


def refuse_what_is_about_one(args: argparse.Namespace) -> None:
    """Raise InvalidInput where an option makes sense for a single candidate only."""
    from evalsuite.errors import InvalidInput

    for option, given in (("--waivers", args.waivers is not None), ("--plan", args.plan)):
        if given:
            raise InvalidInput(
                f"{option} is about one candidate, and --adapters names {len(args.adapters)}; gate "
                "that candidate by itself, with --adapter or --candidate"
            )


def gate_each(request: GateRequest, folders: Sequence[Path], terminal: Terminal) -> int:
    """Gate each candidate, write the page of all, and return the exit status of the worst."""
    from evalsuite.pipeline.several import each, evaluate_each
    from evalsuite.report import write_reports
    from evalsuite.report.candidates import Row, candidates_text

    requests = each(request, folders)
    check_result(request.out, DATA, *(one.out.name for one in requests))
    champion = _champion(request)
    rows: list[Row] = []
    with terminal.working("gating"):
        for gated in evaluate_each(requests, tell=_Teller(terminal, len(requests))):
            if gated.run:
                write_reports(gated.run)
            digest = gated.run.info.adapter.digest if gated.run and gated.run.info.adapter else ""
            rows.append(
                Row(
                    name=gated.folder.expanduser().resolve().name,
                    seconds=gated.seconds,
                    run=gated.run,
                    problem=gated.problem,
                    champion=bool(digest) and digest == champion,
                )
            )
            _write(request, rows)
    terminal.say(candidates_text(rows))
    for row in rows:
        if row.problem:
            terminal.error(f"{row.name}: {row.problem}")
    terminal.say("")
    terminal.say(f"report: {request.out / 'index.html'}")
    return _exit(rows)


def _exit(rows: Sequence[Row]) -> int:
    if any(row.run is None for row in rows):
        return COULD_NOT_RUN
    found = {row.run.status.value for row in rows if row.run}
    return next(EXIT[status] for status in _ORDER if status in found)


def _write(request: GateRequest, rows: Sequence[Row]) -> None:
    """Write the page after each candidate: hours later the first rows are there already."""
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import atomic_write, storage_errors
    from evalsuite.report.candidates import (
        candidates_data,
        candidates_markdown,
        render_candidates,
    )

    title = f"Candidates on {request.base_model}"
    write_result(request.out, DATA, candidates_data(rows, title), render_candidates(rows, title))
    with storage_errors(request.out, RunStorageError):
        atomic_write(request.out / TEXT, candidates_markdown(rows, title).encode())


def _champion(request: GateRequest) -> str:
    """Digest of the registry's champion before the first run; empty where there is none."""
    from evalsuite.registry import read_chain

    if request.registry is None:
        return ""
    chain = read_chain(request.registry)
    last = chain.last if not chain.faults else None
    return last.evidence.adapter.digest if last else ""


class _Teller:
    """Says who is asked and how far that is."""

    def __init__(self, terminal: Terminal, count: int) -> None:
        self._terminal, self._count = terminal, count
        self._folder: Path | None = None
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._milestones, self._pace = Milestones(LONG, pace=Pace()), Pace()

    def __call__(self, folder: Path, event: Event) -> None:
        if folder != self._folder:
            self._folder, self._number = folder, self._number + 1
            self._begin()
            self._terminal.log(f"candidate {self._number} of {self._count}: {folder}")
        if event.note:
            self._terminal.note(event.note)
            return
        self._terminal.progress(f"{folder.name}: {status_line(event, pace=self._pace(event))}")
        line = self._milestones.line(event)
        if line is not None:
            self._terminal.log(line)
