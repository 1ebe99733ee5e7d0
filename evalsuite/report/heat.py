"""Where defects lie: a gate's defects by kind of case and language, as a table of shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite.runfolder import Run
from evalsuite.runrecord import ScoreRow, Side, Unit

_STEPS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5)
"""Upper ends of the shades of a cell, as shares of defects; above the last is the darkest."""


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
    languages: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    """Kind, then its cells: one for each language, and all languages together."""


def heat(run: Run) -> tuple[Heat, ...]:
    """Return a table for each gate that judged several kinds; a defect is any detector's."""
    by_gate: dict[str, dict[tuple[str, str], list[ScoreRow]]] = {}
    for score in run.scores:
        if score.side is Side.CANDIDATE and score.unit is Unit.DEFECT and score.kind:
            if not score.language or score.value is None:
                continue
            cases = by_gate.setdefault(score.gate or score.detector, {})
            cases.setdefault((score.panel, score.case_id), []).append(score)
    tables = [_table(gate, list(cases.values())) for gate, cases in by_gate.items()]
    order = [verdict.gate for verdict in run.verdicts]
    known = [table for table in tables if table.gate in order and len(table.rows) > 1]
    return tuple(sorted(known, key=lambda table: order.index(table.gate)))


def _table(gate: str, cases: Sequence[Sequence[ScoreRow]]) -> Heat:
    failed: Counter[tuple[str, str]] = Counter()
    seen: Counter[tuple[str, str]] = Counter()
    for scores in cases:
        cell = scores[0].kind, scores[0].language
        seen[cell] += 1
        failed[cell] += any(score.failed for score in scores)
    languages = tuple(sorted({language for _, language in seen}))
    rows = []
    for kind in sorted({kind for kind, _ in seen}):
        cells = [Cell(failed[kind, lang], seen[kind, lang]) for lang in languages]
        whole = Cell(sum(c.failed for c in cells), sum(c.n for c in cells))
        rows.append((kind.replace("_", " "), (*cells, whole)))
    return Heat(gate=gate, languages=languages, rows=tuple(rows))
