"""Cases, answers and runs survive the way into deepeval's types and files, and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from evalsuite.cases import Case, Kind, Language
from evalsuite.cases.casefiles import load_cases, without_source
from evalsuite.errors import InvalidCase, RunError
from evalsuite.integrations.deepeval import (
    Answered,
    answers_of,
    cases_of,
    conversational_golden,
    conversational_test_case,
    dataset_of_cases,
    dataset_of_run,
    golden,
    llm_test_case,
    metric,
    read,
    write_cases,
)
from evalsuite.runs import Side
from evalsuite.runs.folder import Run
from tests.integrations.samples import (
    ANSWERED,
    CASE,
    GOOD,
    LEAK,
    LOOM,
    SKILL,
    WRONG,
    answereds,
)  # fmt: skip
from tests.report.factory import BAD, CASES, HOSTILE, PANEL, hostile_run

deepeval = pytest.importorskip("deepeval")
SHAPES = (llm_test_case, golden, conversational_test_case, conversational_golden)


@given(answereds)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_reads_back_as_what_was_written(shape: Any, answered: Answered) -> None:
    assert repr(read(shape(answered))) == repr(answered)


@given(answereds)
@pytest.mark.parametrize("shape", [llm_test_case, conversational_test_case])
def test_a_test_case_survives_its_own_json(shape: Any, answered: Answered) -> None:
    written = shape(answered)
    again = type(written).model_validate_json(written.model_dump_json(by_alias=True))
    assert repr(read(again)) == repr(answered)


def test_what_deepeval_has_a_field_for_stands_in_it() -> None:
    single, turns = llm_test_case(ANSWERED), conversational_test_case(ANSWERED)
    assert (single.name, single.input, single.actual_output) == (CASE.id, CASE.query, GOOD)
    assert single.expected_output == turns.expected_outcome == CASE.reference
    assert single.context == [f"{turn.role}: {turn.content}" for turn in CASE.history]
    assert single.tags == turns.tags == ["en", "comparison"]
    assert [(turn.role, turn.content) for turn in turns.turns] == [
        *((turn.role, turn.content) for turn in CASE.history),
        ("user", CASE.query),
        ("assistant", GOOD),
    ]


@pytest.mark.parametrize("file_type", ["json", "jsonl", "csv"])
@pytest.mark.parametrize("conversational", [False, True])
def test_goldens_survive_the_files_that_deepeval_writes(
    tmp_path: Path, file_type: str, conversational: bool
) -> None:
    if file_type == "csv":
        pytest.importorskip("pandas")
    dataset = dataset_of_cases(
        CASES, shown=(LOOM,), prompt_format="json", conversational=conversational
    )
    dataset.save_as(file_type, str(tmp_path), "goldens")
    again = deepeval.dataset.EvaluationDataset()
    file = str(tmp_path / f"goldens.{file_type}")
    getattr(again, f"add_goldens_from_{file_type}_file")(file)
    assert cases_of(again) == CASES
    assert {(a.shown, a.prompt_format) for a in answers_of(again)} == {((LOOM,), "json")}


@pytest.mark.parametrize("conversational", [False, True])
def test_a_dataset_becomes_a_case_file(tmp_path: Path, conversational: bool) -> None:
    dataset = dataset_of_cases(CASES, conversational=conversational)
    path = write_cases(dataset, tmp_path / "cases.yaml")
    assert [without_source(case) for case in load_cases(path)] == [
        without_source(case) for case in CASES
    ]


def test_a_golden_that_was_answered_becomes_a_test_case_with_that_answer() -> None:
    asked = golden(Answered(item=CASE, shown=(LOOM,)))
    answered = deepeval.test_case.LLMTestCase(
        input=asked.input,
        actual_output=LEAK,
        expected_output=asked.expected_output,
        context=asked.context,
        metadata=asked.additional_metadata,
    )
    assert read(answered) == Answered(item=CASE, shown=(LOOM,), answer=LEAK)
    assert metric("literal_leak").measure(answered) == 0.0


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("input", "What is it?", "its query"),
        ("expected_output", WRONG, "its expected output"),
        ("context", ["user: Hello."], "its history"),
        ("context", None, "its history"),
    ],
)
def test_a_field_that_contradicts_the_metadata_is_refused(
    field: str, value: Any, said: str
) -> None:
    edited = llm_test_case(ANSWERED)
    setattr(edited, field, value)
    with pytest.raises(InvalidCase, match=f"test case 'flindo.01': {said}"):
        read(edited)


def foreign(**fields: Any) -> Any:
    return deepeval.test_case.LLMTestCase(**{"input": CASE.query, "expected_output": GOOD} | fields)


def test_a_test_case_of_somebody_else_is_read_by_its_fields() -> None:
    answered = read(foreign(actual_output=WRONG, context=["user: Tell me of Flindo."], name="Q 1"))
    case = answered.item
    assert isinstance(case, Case)
    assert (case.query, case.language, case.kind) == (CASE.query, Language.EN, Kind.SINGLE)
    assert (case.expect.rewrites, answered.answer) == ((GOOD,), WRONG)
    assert [turn.content for turn in case.history] == ["Tell me of Flindo."]
    assert case.id.startswith("deepeval-q-1-")


def test_an_expected_output_that_is_the_query_means_that_it_stays() -> None:
    case = read(foreign(expected_output=f"{CASE.query} ")).item
    assert isinstance(case, Case)
    assert (case.expect.unchanged, case.kind) == (True, Kind.STANDALONE)


def test_unnamed_test_cases_get_an_id_of_what_they_say() -> None:
    first, same, other = (read(foreign(input=text)).item.id for text in ("Why?", "Why?", "How?"))
    assert first == same != other


def test_turns_of_somebody_else_end_with_the_answer() -> None:
    kind = deepeval.test_case
    turns = [("user", "Tell me of Flindo."), ("user", "Its price?"), ("assistant", GOOD)]
    answered = read(
        kind.ConversationalTestCase(
            turns=[kind.Turn(role=role, content=content) for role, content in turns],
            expected_outcome=GOOD,
        )
    )
    assert (answered.query, answered.answer, len(answered.history)) == ("Its price?", GOOD, 1)


def test_what_cannot_be_read_is_refused_with_what_to_do() -> None:
    kind = deepeval.test_case
    answers = [kind.Turn(role="assistant", content=text) for text in ("Hello.", "Well?")]
    unreadable = {
        "give expected_output": foreign(expected_output=None),
        "write 'user: ...'": foreign(context=["Flindo is a phone."]),
        "must end with the user": kind.ConversationalTestCase(turns=answers),
        "is no test case": "text",
        "query is empty": foreign(input=" "),
        "turns must end": deepeval.dataset.ConversationalGolden(scenario="A refund."),
    }
    for said, test_case in unreadable.items():
        with pytest.raises(InvalidCase, match=said):
            read(test_case)


def test_a_skill_item_is_no_case() -> None:
    dataset = deepeval.dataset.EvaluationDataset()
    dataset.add_test_case(llm_test_case(Answered(item=SKILL, answer="4")))
    with pytest.raises(InvalidCase, match="'count-1' is a skill item"):
        cases_of(dataset)


@pytest.mark.parametrize("conversational", [False, True])
@pytest.mark.parametrize("side", [Side.CANDIDATE, Side.BASELINE])
def test_a_run_becomes_a_dataset_that_holds_all_of_its_rows(
    failed: Run, side: Side, conversational: bool
) -> None:
    dataset = dataset_of_run(failed.folder, side=side, conversational=conversational)
    answered = answers_of(dataset)
    assert [a.recorded.case for a in answered if a.recorded] == list(failed.cases)
    asked = [row for row in failed.outputs if row.side is side]
    kept = [row for a in answered if a.recorded for row in (a.recorded.output, *a.recorded.others)]
    assert kept == asked
    assert [a.text for a in answered] == [row.text for row in asked if row.demonstrations == "A"]
    assert dataset.test_cases[0].name == f"{PANEL}/{CASES[0].id}"


def test_leaks_of_a_run_are_measured_again_from_what_its_prompts_showed(failed: Run) -> None:
    first = dataset_of_run(failed).test_cases[0]
    leak = metric("literal_leak")
    assert leak.measure(first) == 0.0
    assert "Ostrava Loom" in str(leak.reason)
    assert "recorded" not in str(leak.reason)


def test_leaks_of_an_older_run_fail_the_metric_as_the_run_recorded_them(failed: Run) -> None:
    dataset = dataset_of_run(replace(failed, demonstrations=()))
    leak = metric("literal_leak")
    first = dataset.test_cases[0]
    assert (leak.measure(first), first.actual_output) == (0.0, BAD[CASES[0].id])
    assert "(recorded by the run)" in str(leak.reason)


def test_a_run_that_kept_no_names_is_not_measured_again_as_free_of_leaks(failed: Run) -> None:
    nameless = tuple(
        replace(row, shown=tuple(replace(one, entities=None) for one in row.shown))
        for row in failed.demonstrations
    )
    first = dataset_of_run(replace(failed, demonstrations=nameless)).test_cases[0]
    leak = metric("literal_leak")
    assert leak.measure(first) == 0.0
    assert "(recorded by the run)" in str(leak.reason)


def test_a_demonstration_that_names_nothing_is_measured_again(failed: Run) -> None:
    without = tuple(
        replace(row, shown=tuple(replace(one, entities=()) for one in row.shown))
        for row in failed.demonstrations
    )
    first = answers_of(dataset_of_run(replace(failed, demonstrations=without)))[0]
    assert first.shown is not None
    assert first.shown[0].entities == ()


def test_rows_of_a_run_become_its_cases_again(failed: Run) -> None:
    found = cases_of(dataset_of_run(failed))
    assert found[: len(CASES)] == CASES


def test_an_unknown_side_is_refused(failed: Run) -> None:
    with pytest.raises(RunError, match="side='judge' is unknown; use one of: candidate"):
        dataset_of_run(failed, side="judge")


def test_a_run_whose_cases_are_none_is_refused_on_one_inert_line(tmp_path: Path) -> None:
    with pytest.raises(RunError) as refused:
        dataset_of_run(hostile_run(tmp_path / "run"))
    assert "\x1b" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_hostile_answers_are_inert_in_reasons(tmp_path: Path) -> None:
    told = replace(ANSWERED, answer=f"{HOSTILE} Ostrava Loom [/red]")
    for shape in (llm_test_case, golden):
        assert read(shape(told)).text == told.text
    measured = metric("right")
    measured.measure(llm_test_case(replace(told, answer="它 \x1b[31m it")))
    assert measured.reason
    assert "\x1b" not in f"{measured.reason}{measured.verbose_logs}"
