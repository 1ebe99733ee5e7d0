"""Reading a file into a closed schema: errors that name file, line, value and fix.

Every file that a person writes is read the same way: text, then plain data that remembers its
lines (:mod:`evalsuite.files.located`), then a pydantic model that knows every key, then, where
something is wrong, sentences (:mod:`evalsuite.files.sentences`). All problems of a file are
reported at once. The models stand in the packages whose files they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    RootModel,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import WithDefaultSchema

from evalsuite.errors import EvalsuiteError, InvalidInput
from evalsuite.files.jsonnodes import located_json
from evalsuite.files.located import Located, Place, located
from evalsuite.files.problems import Problems, joined
from evalsuite.files.sentences import of_unread, sentences, wants_true_or_false
from evalsuite.files.text import code_point, read_text
from evalsuite.files.wording import Wording

_M = TypeVar("_M", bound=BaseModel)
_R = TypeVar("_R")
LARGEST = 1_000_000
"""Largest file, in bytes, of what is written by hand."""


class Closed(BaseModel):
    """A mapping that holds its own keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    wording: ClassVar[Wording] = Wording()


class ClosedList(RootModel[tuple[_R, ...]]):
    """A file that is a list."""

    model_config = ConfigDict(frozen=True)
    wording: ClassVar[Wording] = Wording()


def _visible(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("text", "is empty; write a visible text or remove the key")
    if "\0" in text:
        said = f"holds {code_point(chr(0))}, which is no text; remove it"
        raise PydanticCustomError("text", "{said}", {"said": said})
    return text


VisibleText = Annotated[
    str, AfterValidator(_visible), WithJsonSchema({"type": "string", "pattern": r"\S"})
]
"""A text that a reader sees."""


def keeping_rules(make: Callable[[], _R]) -> _R:
    """Call ``make``, for a validator: what it refuses becomes a problem of the file.

    Raises:
        ValueError: as pydantic wants it, with the sentence of the error that was raised.
    """
    try:
        return make()
    except EvalsuiteError as error:
        raise ValueError(str(error)) from None


def validated(model: type[_M], read: Located, problems: Problems) -> _M | None:
    """Judge what was read; note everything that is wrong with it, and return None if it is not
    what the schema asks for."""
    if read.is_refused(()):
        return None
    note_unread(model, read, problems)
    for place in read.booleans:
        if wants_true_or_false(model, place):
            read.take_as_text(place)
    try:
        # Through JSON, because strict JSON reads "0.05" as text and still knows enumerations.
        return model.model_validate_json(json.dumps(read.data), strict=True)
    except ValidationError as error:
        for line, sentence in sentences(model, read, error):
            problems.add(line, sentence)
    return None


def note_unread(model: type[BaseModel], read: Located, problems: Problems) -> None:
    """Note what stands in the file and not in the data."""
    for line, said in of_unread(model, read):
        problems.add(line, said)


def explained(
    model: type[BaseModel], read: Located, error: ValidationError, prefix: Place = ()
) -> str:
    """Say what is wrong with what was read, a line for each problem.

    Args:
        model: the schema that judged.
        read: what it judged.
        error: what it found.
        prefix: where in the file the judged data stand.
    """
    found = dict.fromkeys(sentences(model, read, error, prefix))
    ordered = sorted(found, key=lambda problem: problem[0])
    return joined([f"{read.at(line)}: {said}" for line, said in ordered])


def read_closed(model: type[_M], path: Path, *, error: type[EvalsuiteError]) -> _M:
    """Read a YAML file as ``model``.

    Raises:
        error: one line ``file:line: problem and fix`` for each problem.
    """
    try:
        text = read_text(path, str(path), most=LARGEST)
    except InvalidInput as problem:
        raise error(str(problem)) from None
    return parse_closed(model, text, str(path), error=error)


def parse_closed(model: type[_M], text: str, name: str, *, error: type[EvalsuiteError]) -> _M:
    """Read YAML text as ``model``; ``name`` stands for the file in messages.

    Raises:
        error: as :func:`read_closed`.
    """
    problems = Problems(name)
    found = validated(model, located(text, problems), problems)
    if problems.found or found is None:
        raise error(joined(problems.lines()))
    return found


def parse_closed_json(
    model: type[_M], data: bytes, name: str, *, error: type[EvalsuiteError]
) -> _M:
    """Read JSON as ``model``; ``name`` stands for the file in messages.

    Raises:
        error: one line ``file:line: problem and fix`` for each problem.
    """
    try:
        read = located_json(data, name)
    except json.JSONDecodeError as problem:
        said = problem.msg if data.strip() else "the file is empty"
        where = f"{name}:{problem.lineno}"
        raise error(
            f"{where}: is refused: it is not JSON: {said}, column {problem.colno}"
        ) from None
    except ValueError as problem:
        raise error(f"{name}: is refused: it is not JSON: {problem}") from None
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as problem:
        raise error(explained(model, read, problem)) from None


class _Schema(GenerateJsonSchema):
    """JSON Schema without titles that repeat every key, and without defaults that say nothing."""

    def field_title_should_be_set(self, _: Any) -> bool:
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") in ("", ()):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def json_schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file, for editors and other tools."""
    schema = model.model_json_schema(schema_generator=_Schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_titles(schema),
        "title": title,
    }


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    named = {name: _without_titles(inner) for name, inner in schema.get("$defs", {}).items()}
    return {
        key: named if key == "$defs" else value for key, value in schema.items() if key != "title"
    }


def schema_text(schema: dict[str, Any]) -> str:
    """Return what the file of a JSON Schema holds."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
