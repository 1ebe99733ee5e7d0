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
        ({"answers": ("a",), "rewrites": ("b",)}, "rewrites belong to a rewrite"),
        ({"untold": True, "unchanged": True}, "unchanged belong to a rewrite"),
        ({"answers": ("a",), "must_name": ("b",)}, "must_name belong to a rewrite"),
        ({"untold": True, "answers": ("47",)}, "and no facts"),
        ({"not_answers": ("a",)}, "not_answers needs answers"),
        ({"answers": ("a",), "not_answers": ("A",)}, "stands in answers and in not_answers"),
        ({"answers": (" ",)}, r"expect.answers=\[' '\] holds an empty text"),
    ],
)
def test_expectations_that_contradict_themselves(expect: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidCase, match=said):
        Expectation(**expect)  # type: ignore[arg-type]


def told(
    language: Language,
    text: str,
    query: str,
    answers: tuple[str, ...],
    others: tuple[str, ...] = (),
) -> Case:
    return Case(
        id="c",
        language=language,
        kind=Kind.ORDINAL,
        cluster="c",
        history=messages([("user", text)]),
        query=query,
        expect=Expectation(answers=answers, not_answers=others, untold=not answers),
    )


EN, ZH = Language.EN, Language.ZH
MUSEUMS = "The Vol Museum costs 52 euros and the Kar Museum 347 euros."
FORMS = ("347", "three hundred and forty-seven", "three hundred forty-seven")
PLAIN = told(EN, MUSEUMS, "How much is the second one?", FORMS, ("52", "fifty-two"))
OPEN_PRICE = told(
    EN,
    "The Vol Museum costs 52 euros. The Kar Museum is in Cork.",
    "How much is it?",
    (),
    ("52", "fifty-two"),
)
PLAIN_ZH = told(
    ZH, "甲博物馆52元，乙博物馆347元。", "第二个多少钱？", ("347", "三百四十七"), ("52", "五十二")
)
OPEN_PRICE_ZH = told(ZH, "甲博物馆52元，乙博物馆在苏州。", "它多少钱？", (), ("52", "五十二"))
TOWN = told(ZH, "甲在苏州，乙在大连。", "甲在哪？", ("苏州",), ("大连",))
TRADE = told(EN, "Tom is a nurse. Ann is a baker.", "What does he do?", ("nurse",), ("baker",))
CLOSED = told(EN, "The Vol is closed on Mondays.", "When is it closed?", ("Mondays", "Monday"))
JUDGED: list[tuple[Case, bool, tuple[str, ...]]] = [
    (
        PLAIN,
        False,
        (
            "It isn’t 347 euros.",
            "It doesn’t cost 347 euros.",
            "It can't cost 347.",
            "It won't cost 347.",
            "anything but 347 euros",
            "I don't know whether it costs 347.",
            "347 million euros",
            "347 000 euros",
            "1 347 euros",
            "347%",
            "1/347",
            "three hundred and forty-seven hundred",
            "Maybe 347 or 348 euros.",
            "between 347 and 900",
            "47",
            "three hundred forty-eight",
        ),
    ),
    (
        PLAIN,
        True,
        (
            "It is 347; the other isn’t 52.",
            "It is not cheap at 347 euros.",
            "EUR347",
            "347.00 euros",
            "€347",
            "347€",
            "Three hundred and forty-seven euros.",
            "three hundred forty-seven",
            "It costs 347 euros, not 52 euros.",
            "**347**",
            "The price is 347 euros.",
            "347 EUR",
        ),
    ),
    (
        PLAIN_ZH,
        False,
        (
            "347万元",
            "一千三百四十七元",
            "三百四十七万元",
            "谁说是347元？",
            "不是347元",
        ),
    ),
    (
        PLAIN_ZH,
        True,
        (
            "347元",
            "三百四十七元",
            "价格是347元。",
            "347元，不是52元",
        ),
    ),
    (TOWN, False, ("离苏州不远",)),
    (
        TOWN,
        True,
        (
            "差不多在苏州",
            "它没错就在苏州",
            "苏州",
            "在苏州。",
        ),
    ),
    (
        TRADE,
        False,
        (
            "He is no nurse.",
            "He is no longer a nurse.",
            "He isn't a nurse",
        ),
    ),
    (
        TRADE,
        True,
        (
            "nurse, no baker",
            "He works as a nurse.",
        ),
    ),
    (
        CLOSED,
        True,
        (
            "Don't go on Mondays.",
            "You should not go there on Mondays.",
            "It doesn't open on Mondays.",
            "Mondays",
        ),
    ),
    (
        OPEN_PRICE,
        True,
        (
            "I can't tell.",
            "I can't say.",
            "I'm sorry, but I can't answer that.",
            "It can't be determined.",
            "I don’t know.",
            "The conversation doesn’t say.",
            "That wasn’t mentioned.",
            "No price was given.",
            "There's no price given.",
            "The text gives no price.",
            "It is not in the conversation.",
            "We haven't talked about its price yet.",
            "We didn't discuss the price.",
            "It hasn't come up.",
            "I don't have that information.",
            "That cannot be determined.",
            "The Vol Museum or the Kar Museum?",
            "Please specify which one you mean.",
            "Could you tell me which museum you mean? Thanks!",
            "Which one do you mean?",
            "Do you mean the Kar Museum?",
            "I'm not sure.",
            "Not mentioned.",
            "Unknown.",
            "The conversation does not say that.",
        ),
    ),
    (
        OPEN_PRICE,
        False,
        (
            "It's a hundred euros, but I'm not sure.",
            "Probably twenty euros, but it wasn't mentioned.",
            "sixty euros, though the price is unknown",
            "The Kar Museum costs sixty euros. Do you want to know anything else?",
            "It is free. Would you like to know more?",
            "Was it not clear? It's free.",
            "Why?",
            "How much is it?",
            "Which?",
            "52 euros",
            "It is cheap, you know?",
        ),
    ),
    (
        OPEN_PRICE_ZH,
        True,
        (
            "没提。",
            "我不太清楚。",
            "我不太确定",
            "没有价格信息。",
            "没有这方面的信息",
            "暂无信息",
            "没聊到这个",
            "还没有谈到价格",
            "不好说",
            "请告诉我是哪个博物馆。",
            "是甲还是乙？",
            "你问的是甲博物馆还是乙博物馆？谢谢",
            "不知道",
            "您指的是哪一个？",
            "对话里没有提到。",
            "没有说过价格。",
        ),
    ),
    (
        OPEN_PRICE_ZH,
        False,
        (
            "一百元，我不确定。",
            "六十元，价格未知",
            "大约一百元吧，没有说。",
            "六十元。你还想知道什么？",
            "乙博物馆六十元。您还有其他问题吗？",
            "哪里都不贵，是吧？",
            "没说的，免费！",
            "很便宜，没有写错。",
            "为什么？",
        ),
    ),
]


@pytest.mark.parametrize(
    ("asked", "right", "answer"), [(c, right, one) for c, right, said in JUDGED for one in said]
)
def test_what_people_and_models_say(asked: Case, right: bool, answer: str) -> None:
    judged = judge(asked, answer)
    assert judged.right is right, judged.findings
