"""Operators make histories hostile, leave the truth as it is, and say what they did."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.cases.casefiles import dump_cases, parse_cases
from evalsuite.conversation import Role
from evalsuite.detectors import literal_leak
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration
from evalsuite.rewrites import judge
from evalsuite.scenarios import (
    WRITTEN_SKILLS,
    is_personal,
    make_case,
    sample_demonstrations,
    sample_skills,
    templates,
)
from evalsuite.scenarios.names import Split
from evalsuite.strategies import (
    ANSWERABLE,
    OPERATORS,
    Attack,
    Edit,
    Envelope,
    World,
    attacks,
    build_attack,
    parse_attack,
    spell,
    usable,
)

SHOWN = {language: sample_demonstrations("operators", 16, language) for language in Language}


def words_left(case: Case, shown: Sequence[Demonstration]) -> int:
    """A window of 900 characters, with the demonstrations counted in."""
    said = sum(len(m.content) for m in case.history) + 40 * len(shown)
    return 900 - said


WORLD = World(demonstrations=SHOWN, room=words_left)
ALL = Envelope(max_demonstrations=16)
NATURAL = World(
    demonstrations={
        language: sample_demonstrations("operators", 6, language, world=WorldName.NATURAL)
        for language in Language
    },
    room=lambda case, shown: 4000 - sum(len(m.content) for m in case.history) - 40 * len(shown),
    drawn_from=WorldName.NATURAL,
)
"""What operators may use in the other world."""


def harmless(kind: Kind = Kind.SINGLE, language: Language = Language.EN) -> Case:
    rng = random.Random(7)
    return make_case(rng, templates(language, kind, Split.PANEL)[0], "harmless")


def done(name: str, case: Case, size: int = 0, place: int = 0, seed: int = 0) -> Case:
    return OPERATORS[name](case, Edit(name, seed, place, size), WORLD)


@given(attacks(ALL, world=WORLD))
@settings(max_examples=300)
def test_whatever_is_done_the_right_answer_stays_right(attack: Attack) -> None:
    built = build_attack(attack, WORLD)
    case = built.case
    assert case.reference is not None
    assert judge(case, case.reference).right
    assert not literal_leak(case, case.reference, built.shown).value
    said = " ".join((*(m.content for m in case.history), case.query))
    assert all(name in said for name in case.expect.must_name)


@given(attacks(Envelope(max_demonstrations=6), world=NATURAL))
@settings(max_examples=200)
def test_whatever_is_done_to_a_natural_case_its_right_answer_stays_right(attack: Attack) -> None:
    built = build_attack(attack, NATURAL)
    case = built.case
    assert case.reference is not None
    assert judge(case, case.reference).right
    assert not literal_leak(case, case.reference, built.shown).value
    said = " ".join((*(m.content for m in case.history), case.query))
    if case.kind is not Kind.STANDALONE:
        assert all(name in said for name in case.expect.must_name)
    assert build_attack(attack, NATURAL) == built


@pytest.mark.parametrize("language", Language)
def test_every_operator_works_on_natural_cases(language: Language) -> None:
    used = {
        edit.operator
        for name in OPERATORS
        for kind in ANSWERABLE
        for seed in range(3)
        for edit in build_attack(
            Attack(language=language, kind=kind, seed=seed, edits=(Edit(name, seed, seed, 2),)),
            NATURAL,
        ).used
    }
    assert used == set(OPERATORS) - ({"traditional"} if language is Language.EN else set())


@given(attacks(ALL, world=WORLD))
@settings(max_examples=200)
def test_a_hostile_case_survives_its_file(attack: Attack) -> None:
    case = build_attack(attack, WORLD).case
    (read,) = parse_cases(dump_cases([case]))
    assert replace(read, source=case.source) == case


@given(attacks(Envelope(skills=("count", "copy")), world=WORLD))
def test_a_chat_that_asks_for_a_skill_keeps_its_question(attack: Attack) -> None:
    built = build_attack(attack, WORLD)
    assert build_attack(attack, WORLD) == built
    if attack.skill:
        (item,) = sample_skills(
            attack.seed, 1, languages=(attack.language,), skills=(attack.skill,)
        )
        assert (built.case.query, built.case.reference) == (item.prompt, item.answer)
        assert not {e.operator for e in built.used} & {"lookalike", "window"}
        assert bool(built.case.history) or not attack.template % 2 or not built.used


@given(attacks(replace(ALL, skills=WRITTEN_SKILLS), world=WORLD))
def test_an_attack_survives_being_spelled(attack: Attack) -> None:
    assert parse_attack(spell(attack)) == attack
    assert "\n" not in spell(attack)


@pytest.mark.parametrize(
    "text", ["", "en/single/3 2/0", "en/duet/3/1 2/0", "en/single/3/1 2/0 x/1"]
)
def test_what_is_no_attack_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="one looks like 'en/single/3/17 2/0 gap/5/0/1'"):
        parse_attack(text)


@given(attacks(world=WORLD))
def test_the_same_numbers_make_the_same_case(attack: Attack) -> None:
    assert build_attack(attack, WORLD) == build_attack(attack, WORLD)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", OPERATORS)
def test_each_operator_works_alone_and_is_named(name: str, language: Language) -> None:
    def clusters() -> set[str]:
        found = set()
        for kind in ANSWERABLE:
            for seed in range(6):
                attack = Attack(
                    language=language, kind=kind, seed=seed, edits=(Edit(name, seed, seed, 2),)
                )
                built = build_attack(attack, WORLD)
                found.add(built.case.cluster.rsplit("/", 1)[-1] if built.used else "")
        return found

    expected = {name, ""} if (name, language) != ("traditional", Language.EN) else {""}
    assert clusters() <= {name, ""}
    assert clusters() & expected - {""} == expected - {""}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_edit_that_cannot_be_made_leaves_the_very_case(name: str) -> None:
    case = replace(harmless(), history=())
    if name == "distractor":
        return  # talks before a conversation that has not begun
    bare = World()
    assert OPERATORS[name](case, Edit(name), bare) is case


def test_an_operator_that_lacks_what_it_needs_is_not_usable() -> None:
    assert set(OPERATORS) - set(usable(World())) == {"lookalike", "window"}
    assert set(usable(WORLD)) == set(OPERATORS)


def test_a_trap_is_ruled_out_where_it_is_set() -> None:
    case = done("recency_trap", harmless())
    intruder = case.expect.must_not_name[-1]
    assert intruder in case.history[-2].content
    wrong = str(case.reference).replace(case.expect.must_name[0], intruder)
    assert not judge(case, wrong).right


@pytest.mark.parametrize("language", Language)
def test_a_near_name_is_one_character_away_and_no_other_name(language: Language) -> None:
    for seed in range(40):
        case = done("near_name", harmless(language=language), seed=seed)
        near, meant = case.expect.must_not_name[-1], case.expect.must_name[0]
        assert len(near) == len(meant)
        assert sum(a != b for a, b in zip(near, meant, strict=True)) == 1


def test_a_person_is_spoken_of_only_where_a_thing_is_meant() -> None:
    thing, person = harmless(), harmless(Kind.PERSON)
    assert done("mismatch", replace(thing, query="What is its price?")) is not thing
    asks_nothing = replace(thing, query="And then?")
    assert done("mismatch", asks_nothing) is asks_nothing
    assert any(word in done("mismatch", person).history[-2].content for word in ("table", "sold"))


def test_corrections_end_with_what_is_meant() -> None:
    case = done("correction", harmless(Kind.TOPIC_SWITCH), size=3)
    assert case.expect.must_name[0] in case.history[-1].content
    assert len(case.history) == len(harmless(Kind.TOPIC_SWITCH).history) + 8


def test_the_former_bears_no_further_mention() -> None:
    case = harmless(Kind.ORDINAL)
    for name in ("recency_trap", "correction", "mismatch"):
        assert done(name, case) is case


@pytest.mark.parametrize("size", range(4))
def test_a_filled_window_just_fits_or_is_just_too_long(size: int) -> None:
    case = done("window", harmless(), size=size)
    left = words_left(case, SHOWN[Language.EN])
    assert (-3 <= left < 0) if size % 2 else (0 <= left < 3)


def test_a_lost_answer_is_never_the_one_that_settles_the_reference() -> None:
    comparison = harmless(Kind.COMPARISON)
    assert done("drop_assistant", comparison) is comparison
    single = harmless()
    assert Role.ASSISTANT not in {m.role for m in done("drop_assistant", single).history}


@pytest.mark.parametrize(
    "name", ["typos", "width", "traditional", "zero_width", "combining", "emoji", "code_switching"]
)
@given(st.integers(0, 2**16 - 1), st.integers(0, 3), st.sampled_from(Language))
@settings(max_examples=40)
def test_character_operators_keep_names_whole(
    name: str, seed: int, size: int, language: Language
) -> None:
    case = harmless(Kind.TOPIC_SWITCH, language)
    made = done(name, case, size=size, place=seed % 16, seed=seed)
    for known in (*case.expect.must_name, *case.expect.must_not_name):
        before = sum(m.content.count(known) for m in case.history)
        assert sum(m.content.count(known) for m in made.history) == before


def holds(*marks: str) -> Callable[[str], bool]:
    return lambda text: any(mark in text for mark in marks)


def within(*ranges: tuple[int, int]) -> Callable[[str], bool]:
    return lambda text: any(low <= ord(c) <= high for c in text for low, high in ranges)


@pytest.mark.parametrize(
    ("name", "telling"),
    [
        ("control_tokens", holds("<|", "[INST]", "_turn>", "<｜")),
        ("template_syntax", holds("{{", "{%", "{q", "$", "%(", "<%", "{#")),
        ("markup", holds("<", "{", "}", "`", "&")),
        ("delimiters", holds(harmless().query)),
        ("zero_width", within((0x200B, 0x200D), (0x2060, 0x2060), (0xFEFF, 0xFEFF), (0xAD, 0xAD))),
        ("bidi", within((0x200E, 0x200F), (0x202A, 0x2069))),
        ("right_to_left", within((0x590, 0x6FF))),
        ("long_turn", lambda text: len(text) > 1000),
    ],
)
def test_content_operators_write_what_they_are_named_for(
    name: str, telling: Callable[[str], bool]
) -> None:
    for seed in range(8):
        made = done(name, harmless(), size=3, seed=seed)
        assert any(telling(m.content) for m in made.history)


def test_the_documented_operators_are_those_that_exist() -> None:
    page = (Path(__file__).parents[2] / "docs" / "search.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))
    said = {name: str(op.__doc__).splitlines()[0] for name, op in OPERATORS.items()}
    assert told == said


def test_a_thing_is_meant_where_a_person_is_only_mentioned() -> None:
    """A third of the cases about persons ask about the thing; a thing put last would be meant."""
    meant = set()
    for seed in range(60):
        attack = Attack(
            language=Language.EN, kind=Kind.PERSON, seed=seed, edits=(Edit("mismatch", seed),)
        )
        case = build_attack(attack, WORLD).case
        if len(case.history) == 2:
            continue
        person_meant = is_personal(case.expect.must_name[0])
        assert is_personal(case.expect.must_not_name[-1]) != person_meant
        meant.add(person_meant)
    assert meant == {True, False}, "both were looked at"
