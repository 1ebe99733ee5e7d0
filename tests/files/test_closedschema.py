"""One reader of closed files: every place has its line, every fault its sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from evalsuite.errors import InvalidInput
from evalsuite.files.closedschema import (
    Closed,
    VisibleText,
    json_schema,
    parse_closed,
    parse_closed_json,
)
from evalsuite.files.jsonnodes import located_json, strict_json
from evalsuite.files.located import Place, located
from evalsuite.files.problems import Problems
from evalsuite.files.wording import wording_of


class Colour(StrEnum):
    """For the choices of a schema."""

    RED = "red"
    GREEN = "green"


class Wheel(Closed):
    """A mapping that is told by its path."""

    size: Annotated[int, Field(ge=1)]
    colour: Colour = Colour.RED
    named: bool = False
    notes: dict[str, Any] = Field(default={})


class Bell(Closed):
    """A mapping that is told by its name."""

    wording = replace(wording_of("a bell"), missing="the bell lacks {keys}")

    tone: VisibleText
    colour: Colour
    loud: bool = False
    marks: tuple[VisibleText, ...] = ()


class Cart(Closed):
    """What the files of these tests hold."""

    wheels: Annotated[tuple[Wheel, ...], Field(min_length=1)]
    bell: Bell | None = None


def told(text: str) -> list[str]:
    """The lines of the refusal of ``text``."""
    with pytest.raises(InvalidInput) as caught:
        parse_closed(Cart, text, "f", error=InvalidInput)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wheels:\n  - size: 0\n", "f:2: wheels.0.size=0: input should be greater than or equal"),
        ("wheels:\n  - size:\n      x\n", 'f:2: wheels.0.size="x": input should be a valid int'),
        ("wheels:\n  - {}\n", "f:2: 'wheels.0.size' is missing; add it"),
        (
            "wheels:\n  - size: 1\n    sise: 2\n",
            "f:3: unknown key 'wheels.0.sise'; did you mean 's",
        ),
        ("wheels:\n  - size: 1\n    size: 2\n", "f:3: key 'size' stands twice; keep one"),
        ("wheels:\n  - size: 1\n    [a]: 2\n", "f:3: a key must be one word, not a list"),
        (
            "wheels:\n  - {size: 1, colour: gren}\n",
            "f:2: wheels.0.colour=\"gren\": input should be 'red' or 'green'; did you mean 'g",
        ),
        ("wheels: []\n", "f:1: wheels=[]: list should have at least 1 item"),
        ("wheels:\n  - size: 2020-01-01\n", "f:2: wheels.0.size: 2020-01-01 is read as times"),
        (
            "wheels: [{size: 1, notes: {a: {b: 1,\n  b: 2}}}]\n",
            "f:2: key 'b' stands twice; keep one",
        ),
        ("wheels: [{size: 1}]\nbell: 3\n", "f:2: a bell must be a mapping with the keys: tone, "),
        ("wheels: [{size: 1}]\nbell:\n  loud: true\n", "f:3: the bell lacks tone, colour"),
        (
            "wheels: [{size: 1}]\nbell: {tone: a, colour: blue}\n",
            "f:2: colour='blue' is unknown; use red, green",
        ),
        (
            "wheels: [{size: 1}]\nbell: {tone: a, colour: red, loud: yes}\n",
            "f:2: loud must be true or false, without quotes",
        ),
        (
            "wheels: [{size: 1}]\nbell: {tone: a, colour: red, marks: [12]}\n",
            'f:2: an entry of marks: 12 is read as int, not as text; write "12" in quotes',
        ),
        (
            "wheels: [{size: 1}]\nbell: {tone: 2020-01-01, colour: red}\n",
            'f:2: tone: 2020-01-01 is read as timestamp, not as text; write "2020-01-01" in quotes',
        ),
    ],
)
def test_a_fault_is_told_with_line_value_and_fix(text: str, said: str) -> None:
    (line,) = told(text)
    assert line.startswith(said)


def test_what_was_told_once_is_not_told_again_in_other_words() -> None:
    lines = told("wheels:\n  - *w\n  - size: &s 1\n    nine: {a: 1, a: 2}\n")
    assert [line.partition(" ")[0] for line in lines] == ["f:2:", "f:3:", "f:4:"]
    assert "alias" in lines[0]
    assert "anchor" in lines[1]
    assert "unknown key 'wheels.1.nine'" in lines[2]


def test_a_word_for_a_boolean_passes_where_a_schema_does_not_mind() -> None:
    cart = parse_closed(Cart, "wheels: [{size: 1, named: yes}]\n", "f", error=InvalidInput)
    assert cart.wheels[0].named


def test_json_is_told_with_its_lines_and_refused_where_readers_disagree() -> None:
    with pytest.raises(InvalidInput, match=r'^f:3: wheels\.1\.size="2": input should be a valid'):
        parse_closed_json(
            Cart, b'{"wheels": [\n{"size": 1},\n{"size": "2"}]}', "f", error=InvalidInput
        )
    for data, said in (
        (b'{"wheels": [\n1,\n,]}', r"^f:3: is refused: it is not JSON: Expecting value, column 1"),
        (b" ", r"^f:1: is refused: it is not JSON: the file is empty"),
    ):
        with pytest.raises(InvalidInput, match=said):
            parse_closed_json(Cart, data, "f", error=InvalidInput)
    for data in (b'{"wheels": 1, "wheels": 2}', b"[NaN]", b"[" * 100_000):
        with pytest.raises(InvalidInput, match="f: is refused: it is not JSON"):
            parse_closed_json(Cart, data, "f", error=InvalidInput)


def test_a_schema_names_no_empty_defaults_and_repeats_no_titles() -> None:
    schema = json_schema(Cart, "a cart")
    assert schema["title"] == "a cart"
    assert "title" not in json.dumps(schema["$defs"])
    assert schema["$defs"]["Bell"]["properties"]["marks"] == {
        "items": {"pattern": r"\S", "type": "string"},
        "type": "array",
    }


words = st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("它。"))
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)


def places(data: Any, place: Place = ()) -> list[Place]:
    """Every place in some data."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(data, dict):
        inside = list(data.items())
    if isinstance(data, list):
        inside = list(enumerate(data))
    return [place, *(deeper for part, d in inside for deeper in places(d, (*place, part)))]


@settings(max_examples=150)
@given(documents, st.sampled_from([None, 1]))
def test_yaml_and_json_agree_on_data_and_lines(document: Any, indent: int | None) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    problems = Problems("f")
    by_yaml, by_json = located(text, problems), located_json(text.encode(), "f")
    assert problems.found == []
    assert by_yaml.data == by_json.data == document == strict_json(text.encode())
    lines = text.splitlines()
    for place in places(document):
        for of_value in (False, True):
            line = by_json.line(place, of_value=of_value)
            assert line == by_yaml.line(place, of_value=of_value)
        if place and isinstance(place[-1], str):
            assert json.dumps(place[-1], ensure_ascii=False) in lines[line - 1]
