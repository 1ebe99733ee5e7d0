"""Several candidates of one base side by side: a row each, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from evalsuite.report.markdown import escape
from evalsuite.report.notes import notes_of_candidate
from evalsuite.report.pages import environment
from evalsuite.report.safetext import one_line
from evalsuite.report.view import ICONS, WORDS, candidate_word, sentence
from evalsuite.runs import Status
from evalsuite.runs.folder import Run

FORMAT = "evalsuite.candidates"
_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.INCONCLUSIVE: "yellow"}
_FINE = (Status.PASSED, None)
NOT_RUN = "Could not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One candidate."""

    name: str
    """Of its folder, and of its run's."""
    seconds: float
    run: Run | None
    problem: str = ""
    """Why there is no run."""
    champion: bool = False
    """Whether the registry's newest record names it."""

    @property
    def kind(self) -> str:
        """``adapter`` or ``model``; empty where nobody could read it."""
        return candidate_word(self.run) if self.run else ""

    @property
    def word(self) -> str:
        """The verdict as a word with its mark."""
        return f"{ICONS[self.run.status]} {WORDS[self.run.status]}" if self.run else f"! {NOT_RUN}"

    @property
    def sentence(self) -> str:
        """Why it has this verdict."""
        return sentence(self.run) if self.run else self.problem

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of it beside the verdict, such as what contradicts its base."""
        return notes_of_candidate(self.run) if self.run else ()

    @property
    def opponent(self) -> str:
        """Whom it was compared with: a record's champion, another folder, or the base."""
        met = self.run.info.champion if self.run else None
        if met is None:
            return "the base" if self.run else ""
        return f"champion of record {met.sequence}" if met.record else met.path.rsplit("/", 1)[-1]

    def status_of(self, gate: str) -> Status | None:
        """What a gate said; None: it was not asked."""
        found = [v.status for v in self.run.verdicts if v.gate == gate] if self.run else []
        return found[0] if found else None


def gates_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The gates that some candidate was judged by, in the order of the policy."""
    return tuple(
        dict.fromkeys(verdict.gate for row in rows if row.run for verdict in row.run.verdicts)
    )


def candidates_text(rows: Sequence[Row]) -> Table:
    """Return what a console should show: a row for each candidate."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("candidate")
    table.add_column("verdict", no_wrap=True)
    table.add_column("gates not passed")
    table.add_column("seconds", justify="right", no_wrap=True)
    for row in rows:
        style = _STYLES[row.run.status] if row.run else "red"
        failed = [gate for gate in gates_of(rows) if row.status_of(gate) not in _FINE]
        table.add_row(
            Text(one_line(_named(row), 80)),
            Text(row.word, style=style),
            Text(", ".join(failed) if row.run else ""),
            f"{row.seconds:.1f}",
        )
    return table


def candidates_markdown(rows: Sequence[Row], title: str) -> str:
    """Return the same as Markdown, with the sentence of each verdict."""
    gates = gates_of(rows)
    lines = [
        f"# {escape(title)}",
        "",
        f"| candidate | verdict | {' | '.join([*gates, 'compared with', 'seconds'])} |",
        f"|---|---|{':-:|' * len(gates)}---|---:|",
    ]
    for row in rows:
        cells = [_named(row), row.word, *(_mark(row, gate) for gate in gates), row.opponent]
        lines.append(f"| {' | '.join(map(escape, cells))} | {row.seconds:.1f} |")
    lines.append("")
    for row in rows:
        lines.append(f"- **{escape(row.name)}**: {escape(row.sentence)}")
        lines += (f"  - {escape(note)}" for note in row.notes)
    return "\n".join(lines) + "\n"


def render_candidates(rows: Sequence[Row], title: str) -> str:
    """Return the page of several candidates as one HTML document that needs no network."""
    template = environment().get_template("candidates.html")
    return template.render(rows=rows, gates=gates_of(rows), title=title, not_run=NOT_RUN)


def candidates_data(rows: Sequence[Row], title: str) -> dict[str, object]:
    """Return the content of ``candidates.json``: plain values."""
    return {
        "format": FORMAT,
        "version": 1,
        "title": title,
        "candidates": [
            {
                "name": row.name,
                "kind": row.kind,
                "digest": row.run.info.adapter.digest if row.run and row.run.info.adapter else "",
                "status": row.run.status.value if row.run else None,
                "gates": {g: s.value for g in gates_of(rows) if (s := row.status_of(g))},
                "champion": row.champion,
                "compared_with": row.opponent,
                "seconds": round(row.seconds, 3),
                "sentence": row.sentence,
                "notes": list(row.notes),
            }
            for row in rows
        ],
    }


def _named(row: Row) -> str:
    return f"{row.name} (champion)" if row.champion else row.name


def _mark(row: Row, gate: str) -> str:
    status = row.status_of(gate)
    return ICONS[status] if status else "-"
