"""What the judge says, as scores: the whole, its parts, and shares of words."""

from __future__ import annotations

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.detectors import Detector, Score, Span
from evalsuite.rewrites import Finding, Judgement, Part, Standard, judge, standard_of

CASE = Case(
    id="c",
    language=Language.EN,
    kind=Kind.SINGLE,
    cluster="t",
    history=(),
    query="Who is he?",
    expect=Expectation(rewrites=("Who is Bo Ennis?",)),
)

BO = ("Who is Bo?",)


def scores(findings: dict[Part, tuple[Finding, ...]], **shares: float) -> dict[Detector, Score]:
    found = Judgement(standard=Standard.AUTHORED, findings=findings, **shares)
    return {score.detector: score for score in found.scores(CASE)}


def test_a_part_that_was_not_asked_has_no_score() -> None:
    found = scores({Part.NAMED: (), Part.FORM: ()})
    assert set(found) == {Detector.RIGHT, Detector.NAMED, Detector.FORM}
    assert {score.value for score in found.values()} == {0.0}


def test_a_rewrite_is_right_when_no_part_is_lost_and_says_all_that_is() -> None:
    found = scores(
        {Part.NAMED: (Finding("No name."),), Part.KEPT: (), Part.FORM: (Finding("No."),)}
    )
    assert [found[d].value for d in (Detector.RIGHT, Detector.NAMED, Detector.KEPT)] == [1, 1, 0]
    assert found[Detector.RIGHT].explanation == "No name. No."
    assert found[Detector.FORM].explanation == "No."


def test_shares_of_words_are_told_where_they_were_counted() -> None:
    found = scores({Part.NAMED: ()}, words_lost=0.25)
    assert found[Detector.WORDS_LOST].value == 0.25
    assert found[Detector.WORDS_LOST].explanation.startswith("25% ")
    assert Detector.WORDS_NEW not in found


def test_marks_at_one_place_stand_in_the_order_of_their_reasons() -> None:
    """In every process: an order by chance would make two runs of one candidate differ."""
    names = [f"Name{letter}" for letter in "ABCDEFGH"]
    found = scores({Part.NAMED: tuple(Finding(f"{n}.", (Span(7, 12, n),)) for n in names)})
    assert [span.label for span in found[Detector.NAMED].spans] == names


@pytest.mark.parametrize(
    ("expect", "standard"),
    [
        (Expectation(unchanged=True, must_name=("Bo",)), Standard.STAYS),
        (
            Expectation(rewrites=("Who is Bo?",), must_name=("Bo",), extractive=True),
            Standard.AUTHORED,
        ),
        (Expectation(rewrites=("Who is Bo?",), extractive=True), Standard.EXTRACTIVE),
        (Expectation(rewrites=("Who is Bo?",)), Standard.FREE),
        (Expectation(rewrites=("Who is Bo?",), must_name=("Bo",), free=True), Standard.FREE),
    ],
)
def test_a_case_is_judged_by_what_it_knows_of_right_answers(
    expect: Expectation, standard: Standard
) -> None:
    case = Case(
        id="c", language=Language.EN, kind=Kind.SINGLE, cluster="t", history=(), query="Who is he?",
        expect=expect,
    )  # fmt: skip
    assert standard_of(case) is standard
    kept = judge(case, "Who is Bo?").loss(Part.KEPT)
    assert (kept is None) or standard in (Standard.AUTHORED, Standard.EXTRACTIVE)
