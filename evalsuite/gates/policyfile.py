"""Reading a policy file: closed schema, no YAML magic, errors that name file, line, value and fix.

All problems of a file are reported at once. Shipped policies are read by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from evalsuite._yaml import Problems, joined, read_text, suggestion
from evalsuite._yamldata import Place, located
from evalsuite.errors import InvalidInput, InvalidPolicy
from evalsuite.gates.policy import Policy

POLICIES = Path(__file__).parent / "policies"
"""The shipped policies."""

_LARGEST = 1 << 20


def policy_names() -> tuple[str, ...]:
    """Return the names of the shipped policies."""
    return tuple(sorted(path.stem for path in POLICIES.glob("*.yaml")))


def load_policy(name_or_path: str | Path) -> Policy:
    """Read a shipped policy by its name, or any policy file by its path.

    Raises:
        InvalidPolicy: no such policy, or one line ``file:line: problem and fix`` for each problem.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and name_or_path in policy_names():
        path = POLICIES / f"{name_or_path}.yaml"
    elif not path.is_file():
        raise InvalidPolicy(
            f"policy={str(name_or_path)!r} is neither a file nor a shipped policy; "
            f"use one of {', '.join(policy_names())}, or the path of a YAML file"
        )
    try:
        text = read_text(path, str(path), most=_LARGEST)
    except InvalidInput as error:
        raise InvalidPolicy(str(error)) from None
    return parse_policy(text, str(path))


def parse_policy(text: str, name: str = "<text>") -> Policy:
    """Read a policy from YAML text; ``name`` stands for the file in messages.

    Raises:
        InvalidPolicy: as :func:`load_policy`.
    """
    problems = Problems(name)
    read = located(text, problems)
    if problems.found:
        raise InvalidPolicy(joined(problems.lines()))
    try:
        # Through JSON, because strict JSON reads "0.05" as text and still knows enumerations.
        return Policy.model_validate_json(json.dumps(read.data), strict=True)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            place = tuple(details["loc"])
            problems.add(read.line(place), _sentence(place, dict(details)))
    raise InvalidPolicy(joined(problems.lines()))


def _sentence(place: Place, details: dict[str, Any]) -> str:
    """Say what is wrong at ``place`` and what would be right."""
    key = ".".join(str(part) for part in place if part != "[key]")
    known = list(_keys(Policy, place[:-1]))
    if details["type"] == "extra_forbidden":
        hint = suggestion(str(place[-1]), known) or f"; use {', '.join(known)}"
        return f"unknown key {key!r}{hint}"
    if details["type"] == "missing":
        return f"{key!r} is missing; add it (shipped policies show a value)"
    message = str(details["msg"]).removeprefix("Value error, ")
    if details["type"] == "value_error":
        return f"{key or 'the policy'}: {message}"
    return f"{key or 'the policy'}={_shown(details['input'])}: {message[:1].lower()}{message[1:]}"


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
