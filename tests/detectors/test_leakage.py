"""Leaks are found where they are planted, in both languages, and nowhere else."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import messages
from evalsuite.detectors import absent_names, literal_leak, swap_leak
from evalsuite.detectors.text import fold, mentions
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import invent_name, sample_demonstrations, sample_panel
from tests.detectors.everyday import everyday, moons

EN = Case(
    id="en-1",
    language=Language.EN,
    kind=Kind.SINGLE,
    cluster="t",
    history=messages([("user", "Tell me about Dorun."), ("assistant", "Dorun is a phone.")]),
    query="What is its price?",
    expect=Expectation(rewrites=("What is Dorun's price?",), must_name=("Dorun",)),
)
ZH = Case(
    id="zh-1",
    language=Language.ZH,
    kind=Kind.SINGLE,
    cluster="t",
    history=messages([("user", "说说岚洛。"), ("assistant", "岚洛是一种手机。")]),
    query="它的价格是多少？",
    expect=Expectation(rewrites=("岚洛的价格是多少？",), must_name=("岚洛",)),
)


def shown(name: str, language: Language = Language.EN, extra: str = "") -> Demonstration:
    if language is Language.EN:
        turns = [("user", f"Tell me about {name}."), ("assistant", f"{name} is a car. {extra}")]
        query, rewrite = "Is it cheap?", f"Is {name} cheap?"
    else:
        turns = [("user", f"说说{name}。"), ("assistant", f"{name}是一种汽车。{extra}")]
        query, rewrite = "它便宜吗？", f"{name}便宜吗？"
    return Demonstration(
        history=messages(turns), query=query, rewrite=rewrite, language=language, entities=(name,)
    )


@pytest.mark.parametrize(
    ("case", "demonstration", "answer", "said"),
    [
        (EN, shown("Velora"), "What is VELORA’s price?", "VELORA"),
        (EN, shown("Velora"), "What is Dorun's price in Velora?", "Velora"),
        (ZH, shown("泽朗", Language.ZH), "泽朗的价格是多少？", "泽朗"),
        (ZH, shown("泽朗", Language.ZH), "岚洛和泽 朗的价格是多少？", "泽 朗"),
    ],
)
def test_a_demonstrations_name_in_the_answer_is_a_leak_and_is_marked(
    case: Case, demonstration: Demonstration, answer: str, said: str
) -> None:
    score = literal_leak(case, answer, [demonstration])
    assert score.value == 1.0
    assert [answer[s.start : s.end] for s in score.spans] == [said]
    assert demonstration.entities[0] in score.explanation


@pytest.mark.parametrize(
    ("case", "extra", "answer"),
    [
        (EN, "It needs a rusty blue anchor chain.", "Does Dorun have a rusty blue anchor chain?"),
        (ZH, "要用红铜齿轮修理。", "岚洛要用红铜齿轮修理吗？"),
    ],
)
def test_a_phrase_of_a_demonstration_is_a_leak_even_without_a_name(
    case: Case, extra: str, answer: str
) -> None:
    demonstration = replace(shown("泽朗", case.language, extra), entities=())
    score = literal_leak(case, answer, [demonstration])
    assert score.value == 1.0
    (span,) = score.spans
    assert fold(answer[span.start : span.end]).text in fold(extra).text


@pytest.mark.parametrize("case", [EN, ZH])
def test_what_the_conversation_says_itself_is_no_leak(case: Case) -> None:
    demonstration = shown(case.expect.must_name[0], case.language)
    assert case.reference is not None
    assert literal_leak(case, case.reference, [demonstration]).value == 0.0


def test_a_common_frame_is_no_leak() -> None:
    frame = "How long does it take to get to {}?"
    demonstration = Demonstration(
        history=(), query="How long?", rewrite=frame.format("Velora"),
        language=Language.EN, entities=("Velora",),
    )  # fmt: skip
    case = replace(EN, query="And how long?", expect=Expectation(must_name=("Dorun",)))
    assert literal_leak(case, frame.format("Dorun"), [demonstration]).value == 0.0


def test_a_phrase_that_the_instruction_holds_too_is_no_leak() -> None:
    task = "Rewrite every muddled sentence thoroughly."
    demonstration = replace(shown("Velora", extra=task), entities=())
    answer = "Does Dorun rewrite every muddled sentence?"
    assert literal_leak(EN, answer, [demonstration]).value == 1.0
    assert literal_leak(EN, answer, [demonstration], task=task).value == 0.0


def test_single_words_of_the_instruction_excuse_no_phrase() -> None:
    demonstration = replace(shown("Velora", extra="copper kettles whistle loudly"), entities=())
    task = "Whistle loudly at copper things, and at kettles."
    answer = "Do copper kettles whistle loudly, Dorun?"
    assert literal_leak(EN, answer, [demonstration], task=task).value == 1.0


@pytest.mark.parametrize(
    ("case", "extra", "answer", "loss"),
    [
        # Three words in a row are too common; the fourth makes the phrase.
        (EN, "copper kettles whistle loudly", "Does Dorun know copper kettles whistle?", 0.0),
        (EN, "copper kettles whistle loudly", "Do copper kettles whistle loudly, Dorun?", 1.0),
        (ZH, "红铜齿轮", "岚洛的红铜齿吗？", 0.0),
        (ZH, "红铜齿轮", "岚洛的红铜齿轮吗？", 1.0),
        # One word of content in four may come from anywhere; a second one makes it telling.
        (EN, "you can have copper", "You can have copper, Dorun?", 0.0),
        (EN, "you have copper kettles", "You have copper kettles, Dorun?", 1.0),
        (ZH, "有没有铜", "岚洛有没有铜？", 0.0),
        (ZH, "有红铜吗", "岚洛有红铜吗？", 1.0),
        # A word that is said twice is still one word, and doubling is common in Chinese.
        (EN, "can rattle and rattle", "Can rattle and rattle, Dorun?", 0.0),
        (EN, "can rattle and hiss", "Can rattle and hiss, Dorun?", 1.0),
        (ZH, "慢慢来吧", "岚洛慢慢来吧？", 0.0),
        (ZH, "快慢来吧", "岚洛快慢来吧？", 1.0),
    ],
)
def test_a_phrase_is_telling_from_four_words_of_which_two_are_foreign(
    case: Case, extra: str, answer: str, loss: float
) -> None:
    demonstration = replace(shown("Velora", case.language, extra), entities=())
    assert literal_leak(case, answer, [demonstration]).value == loss


@pytest.mark.parametrize(
    ("case", "extra", "answer", "marked"),
    [
        (ZH, "红铜齿轮", "泽朗红铜齿轮多少钱？", ["泽朗", "红铜齿轮"]),
        (ZH, "红铜齿轮", "红铜齿轮泽朗多少钱？", ["红铜齿轮", "泽朗"]),
        # Within a phrase a name is reported once, as a name.
        (ZH, "红铜泽朗", "红铜泽朗多少钱？", ["泽朗"]),
    ],
)
def test_a_phrase_beside_a_name_is_a_leak_of_its_own_and_one_around_it_is_not(
    case: Case, extra: str, answer: str, marked: list[str]
) -> None:
    score = literal_leak(case, answer, [shown("泽朗", Language.ZH, extra)])
    assert [answer[s.start : s.end] for s in score.spans] == marked


def test_a_phrase_with_one_word_of_the_conversation_lacks_a_foreign_one() -> None:
    demonstration = replace(shown("Velora", extra="you have copper kettles"), entities=())
    knows_copper = replace(EN, query="What of its copper?")
    answer = "You have copper kettles, Dorun?"
    assert literal_leak(EN, answer, [demonstration]).value == 1.0
    assert literal_leak(knows_copper, answer, [demonstration]).value == 0.0


@pytest.mark.parametrize(
    "own",
    [
        {"history": messages([("user", "Tell me about Velora.")])},
        {"history": messages([("user", "Which?"), ("assistant", "Velora.")])},
        {"query": "What is Velora's price?"},
        {"expect": Expectation(rewrites=("What is Velora's price?",), must_name=("Dorun",))},
        # A case that names no rewrite still says what is meant.
        {"expect": Expectation(must_name=("Velora",))},
    ],
    ids=["user", "assistant", "query", "rewrites", "must_name"],
)
def test_whatever_a_case_says_itself_may_be_named(own: dict[str, object]) -> None:
    case = replace(EN, **own)  # type: ignore[arg-type]
    answer = "How much is Velora?"
    assert literal_leak(EN, answer, [shown("Velora")]).value == 1.0
    assert literal_leak(case, answer, [shown("Velora")]).value == 0.0
    assert absent_names(case, answer, ["Velora", "Kintha"]).value == 0.0


def test_without_demonstrations_nothing_is_measured() -> None:
    assert literal_leak(EN, "anything", []).value is None


@given(st.integers(0, 500), st.sampled_from(tuple(Language)))
@settings(max_examples=60)
def test_right_answers_never_leak_and_pasted_entities_always_do(
    seed: int, language: Language
) -> None:
    demonstrations = sample_demonstrations(seed, 4, language)
    panel = sample_panel(seed, 12, languages=[language], demonstrations=demonstrations)
    pasted_name = demonstrations[0].entities[0]
    for case in panel.cases:
        assert case.reference is not None
        assert literal_leak(case, case.reference, demonstrations).value == 0.0
        if any(mentions(m.content, pasted_name) for m in case.history):
            continue
        pasted = f"{case.query} {pasted_name}"
        score = literal_leak(case, pasted, demonstrations)
        assert score.value == 1.0
        marked = [fold(pasted[s.start : s.end]).text for s in score.spans]
        assert fold(pasted_name).text in marked


def test_the_control_finds_absent_names_only_when_they_are_there() -> None:
    absent = ["Velora", "泽朗"]
    assert absent_names(EN, "What is Dorun's price?", absent).value == 0.0
    assert absent_names(EN, "What is Velora's price?", absent).value == 1.0
    assert absent_names(ZH, "泽朗的价格是多少？", absent).value == 1.0
    assert absent_names(EN, "What is Dorun's price?", ["Dorun"]).value is None
    assert absent_names(EN, "What is Dorun's price?", []).value is None


def test_the_control_never_fires_on_right_answers_of_a_panel() -> None:
    rng = random.Random(5)
    absent = [invent_name(rng, language, "heldout") for language in Language for _ in range(50)]
    scores = [absent_names(c, c.reference or "", absent) for c in sample_panel(3, 200).cases]
    assert sum(score.value or 0.0 for score in scores) == 0.0


SWAPS = [
    (EN, shown("Velora"), shown("Kintha"), "What is {}'s price?", "Dorun"),
    (ZH, shown("泽朗", Language.ZH), shown("沐图", Language.ZH), "{}的价格是多少？", "岚洛"),
]


@pytest.mark.parametrize(("case", "a", "b", "frame", "right"), SWAPS)
def test_an_answer_that_follows_the_swap_is_a_leak(
    case: Case, a: Demonstration, b: Demonstration, frame: str, right: str
) -> None:
    good, bad_a = frame.format(right), frame.format(a.entities[0])
    bad_b = frame.format(b.entities[0])
    assert swap_leak(case, good, [a], good, [b]).value == 0.0
    one = swap_leak(case, bad_a, [a], good, [b])
    assert one.value == 1.0
    assert [bad_a[s.start : s.end] for s in one.spans] == [a.entities[0]]
    assert "Answer A" in one.explanation
    other = swap_leak(case, good, [a], bad_b, [b])
    assert (other.value, other.spans) == (1.0, ())
    assert "Answer B" in other.explanation


@pytest.mark.parametrize(("case", "a", "b", "frame", "right"), SWAPS)
def test_a_difference_that_no_demonstration_supplied_is_no_leak(
    case: Case, a: Demonstration, b: Demonstration, frame: str, right: str
) -> None:
    score = swap_leak(case, frame.format(right), [a], case.query, [b])
    assert score.value == 0.0
    assert "no leak" in score.explanation


@pytest.mark.parametrize(
    ("case", "a", "b", "answer", "good"),
    [
        (
            EN,
            shown("Velora", extra="Its gearbox rattles."),
            shown("Kintha"),
            "What is Dorun's gearbox price?",
            "What is Dorun's price?",
        ),
        (
            ZH,
            shown("泽朗", Language.ZH, "齿轮响。"),
            shown("沐图", Language.ZH),
            "岚洛的齿轮价格是多少？",
            "岚洛的价格是多少？",
        ),
    ],
)
def test_a_word_that_only_one_sides_demonstrations_supply_is_a_leak(
    case: Case, a: Demonstration, b: Demonstration, answer: str, good: str
) -> None:
    score = swap_leak(case, answer, [a], good, [b])
    assert score.value == 1.0
    assert [answer[s.start : s.end] for s in score.spans] in (["gearbox"], ["齿轮"])


@pytest.mark.parametrize(
    ("history", "extra_b", "other"),
    [
        ("Its gearbox is new.", "", "What is Dorun's price?"),
        ("It is new.", "Its gearbox rattles.", "What is Dorun's price?"),
        ("It is new.", "", "What is the price of Dorun and its gearbox?"),
    ],
    ids=["the conversation", "the other demonstrations", "the other answer"],
)
def test_a_word_that_something_else_supplies_as_well_is_no_leak(
    history: str, extra_b: str, other: str
) -> None:
    a, b = shown("Velora", extra="Its gearbox rattles."), shown("Kintha", extra=extra_b)
    answer = "What is Dorun's gearbox price?"
    quiet = replace(EN, history=messages([("user", "It is new.")]))
    assert swap_leak(quiet, answer, [a], "What is Dorun's price?", [shown("Kintha")]).value == 1.0
    case = replace(EN, history=messages([("user", history)]))
    assert swap_leak(case, answer, [a], other, [b]).value == 0.0


def test_a_swap_that_shares_an_entity_or_names_none_proves_nothing() -> None:
    a, b = shown("Velora"), shown("VELORA")
    assert swap_leak(EN, "x", [a], "y", [b]).value is None
    assert swap_leak(EN, "x", [], "y", [b]).value is None


FRAMED = [
    (Language.EN, "When was Jupiter built?", "Is Jupiter crowded at sunrise?"),
    (Language.EN, "What does a Jupiter eat?", "Can a Jupiter swim?"),
    (Language.EN, "Where did Jupiter study?", "Was Jupiter ever married?"),
    (Language.ZH, "木星是什么时候建的？", "木星重修过几回？"),
    (Language.ZH, "木星还写过什么？", "木星老家在什么省？"),
]


@pytest.mark.parametrize(("language", "answer_a", "answer_b"), FRAMED)
def test_an_answer_that_asks_the_question_of_either_set_follows_the_swap(
    language: Language, answer_a: str, answer_b: str
) -> None:
    a, b = everyday(language)
    case, right = moons(language), "How many moons does Jupiter have?"
    if language is Language.ZH:
        right = "木星有多少颗卫星？"
    assert swap_leak(case, right, a, right, b).value == 0.0
    for one, other, side in ((answer_a, right, "A"), (right, answer_b, "B")):
        score = swap_leak(case, one, a, other, b)
        assert score.value == 1.0
        assert f"Answer {side}" in score.explanation


def test_what_hides_is_found_by_the_control_as_well() -> None:
    absent = ["Frank Lloyd Wright", "布达拉宫"]
    for answer, told in (("Is Mr Wright rich?", "Wright"), ("布达拉贵吗？", "布达拉")):
        score = absent_names(EN, answer, absent)
        assert score.value == 1.0
        assert f'"{told}", a part of' in score.explanation


@pytest.mark.parametrize("language", Language)
def test_each_kind_of_leak_has_a_reason_of_its_own(language: Language) -> None:
    demonstrations, _ = everyday(language)
    name = demonstrations[0].entities[0]
    task = (
        "Answer with nothing else than it." if language is Language.EN else "不要写其他任何内容。"
    )
    turn = demonstrations[3].history[1].content
    asked = "When was Jupiter built?" if language is Language.EN else "木星是什么时候建的？"
    answer = f"{name}! {turn}\n{task}\n{asked}"
    score = literal_leak(moons(language), answer, demonstrations, task=task)
    for reason in (
        f'The answer names "{name}"',
        "from a demonstration; the conversation",
        f'The answer asks "{asked[:-1]}", as the demonstration "{demonstrations[0].rewrite[:-1]}"',
        "from the instruction.",
    ):
        assert reason in score.explanation
    assert [*score.spans] == sorted(score.spans, key=lambda span: span.start)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", ["name", "question", "query", "word"])
def test_an_answer_of_a_hundred_thousand_characters_is_judged(
    language: Language, kind: str
) -> None:
    a, b = everyday(language)
    case = moons(language)
    piece = {
        "name": a[0].entities[0],
        "question": a[0].query,
        "query": case.query,
        "word": "x",
    }[kind]
    answer = (piece + ("" if kind == "word" else " ")) * (100_000 // len(piece))
    leaks = kind in ("name", "question")
    assert literal_leak(case, answer, a).value == float(leaks)
    assert swap_leak(case, answer, a, case.query, b).value == float(leaks)
