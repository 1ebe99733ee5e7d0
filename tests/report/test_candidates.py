"""The page of several candidates: what a reader compares them by, and what would be overlooked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from evalsuite.report.candidates import (
    Row,
    candidates_data,
    candidates_markdown,
    render_candidates,
)
from evalsuite.runs import EndingsInfo
from evalsuite.runs.folder import Run

AGAINST = "base_model_name_or_path: 'x/<b>', gated is 'nano': another model"


def row(run: Run | None, name: str = "mine", **values: Any) -> Row:
    return Row(name=name, seconds=1.5, run=run, **values)


@pytest.fixture
def contradicted(passed: Run) -> Run:
    assert passed.info.adapter is not None
    adapter = replace(passed.info.adapter, contradicted=(AGAINST,))
    ends = {
        "candidate": EndingsInfo(cut=9, answers=10),
        "baseline": EndingsInfo(cut=0, answers=10),
    }
    return replace(passed, info=replace(passed.info, adapter=adapter, endings=ends))


def test_what_contradicts_a_candidate_stands_beside_its_verdict(
    contradicted: Run, passed: Run
) -> None:
    rows = [row(contradicted), row(passed, "other"), row(None, "none", problem="no such folder")]
    first, other, none = rows
    assert any("another model" in note for note in first.notes)
    assert any("did not learn to emit" in note for note in first.notes)
    assert not any("another model" in note for note in other.notes)
    assert none.notes == ()
    html, markdown = render_candidates(rows, "T"), candidates_markdown(rows, "T")
    assert html.count("gated is &#39;nano&#39;: another model") == 1
    assert "<b>" not in html.replace("<body", "")
    assert markdown.count("another model") == 1
    assert [bool(one["notes"]) for one in _listed(rows)] == [True, bool(other.notes), False]


def test_notes_of_how_a_run_was_made_are_left_to_its_report(passed: Run) -> None:
    assert passed.info.attempt is None or not any(
        "of this lineage" in note for note in row(passed).notes
    )


def test_each_gate_is_a_mark_with_its_word_for_those_who_do_not_see_it(failed: Run) -> None:
    html = render_candidates([row(failed)], "T")
    assert '<span class="sr"> Failed</span>' in html
    assert 'title="Failed"' in html


def _listed(rows: list[Row]) -> list[dict[str, Any]]:
    data = json.loads(json.dumps(candidates_data(rows, "T")))
    listed = data["candidates"]
    assert isinstance(listed, list)
    return listed
