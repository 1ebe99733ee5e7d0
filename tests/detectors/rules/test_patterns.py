"""Patterns of strangers: found or not, and never for longer than their time."""

from __future__ import annotations

import time

import pytest

from evalsuite.cases import Language
from evalsuite.detectors import answer_score
from evalsuite.errors import InvalidInput
from evalsuite.files.patterns import ANSWER_LIMIT, compiled, hangs
from evalsuite.scenarios import AnswerRule, Rule, SkillItem


def item(pattern: str) -> SkillItem:
    return SkillItem(
        id="p", skill="p", language=Language.EN, cluster="p", prompt="When?", answer="1066",
        rule=AnswerRule(rule=Rule.REGEX, pattern=pattern),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "loss"),
    [("In 1066, I think.", 0.0), ("10660", 1.0), ("In 1067.", 1.0), ("", 1.0)],
)
def test_a_pattern_has_to_be_found_somewhere(said: str, loss: float) -> None:
    assert answer_score(item(r"\b1066\b"), said).value == loss


@pytest.mark.parametrize("pattern", ["(a+)+$", r"(\d+\s*)+$", "^(b|bb)+$", "(q+q+)+z", "(一+)+二"])
def test_a_pattern_that_tries_every_split_is_found_out(pattern: str) -> None:
    assert hangs(pattern) is not None


@pytest.mark.parametrize(
    "pattern", [r"\b18(\.0+)?\b", r".*answer.*\b18\b", r"(?s).*answer.*?18.*$", r"\s+$", "是|对"]
)
def test_a_pattern_that_only_looks_at_everything_twice_is_taken(pattern: str) -> None:
    assert hangs(pattern) is None


def test_an_answer_that_takes_too_long_is_wrong_and_is_given_up() -> None:
    began = time.process_time()
    found = answer_score(item(r"(a+)+$"), "a" * 2000 + "!")
    assert found.value == 1.0
    assert "takes more than 1 s on this answer" in found.explanation
    assert time.process_time() - began < 2 * ANSWER_LIMIT


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(a", "missing ) at character 3"),
        ("[", "unterminated character set"),
        ("*", "at character"),
    ],
)
def test_what_is_no_pattern_is_refused_with_its_place(pattern: str, told: str) -> None:
    with pytest.raises(InvalidInput, match="is no regular expression") as caught:
        compiled(pattern)
    assert told in str(caught.value)
