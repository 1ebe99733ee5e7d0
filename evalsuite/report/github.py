"""A run for GitHub Actions: workflow commands that mark case files, and the job's summary.

The commands are those of GitHub's documentation, "Workflow commands": a message ends at the line's
end, so whatever a model wrote is escaped and can start no command of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalsuite.report.safetext import one_line
from evalsuite.report.view import Failure, GateView, ReportView, build_view
from evalsuite.runs import Status, Tier
from evalsuite.runs.folder import Run

_PLACE = re.compile(r"(?P<file>[^\s:][^:]*\.ya?ml):(?P<line>\d+)")
_ALL = 100_000
"""Failures to look through: those of case files are few among those of panels."""
SHOWN = 10
"""Annotations of one kind that GitHub shows for a step."""


def workflow_commands(run: Run) -> list[str]:
    """Return workflow commands: the verdict, then failures at the lines of their case files.

    Failures of a gate that blocks are errors, all others warnings; at most ten of each.
    """
    view = build_view(run, max_failures=_ALL)
    level = {Status.PASSED: "notice", Status.FAILED: "error", Status.INCONCLUSIVE: "error"}
    told = f"{view.meaning} {view.sentence}"
    lines = [_command(level[run.status], told, title=f"evalsuite: {view.word}")]
    marks = list(_marks(view))
    for kind in ("error", "warning"):
        lines += [line for found, line in marks if found == kind][:SHOWN]
    return lines


def _marks(view: ReportView) -> Iterator[tuple[str, str]]:
    for gate in view.gates:
        kind = "error" if _blocks(gate) else "warning"
        for failure in gate.failures:
            place = _PLACE.search(failure.source)
            if place is not None:
                yield (
                    kind,
                    _command(
                        kind,
                        _told(failure),
                        file=place["file"],
                        line=place["line"],
                        title=f"{gate.verdict.gate}: {failure.case_id}",
                    ),
                )


def _blocks(gate: GateView) -> bool:
    return gate.verdict.tier is Tier.BLOCKING and gate.verdict.status is not Status.PASSED


def _told(failure: Failure) -> str:
    answers = [
        f"{answer.label}: {''.join(piece.text for piece in answer.pieces)}"
        for answer in failure.answers
    ]
    return " ".join([*map(str, failure.findings), *answers])


def _command(kind: str, message: str, **properties: str) -> str:
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {listed}::{_data(one_line(message, 600))}"


def _data(text: str) -> str:
    # The escapes of GitHub's own toolkit; %, first, stands in the others.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text, 200)).replace(":", "%3A").replace(",", "%2C")
