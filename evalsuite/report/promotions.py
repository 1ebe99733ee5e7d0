"""The last promotions of a registry, for a terminal and for a pull request.

A row for each promotion and a column for each gate, so that what every single comparison allows
and what many of them add up to can be read downwards. Those of the lineage of the run that they
stand beneath are marked. Text of records enters as plain text.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from evalsuite.gates import Gate
from evalsuite.report.charts import number
from evalsuite.report.markdown import escape
from evalsuite.report.safetext import one_line
from evalsuite.report.view import ICONS
from evalsuite.runs import GateNumbers, PromotionInfo

_NONE = "The registry holds no promotion of this base."
_DIGITS = 12
"""Characters of a digest that tell adapters apart."""


def history_text(promotions: Sequence[PromotionInfo], *, lineage: str = "") -> Group:
    """Return what a console should show of the last promotions, oldest first.

    Args:
        promotions: of one base.
        lineage: of the run that they stand beneath; empty where none is known.
    """
    title = Text(_title(promotions), style="bold")
    return Group(title, _History(promotions, lineage)) if promotions else Group(title)


# Columns, more than any table here takes.
_ENDLESS = 10_000


class _History:
    """A table where it fits, else a paragraph for each promotion: no number is ever cut."""

    def __init__(self, promotions: Sequence[PromotionInfo], lineage: str) -> None:
        self._promotions, self._lineage = promotions, lineage

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = _table(self._promotions, self._lineage)
        # Asked without a limit: within one, a table says that it fits and cuts its cells.
        wide = options.update(width=_ENDLESS)
        if console.measure(table, options=wide).maximum <= options.max_width:
            yield table
            return
        for one in self._promotions:
            yield Text(", ".join(one_line(part, 60) for part in _about(one, self._lineage)))
            for gate in _gates([one]):
                yield Text(f"  {one_line(gate, 60)}: {_cell(one, gate, ' ')}")


def _table(promotions: Sequence[PromotionInfo], lineage: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("promotion", no_wrap=True)
    gates = _gates(promotions)
    for gate in gates:
        table.add_column(one_line(gate, 60), no_wrap=True)
    for one in promotions:
        cells = [Text(one_line(part, 40)) for part in _about(one, lineage)]
        table.add_row(Text("\n").join(cells), *(Text(_cell(one, gate, "\n")) for gate in gates))
    return table


def history_markdown(promotions: Sequence[PromotionInfo], *, lineage: str = "") -> str:
    """Return the last promotions, oldest first, as a section with a table."""
    lines = [f"## {_title(promotions)}", ""]
    gates = _gates(promotions)
    if promotions:
        names = " | ".join(escape(gate) for gate in gates)
        lines += [
            f"| record | date | adapter | policy | {names} |",
            f"|---:|---|---|---|{'---|' * len(gates)}",
        ]
    for one in promotions:
        cells = (*_about(one, lineage), *(_cell(one, gate, " ") for gate in gates))
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _about(one: PromotionInfo, lineage: str) -> tuple[str, ...]:
    """Record, date, adapter and policy; the record with a word on whether it is of the lineage."""
    same = " (same lineage)" if lineage and one.lineage == lineage else ""
    record = f"{one.sequence} {one.action}{same}"
    return record, f"{one.created:%Y-%m-%d}", one.adapter[:_DIGITS], one.policy


def _title(promotions: Sequence[PromotionInfo]) -> str:
    if not promotions:
        return _NONE
    n = len(promotions)
    return f"The last {n} promotions of this base" if n > 1 else "The one promotion of this base"


def _gates(promotions: Sequence[PromotionInfo]) -> list[str]:
    """Every gate that any of them was judged by, in the order of the gates."""
    order = [gate.value for gate in Gate]
    seen = dict.fromkeys(gate for one in promotions for gate in one.gates)
    # Records of other versions may know gates that this one does not; they come last.
    return sorted(seen, key=lambda gate: order.index(gate) if gate in order else len(order))


def _cell(one: PromotionInfo, gate: str, between: str) -> str:
    """Status, value and interval; empty where the gate was not judged."""
    found = one.gates.get(gate)
    return "" if found is None else f"{_icon(found)} {number(found.value)}{_bounds(found, between)}"


def _icon(found: GateNumbers) -> str:
    return next((icon for status, icon in ICONS.items() if status == found.status), "-")


def _bounds(found: GateNumbers, between: str) -> str:
    if found.lower is None or found.upper is None:
        return ""
    return f"{between}({number(found.lower)} to {number(found.upper)})"
