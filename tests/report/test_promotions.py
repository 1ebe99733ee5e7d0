"""The last promotions on a terminal: whole at any width."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from evalsuite.report import history_text
from evalsuite.runs import GateNumbers, PromotionInfo

GATES = ("liveness", "template_round_trip", "example_leakage", "pronoun_resolution", "forgetting")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_number_of_a_promotion_is_cut_at_any_width(width: int) -> None:
    numbers = GateNumbers(
        status="passed", value=-0.0025, lower=-0.0397, upper=0.0331, limit=0.05, n=800
    )
    one = PromotionInfo(
        record="000001-d1157792f48c.json", sequence=1, action="promote", adapter="d1157792f48c",
        created=datetime(2025, 3, 4, tzinfo=UTC), policy="nano",
        gates=dict.fromkeys(GATES, numbers),
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=width, no_color=True)
    with console.capture() as captured:
        console.print(history_text([one, one]))
    text = captured.get()
    for number in ("-0.0025", "(-0.0397", "0.0331)"):
        assert text.count(number) == 2 * len(GATES)
    assert "…" not in text
