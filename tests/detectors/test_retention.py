"""Skill answers are compared fairly; text losses and text files are read or refused, never zero."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Language
from evalsuite.detectors import (
    answer_score,
    load_texts,
    text_loss,
    text_score,
)
from evalsuite.errors import InvalidCase, InvalidInput
from evalsuite.scenarios import SkillItem, TextItem
from evalsuite.scenarios.texts import ASKS_TEXT


def general(id: str, text: str, language: Language = Language.EN) -> TextItem:
    prompt = ASKS_TEXT[language]
    return TextItem(id=id, language=language, cluster=id, prompt=prompt, text=text)


def item(answer: str, *accepted: str) -> SkillItem:
    return SkillItem(
        id="count-1",
        skill="count",
        language=Language.EN,
        cluster="count",
        prompt="How many letters has 'tree'?",
        answer=answer,
        accepted=accepted,
    )


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("four", 0.0),
        ("  Four. ", 0.0),
        ("\n\nfour\nbecause t, r, e, e", 0.0),
        ("4", 0.0),
        ("４", 0.0),
        ("five", 1.0),
        ("four letters", 1.0),
        ("five\nfour", 1.0),
        ("", 1.0),
        (" \n ", 1.0),
    ],
)
def test_only_the_first_line_counts_and_only_spelling_is_forgiven(text: str, loss: float) -> None:
    assert answer_score(item("four", "4"), text).value == loss


def test_a_chinese_answer_is_compared_in_the_same_way() -> None:
    chinese = item("岚洛")
    assert answer_score(chinese, "“岚洛”。").value == 0.0
    assert answer_score(chinese, "泽朗").value == 1.0


def test_a_wrong_answer_is_marked_and_the_right_one_named() -> None:
    text = "\n  five letters \nmore"
    score = answer_score(item("four"), text)
    (span,) = score.spans
    assert text[span.start : span.end] == "five letters"
    assert '"four" was due' in score.explanation


@given(st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20))
def test_the_answer_itself_is_always_right(answer: str) -> None:
    assert answer_score(item(answer), f"{answer}\n").value == 0.0


def plain(
    prompt: str, answer: str, *others: str, also: str = "", language: Language = Language.EN
) -> SkillItem:
    accepted = (also,) if also else ()
    asked = replace(item(answer, *accepted), prompt=prompt, language=language)
    return replace(asked, others=others, plain=True)


CAPITAL = plain("What is the capital of France?", "Paris", "Rome", "Berlin")
SUM = plain("What is 3 plus 4?", "7", "5", "6", "8", also="seven")
BELONGS = plain("锤子是什么：动物、工具还是食物？", "工具", "动物", "食物", language=Language.ZH)


@pytest.mark.parametrize(
    ("asked", "text", "loss", "says"),
    [
        (CAPITAL, "Paris", 0.0, 'names "Paris"'),
        (CAPITAL, "The capital of France is PARIS, on the Seine.", 0.0, 'names "Paris"'),
        (CAPITAL, "Paris.\n\nRome is Italy's.", 0.0, 'names "Paris"'),
        (CAPITAL, "Rome", 1.0, 'names "Rome"'),
        (CAPITAL, "Paris, Rome or Berlin.", 1.0, 'names "Rome"'),
        (CAPITAL, "It is not Paris.", 1.0, "denies"),
        (CAPITAL, "It isn't Paris.", 1.0, "denies"),
        (CAPITAL, "I like Parisian food.", 1.0, 'does not name "Paris"'),
        (CAPITAL, "France is a country.", 1.0, 'does not name "Paris"'),
        (CAPITAL, " \n", 1.0, "empty"),
        (CAPITAL, "No, Paris is wrong.", 1.0, "denies"),
        (CAPITAL, "Anything but Paris.", 1.0, "denies"),
        (CAPITAL, 'The answer to "Is it not Rome?" aside: Paris.', 1.0, 'names "Rome"'),
        (CAPITAL, 'You say "why not?", I say Paris.', 0.0, 'names "Paris"'),
        (SUM, "3 + 4 = 7", 0.0, 'names "7"'),
        (SUM, "The sum of 3 and 4 is seven.", 0.0, 'names "7"'),
        (SUM, "7 or 8", 1.0, 'names "8"'),
        (SUM, "7, or 100", 1.0, "says 100"),
        (SUM, "-7", 1.0, "says -7"),
        (SUM, "7.5", 1.0, ""),
        (SUM, "It is 47.", 1.0, ""),
        (BELONGS, "锤子非常像工具，没错，是工具。", 0.0, 'names "工具"'),
        (BELONGS, "锤子是工具。", 0.0, 'names "工具"'),
        (BELONGS, "锤子不是工具。", 1.0, "denies"),
        (BELONGS, "锤子是动物。", 1.0, 'names "动物"'),
        (BELONGS, "动物、工具、食物", 1.0, 'names "动物"'),
    ],
)
def test_an_answer_may_be_a_sentence_that_names_the_right_thing_and_no_other(
    asked: SkillItem, text: str, loss: float, says: str
) -> None:
    score = answer_score(asked, text)
    assert score.value == loss
    assert says in score.explanation
    assert all(text[span.start : span.end] for span in score.spans)


@pytest.mark.parametrize(("answer", "prompt"), [("", "p"), (" ", "p"), ("a", " ")])
def test_an_item_without_a_prompt_or_an_answer_is_refused(answer: str, prompt: str) -> None:
    with pytest.raises(InvalidCase, match="skill item 'i'"):
        SkillItem(
            id="i", skill="s", language=Language.EN, cluster="c", prompt=prompt, answer=answer
        )


@given(st.lists(st.floats(-50, 0), min_size=1, max_size=50))
def test_a_text_loss_is_the_mean_surprise(logprobs: list[float]) -> None:
    assert text_loss(logprobs) == pytest.approx(-sum(logprobs) / len(logprobs), abs=1e-9)


@pytest.mark.parametrize("logprobs", [[], [0.5], [-1.0, math.nan], [-math.inf]])
def test_unusable_log_probabilities_are_an_error_and_an_unmeasured_score(
    logprobs: list[float],
) -> None:
    with pytest.raises(InvalidInput, match="logprobs"):
        text_loss(logprobs)
    score = text_score(general("t", "x"), logprobs)
    assert score.value is None
    assert "not measured" in score.explanation


def test_a_measured_text_has_its_loss_as_score() -> None:
    text = general("t", "x")
    assert text_score(text, [-1.0, -2.0]).value == pytest.approx(1.5)


def test_a_text_file_is_read_by_passages(tmp_path: Path) -> None:
    file = tmp_path / "general.txt"
    file.write_text("\ufeffOne line.\nAnd its next.\n\n \n岚洛的河 很长。\n", encoding="utf-8")
    assert load_texts(file) == (
        general(f"{file.as_posix()}:1", "One line.\nAnd its next."),
        general(f"{file.as_posix()}:5", "岚洛的河 很长。", Language.ZH),
    )
    assert {t.language for t in load_texts(file, language=Language.ZH)} == {Language.ZH}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        # A Han character is a part of a word where a Latin token is a whole one, and still half of
        # the tokens is Chinese enough: names and units are what is left in Latin script.
        ("岚洛 Dorun phone", Language.ZH),
        ("岚洛 new Dorun phone", Language.EN),
        ("岚", Language.ZH),
        ("…", Language.EN),
    ],
)
def test_a_passage_is_chinese_from_half_of_its_tokens(
    tmp_path: Path, text: str, language: Language
) -> None:
    file = tmp_path / "general.txt"
    file.write_text(text, "utf-8")
    assert [item.language for item in load_texts(file)] == [language]


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "holds no text"), (b"\n \n", "holds no text"), (b"a\n\xff", ":2:")]
)
def test_a_text_file_that_cannot_be_used_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "t.txt"
    file.write_bytes(data)
    with pytest.raises(InvalidInput, match=reason):
        load_texts(file)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_texts(tmp_path / "absent.txt")


def test_a_text_file_may_have_16_mib_and_not_a_byte_more(tmp_path: Path) -> None:
    file = tmp_path / "general.txt"
    file.write_bytes(b"a" * 2**24)
    (text,) = load_texts(file, language=Language.EN)
    assert len(text.text) == 2**24
    file.write_bytes(b"a" * (2**24 + 1))
    with pytest.raises(InvalidInput, match="has 16777217 bytes; the limit is 16777216: split it"):
        load_texts(file, language=Language.EN)
