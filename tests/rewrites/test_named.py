"""Rewrites of references: planted defects are caught, in English and Chinese; good ones are not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, messages
from evalsuite.detectors import Detector, Score
from evalsuite.generation import Finish
from evalsuite.rewrites import judge
from evalsuite.scenarios import Split, invent_name
from evalsuite.strategies import ANSWERABLE, cases


def right(judged: Case, answer: str, finish: Finish | None = None) -> Score:
    """The score of the whole rewrite."""
    whole = next(judge(judged, answer, finish).scores(judged))
    assert whole.detector is Detector.RIGHT
    return whole


def case(
    query: str,
    *,
    rewrites: Sequence[str] = (),
    names: Sequence[str] = (),
    never: Sequence[str] = (),
    unchanged: bool = False,
    turns: Sequence[tuple[str, str]] = (),
    language: Language = Language.EN,
) -> Case:
    return Case(
        id="c",
        language=language,
        kind=Kind.SINGLE,
        cluster="t",
        history=messages(turns),
        query=query,
        expect=Expectation(
            rewrites=tuple(rewrites),
            must_name=tuple(names),
            must_not_name=tuple(never),
            unchanged=unchanged,
        ),
    )


EN = case(
    "What is its price?",
    rewrites=["What is Dorun's price?"],
    names=["Dorun"],
    never=["Kelvo"],
    turns=[("user", "Which is faster, Dorun or Kelvo?"), ("assistant", "Dorun.")],
)
ZH = case(
    "它的价格是多少？",
    rewrites=["岚洛的价格是多少？"],
    names=["岚洛"],
    never=["泽朗"],
    turns=[("user", "岚洛和泽朗哪个更快？"), ("assistant", "岚洛。")],
    language=Language.ZH,
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (EN, "What is Dorun's price?"),
        (EN, "what is dorun’s price"),
        (EN, "What is the price of Dorun?"),
        (ZH, "岚洛的价格是多少？"),
        (ZH, "岚洛 的价格是多少"),
    ],
)
def test_a_good_rewrite_has_no_loss(judged: Case, answer: str) -> None:
    assert right(judged, answer).value == 0.0


@pytest.mark.parametrize(
    ("judged", "answer", "reason", "marked"),
    [
        (EN, "", "is empty", []),
        (EN, " \n", "is empty", []),
        (EN, "?!", "holds no word", []),
        (EN, "What is its price?", "returned as it is", ["its"]),
        (EN, "What is the price?", 'does not name "Dorun"', []),
        (EN, "What is Kelvo's price?", 'names "Kelvo"', ["Kelvo"]),
        (EN, "What is Dorun's price, and Kelvo's?", 'names "Kelvo"', ["Kelvo"]),
        (EN, "What is its price, Dorun?", 'still says "its"', ["its"]),
        (ZH, "", "is empty", []),
        (ZH, "它的价格是多少？", "returned as it is", ["它"]),
        (ZH, "价格是多少？", 'does not name "岚洛"', []),
        (ZH, "泽朗的价格是多少？", 'names "泽朗"', ["泽朗"]),
        (ZH, "岚洛它的价格是多少？", 'still says "它"', ["它"]),
    ],
)
def test_each_defect_is_caught_said_and_marked(
    judged: Case, answer: str, reason: str, marked: list[str]
) -> None:
    score = right(judged, answer)
    assert score.value == 1.0
    assert reason in score.explanation
    assert [answer[s.start : s.end] for s in score.spans] == marked


def test_an_answer_instead_of_a_rewrite_is_too_long() -> None:
    answer = "Dorun costs " + "about five hundred coins, which is a lot, " * 5
    score = right(EN, answer)
    assert score.value == 1.0
    assert "more than 36 words" in score.explanation
    assert "too long" in {span.label for span in score.spans}
    assert right(ZH, "岚洛" + "价格很高而且一直在涨" * 4).value == 1.0


def test_an_accepted_rewrite_is_right_whatever_else_it_holds() -> None:
    odd = case("Is it?", rewrites=["Is it " + "really " * 40 + "Kelvo?"], never=["Kelvo"])
    assert right(odd, odd.expect.rewrites[0]).value == 0.0


@pytest.mark.parametrize("query", ["How big is Dorun?", "岚洛有多大？", "Which one is it?", "？？"])
def test_a_query_that_must_stay_may_change_in_nothing_that_matters(query: str) -> None:
    judged = case(query, unchanged=True)
    assert right(judged, f" {query} ").value == 0.0
    changed = right(judged, f"Kelvo: {query}")
    assert changed.value == 1.0
    assert "had to stay unchanged" in changed.explanation


@pytest.mark.parametrize(
    ("query", "answer", "names"),
    [
        ("Is it true that it is heavy?", "Is it true that Dorun is heavy?", ["Dorun"]),
        (
            "How long does it take to charge it?",
            "How long does it take to charge Dorun?",
            ["Dorun"],
        ),
        ("What did he do after he left?", "What did Mira do after he left?", ["Mira"]),
        ("其他城市和它比呢？", "其他城市和岚洛比呢？", ["岚洛"]),
        ("它这样好吗？", "岚洛这样好吗？", ["岚洛"]),
        ("他为什么恨他人？", "赵岚为什么恨他人？", ["赵岚"]),
        ("Who starred in it?", "Who starred in It?", ["It"]),
        ("谁演的它？", "谁演的《她》？", ["她"]),
    ],
)
def test_pronouns_that_are_right_to_stay_are_not_held_against_an_answer(
    query: str, answer: str, names: list[str]
) -> None:
    assert right(case(query, names=names), answer).value == 0.0


@pytest.mark.parametrize(
    ("query", "answer", "names"),
    [
        ("What did he do after he left?", "What did he do after Mira left?", ["Mira"]),
        ("Did she like her car?", "Mira: did she like her car?", ["Mira"]),
        ("Why did the latter win?", "Why did the latter win, Dorun or Kelvo?", ["Dorun"]),
        ("后者的人口呢？", "后者岚洛的人口呢？", ["岚洛"]),
    ],
)
def test_a_pronoun_left_before_or_beside_its_name_is_a_defect(
    query: str, answer: str, names: list[str]
) -> None:
    score = right(case(query, names=names), answer)
    assert score.value == 1.0
    assert "still says" in score.explanation


def test_a_pronoun_that_an_accepted_rewrite_keeps_may_stay() -> None:
    judged = case(
        "Does he love her?", rewrites=["Does Bo love her?", "Does Bo love Ann?"], names=["Bo"]
    )
    assert right(judged, "Is it so that Bo does love her?").value == 0.0


def test_the_name_of_the_antecedent_within_a_distractors_name_does_not_count() -> None:
    judged = case("And it?", names=["York"], never=["New York"])
    score = right(judged, "And New York?")
    assert 'does not name "York"' in score.explanation
    assert right(case("And it?", names=["New York"], never=["York"]), "And New York?").value == 0.0


@pytest.mark.parametrize(
    ("answer", "loss"),
    [
        ("Could the throat cancer be treated?", 0.0),
        ("Is cancer of the throat treatable?", 0.0),
        ("Is the disease treatable?", 1.0),
        ("Is it treatable? throat cancer", 1.0),
        ("Is it treatable?", 1.0),
    ],
)
def test_a_case_that_names_nothing_is_judged_by_the_words_its_rewrites_restore(
    answer: str, loss: float
) -> None:
    judged = case(
        "Is it treatable?",
        rewrites=["Is throat cancer treatable?", "Is throat cancer a treatable thing?"],
        turns=[("user", "What is throat cancer?")],
    )
    assert right(judged, answer).value == loss


TURNS = [("user", "Tell me of the amber lighthouse keeper boat.")]


@pytest.mark.parametrize(
    ("answer", "loss"),
    [
        ("Is the amber lighthouse keeper old?", 0.0),
        ("Is the amber lighthouse old?", 1.0),  # two of four are too few
        ("Is the amber one old?", 1.0),
        ("Is the one old?", 1.0),
    ],
)
def test_three_fifths_of_the_restored_words_are_enough_and_fewer_are_not(
    answer: str, loss: float
) -> None:
    judged = case("Is it old?", rewrites=["Is the amber lighthouse keeper boat old?"], turns=TURNS)
    assert right(judged, answer).value == loss


@pytest.mark.parametrize(
    ("answer", "loss"),
    [("Is the keeper old?", 0.0), ("Is the lighthouse old?", 0.0), ("Is the boat old?", 1.0)],
)
def test_what_one_accepted_rewrite_restores_is_enough(answer: str, loss: float) -> None:
    judged = case(
        "Is it old?", rewrites=["Is the keeper old?", "Is the lighthouse old?"], turns=TURNS
    )
    assert right(judged, answer).value == loss


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH, None])
def test_a_right_answer_that_was_cut_off_did_not_end_and_is_a_defect(
    finish: Finish | None,
) -> None:
    score = right(EN, "What is Dorun's price?", finish)
    if finish is not Finish.LENGTH:
        assert score == right(EN, "What is Dorun's price?")
        assert score.value == 0.0
        return
    assert score.value == 1.0
    assert score.explanation == "The answer did not end: it ran into the length limit."


def test_a_wrong_answer_that_was_cut_off_keeps_its_own_reasons_and_spans() -> None:
    answer = "What is Kelvo's price?"
    cut, whole = right(EN, answer, Finish.LENGTH), right(EN, answer)
    assert cut.spans == whole.spans
    assert whole.explanation in cut.explanation


@pytest.mark.parametrize(
    ("answer", "loss"),
    [
        ("What did the sailor do after he left?", 0.0),
        ("What did he do after the sailor left?", 1.0),
    ],
)
def test_without_names_a_pronoun_may_stay_behind_the_words_that_are_restored(
    answer: str, loss: float
) -> None:
    judged = case(
        "What did he do after he left?",
        rewrites=["What did the sailor do after the sailor left?"],
        turns=[("user", "Tell me of the sailor.")],
    )
    assert right(judged, answer).value == loss


@pytest.mark.parametrize(
    ("rewrite", "limit"),
    [
        # Three times a rewrite of twelve words, however short the accepted one is ...
        ("Why did Dorun fall?", 36),
        # ... and three times the accepted one where that is longer.
        ("Why did Dorun fall so very very fast on that long and dark day of May?", 48),
    ],
)
def test_a_rewrite_is_too_long_from_one_word_beyond_the_limit(rewrite: str, limit: int) -> None:
    judged = case("Why did it fall?", rewrites=[rewrite], names=["Dorun"])

    def said(length: int) -> str:
        words = ["Why", "did", "Dorun", "fall", *["is", "was"] * length]
        return right(judged, " ".join(words[:length])).explanation

    assert "no rewrite is so long" not in said(limit)
    assert f"more than {limit} words" in said(limit + 1)


@given(cases())
def test_a_right_answer_always_has_no_loss(judged: Case) -> None:
    assert judged.reference is not None
    assert right(judged, judged.reference).value == 0.0


@given(cases(kinds=ANSWERABLE))
def test_a_right_answer_needs_no_list_of_rewrites(judged: Case) -> None:
    assert judged.reference is not None
    bare = replace(judged, expect=replace(judged.expect, rewrites=()))
    assert right(bare, judged.reference).value == 0.0


@given(cases(kinds=[Kind.COMPARISON, Kind.TOPIC_SWITCH, Kind.CORRECTION, Kind.ORDINAL]))
def test_naming_the_distractor_instead_is_always_a_defect(judged: Case) -> None:
    assert judged.reference is not None
    meant, wrong = judged.expect.must_name[0], judged.expect.must_not_name[0]
    answer = judged.reference.replace(meant, wrong)
    score = right(judged, answer)
    assert score.value == 1.0
    assert any(answer[s.start : s.end] == wrong for s in score.spans)


@given(cases())
def test_an_untouched_query_is_right_exactly_where_it_must_stay(judged: Case) -> None:
    assert right(judged, judged.query).value == (0.0 if judged.expect.unchanged else 1.0)


@given(
    cases(kinds=ANSWERABLE, split=Split.TRAIN),
    st.integers(0, 999),
    st.sampled_from(["right", "wrong", "query", "long", "both"]),
)
@settings(max_examples=150)
def test_renaming_everything_consistently_keeps_the_loss(
    judged: Case, seed: int, choice: str
) -> None:
    expect = judged.expect
    other = next(iter(expect.must_not_name), "Nobody")
    answer = {
        "right": judged.reference or "",
        "wrong": (judged.reference or "").replace(expect.must_name[0], other),
        "query": judged.query,
        "long": f"{judged.reference} " * 9,
        "both": f"{judged.reference} {other}",
    }[choice]
    new = renaming(judged, seed)
    before, after = right(judged, answer), right(renamed(judged, new), swap(answer, new))
    assert after.value == before.value
    assert len(after.spans) == len(before.spans)


def renaming(judged: Case, seed: int) -> dict[str, str]:
    """Fresh names of the held-out split, none within another."""
    rng = random.Random(seed)
    new: dict[str, str] = {}
    for name in (*judged.expect.must_name, *judged.expect.must_not_name):
        taken = frozenset({*new, *new.values(), name})
        new[name] = invent_name(rng, judged.language, "heldout", avoid=taken)
    return new


def swap(text: str, new: dict[str, str]) -> str:
    for old, fresh in new.items():
        text = text.replace(old, fresh)
    return text


def renamed(judged: Case, new: dict[str, str]) -> Case:
    expect = judged.expect
    return replace(
        judged,
        history=tuple(Message(m.role, swap(m.content, new)) for m in judged.history),
        query=swap(judged.query, new),
        expect=Expectation(
            rewrites=tuple(swap(r, new) for r in expect.rewrites),
            must_name=tuple(swap(n, new) for n in expect.must_name),
            must_not_name=tuple(swap(n, new) for n in expect.must_not_name),
            unchanged=expect.unchanged,
        ),
    )


FREDDIE = case(
    "When was he born?",
    rewrites=["When was Freddie Mercury born?"],
    names=["Freddie Mercury"],
    never=["Elton John"],
    turns=[("user", "Was Freddie Mercury a friend of Elton John?"), ("assistant", "He was.")],
)
FREE = replace(FREDDIE, expect=replace(FREDDIE.expect, free=True, aliases=("Mercury",)))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("When was Freddie Mercury born?", True),
        # Reworded, as people do: nothing but what it names is known of it.
        ("On what date was Freddie Mercury's birth?", True),
        ("When was Mercury born?", True),
        ("When was Elton John born?", False),
        ("When was Freddie born?", False),
        ("When was he born?", False),
        ("When were Freddie Mercury and Elton John born?", False),
    ],
)
def test_a_free_rewrite_is_judged_by_the_names_that_the_case_says(
    answer: str, expected: bool
) -> None:
    assert judge(FREE, answer).right is expected


def test_the_same_names_from_an_author_ask_for_every_word() -> None:
    assert not judge(FREDDIE, "On what date was Freddie Mercury's birth?").right
