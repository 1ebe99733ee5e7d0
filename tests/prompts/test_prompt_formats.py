from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Conversation, Message, Role, messages
from evalsuite.errors import InvalidCase, InvalidInput, PromptFormatError
from evalsuite.prompts import (
    FORMATS,
    Demonstration,
    PromptFormat,
    PromptParts,
    build,
    get_format,
    task_text,
)
from evalsuite.prompts.yamlform import YAML

MARKER_LINES = {
    "xml": r"^</?(?:task|example|history|query)>$|^(?:user|assistant|query|rewrite): ",
    "markdown": r"^# (?:Task|Example|History|Query)$|^- (?:user|assistant|query|rewrite): ",
    "plain": r"^(?:Task|Example|History|Query):$|^(?:user|assistant|query|rewrite): ",
}
ORDINARY = (
    'Why is 3 < 5 & 7 > 2? "Because," she said, it\'s so: a/b, 50%, #1, C:\\temp, `code`.',
    "“他说：《红楼梦》好看吗？”——是的，不错！（真的）",
    "User: hi; History: long\n- a list\n1. item\n# Heading\n```python\nx < y\n```\n<b>bold</b>",
    "query and rewrite, task: none",
)

demonstration = Demonstration(
    history=messages([("user", "Who wrote The Salt Road?"), ("assistant", "Mira Tallow.")]),
    query="When was she born?",
    rewrite="When was Mira Tallow born?",
    language=Language.EN,
    entities=("Mira Tallow",),
)
parts = PromptParts(
    task=task_text(Language.EN),
    demonstrations=(demonstration,),
    history=messages([("user", "Which is faster, A or B?"), ("assistant", "B.")]),
    query="How is its memory?",
)

INVERTIBLE = {**FORMATS, "yaml": YAML}
formats = pytest.mark.parametrize("format", INVERTIBLE.values(), ids=list(INVERTIBLE))

# A busy machine must not decide whether a property holds.
on_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_PIECES = st.sampled_from(
    [
        "\n", "\\", "\\\\", " ", "\r", "\t", "<", ">", "&", '"', "'", "`", "```", "#", "# ", "- ",
        "user: ", "assistant: ", "query: ", "rewrite: ", "user:", "\nuser: ", "\n- user: ",
        "<task>", "</task>", "<example>", '<example lang="zh">', "</example>", "<history>",
        "</history>", "<query>", "</query>", "<\\query>", "<\\/query>", "\\<query>", "<query",
        "# Task", "# Example", "# Example (zh)", "# History", "# Query", "\\# Query",
        "Task:", "Example:", "Example (en):", "History:", "Query:", "\nQuery:", "\\Query:",
        '"}', '{"query": "', "&lt;", "\\n", "\\u0041", "他", "é", "e\u0301", "\u2028", "\x85", "x",
    ]
)  # fmt: skip
contents = (
    st.lists(_PIECES | st.text(max_size=3), min_size=1, max_size=8)
    .map("".join)
    .filter(lambda text: bool(text.strip()))
)
histories = st.lists(
    st.builds(Message, st.sampled_from([Role.USER, Role.ASSISTANT]), contents), max_size=4
).map(tuple)
demonstrations = st.builds(
    Demonstration,
    history=histories,
    query=contents,
    rewrite=contents,
    language=st.sampled_from(Language),
    entities=st.just(()),
)
any_parts = st.builds(
    PromptParts,
    task=contents,
    demonstrations=st.lists(demonstrations, max_size=3).map(tuple),
    history=histories,
    query=contents,
)


@formats
@on_any_machine
@given(parts=any_parts)
def test_parse_undoes_format_for_any_content(format: PromptFormat, parts: PromptParts) -> None:
    assert format.parse(format.format(parts)) == parts


@formats
@on_any_machine
@given(parts=any_parts, data=st.data())
def test_what_parse_accepts_is_exactly_what_format_writes(
    format: PromptFormat, parts: PromptParts, data: st.DataObject
) -> None:
    system, user = (m.content for m in format.format(parts).messages)
    text = data.draw(st.sampled_from([system, user]))
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(at, min(len(text), at + 3)))
    changed = text[:at] + data.draw(_PIECES | st.just("")) + text[cut:]
    if not changed.strip():
        return
    pair = (changed, user) if text is system else (system, changed)
    edited = Conversation.of(("system", pair[0]), ("user", pair[1]))
    try:
        read = format.parse(edited)
    except PromptFormatError:
        return
    assert format.format(read) == edited


@pytest.mark.parametrize("name", MARKER_LINES)
@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_written_as_it_is(name: str, text: str) -> None:
    asked = replace(parts, history=messages([("user", text)]), query=text)
    user = get_format(name).format(asked).messages[1].content
    assert user.count(text) == 2
    assert user.count("\\") == 2 * text.count("\\")


@pytest.mark.parametrize("name", MARKER_LINES)
@on_any_machine
@given(text=contents)
def test_no_content_adds_a_marker_line(name: str, text: str) -> None:
    format = get_format(name)
    written = format.format(replace(parts, query=text, history=messages([("user", text)])))
    plain = format.format(replace(parts, query="x", history=messages([("user", "x")])))
    pattern = re.compile(MARKER_LINES[name], re.MULTILINE)
    before, after = (pattern.findall(prompt.messages[1].content) for prompt in (plain, written))
    assert after == before


@on_any_machine
@given(text=contents)
def test_no_content_spells_an_xml_tag(text: str) -> None:
    written = get_format("xml").format(replace(parts, query=text)).messages[1].content
    assert re.findall("</?(?:task|example|history|query)>", written) == [
        "<history>",
        "</history>",
        "<query>",
        "</query>",
    ]


@formats
def test_white_space_around_a_text_survives(format: PromptFormat) -> None:
    asked = replace(parts, query="  \n\tWho?\r\n \n", history=messages([("user", "\n\nhi \n")]))
    assert format.parse(format.format(asked)) == asked


@formats
def test_a_prompt_is_one_system_and_one_user_message(format: PromptFormat) -> None:
    roles = [m.role for m in format.format(parts).messages]
    assert roles == [Role.SYSTEM, Role.USER]


@formats
def test_the_system_message_does_not_depend_on_the_case(format: PromptFormat) -> None:
    other = replace(parts, query="另一个问题？", history=())
    assert format.format(parts).system == format.format(other).system


@formats
def test_entities_are_not_written(format: PromptFormat) -> None:
    secret = replace(demonstration, entities=("Zanzibar Quill",))
    written = format.format(replace(parts, demonstrations=(secret,)))
    assert "Zanzibar" not in "".join(m.content for m in written.messages)
    assert format.parse(written).demonstrations == (demonstration,)


@formats
@pytest.mark.parametrize(("language", "named"), [(Language.EN, False), (Language.ZH, True)])
def test_a_language_is_written_only_where_it_is_not_evident(
    format: PromptFormat, language: Language, named: bool
) -> None:
    shown = replace(demonstration, language=language)
    written = format.format(replace(parts, demonstrations=(shown,)))
    assert ("zh" in (written.system or "")) is named
    assert format.parse(written).demonstrations[0].language is language


@formats
def test_a_history_may_be_empty_or_lack_its_answers(format: PromptFormat) -> None:
    for turns in ((), messages([("user", "a"), ("user", "b"), ("user", "c")])):
        asked = replace(parts, history=turns)
        assert format.parse(format.format(asked)).history == turns


@formats
def test_an_answered_prompt_is_no_prompt(format: PromptFormat) -> None:
    answered = format.format(parts).then(Role.ASSISTANT, "How is B's memory?")
    with pytest.raises(PromptFormatError, match="system, user, assistant"):
        format.parse(answered)


@pytest.mark.parametrize(
    ("name", "old", "new", "part"),
    [
        ("xml", "<query>\n", "", "the query"),
        ("xml", "</history>\n", "", "the history"),
        ("xml", "<history>\n", "", "the history"),
        ("xml", "</query>", "</query>\nmore", "the end"),
        ("xml", "user: Which", "User: Which", "the history"),
        ("xml", "<task>\n", "", "the task"),
        ("xml", "rewrite: ", "answer: ", "demonstration 0"),
        ("xml", "</example>", "", "demonstration 0"),
        ("markdown", "# Query\n", "", "the query"),
        ("markdown", "# History\n", "", "the history"),
        ("markdown", "# Task\n", "", "the task"),
        ("markdown", "- query: ", "query: ", "demonstration 0"),
        ("plain", "Query:\n", "", "the query"),
        ("plain", "Task:\n", "", "the task"),
        ("plain", "rewrite: When was Mira Tallow born?", "rewrite:  ", "demonstration 0"),
        ("json", '"query": "How', '"question": "How', "the query"),
        ("json", '[{"user": "Which', '[{"tool": "Which', "the history, turn 0"),
        ("json", '"task"', '"tasks"', "the task"),
        ("json", '"rewrite": "', '"rewrite": 1, "x": "', "demonstration 0, rewrite"),
        ("json", '"examples": [', '"examples": 1, "x": [', "the demonstrations"),
        ("json", "}", "", "message"),
    ],
)
def test_a_damaged_prompt_is_refused_and_the_part_is_named(
    name: str, old: str, new: str, part: str
) -> None:
    written = get_format(name).format(parts)
    damaged = Conversation(
        tuple(Message(m.role, m.content.replace(old, new)) for m in written.messages)
    )
    assert damaged != written
    with pytest.raises(PromptFormatError, match=re.escape(part)):
        FORMATS[name].parse(damaged)


def test_a_tag_in_the_middle_of_a_line_was_not_written_by_format() -> None:
    loose = Conversation.of(
        ("system", "<task>\nt\n</task>"),
        ("user", "<history>\nuser: a </history> b\n</history>\n<query>\nq\n</query>"),
    )
    with pytest.raises(PromptFormatError, match="line 2"):
        FORMATS["xml"].parse(loose)


def test_deeply_nested_json_is_refused() -> None:
    nested = Conversation.of(("system", "[" * 100_000), ("user", "{}"))
    with pytest.raises(PromptFormatError, match="the system message"):
        FORMATS["json"].parse(nested)


def test_build_shows_task_demonstrations_history_and_query() -> None:
    case = Case(
        id="c1",
        language=Language.ZH,
        kind=Kind.SINGLE,
        cluster="t1",
        history=messages([("user", "谁写了《盐路》？"), ("assistant", "米拉。")]),
        query="她哪年出生？",
        expect=Expectation(must_name=("米拉",)),
    )
    for name in FORMATS:
        built = build(case, format=name, demonstrations=[demonstration])
        read = FORMATS[name].parse(built)
        assert read.task == task_text(Language.ZH)
        assert (read.history, read.query) == (case.history, case.query)
        assert read.demonstrations == (demonstration,)
    assert build(case) == build(case, format="xml")


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="format='toml' is unknown; use one of: xml, json"):
        get_format("toml")


@pytest.mark.parametrize(
    "change",
    [
        {"query": " "},
        {"rewrite": ""},
        {"entities": ("Mira", " ")},
        {"history": messages([("system", "s")])},
    ],
)
def test_a_demonstration_with_an_empty_part_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidCase, match="demonstration"):
        replace(demonstration, **change)


@pytest.mark.parametrize(
    "change", [{"task": ""}, {"query": "\n"}, {"history": messages([("system", "s")])}]
)
def test_parts_that_no_format_can_carry_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidCase):
        replace(parts, **change)


def test_the_task_is_in_the_language_asked_for() -> None:
    assert "query" in task_text(Language.EN)
    assert "问题" in task_text(Language.ZH)
    assert len(task_text(Language.EN)) < 200
