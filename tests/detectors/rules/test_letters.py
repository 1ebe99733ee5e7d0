"""Letters read out of answers, and what an answer contains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Language
from evalsuite.detectors import answer_score
from evalsuite.detectors.rules.letters import LETTERS, letter_of
from evalsuite.scenarios import AnswerRule, Rule, SkillItem

CITIES = ("Rome", "Paris", "Oslo", "Bern")


@pytest.mark.parametrize(
    ("said", "letter"),
    [
        ("B", "B"),
        ("B.", "B"),
        ("(B)", "B"),
        ("**B**", "B"),
        ("B. Paris", "B"),
        ("B) Paris\n\nBecause it lies on the Seine.", "B"),
        ("The answer is B.", "B"),
        ("The correct answer is option B, Paris.", "B"),
        ("The answer is (B), not (A).", "B"),
        ("答案：B", "B"),
        ("答案是B。", "B"),
        ("应选 B", "B"),
        ("选B", "B"),
        ("$\\boxed{B}$", "B"),
        ("I would say B", "B"),
        ("Paris", "B"),
        ("paris.", "B"),
        ("A city on the Seine, so B", "B"),
        ("", None),
        ("A or B", None),
        ("The answer is A or B.", None),
        ("A. Rome B. Paris C. Oslo D. Bern", None),
        ("A, B, C", None),
        ("E", None),
        ("A city in France.", None),
        ("It is Paris or Rome", None),
        ("The answer is unclear.", None),
        ("The answer is A. No, the answer is B.", None),
        ("I think so.", None),
    ],
)
def test_the_one_letter_that_is_chosen_is_read(said: str, letter: str | None) -> None:
    assert letter_of(said, CITIES) == letter


@given(st.integers(2, 26), st.data())
def test_every_letter_of_every_list_is_read(n: int, data: st.DataObject) -> None:
    options = [f"option number {i}" for i in range(n)]
    letter = data.draw(st.sampled_from(LETTERS[:n]))
    for said in (letter, f"({letter})", f"The answer is {letter}.", f"答案是{letter}"):
        assert letter_of(said, options) == letter


def letters(answer: str) -> SkillItem:
    return SkillItem(
        id="l", skill="l", language=Language.EN, cluster="l", prompt="Which?", answer=answer,
        rule=AnswerRule(rule=Rule.CHOICE_LETTER, listed=CITIES),
    )  # fmt: skip


def test_a_letter_that_is_read_is_right_or_wrong_and_guessing_is_known() -> None:
    assert answer_score(letters("B"), "B. Paris").value == 0.0
    wrong = answer_score(letters("B"), "C")
    assert (wrong.value, wrong.explanation) == (1.0, 'The answer chooses C; B, "Paris" was due.')
    assert "no letter, or several" in answer_score(letters("B"), "A or B").explanation
    assert letters("B").guessed == 0.25


def contains(answer: str, *accepted: str, others: tuple[str, ...] = ()) -> SkillItem:
    return SkillItem(
        id="c", skill="c", language=Language.EN, cluster="c", prompt="Which?", answer=answer,
        accepted=accepted, others=others, rule=AnswerRule(rule=Rule.CONTAINS),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("due", "said", "loss"),
    [
        ("Paris", "It is Paris, of course.", 0.0),
        ("Paris", "paris", 0.0),
        ("Paris", "Not Rome, but Paris.", 0.0),
        ("Paris", "It is Paris, not Rome.", 0.0),
        ("Paris", "I like Parisian food.", 1.0),
        ("Paris", "It is not Paris.", 1.0),
        ("Paris", "It isn't Paris, it is Rome.", 1.0),
        ("Paris", "", 1.0),
        ("巴黎", "首都是巴黎。", 0.0),
        ("巴黎", "首都不是巴黎，是罗马。", 1.0),
        ("18", "That makes 18.0 in all", 0.0),
        ("18", "That makes 180", 1.0),
        ("18", "That makes 18.5", 1.0),
        ("not Paris", "It is not Paris.", 0.0),
    ],
)
def test_what_is_due_has_to_stand_there_undenied(due: str, said: str, loss: float) -> None:
    assert answer_score(contains(due), said).value == loss


def test_with_options_no_other_may_be_named() -> None:
    both = contains("Paris", others=("Rome",))
    assert answer_score(both, "It is Paris.").value == 0.0
    assert answer_score(both, "Paris or Rome.").value == 1.0
    assert answer_score(contains("Paris"), "Paris or Rome.").value == 0.0
    assert answer_score(contains("Paris", "Lutetia"), "Lutetia").value == 0.0
