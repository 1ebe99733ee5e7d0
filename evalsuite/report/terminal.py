"""The verdict for a person at a terminal: one plain sentence first, then the table.

Values enter as ``Text``, never as markup, so that brackets in a reason stay brackets, and
invisible characters are named, so that nothing a model wrote can move the cursor. A number is
never cut and never broken: where the columns do not fit, words move to a line of their own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from evalsuite.report.charts import interval, number
from evalsuite.report.safetext import one_line, visible
from evalsuite.report.view import ICONS, WORDS, ReportView, build_view
from evalsuite.runs import Status, Tier, Verdict
from evalsuite.runs.folder import Run

_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.INCONCLUSIVE: "yellow"}
_NUMBERS = ("value", "interval", "limit", "n")
_GAP = 2
"""Columns between two columns of the table."""
# East Asian characters of two columns; lines may break beside them without a blank.
_WIDE = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60"
    "\U00020000-\U0003fffd"
)
_OPENING, _CLOSING = "（《「『【", "，。、；：！？）》」』】"
# A line breaks at blanks and beside Chinese characters, but before no closing mark and within no
# number, to which its percent sign belongs.
_UNIT = re.compile(
    rf"\s+|(?:[^\s{_WIDE}]+(?:(?<=\d) %[^\s{_WIDE}]*)?|[{_OPENING}]*[{_WIDE}])[{_CLOSING}]*"
)
_CUT_NUMBER = re.compile(r"(?:\d[\d.,]*(?:e[-+]?\d*)?)?$")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a console shows of a run, laid out for its width; one that is piped adds no colour."""

    run: Run

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        view, width = build_view(self.run, max_failures=0), options.max_width
        yield _wrapped(_head(view, self.run.status), width)
        if view.gates:
            verdicts = [gate.verdict for gate in view.gates]
            yield Text("")
            yield from _numbers(verdicts, width)
            yield Text("")
            for gate in view.gates:
                yield _wrapped(_reason(gate.verdict), width)
                if gate.in_what_way:
                    yield _wrapped(Text(f"  {gate.in_what_way}"), width)


def summary(run: Run) -> Summary:
    """Return what a console should show of a run."""
    return Summary(run)


def summary_text(run: Run, *, width: int = 120, colour: bool = False) -> str:
    """Return :func:`summary` as text of ``width`` columns.

    Without ``colour`` it holds no escape sequence at all.
    """
    console = Console(
        file=io.StringIO(),
        width=width,
        height=100,  # without one, rich takes 80 columns on a terminal that it calls dumb
        no_color=not colour,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    with console.capture() as captured:
        console.print(summary(run))
    return captured.get()


def _head(view: ReportView, status: Status) -> Text:
    return Text.assemble(
        (f"{view.icon} {view.word}. ", f"bold {_STYLES[status]}"),
        _sentence(" ".join((view.meaning, view.sentence, *map(str, view.notes))), 900),
    )


def _reason(verdict: Verdict) -> Text:
    icon = (f"{ICONS[verdict.status]} ", _STYLES[verdict.status])
    gate = (f"{one_line(verdict.gate, 60)}: ", "bold")
    return Text.assemble(icon, gate, _sentence(verdict.reason, 600))


def _sentence(text: str, limit: int) -> str:
    """Return ``text`` on one line, cut after about ``limit`` characters, but in no number."""
    # Cut before it is split, since a reason may quote a megabyte of a model's.
    flat = " ".join(text[: limit * 4].split())
    if len(flat) <= limit and len(text) <= limit * 4:
        return visible(flat)
    return visible(_CUT_NUMBER.sub("", flat[:limit], count=1).rstrip()) + " …"


def _numbers(verdicts: Sequence[Verdict], width: int) -> Iterator[Table | Text]:
    """The widest layout that fits: a table, one whose tiers stand below, a paragraph each."""
    for separator in (" ", "\n"):
        rows = [_cells(verdict, separator) for verdict in verdicts]
        if _width(rows) <= width:
            yield _table(rows)
            return
    for verdict in verdicts:
        gate, status, *cells = _cells(verdict, " ")
        yield _wrapped(Text.assemble((gate.plain, "bold"), ": ", status), width)
        told = ", ".join(f"{n} {cell.plain}" for n, cell in zip(_NUMBERS, cells, strict=True))
        yield _wrapped(Text(f"  {told}"), width)


def _cells(verdict: Verdict, separator: str) -> tuple[Text, ...]:
    status = f"{ICONS[verdict.status]} {WORDS[verdict.status].lower()}"
    if verdict.tier is not Tier.BLOCKING:
        status += f"{separator}({verdict.tier})"
    return (
        Text(one_line(verdict.gate, 60)),
        Text(status, style=_STYLES[verdict.status]),
        Text(number(verdict.value)),
        Text(interval(verdict)),
        Text(number(verdict.limit)),
        Text(str(verdict.n)),
    )


def _width(rows: Sequence[Sequence[Text]]) -> int:
    heads = ("gate", "status", *_NUMBERS)
    widest = [
        max(cell_len(line) for cell in column for line in cell.splitlines())
        for column in zip(heads, *([c.plain for c in row] for row in rows), strict=True)
    ]
    return sum(widest) + _GAP * (len(widest) - 1)


def _table(rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    table.add_column("gate", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name in _NUMBERS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _wrapped(text: Text, width: int) -> Text:
    """Break ``text`` into lines of at most ``width`` columns; a longer word is folded."""
    lines, start, end, column = [], 0, 0, 0
    for first, last in _units(text.plain, width):
        needed = cell_len(text.plain[end:last])
        if column and column + needed > width:
            lines.append(text[start:end])
            start, column, needed = first, 0, cell_len(text.plain[first:last])
        end, column = last, column + needed
    lines.append(text[start:end])
    made = Text("\n").join(lines)
    # The lines are broken already; rich would break them again, within numbers too.
    made.no_wrap, made.overflow = True, "ignore"
    return made


def _units(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Start and end of everything that a line keeps together; blanks lie between them."""
    for match in _UNIT.finditer(text):
        if match.group().isspace():
            continue
        first = match.start()
        for place in range(match.start(), match.end()):
            if place > first and cell_len(text[first : place + 1]) > width:
                yield first, place
                first = place
        yield first, match.end()
