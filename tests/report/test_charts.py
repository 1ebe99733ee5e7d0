"""The picture of an interval says the same as its numbers."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.report.charts import drawing, interval, number
from tests.report.factory import verdict

finite = st.floats(-10, 10)


@given(bounds=st.tuples(finite, finite, finite).map(sorted), limit=st.floats(0, 10))
def test_order_and_place_of_the_marks_follow_the_numbers(bounds: list[float], limit: float) -> None:
    lower, value, upper = bounds
    svg = drawing(verdict("gate", value=value, lower=lower, upper=upper, limit=limit))
    assert svg is not None
    root = fromstring(str(svg))
    whisker = root.findall("g/line")[0]
    left, right = float(whisker.get("x1", "")), float(whisker.get("x2", ""))
    point = float(root.find("circle").get("cx"))  # type: ignore[union-attr, arg-type]
    line = float(root.find("line[@class='limit']").get("x1"))  # type: ignore[union-attr, arg-type]
    assert 0 <= left <= point <= right <= 300
    assert (upper <= limit) <= (right <= line)
    assert (lower >= limit) <= (left >= line)


def test_a_verdict_without_a_measurement_has_no_picture() -> None:
    missing = verdict("gate", "inconclusive", value=None, lower=None, upper=None)
    assert drawing(missing) is None
    assert interval(missing) == "–"


def test_the_picture_is_told_in_words() -> None:
    svg = str(drawing(verdict("leak<age>")))
    assert "<title>leak&lt;age&gt;: value 0.004, limit 0.03</title>" in svg
    assert "<desc>Interval 0 to 0.016, drawn against the limit 0.03; passed.</desc>" in svg


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (0.0075, "0.0075"), (0.5, "0.5"), (1.0, "1"), (0.00031, "3.1e-04"),
     (-0.019, "-0.019"), (12.0, "12")],
)  # fmt: skip
def test_numbers_are_short_and_never_round_to_nothing(value: float | None, text: str) -> None:
    assert number(value) == text
