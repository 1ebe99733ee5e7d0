"""The verdict for a person at a terminal: one plain sentence first, then the table.

Values enter as ``Text``, never as markup, so that brackets in a reason stay brackets, and
invisible characters are named, so that nothing a model wrote can move the cursor.
"""

from __future__ import annotations

import io

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from evalsuite.report.drawing import interval, number
from evalsuite.report.view import ICONS, WORDS, build_view
from evalsuite.report.visible import one_line
from evalsuite.runfolder import Run
from evalsuite.runrecord import Status, Tier, Verdict

_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.INCONCLUSIVE: "yellow"}


def summary(run: Run) -> Group:
    """Return what a console should show of a run; a console that is piped adds no colour."""
    view = build_view(run, max_failures=0)
    head = Text.assemble(
        (f"{view.icon} {view.word}. ", f"bold {_STYLES[run.status]}"),
        one_line(" ".join((view.meaning, view.sentence, *view.notes)), 900),
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("gate", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name in ("value", "interval", "limit", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    reasons: list[Text] = []
    for gate in view.gates:
        table.add_row(*_cells(gate.verdict))
        reasons.append(_reason(gate.verdict))
    return Group(head, Text(""), table, Text(""), *reasons) if view.gates else Group(head)


def summary_text(run: Run, *, width: int = 120) -> str:
    """Return :func:`summary` as plain text of ``width`` columns, without any escape sequence."""
    console = Console(file=io.StringIO(), width=width, no_color=True, force_terminal=False)
    with console.capture() as captured:
        console.print(summary(run))
    return captured.get()


def _cells(verdict: Verdict) -> tuple[Text, ...]:
    status = f"{ICONS[verdict.status]} {WORDS[verdict.status].lower()}"
    if verdict.tier is not Tier.BLOCKING:
        status += f" ({verdict.tier})"
    return (
        Text(one_line(verdict.gate, 60)),
        Text(status, style=_STYLES[verdict.status]),
        Text(number(verdict.value)),
        Text(interval(verdict)),
        Text(number(verdict.limit)),
        Text(str(verdict.n)),
    )


def _reason(verdict: Verdict) -> Text:
    icon = (f"{ICONS[verdict.status]} ", _STYLES[verdict.status])
    gate = (f"{one_line(verdict.gate, 60)}: ", "bold")
    return Text.assemble(icon, gate, one_line(verdict.reason))
