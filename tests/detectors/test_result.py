"""Scores refuse what is no loss, and spans what marks nothing."""

from __future__ import annotations

import math

import pytest

from evalsuite.detectors import Detector, Score, Span
from evalsuite.errors import InvalidInput


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_a_value_that_is_no_finite_loss_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match=r"literal_leak on 'c1': value=.*finite loss"):
        Score(Detector.LITERAL_LEAK, "c1", value, "because")


def test_an_unmeasured_score_needs_its_reason() -> None:
    with pytest.raises(InvalidInput, match="explanation is empty"):
        Score(Detector.LITERAL_LEAK, "c1", None, " ")
    assert Score(Detector.LITERAL_LEAK, "c1", None, "no demonstrations").value is None


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 3), (4, 2)])
def test_a_span_that_marks_nothing_is_refused(start: int, end: int) -> None:
    with pytest.raises(InvalidInput, match=f"start={start}, end={end}"):
        Span(start, end, "name")


def test_a_score_can_be_attributed_to_the_baseline_and_nothing_else_changes() -> None:
    score = Score(Detector.LITERAL_LEAK, "c", 1.0, "why", (Span(0, 1, "x"),))
    moved = score.on("baseline")
    assert (score.side, moved.side) == ("candidate", "baseline")
    assert moved.on("candidate") == score
