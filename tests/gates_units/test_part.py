"""Names of parts: typed where they are used, text in ``verdicts.json`` alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Kind, Language
from evalsuite.gates import Part, Topic, parse_part

languages = st.sampled_from([language.value for language in Language])
kinds = st.sampled_from([kind.value for kind in Kind])
names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,79}", fullmatch=True)
compared = st.sampled_from([Topic.LEAKAGE, Topic.PRONOUNS])
ONE_LANGUAGE = [
    Topic.PANEL,
    Topic.LANGUAGE,
    Topic.SKILLS,
    Topic.TEXT,
    Topic.LEAKAGE_PANEL,
    Topic.PRONOUNS_PANEL,
]
OF_SOMETHING = {*ONE_LANGUAGE, Topic.KIND, Topic.KIND_LANGUAGE, Topic.SKILL, Topic.GOLDENS}

parts = st.one_of(
    st.builds(Part, st.sampled_from([topic for topic in Topic if topic not in OF_SOMETHING])),
    st.builds(Part, st.sampled_from(ONE_LANGUAGE), language=languages),
    st.builds(Part, st.just(Topic.KIND), kind=kinds),
    st.builds(Part, st.just(Topic.KIND_LANGUAGE), kind=kinds, language=languages),
    st.builds(Part, st.just(Topic.SKILL), language=languages, skill=names),
    st.builds(Part, st.just(Topic.GOLDENS), golden_set=names),
    st.builds(Part, compared, kind=kinds),
    st.builds(Part, compared, language=languages),
    st.builds(Part, compared, kind=kinds, language=languages),
)


@given(parts)
def test_a_part_is_read_back_from_its_name(part: Part) -> None:
    assert parse_part(str(part)) == part


@given(parts)
def test_a_group_is_read_back_from_its_key(part: Part) -> None:
    if part.topic in (Topic.KIND, Topic.LANGUAGE, Topic.KIND_LANGUAGE):
        assert Part.of_group(part.topic, part.key) == part
    assert part.key == "" or str(part).endswith(part.key) or part.topic is Topic.SKILL


@given(st.text() | st.lists(st.sampled_from([*Topic, "/", "+", "zh", "kind"])).map("".join))
def test_a_name_that_is_understood_is_the_name_of_its_part(name: str) -> None:
    part = parse_part(name)
    assert part is None or str(part) == name


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("literal", Part(Topic.LITERAL)),
        ("language/zh", Part(Topic.LANGUAGE, language="zh")),
        ("kind+language/ordinal+zh", Part(Topic.KIND_LANGUAGE, kind="ordinal", language="zh")),
        ("skill/en/copy/2", Part(Topic.SKILL, language="en", skill="copy/2")),
        ("goldens/everyday", Part(Topic.GOLDENS, golden_set="everyday")),
        ("regressions/advisory", Part(Topic.REMEMBERED_ADVISORY)),
        ("leakage", Part(Topic.LEAKAGE)),
        ("leakage/panel/zh", Part(Topic.LEAKAGE_PANEL, language="zh")),
        ("named", Part(Topic.NAMED)),
        ("untouched", Part(Topic.UNTOUCHED)),
        ("words_lost/imported", Part(Topic.WORDS_LOST, golden_set="imported")),
        ("words_new/zh", Part(Topic.WORDS_NEW, golden_set="zh")),
        ("pronouns/zh", Part(Topic.PRONOUNS, language="zh")),
        ("pronouns/ordinal", Part(Topic.PRONOUNS, kind="ordinal")),
        ("pronouns/ordinal+zh", Part(Topic.PRONOUNS, kind="ordinal", language="zh")),
    ],
)
def test_names_in_files_that_exist_are_understood(name: str, part: Part) -> None:
    assert (parse_part(name), str(part)) == (part, name)


@pytest.mark.parametrize("name", ["", "literal/zh", "language", "kind", "surprise", "kindred/x"])
def test_other_names_say_nothing(name: str) -> None:
    assert parse_part(name) is None


def test_a_part_of_a_kind_in_a_language_is_not_about_the_language() -> None:
    assert Part(Topic.KIND_LANGUAGE, kind="ordinal", language="zh").one_language == ""
    assert Part(Topic.SKILL, language="zh", skill="copy").one_language == "zh"
