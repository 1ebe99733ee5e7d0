"""Where defects lie: a gate's defects by kind of case and language, as a table of shares.

Of rewrites a second table says in what way they are wrong, by kind. Only what was drawn: a
hand-written set is a list, not a sample, and stands apart in its gate too. A gate that keeps its
defects only has no shares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalsuite.report.changes import Section, golden_lists, kinds_aside, section_of
from evalsuite.report.safetext import one_line
from evalsuite.runs import PARTS, ScoreRow, Side, Unit
from evalsuite.runs.comparison import DEFECTS_ONLY
from evalsuite.runs.folder import Run

_STEPS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5)
"""Upper ends of the shades of a cell, as shares of defects; above the last is the darkest."""

_KINDS, _LANGUAGES = 40, 8
"""Rows and columns at most."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind in one language."""

    failed: int
    n: int
    """Cases that were measured; 0: none."""

    @property
    def share(self) -> float | None:
        """Defects among the measured cases."""
        return self.failed / self.n if self.n else None

    @property
    def shade(self) -> int:
        """0 (no defect) to 6 (more than half)."""
        return 0 if self.share is None else sum(self.share > step for step in _STEPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """One gate."""

    gate: str
    columns: tuple[str, ...]
    """Languages, or the parts of a rewrite."""
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    """Kind, then its cells: one for each column; behind languages all of them together."""
    left_out: int = 0
    """Kinds that the table has no room for."""
    by_part: bool = False
    """Whether the columns are parts of a rewrite: cases in which each is lost, among those where it
    was asked."""


def heat(run: Run) -> tuple[Heat, ...]:
    """Return a table for each gate that judged several kinds; a defect is any detector's."""
    lists, aside = golden_lists(run), kinds_aside(run)
    sampled: dict[Section, dict[tuple[str, str], list[ScoreRow]]] = {}
    for score in run.scores:
        section = section_of(score, lists, aside)
        if score.side is Side.CANDIDATE and _counts(score) and section != Section(DEFECTS_ONLY):
            cases = sampled.setdefault(section, {})
            cases.setdefault((score.panel, score.case_id), []).append(score)
    found = [(verdict.gate, sampled.get(Section(verdict.gate), {})) for verdict in run.verdicts]
    known = [
        table
        for gate, cases in found
        if cases
        for table in (_table(gate, list(cases.values())), _table_of_parts(gate, cases.values()))
    ]
    # One kind alone is the gate's own rate over again.
    return tuple(table for table in known if len(table.rows) > 1)


def _counts(score: ScoreRow) -> bool:
    # What has no kind and language, such as a property of the template, has no cell.
    measured = score.unit is Unit.DEFECT and score.value is not None and not score.control
    return measured and bool(score.kind and score.language)


def _table(gate: str, cases: Sequence[Sequence[ScoreRow]]) -> Heat:
    failed: Counter[tuple[str, str]] = Counter()
    seen: Counter[tuple[str, str]] = Counter()
    for scores in cases:
        cell = scores[0].kind, scores[0].language
        seen[cell] += 1
        failed[cell] += any(score.failed for score in scores)
    every = sorted({language for _, language in seen})
    languages, kinds = every[:_LANGUAGES], sorted({kind for kind, _ in seen})
    rows = []
    for kind in kinds[:_KINDS]:
        cells = [Cell(failed[kind, lang], seen[kind, lang]) for lang in languages]
        whole = Cell(
            sum(failed[kind, lang] for lang in every), sum(seen[kind, lang] for lang in every)
        )
        rows.append((one_line(kind.replace("_", " "), 40), (*cells, whole)))
    return Heat(
        gate=gate,
        columns=tuple(one_line(language, 20) for language in languages),
        rows=tuple(rows),
        left_out=len(kinds) - len(rows),
    )


def _table_of_parts(gate: str, cases: Iterable[Sequence[ScoreRow]]) -> Heat:
    """In what way rewrites are wrong, by kind; no rows where nothing of the kind was asked."""
    lost: Counter[tuple[str, str]] = Counter()
    asked: Counter[tuple[str, str]] = Counter()
    for score in (score for scores in cases for score in scores if score.detail):
        asked[score.kind, score.detector] += 1
        lost[score.kind, score.detector] += score.failed
    kinds = sorted({kind for kind, _ in asked})
    parts = [part for part in PARTS if any(asked[kind, part] for kind in kinds)]
    return Heat(
        gate=gate,
        columns=tuple(parts),
        rows=tuple(
            (
                one_line(kind.replace("_", " "), 40),
                tuple(Cell(lost[kind, part], asked[kind, part]) for part in parts),
            )
            for kind in kinds[:_KINDS]
        ),
        left_out=len(kinds[_KINDS:]),
        by_part=True,
    )
