"""Every case has one answer, and everything that does not fit is told at once."""

from __future__ import annotations

import pytest

from evalsuite.answers import require_answers
from evalsuite.answers.reading import Answer, AnswerFile, Format, parse_answers
from evalsuite.errors import InvalidAnswers
from tests.answers.samples import case, stays

CASES = [case("price"), stays("stays")]


def told(*files: AnswerFile) -> str:
    with pytest.raises(InvalidAnswers) as raised:
        require_answers(CASES, files)
    return str(raised.value)


def parsed(text: str, name: str = "a.tsv") -> AnswerFile:
    return parse_answers(text, name, Format.TSV)


def test_one_answer_to_each_case_in_any_order_is_all_that_is_asked() -> None:
    require_answers(CASES, [parsed("stays\t\nprice\tx\n"), parsed("price\tx\nstays\ty\n")])


def test_a_missing_answer_names_the_case_and_where_it_stands() -> None:
    message = told(parsed("price\tx\n"))
    assert "a.tsv: case 'stays' (cases.yaml:5) has no answer" in message


def test_a_strange_id_names_its_line_and_the_nearest_case() -> None:
    message = told(parsed("price\tx\nstays\ty\nprize\tz\n"))
    assert message == (
        "a.tsv:3: id='prize' is no case (did you mean 'price'?); remove the line, or add the case"
    )


def test_a_second_answer_names_the_first() -> None:
    message = told(parsed("price\tx\nstays\ty\nprice\tx\n"))
    assert message.startswith("a.tsv:3: id='price' is answered twice, first on line 1")


def test_the_problems_of_both_files_are_told_together() -> None:
    message = told(parsed("price\tx\n", "a.tsv"), parsed("stays\tx\nother\ty\n", "b.tsv"))
    assert [line.partition(":")[0] for line in message.splitlines()] == ["a.tsv", "b.tsv", "b.tsv"]


def test_a_broken_line_is_no_missing_answer_as_well() -> None:
    message = told(parsed("price\tx\ty\nstays\tx\n"))
    assert message.count("\n") == 0
    assert "2 tabs" in message


def test_twenty_problems_are_told_and_the_others_counted() -> None:
    answers = tuple(Answer(f"other-{at}", "", at) for at in range(1, 31))
    message = told(AnswerFile(name="a", answers=answers, problems=()))
    assert len(message.splitlines()) == 21
    assert message.endswith("... and 12 more; fix these first")


def test_what_is_wrong_with_the_cases_stands_before_what_is_wrong_with_the_answers() -> None:
    broken = parsed("price\n")
    with pytest.raises(InvalidAnswers) as raised:
        require_answers(None, [broken], ["cases.yaml:3: no"])
    # Without cases nobody can say which answers are missing.
    assert str(raised.value).splitlines() == ["cases.yaml:3: no", *broken.problems]
