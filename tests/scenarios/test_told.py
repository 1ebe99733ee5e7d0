"""Conversations that tell facts: the answer is known by construction, and no cheap one passes."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evalsuite.cases import Case, Kind, Language, Wanted
from evalsuite.cases.casefiles import dump_cases, load_cases, without_source
from evalsuite.conversation import Role
from evalsuite.rewrites import Part, Standard, judge, standard_of
from evalsuite.scenarios.told import (
    TOLD_KINDS,
    sample_told_demonstrations,
    sample_told_panel,
    told_case,
)
from evalsuite.scenarios.told.content import Fact, content, draw_values
from evalsuite.scenarios.told.numerals import numeral

PANEL = tuple(shown.case for language in Language for shown in sample_told_panel(5, 180, language))
DONT_KNOW = {
    Language.EN: "I'm sorry, the conversation doesn't say that.",
    Language.ZH: "对话里没有提到这一点。",
}


def asked(*kinds: Kind) -> list[Case]:
    return [case for case in PANEL if not kinds or case.kind in kinds]


def bare(name: str) -> str:
    return name.removeprefix("the ")


def test_all_that_is_asked_can_be_answered_and_is_judged_as_an_answer() -> None:
    assert {case.kind for case in PANEL} == set(TOLD_KINDS)
    for case in PANEL:
        assert case.wanted is Wanted.ANSWER
        assert standard_of(case) is Standard.ANSWERED
        history = "\n".join(turn.content for turn in case.history)
        if case.expect.untold:
            assert not case.expect.answers
            assert judge(case, DONT_KNOW[case.language]).right, case.query
        else:
            told = case.expect.answers[0]
            assert told in history
            assert judge(case, told).right
            assert not judge(case, DONT_KNOW[case.language]).right


@pytest.mark.parametrize(
    "cheap",
    [
        lambda case: "",
        lambda case: case.query,
        lambda case: "\n".join(turn.content for turn in case.history),
        lambda case: "Jupiter banana blue",
        lambda case: " ".join(case.expect.not_answers[:1]) or "?",
        lambda case: " ".join((*case.expect.answers[:1], *case.expect.not_answers[:1])),
        lambda case: "It is 7531." if case.language is Language.EN else "是7531。",
    ],
    ids=["empty", "query", "history", "words", "other", "both", "guess"],
)
def test_no_cheap_answer_is_right(cheap: object) -> None:
    assert callable(cheap)
    for case in PANEL:
        if cheap(case).strip() and not case.expect.not_answers:
            continue  # nothing else was told that could be stated in its place
        assert not judge(case, cheap(case)).right, (case.query, cheap(case))


def test_repeating_the_last_answer_is_wrong_where_it_tells_of_both() -> None:
    for case in asked(Kind.ORDINAL, Kind.COMPARISON):
        told = max((turn.content for turn in case.history), key=len)
        assert not judge(case, told).right, (case.query, told)


def test_facts_are_told_by_the_user_and_by_the_assistant() -> None:
    who: Counter[Role] = Counter()
    for case in PANEL:
        for turn in case.history:
            who[turn.role] += any(fact in turn.content for fact in case.expect.answers)
    assert min(who[Role.USER], who[Role.ASSISTANT]) > 50


def test_a_person_is_asked_for_by_gender() -> None:
    for case in asked(Kind.PERSON):
        if case.language is Language.EN:
            words = set(case.query.lower().rstrip("?").split())
            assert words & {"he", "him", "his", "she", "her"}


def test_a_seed_draws_the_same_panel_with_apart_names() -> None:
    one, again = (sample_told_panel(3, 30, Language.EN) for _ in "ab")
    assert one == again
    assert one != sample_told_panel(4, 30, Language.EN)
    for shown in one:
        texts = "\n".join(turn.content for turn in shown.case.history)
        assert not any(name in texts for name in shown.pair.entities)
        entities = [{n for d in side for n in d.entities} for side in (shown.pair.a, shown.pair.b)]
        assert not entities[0] & entities[1]


def test_cases_are_written_and_read_back(tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    file = tmp_path / "told_en.yaml"
    cases = [replace(case, source="") for case in asked()[:20]]
    file.write_text(dump_cases(cases), "utf-8")
    assert [without_source(case) for case in load_cases([file])] == cases


def test_demonstrations_answer_what_they_ask() -> None:
    for language in Language:
        shown = sample_told_demonstrations(1, 12, language)
        names = [name for one in shown for name in one.entities]
        assert len(names) == len(set(names))
        assert all(any(n in one.rewrite for n in map(bare, one.entities)) for one in shown)


def test_another_source_of_chance_makes_another_case() -> None:
    made = {
        told_case(random.Random(seed), Language.EN, Kind.SINGLE, "a").query for seed in range(40)
    }
    assert len(made) > 15


def test_a_fact_has_one_source_and_owners_have_known_facts() -> None:
    with pytest.raises(ValidationError, match="either range or values"):
        Fact(tell=("a", "b"), ask=("a",) * 4, bare=("a", "b"))
    whole = content(Language.EN).model_dump()
    whole["people"][0]["facts"] = ("age", "job", "shoe size")
    with pytest.raises(ValidationError, match="no such facts"):
        type(content(Language.EN)).model_validate(whole)


@pytest.mark.parametrize("language", list(Language))
def test_two_values_of_a_fact_are_told_apart(language: Language) -> None:
    rng = random.Random(0)
    for fact in content(language).facts.values():
        for _ in range(20):
            one, other = draw_values(rng, fact, language)
            assert not set(one.forms) & set(other.forms)
            assert one.forms[0] in one.said


@given(st.integers(0, 9999))
def test_numbers_in_words_are_told_apart(number: int) -> None:
    for language in Language:
        for other in (number + 1, number + 10, number * 10):
            if number < other <= 9999:
                shared = set(numeral(number, language)) & set(numeral(other, language))
                assert not shared


@pytest.mark.parametrize(
    ("number", "language", "said"),
    [
        (47, Language.EN, "forty-seven"),
        (103, Language.EN, "one hundred and three"),
        (12, Language.EN, "twelve"),
        (47, Language.ZH, "四十七"),
        (105, Language.ZH, "一百零五"),
        (12, Language.ZH, "十二"),
        (1987, Language.ZH, "一九八七"),
        (1020, Language.ZH, "一千零二十"),
    ],
)
def test_numbers_in_words(number: int, language: Language, said: str) -> None:
    assert said in numeral(number, language)


def test_a_number_that_is_too_large_has_no_words() -> None:
    assert numeral(1987, Language.EN) == ()
    with pytest.raises(ValueError, match="must lie between 0 and 9999"):
        numeral(10000, Language.ZH)


def test_the_loss_is_that_of_what_is_named() -> None:
    case = asked(Kind.TOPIC_SWITCH)[0]
    judged = judge(case, "Jupiter banana blue")
    assert set(judged.findings) == {Part.NAMED}
    assert "does not state" in judged.findings[Part.NAMED][0].reason
