"""The shape of a case file: its keys, and the JSON Schema that is made from them.

Apart from the reader, because editors need the shape and nothing else. Both use these tables, so
what completes in an editor is what loads.
"""

from __future__ import annotations

import json
from typing import Any

from evalsuite.cases import Kind, Language
from evalsuite.conversation import Role

REQUIRED = ("id", "language", "kind", "query", "expect")
"""Keys that every case has."""
CASE_KEYS = ("id", "language", "kind", "cluster", "history", "query", "expect")
"""Keys that a case may have, in the order in which they are written."""
LISTS = ("rewrites", "must_name", "must_not_name")
"""Keys of ``expect`` that hold lists of texts."""
EXPECT_KEYS = (*LISTS, "unchanged")
"""Keys that ``expect`` may have."""
SPEAKERS = (Role.USER, Role.ASSISTANT)
"""Who may speak in a history."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a case file, for editors and other tools."""
    text = {"type": "string", "pattern": r"\S"}
    texts = {"type": "array", "items": text}
    turns = [_closed_object({role.value: text}, [role.value]) for role in SPEAKERS]
    doc = {field: _field_text(field) for field in (*CASE_KEYS, *EXPECT_KEYS)}
    expect: dict[str, Any] = {key: {**texts, "description": doc[key]} for key in LISTS}
    expect["unchanged"] = {"type": "boolean", "description": doc["unchanged"]}
    identifier = {"type": "string", "pattern": r"^[a-z0-9][a-z0-9._-]{0,79}$"}
    fields: dict[str, Any] = {
        "id": identifier,
        "language": {"enum": [language.value for language in Language]},
        "kind": {"enum": [kind.value for kind in Kind]},
        "cluster": text,
        "history": {"type": "array", "items": {"oneOf": turns}},
        "query": text,
        "expect": {**_closed_object(expect, []), "anyOf": _something_expected()},
    }
    case = {key: {**value, "description": doc[key]} for key, value in fields.items()}
    cases = {"type": "array", "minItems": 1, "items": _closed_object(case, list(REQUIRED))}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "evalsuite case file",
        **_closed_object({"cases": cases}, ["cases"]),
    }


def schema_text() -> str:
    """Return what ``cases/case.schema.json`` must hold."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _closed_object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _something_expected() -> list[dict[str, Any]]:
    filled = [
        {"required": [key], "properties": {key: {"minItems": 1}}}
        for key in ("rewrites", "must_name")
    ]
    return [*filled, {"required": ["unchanged"], "properties": {"unchanged": {"const": True}}}]


def _field_text(name: str) -> str:
    return {
        "id": "Unique in all files; a-z, 0-9, '.', '_', '-'.",
        "language": "The language of the query.",
        "kind": "What makes the query depend on its history; reports are sliced by it.",
        "cluster": "Cases that share it are not independent evidence; the id when left out.",
        "history": "The turns before the query, oldest first: '- user: ...', '- assistant: ...'.",
        "query": "What the user says last; this is rewritten.",
        "expect": "What a good rewrite says and does not say.",
        "rewrites": "Accepted rewrites, the best one first.",
        "must_name": "Every one of these occurs in a good answer.",
        "must_not_name": "None of these occurs in a good answer.",
        "unchanged": "The answer must be the query itself.",
    }[name]
