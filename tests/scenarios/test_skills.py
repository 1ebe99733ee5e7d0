from __future__ import annotations

import hashlib
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Language
from evalsuite.detectors.retention import answer_score
from evalsuite.detectors.text import tokens
from evalsuite.errors import InvalidCase, InvalidInput
from evalsuite.scenarios import (
    CHOICES,
    EVERY_SKILL,
    PASSAGES,
    SKILLS,
    SkillItem,
    sample_passages,
    sample_skills,
    sample_texts,
)
from evalsuite.scenarios.choices import ALIKE
from evalsuite.scenarios.plainskills import BOUGHT, CAPITALS, OPPOSITES, PLAIN
from evalsuite.scenarios.texts import passages

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


def plain(seed: int, split: str = "panel", *, rehearsed: bool = False) -> list[SkillItem]:
    skills = tuple(PLAIN)
    return list(sample_skills(seed, 8 * len(skills), split, skills=skills, rehearsed=rehearsed))


@given(seeds)
def test_a_plain_skill_is_answered_right_by_its_answer_and_wrong_by_any_other(seed: int) -> None:
    for item in plain(seed):
        assert answer_score(item, item.answer).value == 0.0, item
        for other in item.others[:5]:
            assert answer_score(item, other).value == 1.0, item
            assert answer_score(item, f"{other} {item.answer}").value == 1.0, item
        told = f"{'It is' if item.language is Language.EN else '是'} {item.answer}."
        assert (answer_score(item, told).value == 0.0) is bool(item.others)
        assert [m.role for m in item.question.messages] == ["user"]


@given(seeds)
def test_training_and_panels_share_no_exercise_of_a_plain_skill(seed: int) -> None:
    rehearsed = plain(seed, "train", rehearsed=True)
    assert {i.cluster for i in rehearsed}.isdisjoint(i.cluster for i in plain(seed))
    last = {
        (name, language): skill.wordings[language][-1].partition("{")[0]
        for name, skill in PLAIN.items()
        for language in Language
    }
    for item in rehearsed:
        start = last[item.skill, item.language]
        assert not start or not item.prompt.startswith(start), item


def test_no_question_of_a_plain_skill_is_asked_twice() -> None:
    items = sample_skills(4, 60, languages=(Language.EN,), skills=("capital",))
    assert len({item.prompt for item in items}) == 60
    assert len({item.cluster for item in items}) <= 40
    with pytest.raises(InvalidInput, match="'capital' has no more than"):
        sample_skills(4, 200, languages=(Language.EN,), skills=("capital",))


def by_choice(seed: int, split: str = "panel") -> list[SkillItem]:
    skills = tuple(CHOICES)
    return list(sample_skills(seed, 8 * len(skills), split, skills=skills))


@given(seeds)
def test_answers_to_choose_from_are_one_sentence_but_for_what_is_asked(seed: int) -> None:
    for item in by_choice(seed):
        options, skill = item.options, CHOICES[item.skill]
        assert options[0] == item.answer
        assert len({*options}) == len(options) == skill.options, item
        assert item.guessed == 1 / len(options)
        slot = re.compile(r"\\\{\w+\\\}")
        frame = re.escape(skill.answers[item.language]).replace(r"\{answer\}", "\0")
        # What the question names stands in each of them alike; the answer alone differs.
        named = slot.sub("(.+)", frame).replace("\0", "(?P<answer>.+)")
        found = [re.fullmatch(named, option) for option in options]
        parts = [match.groupdict() | {"all": match.groups()} for match in found if match]
        assert len(parts) == len(options), item
        kept = {tuple(p for p in part["all"] if p != part["answer"]) for part in parts}
        assert len(kept) == 1, item


@given(seeds)
def test_the_right_choice_is_true_and_the_wrong_ones_are_not(seed: int) -> None:
    for item in by_choice(seed):
        numbers = [int(n) for n in re.findall(r"\d+", item.prompt)]
        said = [re.findall(r"\d+", option)[-1:] for option in item.options]
        if item.skill == "sum-choice":
            assert [sum(numbers) == int(n) for (n,) in said] == [True, False, False, False]
        if item.skill == "counting-choice":
            bought = sum(thing in item.prompt for thing in BOUGHT[item.language])
            assert [bought == int(n) for (n,) in said] == [True, False, False, False]
        if item.skill == "repeat-choice":
            assert [option in item.prompt for option in item.options] == [True, False, False]
        if item.skill == "deciding-choice" and item.language is Language.EN:
            told = dict(re.findall(r"On (\w+) \w+ bought a (\w+)\.", item.prompt))
            asked = item.prompt.rpartition(". ")[2].rpartition(": ")[2]
            day = next(day for day in told if day in asked)
            assert (told[day] in asked) is (item.answer == "Yes."), item
        if item.skill == "ordering-choice" and item.language is Language.EN:
            pairs = re.findall(r"(\w+) is taller than (\w+)\.", item.prompt)
            taller, shorter = {a for a, _ in pairs}, {b for _, b in pairs}
            ends = {"tallest": taller - shorter, "shortest": shorter - taller}
            (right,) = ends["tallest" if "tallest" in item.prompt else "shortest"]
            assert [right in option for option in item.options] == [True, False, False]
        if item.skill == "deciding-choice" and item.language is Language.ZH:
            days = dict(re.findall(r"(星期.).+?买了(.+?)[，。]", item.prompt))
            question = item.prompt.rpartition("。")[2]
            day = next(day for day in days if day in question)
            assert (days[day] in question) is (item.answer == "是的。"), item
        if item.skill == "ordering-choice" and item.language is Language.ZH:
            pairs = re.findall(r"(小.)比(小.)高", item.prompt)
            taller, shorter = {a for a, _ in pairs}, {b for _, b in pairs}
            (right,) = taller - shorter if "最高" in item.prompt else shorter - taller
            assert [right in option for option in item.options] == [True, False, False]
        if item.skill == "opposite-choice":
            word = item.cluster.rpartition("/")[2]
            quoted = [re.findall(r'["“]([^"”]+)["”]', option)[-1] for option in item.options]
            assert {word, quoted[0]} in [{*pair.split()} for pair in OPPOSITES[item.language]]
            for group in ALIKE[item.language]:
                assert not group & {word, quoted[0]} or not group & {*quoted[1:]}, item
    every = [item for item in by_choice(seed) if item.skill == "capital-choice"]
    for item in every:
        country = item.cluster.rpartition("/")[2]
        assert country in item.answer
        assert CAPITALS[item.language][country] in item.answer


@given(seeds)
def test_what_is_rehearsed_in_words_is_not_asked_by_choice(seed: int) -> None:
    rehearsed = {i.cluster for i in plain(seed, "train", rehearsed=True)}
    asked = {i.cluster.replace("-choice", "") for i in by_choice(seed)}
    assert rehearsed.isdisjoint(asked)


def test_a_choice_of_one_is_none() -> None:
    with pytest.raises(InvalidCase, match="is by choice, and has one answer only"):
        SkillItem(
            id="x", skill="x", language=Language.EN, cluster="x", prompt="?", answer="a",
            by_choice=True,
        )  # fmt: skip


@given(seeds)
def test_who_says_the_asked_word_again_has_named_nothing_wrong(seed: int) -> None:
    for item in plain(seed):
        if item.skill not in ("opposite", "sequence", "capital") or not item.others:
            continue
        asked = item.cluster.rpartition("/")[2]
        told = {
            Language.EN: f'What goes with "{asked}" is "{item.answer}".',
            Language.ZH: f"“{asked}”对应的是“{item.answer}”。",
        }
        assert answer_score(item, told[item.language]).value == 0.0, item


def test_the_skills_of_the_embedded_base_are_drawn_as_before() -> None:
    items = sample_skills(3, 100)
    drawn = "\n".join(f"{i.id}|{i.cluster}|{i.prompt}|{i.answer}" for i in items)
    # Every figure that was published of nano rests on these.
    assert hashlib.sha256(drawn.encode()).hexdigest().startswith("b71b1679d473ec3e")
    assert not any(item.others or item.plain for item in items)
    assert not set(SKILLS) & set(PLAIN)
    assert set(EVERY_SKILL) == {*SKILLS, *PLAIN, *CHOICES}


@pytest.mark.parametrize("language", list(Language))
def test_passages_are_many_different_texts_of_one_language(language: Language) -> None:
    every = passages(language)
    assert len(every) == PASSAGES == len({p.text for p in every})
    # No two share a run of words, or of Chinese characters: neither is a copy of the other.
    runs: dict[object, str] = {}
    for one in every:
        parts = tokens(one.text)
        han = 2 * sum(p.is_han for p in parts) > len(parts)
        assert han is (language is Language.ZH)
        for at in range(len(parts) - 11):
            run = tuple(p.text for p in parts[at : at + 12])
            assert runs.setdefault(run, one.id) == one.id, run
    drawn = sample_passages(1, 50, language)
    assert len({p.id for p in drawn}) == 50
    assert drawn == sample_passages(1, 50, language) != sample_passages(2, 50, language)
    with pytest.raises(InvalidInput, match="there are 200 passages"):
        sample_passages(1, 201, language)


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
