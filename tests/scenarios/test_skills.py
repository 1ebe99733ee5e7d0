from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.scenarios import SKILLS, SkillItem, sample_skills, sample_texts

seeds = st.integers(0, 10**6)


def by_skill(seed: int, n: int = 200) -> dict[str, list[SkillItem]]:
    found: dict[str, list[SkillItem]] = {}
    for item in sample_skills(seed, n):
        found.setdefault(item.skill, []).append(item)
    return found


def test_a_suite_covers_every_skill_in_both_languages_evenly() -> None:
    counts = Counter((i.skill, i.language) for i in sample_skills(1, 10 * len(SKILLS) * 2))
    assert set(counts.values()) == {10}
    assert len(counts) == 2 * len(SKILLS)


@given(seeds)
def test_the_same_seed_gives_the_same_suite(seed: int) -> None:
    assert sample_skills(seed, 40) == sample_skills(seed, 40)
    assert sample_texts(seed, 10) == sample_texts(seed, 10)


@given(seeds)
def test_reversing_twice_is_what_was_asked(seed: int) -> None:
    for item in by_skill(seed)["reverse"]:
        separator = " " if item.language is Language.EN else "、"
        again = separator.join(reversed(item.answer.split(separator)))
        assert item.prompt.endswith(again)


@given(seeds)
def test_sums_are_right(seed: int) -> None:
    for item in by_skill(seed)["arithmetic"]:
        numbers = [int(c) for c in item.prompt if c.isdigit()]
        assert int(item.answer) == sum(numbers)


@given(seeds)
def test_looked_up_values_stand_behind_their_keys(seed: int) -> None:
    for item in by_skill(seed)["lookup"]:
        assert f"{item.answer}" in item.prompt
        pairs = dict(
            part.replace("：", ":").rsplit(":", 1)
            for part in item.prompt.replace("；", ";")
            .removeprefix("Look at the list: ")
            .removeprefix("看这个表：")
            .partition("." if item.language is Language.EN else "。")[0]
            .split(";")
        )
        asked = item.prompt.rpartition("." if item.language is Language.EN else "。")[0]
        assert item.answer in {v.strip() for v in pairs.values()}, asked


@given(seeds)
def test_recalled_objects_belong_to_the_person_asked_about(seed: int) -> None:
    for item in by_skill(seed)["recall"]:
        english = item.language is Language.EN
        has = f" has a {item.answer}." if english else f"有{item.answer}。"
        person = re.split(r"[ .。]", item.prompt.partition(has)[0])[-1]
        assert person
        assert item.prompt.count(person) == 2


def test_general_texts_are_short_stories_about_their_people() -> None:
    texts = sample_texts(2, 40)
    assert len({t.text for t in texts}) == 40
    assert all(t.conversation.messages[-1].content == t.text for t in texts)


def test_an_unknown_skill_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"juggle.*copy, reverse"):
        sample_skills(1, 5, skills=["juggle"])


def test_what_rehearses_a_skill_and_what_measures_it_share_no_exercise() -> None:
    rehearsed = {i.prompt for i in sample_skills(1, 3000, "train", rehearsed=True)}
    measured = {i.prompt for i in sample_skills(2, 3000, "panel")}
    assert len(measured) > 500
    assert not rehearsed & measured
