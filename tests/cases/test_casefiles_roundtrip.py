"""Dump and load are an inverse pair, and the schema says what the reader says."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.cases.casefiles import dump_cases, json_schema, parse_cases, without_source
from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidCase
from evalsuite.files.yamlnodes import plain_type, quoted, scalar

GOOD = """\
cases:
  - id: lima
    language: en
    kind: single
    history:
      - user: Where is Lima?
      - assistant: In Peru.
    query: How big is it?
    expect:
      rewrites: ["How big is Lima?"]
      must_name: [Lima]
"""


texts = st.text(
    st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40
).filter(str.strip)
tricky = st.sampled_from(
    [
        "no",
        "~",
        "1.5",
        "- a",
        "a: b",
        "#x",
        "'",
        '"',
        "\\",
        "a\nb",
        "*a",
        "&a",
        "!!x",
        "\u202e",
        "a\x85b",
        "a\u2028b",
        "\ufeff",
        "x\t",
        "%YAML",
        "{{x}}",
        "他们",
        "\U0010ffff",
        "<|im_end|>",
        "2001-01-01",
    ]
)
content = texts | tricky


@st.composite
def cases(draw: st.DrawFn, number: int = 0) -> Case:
    query = draw(content)
    unchanged = draw(st.booleans())
    banned = draw(st.lists(content, max_size=2))
    named = [
        n
        for n in draw(st.lists(content, max_size=2))
        if n.casefold() not in {b.casefold() for b in banned}
    ]
    rewrites = (query,) if unchanged else tuple(draw(st.lists(content, min_size=1, max_size=3)))
    identifier = draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True))
    return Case(
        id=f"{number}{identifier}" if number else identifier,
        language=draw(st.sampled_from(Language)),
        kind=draw(st.sampled_from(Kind)),
        cluster=draw(content),
        history=tuple(
            Message(role, text)
            for role, text in draw(
                st.lists(
                    st.tuples(st.sampled_from((Role.USER, Role.ASSISTANT)), content), max_size=4
                )
            )
        ),
        query=query,
        expect=Expectation(
            rewrites=rewrites,
            must_name=tuple(named),
            must_not_name=tuple(banned),
            unchanged=unchanged,
        ),
    )


@given(st.lists(cases(), min_size=1, max_size=3, unique_by=lambda case: case.id))
@settings(max_examples=60)
def test_what_was_dumped_loads_as_the_same_cases(given_cases: list[Case]) -> None:
    text = dump_cases(given_cases)
    assert [without_source(case) for case in parse_cases(text)] == given_cases
    jsonschema.validate(yaml.safe_load(text), json_schema())


@given(st.lists(cases(), min_size=1, max_size=2, unique_by=lambda case: case.id))
@settings(max_examples=15)
def test_dumping_what_was_loaded_changes_nothing(given_cases: list[Case]) -> None:
    text = dump_cases(given_cases)
    assert dump_cases([without_source(case) for case in parse_cases(text)]) == text


@given(texts | tricky)
def test_quoted_text_is_one_line_that_any_yaml_reader_understands(text: str) -> None:
    line = quoted(text)
    assert line.isprintable() or all(c.isprintable() or ord(c) > 127 for c in line)
    assert yaml.safe_load(line) == text
    assert yaml.safe_load(scalar(text)) == text


def test_a_name_that_yaml_reads_as_something_else_is_quoted() -> None:
    assert [scalar(t) for t in ("lima", "no", "1.5", "1e3", "a b")] == [
        "lima",
        '"no"',
        '"1.5"',
        "1e3",
        '"a b"',
    ]
    assert plain_type("1e3") == "str"


def test_a_dump_says_where_cases_came_from_and_where_the_schema_is() -> None:
    text = dump_cases(parse_cases(GOOD, "a\nb.yaml"), schema="../case.schema.json")
    assert text.startswith("# yaml-language-server: $schema=../case.schema.json\ncases:\n")
    assert "  # from a\\nb.yaml:2\n" in text


def test_dumping_nothing_or_the_same_id_twice_is_refused() -> None:
    with pytest.raises(InvalidCase, match="is empty"):
        dump_cases([])
    with pytest.raises(InvalidCase, match="duplicate id 'lima'"):
        dump_cases(parse_cases(GOOD) * 2)


# --- the schema ---


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), {"cases": []}),
        (("extra",), 1),
        (("cases", 0, "extra"), "x"),
        (("cases", 0, "id"), "Lima"),
        (("cases", 0, "kind"), "singel"),
        (("cases", 0, "language"), "fr"),
        (("cases", 0, "query"), " "),
        (("cases", 0, "history", 0), {"tool": "x"}),
        (("cases", 0, "history", 0), {"user": "x", "assistant": "y"}),
        (("cases", 0, "expect"), {"must_not_name": ["x"]}),
        (("cases", 0, "expect"), {"unchanged": False}),
        (("cases", 0, "expect", "unchanged"), "true"),
        (("cases", 0, "expect", "rewrites"), ["", "x"]),
    ],
)
def test_the_schema_and_the_reader_refuse_the_same(path: tuple[Any, ...], value: Any) -> None:
    document = yaml.safe_load(GOOD)
    jsonschema.validate(document, json_schema())
    if path:
        *way, last = path
        place = document
        for step in way:
            place = place[step]
        place[last] = value
    else:
        document = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())
    with pytest.raises(InvalidCase):
        parse_cases(json.dumps(document))


@pytest.mark.parametrize("key", ["id", "language", "kind", "query", "expect"])
def test_the_schema_and_the_reader_ask_for_the_same_keys(key: str) -> None:
    document = yaml.safe_load(GOOD)
    del document["cases"][0][key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())
    with pytest.raises(InvalidCase, match=f"lacks {key}"):
        parse_cases(json.dumps(document))
