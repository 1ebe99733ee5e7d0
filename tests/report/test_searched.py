"""The page and the text of a search: whole, inert, and drawn to scale."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest

from evalsuite.report.results import Point
from evalsuite.report.search import render_search, search_text, sensitivity_drawing
from tests.report.test_html import Page, assert_inert

HOSTILE = '<script>alert(1)</script>\u202e{{ 7*7 }}\x1b[2J"><img src=x onerror=alert(1)>'
TURN = {"role": "user", "content": HOSTILE}
FOUND: dict[str, Any] = {
    "defect": "example_leakage-0123",
    "gate": "example_leakage",
    "promise": "no example leakage",
    "absolute": True,
    "baseline_keeps_it": False,
    "reason": f"The answer names {HOSTILE}.",
    "spans": [{"start": 0, "end": 8, "label": "leak"}],
    "language": "en",
    "kind": "single",
    "operators": ["gap", "emoji"],
    "history": [TURN, {"role": "assistant", "content": HOSTILE}],
    "query": HOSTILE,
    "reference": HOSTILE,
    "demonstrations": 2,
    "answer": HOSTILE,
    "baseline_answer": HOSTILE,
    "attack": "en/single/3/17 2/0 gap/5/0/1",
    "found_as": "en/single/3/17 2/0 gap/5/0/1 emoji/1/2/3",
    "found_turns": 4,
    "rounds": 3,
    "evaluations": 20,
}
RELATION = {
    "relation": "rename",
    "promise": "another name, the same answer",
    "n": 9,
    "violated": 4,
    "examples": [
        {
            "history": [TURN],
            "query": HOSTILE,
            "answer": HOSTILE,
            "varied_history": [TURN],
            "varied_query": HOSTILE,
            "varied_format": "xml",
            "varied_answer": HOSTILE,
        }
    ],
}


def point(
    side: Literal["candidate", "baseline"],
    value: str,
    wrong: float,
    *,
    axis: Literal["demonstrations", "format"] = "demonstrations",
) -> Point:
    interval = (max(0.0, wrong - 0.05), min(1.0, wrong + 0.05))
    return {
        "axis": axis,
        "value": value,
        "side": side,
        "n": 64,
        "wrong": wrong,
        "interval": interval,
        "leaked": 3,
        "differing": 7,
    }


SHARES: dict[Literal["candidate", "baseline"], tuple[float, ...]] = {
    "candidate": (0.1, 0.2, 0.5),
    "baseline": (0.8, 0.8, 0.9),
}
POINTS = [
    point(side, value, wrong)
    for side, several in SHARES.items()
    for value, wrong in zip(("0", "2", "8"), several, strict=True)
]
DATA: dict[str, Any] = {
    "version": 1,
    "evalsuite": "0",
    "subject": {
        "adapter": HOSTILE,
        "adapter_digest": "0" * 64,
        "base": HOSTILE,
        "base_digest": "1" * 64,
        "policy": HOSTILE,
        "prompt_format": "xml",
        "device": "cpu",
        "dtype": "float32",
    },
    "envelope": {
        "languages": ["en"],
        "kinds": ["single"],
        "operators": ["gap", "emoji"],
        "max_edits": 4,
        "max_demonstrations": 2,
        "skills": [],
    },
    "plan": {"budget": 40, "seconds": None, "seed": 0, "round": 128, "guided": True},
    "progress": {"tried": 40, "broken": 2, "left_out": 1, "batches": 9, "worst": 0.25},
    "seconds": 12.5,
    "interrupted": False,
    "counterexamples": [FOUND],
    "relations": [RELATION],
    "sensitivity": POINTS,
}


def test_hostile_text_stays_text() -> None:
    html = render_search(DATA)
    assert_inert(html)
    assert "{{ 7*7 }}" in html
    told = search_text(DATA)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", told)
    assert "40 histories: 1 against what must hold for every answer, 0 " in told
    assert re.search(r"rename +4 of 9 +violated", told)
    assert re.search(r"demonstrations 8 +50\.0% wrong, 7 of 64 differ", told)


def test_sensitivity_is_drawn_to_scale_for_both_sides() -> None:
    page = Page(str(sensitivity_drawing(POINTS, "How many")))
    assert page.tags["circle"] == len(POINTS)
    heights = [
        float(value or "nan")
        for tag, name, value in page.attributes
        if (tag, name) == ("circle", "cy")
    ]
    shares = [row["wrong"] for row in POINTS]
    by_share = [height for _, height in sorted(zip(shares, heights, strict=True))]
    assert by_share == sorted(by_share, reverse=True), "more wrong is drawn higher"
    (zero, half) = (118 - 0.1 / 0.95 * 108, 118 - 0.5 / 0.95 * 108)
    assert heights[0] == pytest.approx(zero, abs=0.1)
    assert heights[2] == pytest.approx(half, abs=0.1)
    places = [value for tag, name, value in page.attributes if (tag, name) == ("circle", "cx")]
    assert places[:3] == places[3:], "the sides share their conditions"
    assert "candidate 8: 50.0% of 64" in "".join(page.text)


def test_one_condition_and_no_error_at_all_can_be_drawn() -> None:
    rows = [point("candidate", "xml", 0.0, axis="format")]
    rows[0]["interval"] = (0.0, 0.0)
    page = Page(str(sensitivity_drawing(rows, "Format")))
    assert page.tags["circle"] == 1
    assert "10%" in page.text


def test_a_page_without_relations_and_sensitivity_shows_neither() -> None:
    html = render_search({**DATA, "counterexamples": [], "relations": [], "sensitivity": []})
    assert "None found in 40 histories; smallest margin +0.25 nats." in html
    assert 'id="relations"' not in html
    assert 'id="sensitivity"' not in html
