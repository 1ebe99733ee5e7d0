"""Free answers: what states a fact, what denies it, what says that nobody told it."""

from __future__ import annotations

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import messages
from evalsuite.errors import InvalidCase
from evalsuite.rewrites import judge


def case(language: Language = Language.EN, **expect: object) -> Case:
    told = {
        Language.EN: [("user", "The Varn costs 47 euros and the Korl 52 euros.")],
        Language.ZH: [("user", "瓦恩卖47元，科尔卖52元。")],
    }
    query = {Language.EN: "How much is the first one?", Language.ZH: "第一个多少钱？"}
    expected = Expectation(**expect)  # type: ignore[arg-type]
    return Case(
        id="c",
        language=language,
        kind=Kind.ORDINAL,
        cluster="c",
        history=messages(told[language]),
        query=query[language],
        expect=expected,
    )


PRICE = case(answers=("47", "forty-seven"), not_answers=("52", "fifty-two"))
PREIS = case(Language.ZH, answers=("47", "四十七"), not_answers=("52", "五十二"))
OPEN = case(untold=True, not_answers=("52", "47"))
OFFEN = case(Language.ZH, untold=True, not_answers=("52", "47"))


@pytest.mark.parametrize(
    "answer",
    [
        "47",
        "It costs 47 euros.",
        "**47 euros**",
        "Forty-seven euros.",
        "That would be 47, not 52.",
        "The Varn is 47 euros, rather than 52 euros.",
        "It's 47 euros!\n\nLet me know if you need more.",
        "€47",
        "47€",
    ],
)
def test_the_right_fact_in_any_words_is_right(answer: str) -> None:
    assert judge(PRICE, answer).right, judge(PRICE, answer).findings


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "52",
        "47 or 52 euros",
        "The Varn costs 47 euros and the Korl 52 euros.",
        "It doesn't cost 47 euros.",
        "It is not 47.",
        "It costs 470 euros.",
        "It costs 4.47 euros.",
        "It was built in 1947.",
        "I don't know.",
        "How much is the first one?",
        "Jupiter banana blue",
    ],
)
def test_a_wrong_missing_or_denied_fact_is_wrong(answer: str) -> None:
    assert not judge(PRICE, answer).right


@pytest.mark.parametrize("answer", ["47元", "四十七元。", "是47元，不是52元。", "第一个卖47元"])
def test_the_right_fact_in_chinese(answer: str) -> None:
    assert judge(PREIS, answer).right, judge(PREIS, answer).findings


@pytest.mark.parametrize("answer", ["52元", "47元或52元", "不是47元。", "147元", "不知道。", ""])
def test_a_wrong_fact_in_chinese(answer: str) -> None:
    assert not judge(PREIS, answer).right


@pytest.mark.parametrize(
    "answer",
    [
        "I don't know.",
        "The conversation does not mention the price.",
        "That wasn't mentioned.",
        "You haven't told me that yet.",
        "I have no information about that.",
        "It's unclear which one you mean.",
        "Which one do you mean?",
        "Sorry, I can't tell. Could you give me more details?",
        "The price of the first one is not specified.",
        "I'm not sure.",
        "You didn't say how much it costs.",
    ],
)
def test_saying_that_it_was_never_told_is_right_and_so_is_asking_back(answer: str) -> None:
    assert judge(OPEN, answer).right, judge(OPEN, answer).findings


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "It costs 60 euros.",
        "I don't know, maybe 60 euros.",
        "It isn't mentioned, but 52 euros is likely.",
        "How much is the first one?",
        "Why?",
        "Jupiter banana blue?",
        "The Varn costs 47 euros and the Korl 52 euros.",
        "Yes.",
    ],
)
def test_a_guess_or_an_idle_question_is_wrong_where_nothing_was_told(answer: str) -> None:
    assert not judge(OPEN, answer).right


@pytest.mark.parametrize(
    "answer",
    [
        "不知道。",
        "对话中没有提到。",
        "你没有说过。",
        "您指的是哪一个？",
        "无法确定。",
        "没有相关信息。",
    ],
)
def test_saying_so_in_chinese(answer: str) -> None:
    assert judge(OFFEN, answer).right, judge(OFFEN, answer).findings


@pytest.mark.parametrize(
    "answer", ["60元。", "不知道，大概60元。", "第一个多少钱？", "为什么？", "好的。"]
)
def test_not_saying_so_in_chinese(answer: str) -> None:
    assert not judge(OFFEN, answer).right


@pytest.mark.parametrize(
    "answer", ["It doesn't open on Fridays.", "Fridays", "It's shut on Friday."]
)
def test_a_day_on_which_something_does_not_open_is_one_on_which_it_is_closed(answer: str) -> None:
    closed = case(answers=("Fridays", "Friday"), not_answers=("Mondays", "Monday"))
    assert judge(closed, answer).right
    assert not judge(closed, "It doesn't open on Mondays.").right


def test_further_ways_to_say_so_may_be_written_down() -> None:
    own = case(untold=True, answers=("beats me",))
    assert judge(own, "Beats me!").right
    assert not judge(OPEN, "Beats me!").right


def test_evidence_is_marked_where_it_stands() -> None:
    [finding] = [f for f in judge(PRICE, "It is 52.").findings["named"] if f.spans]  # type: ignore[index]
    assert [(s.start, s.end) for s in finding.spans] == [(6, 8)]


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ({"answers": ("a",), "rewrites": ("b",)}, "rewritten or answered"),
        ({"untold": True, "unchanged": True}, "rewritten or answered"),
        ({"not_answers": ("a",)}, "not_answers needs answers"),
        ({"answers": ("a",), "not_answers": ("A",)}, "stands in answers and in not_answers"),
        ({"answers": (" ",)}, r"expect.answers=\[' '\] holds an empty text"),
    ],
)
def test_expectations_that_contradict_themselves(expect: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidCase, match=said):
        Expectation(**expect)  # type: ignore[arg-type]
