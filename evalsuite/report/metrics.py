"""The field's metrics of base and candidate, beside the gates: told, never judged.

Of each golden set and of the panel, by language: how close the rewrites come to the accepted ones
(:mod:`evalsuite.rewrites.metrics`), whether queries were rewritten that needed it, and how well the
accepted rewrites of golden cases are predicted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evalsuite.cases import Language
from evalsuite.detectors import Detector
from evalsuite.report.safetext import one_line
from evalsuite.rewrites.metrics import (
    INSTALL,
    Metrics,
    Needs,
    Utterance,
    lines_of,
    measure,
    missing_libraries,
)
from evalsuite.runs import CaseRow, Side
from evalsuite.runs.folder import Run

SIDES = (Side.BASELINE, Side.CANDIDATE)
MOST = 2000
"""Cases of one set that are measured: more tell the same and take their time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideMetrics:
    """One side's rewrites of one set in one language."""

    language: str
    side: Side
    metrics: Metrics
    perplexity: float | None
    """Of the accepted rewrites: e to the mean, over references, of nats per token. None: nobody
    asked for it, as of a panel."""

    @property
    def needs(self) -> Needs:
        """Whether queries were rewritten that needed it."""
        return self.metrics.needs


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMetrics:
    """One golden set, or the panel."""

    panel: str
    columns: tuple[SideMetrics, ...]
    left_out: int
    """Cases beyond the first :data:`MOST`."""

    @property
    def lines(self) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
        """Each metric that was computed, by name, with a value for each column."""
        every = [lines_of(column.metrics) for column in self.columns]
        rows = [
            (lines[0].name, tuple(line.value for line in lines))
            for lines in zip(*every, strict=True)
        ]
        return tuple((name, values) for name, values in rows if any(v is not None for v in values))

    @property
    def signatures(self) -> tuple[str, ...]:
        """How sacreBLEU computed, in its own words, each once."""
        found = (c.metrics.sacre.signature for c in self.columns if c.metrics.sacre is not None)
        return tuple(dict.fromkeys(found))


def set_metrics(run: Run) -> tuple[SetMetrics, ...]:
    """The metrics of every set whose rewrites were judged; golden sets first, by name."""
    rights, losses = _judged(run)
    sets: dict[str, list[CaseRow]] = {}
    for row in run.cases:
        if row.expect is not None and (row.panel, row.case_id, Side.CANDIDATE) in rights:
            sets.setdefault(row.panel, []).append(row)
    return tuple(
        SetMetrics(
            panel=one_line(panel, 60),
            columns=tuple(_columns(run, rows[:MOST], rights, losses)),
            left_out=len(rows[MOST:]),
        )
        for panel, rows in sorted(sets.items(), key=lambda item: (item[0] == "panel", item[0]))
    )


def missing_note() -> str:
    """What is not installed and how it would be; empty where all is there."""
    missing = missing_libraries()
    return f"{', '.join(missing)}: {INSTALL}" if missing else ""


Judged = Mapping[tuple[str, str, Side], float | None]


def _judged(run: Run) -> tuple[Judged, Judged]:
    """By panel, case and side: whether a rewrite is wrong, and the loss of the reference."""
    found: dict[str, dict[tuple[str, str, Side], float | None]] = {
        Detector.RIGHT: {},
        Detector.REFERENCE_LOSS: {},
    }
    for score in run.scores:
        if score.detector in found:
            found[score.detector][score.panel, score.case_id, score.side] = score.value
    return found[Detector.RIGHT], found[Detector.REFERENCE_LOSS]


def _columns(
    run: Run, rows: list[CaseRow], rights: Judged, losses: Judged
) -> Iterator[SideMetrics]:
    for language in Language:
        spoken = [row for row in rows if row.language == language]
        for side in SIDES if spoken else ():
            values = [losses.get((row.panel, row.case_id, side)) for row in spoken]
            nats = [value for value in values if value is not None]
            yield SideMetrics(
                language=language.value,
                side=side,
                metrics=measure(_utterances(run, spoken, side, rights)),
                perplexity=math.exp(sum(nats) / len(nats)) if nats else None,
            )


def _utterances(run: Run, rows: list[CaseRow], side: Side, rights: Judged) -> Iterator[Utterance]:
    for row in rows:
        outputs = run.output_index.get((row.panel, row.case_id, side), ())
        # The answer that gates judge stands before that under counterfactual demonstrations.
        answer = next((output for output in outputs if output.generated), None)
        if answer is not None and row.expect is not None:
            wrong = rights.get((row.panel, row.case_id, side))
            said = answer.text if answer.answer is None else answer.answer
            yield Utterance.to(
                row.query, Language(row.language), row.expect, said, right=wrong == 0.0
            )
