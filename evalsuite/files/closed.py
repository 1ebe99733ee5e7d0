"""Reading a YAML file into a closed schema: errors that name file, line, value and fix.

All problems of a file are reported at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evalsuite.errors import InvalidInput, InvalidPolicy
from evalsuite.files.located import Place, located
from evalsuite.files.yaml import Problems, joined, read_text, suggestion

_M = TypeVar("_M", bound=BaseModel)
_LARGEST = 1 << 20
_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How pydantic writes a member of an enumeration; a person writes its value."""


def read_closed(model: type[_M], path: Path, *, example: str) -> _M:
    """Read a file as ``model``; ``example`` says where a person sees a missing key filled in.

    Raises:
        InvalidPolicy: one line ``file:line: problem and fix`` for each problem.
    """
    try:
        text = read_text(path, str(path), most=_LARGEST)
    except InvalidInput as error:
        raise InvalidPolicy(str(error)) from None
    return parse_closed(model, text, str(path), example=example)


def parse_closed(model: type[_M], text: str, name: str, *, example: str) -> _M:
    """Read YAML text as ``model``; ``name`` stands for the file in messages.

    Raises:
        InvalidPolicy: as :func:`read_closed`.
    """
    problems = Problems(name)
    read = located(text, problems)
    if problems.found:
        raise InvalidPolicy(joined(problems.lines()))
    try:
        # Through JSON, because strict JSON reads "0.05" as text and still knows enumerations.
        return model.model_validate_json(json.dumps(read.data), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        for details in found:
            place = tuple(details["loc"])
            if details["type"] == "too_short" and _broken_inside(place, found):
                continue  # it is too short only without the items that are wrong themselves
            problems.add(read.line(place), _sentence(model, place, dict(details), example))
    raise InvalidPolicy(joined(problems.lines()))


def _broken_inside(place: Place, found: Sequence[ErrorDetails]) -> bool:
    deeper = (tuple(other["loc"]) for other in found)
    return any(len(loc) > len(place) and loc[: len(place)] == place for loc in deeper)


def _sentence(model: type[BaseModel], place: Place, details: dict[str, Any], example: str) -> str:
    """Say what is wrong at ``place`` and what would be right."""
    key = ".".join(str(part) for part in place if part != "[key]")
    known = list(_keys(model, place[:-1]))
    if details["type"] == "extra_forbidden":
        hint = suggestion(str(place[-1]), known) or f"; use {', '.join(known)}"
        return f"unknown key {key!r}{hint}"
    if details["type"] == "missing":
        return f"{key!r} is missing; add it ({example} show a value)"
    message = str(details["msg"]).removeprefix("Value error, ")
    message = _MEMBER.sub(r"\1", message)
    if details["type"] == "value_error":
        return f"{key or 'the file'}: {message}"
    return f"{key or 'the file'}={_shown(details['input'])}: {message[:1].lower()}{message[1:]}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _keys(model: type[BaseModel], place: Place) -> Iterator[str]:
    """Yield the keys that the schema knows at ``place``."""
    if not place:
        yield from model.model_fields
        return
    field = model.model_fields.get(str(place[0]))
    inner = None if field is None else _model_in(field.annotation)
    if inner is not None:
        rest = place[2:] if len(place) > 1 and isinstance(place[1], int) else place[1:]
        yield from _keys(inner, rest)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation is, or is a tuple of."""
    for part in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None
