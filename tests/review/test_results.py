"""What follows from sheets: agreement, errors of the detectors, cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from evalsuite.cases import Expectation, Kind
from evalsuite.cases.casefiles import dump_cases, lint, load_cases
from evalsuite.errors import InvalidReview
from evalsuite.report import render_review, review_text
from evalsuite.review import (
    Key,
    Readings,
    draw,
    goldens_of,
    read_sheets,
    results,
    sheets_of,
    third_sheet,
)
from evalsuite.review.raters import UNCLEAR
from tests.review.world import Spec, filled, specs, write_run

Say = Callable[[str], Sequence[str]]


def readings_of(
    tmp_path: Path, key: Key, first: Say, second: Say, third: Say | None = None
) -> Readings:
    """Have two or three people fill their sheets, and read these."""
    paths = []
    for sheet, say in zip(sheets_of(key), (first, second), strict=True):
        paths.append(tmp_path / f"{sheet.id}.csv")
        paths[-1].write_bytes(filled(key, sheet, say).encode())
    if third is not None:
        sheet = third_sheet(key, read_sheets(key, paths))
        paths.append(tmp_path / f"{sheet.id}.csv")
        paths[-1].write_bytes(filled(key, sheet, third).encode())
    return read_sheets(key, paths)


def alike(tmp_path: Path, key: Key, say: Say) -> Readings:
    return readings_of(tmp_path, key, say, say)


def drawn_from(tmp_path: Path, answers: Sequence[Spec], n: int = 40) -> Key:
    return draw(write_run(tmp_path / "run", answers), n=n)


def as_detectors(name: str) -> tuple[str, str]:
    """A person who says just what the detectors said."""
    return ("no" if "wrong-true" in name else "yes"), ("yes" if "leaks-true" in name else "no")


def stern(name: str) -> tuple[str, str]:
    """A person who calls nothing right."""
    return "no", as_detectors(name)[1]


def test_detectors_that_people_agree_with_have_no_errors(tmp_path: Path, key: Key) -> None:
    data = results(key, alike(tmp_path, key, as_detectors))
    assert data["disagreements"] == []
    for gate in data["gates"]:
        for told in ("accused", "accepted"):
            assert gate[told]["errors"] == 0
            assert gate[told]["weighted"]["value"] == 0.0
            # Nothing was found in a few rows, which proves little.
            assert gate[told]["weighted"]["upper"] > 0.05
    right, copied = data["gates"]
    assert right["accused"]["size"] == 30
    assert copied["accused"]["size"] == 10
    assert right["whole"]["defects"]["value"] == pytest.approx(0.15)
    assert copied["whole"]["defects"]["value"] == pytest.approx(0.05)


def test_detectors_that_are_always_wrong_are_told_so(tmp_path: Path, key: Key) -> None:
    def contrary(name: str) -> tuple[str, str]:
        right, copied = as_detectors(name)
        return {"yes": "no", "no": "yes"}[right], {"yes": "no", "no": "yes"}[copied]

    data = results(key, alike(tmp_path, key, contrary))
    for gate in data["gates"]:
        assert gate["whole"]["wrong"]["value"] == pytest.approx(1.0)
        assert gate["accused"]["exact"]["upper"] == 1.0
    assert data["gates"][0]["whole"]["defects"]["value"] == pytest.approx(0.85)
    assert len(data["disagreements"]) == 80


def test_each_row_weighs_what_it_stands_for(tmp_path: Path) -> None:
    # 90 and 10 accused, 6 read of each: half of the rows are wrong, but a tenth of the run.
    answers = [*specs(90, wrong=True), *specs(10, wrong=True, kind=Kind.NOISY), *specs(100)]
    key = drawn_from(tmp_path, answers, n=24)
    assert sorted(s.drawn for s in key.strata if s.right == "accused") == [6, 6]
    found = alike(
        tmp_path,
        key,
        lambda name: ("no" if "noisy" not in name and "wrong" in name else "yes", "no"),
    )
    accused = results(key, found)["gates"][0]["accused"]
    assert (accused["errors"], accused["n"]) == (6, 12)
    assert accused["weighted"]["value"] == pytest.approx(0.1)


def test_what_nobody_can_tell_is_no_error_and_is_counted(tmp_path: Path, key: Key) -> None:
    data = results(key, alike(tmp_path, key, lambda name: (UNCLEAR, as_detectors(name)[1])))
    right = data["gates"][0]
    assert (right["unclear"], right["accused"]["n"], right["accepted"]["n"]) == (40, 0, 0)
    assert right["whole"] is None
    assert right["accused"]["weighted"] is None
    assert "none read" in review_text(data)
    assert "not known" in render_review(data)


def test_a_gate_that_accused_nothing_is_told_so(tmp_path: Path) -> None:
    key = drawn_from(tmp_path, [*specs(10), *specs(10, wrong=True)], n=12)
    told = review_text(results(key, alike(tmp_path, key, as_detectors)))
    assert "false accusations: detectors accused nothing" in told
    assert "false accusations: 0 of 6" in told


def test_strata_that_nobody_could_tell_of_are_not_spoken_for(tmp_path: Path, key: Key) -> None:
    def say(name: str) -> tuple[str, str]:
        right, copied = as_detectors(name)
        return UNCLEAR if "person" in name and right == "no" else right, copied

    accused = results(key, alike(tmp_path, key, say))["gates"][0]["accused"]
    assert (accused["size"], accused["covered"]) == (30, 20)
    assert "20 are in strata" in render_review(results(key, alike(tmp_path, key, say)))


def test_rows_that_raters_differ_about_are_not_counted_before_a_third_reading(
    tmp_path: Path, key: Key
) -> None:
    open_ = readings_of(tmp_path, key, as_detectors, stern)
    data = results(key, open_)
    accepted = sum(row.subject.right == "accepted" for row in key.rows)
    assert (data["differing"], data["settled"], data["gates"][0]["open"]) == (
        accepted,
        False,
        accepted,
    )
    assert data["gates"][0]["accepted"]["n"] == 0
    assert "await a third reading" in review_text(data)
    sheet = third_sheet(key, open_)
    assert {one.code for one in sheet.entries} == open_.differing
    assert all(not one.proposed for one in sheet.entries)


def test_the_third_reading_decides(tmp_path: Path, key: Key) -> None:
    # Said of the other question, where the two agree, the third changes nothing.
    data = results(key, readings_of(tmp_path, key, as_detectors, stern, lambda _: ("no", "yes")))
    assert data["settled"]
    assert data["gates"][0]["accepted"]["errors"] == data["gates"][0]["accepted"]["n"] > 0
    assert data["gates"][1]["whole"]["wrong"]["value"] == 0.0


def test_three_who_all_say_something_else_cannot_tell(tmp_path: Path, key: Key) -> None:
    found = readings_of(
        tmp_path, key, lambda _: ("yes", "no"), lambda _: ("no", "no"), lambda _: (UNCLEAR, "no")
    )
    assert results(key, found)["gates"][0]["unclear"] == 40


def test_a_third_sheet_with_nothing_to_settle_is_refused(tmp_path: Path, key: Key) -> None:
    alike(tmp_path, key, as_detectors)
    paths = [tmp_path / f"{sheet.id}.csv" for sheet in sheets_of(key)]
    with pytest.raises(InvalidReview, match="differ about no row"):
        read_sheets(key, [*paths, paths[0]])


def test_a_third_sheet_has_the_rows_in_question_and_no_others(tmp_path: Path, key: Key) -> None:
    open_ = readings_of(tmp_path, key, as_detectors, stern)
    paths = [tmp_path / f"{sheet.id}.csv" for sheet in sheets_of(key)]
    short = tmp_path / "c.csv"
    text = filled(key, third_sheet(key, open_), stern, change=lambda rows: rows[1:])
    short.write_bytes(text.encode())
    with pytest.raises(InvalidReview, match=r"c\.csv:1: lacks the row"):
        read_sheets(key, [*paths, short])
    with pytest.raises(InvalidReview, match="is a sheet of another draw"):
        read_sheets(key, [*paths, paths[0]])


def test_a_row_is_counted_for_its_kind_and_language(tmp_path: Path, key: Key) -> None:
    table = results(key, alike(tmp_path, key, as_detectors))["table"]
    rows = {(one["topic"], one["kind"], one["language"]): one for one in table}
    assert set(rows) == {
        (topic, kind, language)
        for topic in ("right", "copied")
        for kind, language in (("single", "en"), ("person", "en"), ("plural", "zh"))
    }
    assert rows["right", "plural", "zh"]["accused"]["exact"] is None
    total = sum(one["accused"]["n"] + one["accepted"]["n"] for one in table)
    assert total == 80


def test_the_page_escapes_what_models_and_people_wrote(tmp_path: Path) -> None:
    key = drawn_from(tmp_path, specs(8, wrong=True, answer="<script>alert(1)</script>"), n=8)
    data = results(key, alike(tmp_path, key, lambda _: ("yes", "no", "<img src=x>")))
    page = render_review(data)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert len(data["disagreements"]) == 8
    assert data["disagreements"][0]["comments"] == ["<img src=x>", "<img src=x>"]


def goldens(
    tmp_path: Path, spec: Spec, right: str, copied: str = "no", comment: str = ""
) -> list[str]:
    """What lint says of the cases that a review of one odd answer among good ones leaves."""
    key = drawn_from(tmp_path, [*specs(10), spec], n=11)

    def say(name: str) -> tuple[str, ...]:
        return (right, copied, comment) if name == spec.name else ("yes", "no")

    found = goldens_of(key, alike(tmp_path, key, say))
    assert len(found.cases) + len(found.left_out) == 1
    if not found.cases:
        return list(found.left_out)
    file = tmp_path / "found.yaml"
    file.write_text(dump_cases(found.cases), "utf-8")
    assert lint(file) == []
    return []


def the_case(tmp_path: Path) -> tuple[Expectation, str]:
    (case,) = load_cases(tmp_path / "found.yaml")
    return case.expect, (tmp_path / "found.yaml").read_text("utf-8")


def test_what_people_call_right_becomes_an_accepted_rewrite(tmp_path: Path) -> None:
    spec = Spec(name="odd", wrong=True, answer="How much is Flindo?")
    assert goldens(tmp_path, spec, "yes", comment="fine") == []
    expect, text = the_case(tmp_path)
    assert expect.rewrites == ("What is Flindo's price?", "How much is Flindo?")
    assert expect.must_name == ("Flindo",)
    assert "people call 'How much is Flindo?' right, detectors did not (fine; fine)" in text


@pytest.mark.parametrize(
    ("answer", "must", "barred"),
    [
        ("How much is the phone?", (), ("Quobra",)),
        ("Is Flindo dearer than Quobra?", ("Flindo",), ()),
    ],
)
def test_names_give_way_to_what_people_call_right(
    tmp_path: Path, answer: str, must: tuple[str, ...], barred: tuple[str, ...]
) -> None:
    assert goldens(tmp_path, Spec(name="odd", wrong=True, answer=answer), "yes") == []
    expect, _ = the_case(tmp_path)
    assert answer in expect.rewrites
    assert (expect.must_name, expect.must_not_name) == (must, barred)


def test_what_people_call_wrong_stays_out_and_is_told(tmp_path: Path) -> None:
    spec = Spec(name="odd", answer="What is Flindo's prize?")
    assert goldens(tmp_path, spec, "no") == []
    expect, text = the_case(tmp_path)
    assert expect.rewrites == ("What is Flindo's price?",)
    assert 'people call \\"What is Flindo\'s prize?\\" wrong, detectors accepted it' in text


def test_an_accepted_rewrite_that_people_call_wrong_is_taken_away(tmp_path: Path) -> None:
    assert goldens(tmp_path, Spec(name="odd", answer="what is Flindo's price?"), "no") == []
    expect, _ = the_case(tmp_path)
    assert (expect.rewrites, expect.must_name) == ((), ("Flindo",))


def test_a_right_answer_that_copies_becomes_no_accepted_rewrite(tmp_path: Path) -> None:
    spec = Spec(name="odd", wrong=True, answer="How much is Flindo?")
    assert goldens(tmp_path, spec, "yes", "yes") == []
    expect, text = the_case(tmp_path)
    assert expect.rewrites == ("What is Flindo's price?",)
    assert "detectors did not" in text


def test_a_query_that_stays_is_left_to_a_person(tmp_path: Path) -> None:
    stays = Expectation(unchanged=True)
    spec = Spec(name="odd", wrong=True, kind=Kind.STANDALONE, expect=stays, answer="Other words?")
    assert goldens(tmp_path, spec, "yes") == []
    expect, text = the_case(tmp_path)
    assert expect == stays
    assert "settle this case by hand" in text


def test_an_expectation_that_nothing_is_left_of_is_left_out_and_told(tmp_path: Path) -> None:
    only = Expectation(rewrites=("What is Flindo's price?",))
    (said,) = goldens(tmp_path, Spec(name="odd", expect=only), "no")
    assert "panel/odd" in said
    assert "expects nothing" in said


def test_two_answers_to_one_conversation_make_one_case(tmp_path: Path) -> None:
    twin = {"wrong": True, "name": "odd"}
    answers = [
        *specs(10),
        Spec(**twin, answer="How much is Flindo?"),  # type: ignore[arg-type]
        Spec(**twin, answer="What does Flindo cost?", panel="golden"),  # type: ignore[arg-type]
    ]
    key = drawn_from(tmp_path, answers, n=12)
    found = goldens_of(key, alike(tmp_path, key, lambda _: ("yes", "no")))
    assert len(found.cases) == 1
    assert set(found.cases[0].expect.rewrites) >= {"How much is Flindo?", "What does Flindo cost?"}
