"""The number that an answer ends with: every way to write it, and what is no such number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Language
from evalsuite.detectors import answer_score
from evalsuite.detectors.rules.chinesenumbers import read_numerals, write_numerals
from evalsuite.detectors.rules.numbers import numbers, said_number, value_of
from evalsuite.scenarios import AnswerRule, Rule, SkillItem


def loss(due: str, said: str, *accepted: str) -> float | None:
    item = SkillItem(
        id="n", skill="sums", language=Language.EN, cluster="n", prompt="How many?", answer=due,
        accepted=accepted, rule=AnswerRule(rule=Rule.LAST_NUMBER),
    )  # fmt: skip
    return answer_score(item, said).value


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("18", "#### 18"),
        ("18", "She sells 9 eggs at $2.\n#### 18\n\nQuestion: What is 2+2?"),
        ("18", "The answer is 18."),
        ("18", "18.0"),
        ("18", "So she makes **$18** every day."),
        ("18", "9 * 2 = 18 (that is 9 eggs at $2)."),
        ("18", "Answer: 18 dollars per 7 days"),
        ("18", "The answer is 18. There are 4 eggs left."),
        ("18", "The answer is 9 x 2 = 18."),
        ("18", "Answer:\n\n18"),
        ("18", "9 answers * 2 points/answer = 6 points. That makes 18."),
        ("18", "She sells them. Answer: 18 (9 at $2 each)"),
        ("18", "\\[ \\boxed{18} \\] for 7 days"),
        ("18", "１８"),
        ("18", "US$18"),
        ("18", "18kg"),
        ("18", "18 m²"),
        ("18", "18 m^2"),
        ("18", "一共是十八个。"),
        ("18", "答案是 18 个（9 乘 2）。"),
        ("18", "答：一共有18个苹果，每人3个。"),
        ("5", "她有三个苹果和2个梨，一共五个。"),
        ("205", "两百零五"),
        ("18000", "1.8万"),
        ("10", "十分钟"),
        ("2024", "二〇二四年"),
        ("3/4", "四分之三"),
        ("0.5", "百分之五十"),
        ("0.5", "50%"),
        ("2.5", "2 1/2"),
        ("0.75", "\\frac{3}{4}"),
        ("1800", "1,800"),
        ("1800", "1{,}800"),
        ("1800", "1\u202f800"),
        ("1,800", "1800"),
        ("2 million", "It has 2,000,000 people"),
        ("-9.5", "is -$9.50"),
        ("-9", "−9"),
        ("-9", "负9"),
        ("6", "9-3=6"),
        ("18", "#### 1. Sell them\nShe sells all.\n#### 2. Add\nThat makes 18"),
        ("18", "The answer is 20. Wait, that is wrong. It is 18."),
    ],
)
def test_a_number_may_be_written_in_any_way(due: str, said: str) -> None:
    assert loss(due, said) == 0.0


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("18", ""),
        ("18", "eighteen"),
        ("18", "The answer is 180."),
        ("18", "1.8"),
        ("18", "18.5"),
        ("18", "-18"),
        ("18", "18 - 2 = 16"),
        ("18", "17 or 18"),
        ("18", "17 到 18"),
        ("18", "17-18"),
        ("18", "x18"),
        ("18", "#### 20\nnot 18"),
        ("18", "The answer is 18? No, it is 20."),
        ("18", "The answer is 18. Wait, that is wrong. It is 20."),
        ("18", "All numbers from 1: 1 2 3 4 18 19 20"),
        ("3", "cm³"),
        ("1", "一共很多，一起走"),
        ("10", "十分多"),
        ("3", "两三个"),
        ("1000", "很多千克"),
        ("3", "2/3"),
        ("800", "1,800"),
    ],
)
def test_another_number_or_none_is_wrong(due: str, said: str) -> None:
    assert loss(due, said) == 1.0


def test_any_accepted_value_is_right() -> None:
    assert loss("18", "20", "20.0") == 0.0
    assert loss("18", "21", "20.0") == 1.0


def test_what_is_shown_of_a_wrong_answer_is_the_number_that_counted() -> None:
    item = SkillItem(
        id="n", skill="sums", language=Language.EN, cluster="n", prompt="How many?", answer="18",
        rule=AnswerRule(rule=Rule.LAST_NUMBER),
    )  # fmt: skip
    said = "９ and then 1,234 eggs"
    found = answer_score(item, said)
    assert found.explanation == 'The answer ends with 1,234; "18" was due.'
    assert said[found.spans[0].start : found.spans[0].end] == "1,234"


@given(st.integers(min_value=0, max_value=10**8 - 1))
def test_chinese_numerals_come_back(value: int) -> None:
    assert read_numerals(write_numerals(value)) == value


@pytest.mark.parametrize("value", [-1, 10**8])
def test_numerals_that_are_not_written_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match="must be from 0"):
        write_numerals(value)


@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
def test_every_decimal_comes_back_with_and_without_separators(value: int, places: int) -> None:
    scaled = Fraction(value, 10**places)
    for form in (f"{value:,}", str(value)):
        assert value_of(form) == value
    decimal = f"{abs(value) // 10**places:,}.{abs(value) % 10**places:0{places}}0"
    assert value_of(f"{'-' if value < 0 else ''}{decimal}") == scaled


@given(st.text(alphabet="0123456789.,-/%$十百万一 #=()e{}\\or是答案:", max_size=60))
def test_no_text_is_too_odd_and_places_lie_inside(text: str) -> None:
    for one in numbers(text):
        assert 0 <= one.start < one.end <= len(text)
        assert one.values
    said_number(text)


@pytest.mark.parametrize(
    "text", ["1" * 6000, "9" * 200 + "e999", "1/" * 3000, "(" * 5000 + "1", "一" * 9000]
)
def test_absurdly_long_numbers_are_none_and_cost_nothing(text: str) -> None:
    said_number(text)
    assert loss("18", text) in (0.0, 1.0)


# --- real solutions ---


def solutions(data: Path) -> Iterator[tuple[str, bool, str]]:
    """Number that is due, whether the authors call it right, and the text of a solution."""
    text = (data / "gsm8k/example_model_solutions.jsonl").read_text("utf-8")
    for line in text.splitlines():
        row = json.loads(line)
        due = row["ground_truth"].rsplit("A:", 1)[1].strip()
        for said in row.values():
            if isinstance(said, dict):
                yield due, said["is_correct"], said["solution"]


def test_solutions_of_four_models_are_judged_as_their_authors_judged_them(
    public_data: Path,
) -> None:
    found = list(solutions(public_data))
    assert len(found) > 2000
    apart = [said for due, right, said in found if (loss(due, said) == 0.0) is not right]
    assert apart == []
