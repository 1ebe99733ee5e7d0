"""What is wrong with a file, in sentences: pydantic's errors in the words of that kind of file.

Pydantic says what is wrong with data; a person needs the line, the value, the key that was meant
and the fix.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from evalsuite.files.located import Located, Place
from evalsuite.files.nodes import Fields, Items, Text
from evalsuite.files.problems import suggestion
from evalsuite.files.shapes import allowed_at, choices_of, keys_of, may_be_mapping, owner_at
from evalsuite.files.wording import Wording
from evalsuite.files.yamlnodes import plain_type

_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How pydantic writes a member of an enumeration; a person writes its value."""
_TYPES = MappingProxyType(
    {
        "valid tuple|valid array": "valid list",
        "tuple": "list",
        r"valid dictionary(?: or instance of \w+)?": "mapping",
        "input should be an object": "input should be a mapping",
    }
)
"""What pydantic calls the types of a file, and how a person knows them."""
_TEMPLATES = MappingProxyType(
    {
        "extra_forbidden": "unknown",
        "missing": "missing",
        "value_error": "broken",
        "model_type": "shape",
        "tuple_type": "listed",
        "list_type": "listed",
        "too_short": "length",
        "too_long": "length",
        "enum": "choice",
        "literal_error": "choice",
        "bool_type": "flag",
    }
)
"""Pydantic's name of an error -> the template for it; all others take ``value``."""
_DEFAULT = Wording()


def sentences(
    model: type[BaseModel], read: Located, error: ValidationError, prefix: Place = ()
) -> Iterator[tuple[int, str]]:
    """Yield line and text of each problem; what was reported already is passed over.

    Args:
        model: the schema that judged.
        read: what it judged.
        error: what it found.
        prefix: where in the file the judged data stand.
    """
    found: list[dict[str, Any]] = [
        {**details, "loc": tuple(part for part in details["loc"] if part != "[key]")}
        for details in error.errors(include_url=False)
    ]
    told: set[tuple[Place, str]] = set()
    for details in found:
        place: Place = details["loc"]
        fault = _Fault(model, read, details, prefix)
        if read.is_refused((*prefix, *place)):
            continue
        if details["type"] == "too_short" and _broken_inside(place, found):
            continue  # it is too short only without the items that are wrong themselves
        if details["type"] == "missing" and "{keys}" in fault.wording.missing:
            if (place[:-1], "missing") in told:
                continue
            told.add((place[:-1], "missing"))
            fault.missing = [
                str(other["loc"][-1])
                for other in found
                if other["type"] == "missing" and other["loc"][:-1] == place[:-1]
            ]
        yield fault.line, fault.sentence


def of_unread(model: type[BaseModel], read: Located) -> Iterator[tuple[int, str]]:
    """Yield line and text of what stands in the file and not in the data."""
    for odd in read.odd_keys:
        if not any(map(may_be_mapping, allowed_at(model, odd.mapping))):
            continue  # the schema refuses the whole of it
        holder = owner_at(model, odd.mapping)
        wording = _words(holder)
        template = wording.odd if odd.name is None else wording.twice
        yield (
            odd.line,
            template.format(key=odd.name, first=odd.first, known=", ".join(keys_of(holder))),
        )
    for place, kind in read.unread:
        allowed, node = allowed_at(model, place), read.node(place)
        if not allowed or not isinstance(node, Text):
            continue
        what = _what(_words(owner_at(model, place[:-1])), place)
        if str in allowed or choices_of(allowed):
            yield node.line, _quotes_due(what, node.value, kind)
        else:
            said = f"{node.value[:40]} is read as {kind}; write it out, or put it in quotes"
            yield node.line, f"{what}: {said}"


def wants_true_or_false(model: type[BaseModel], place: Place) -> bool:
    """Whether a place holds a boolean that may be written in no other words."""
    return bool(_words(owner_at(model, place[:-1])).flag) and bool in allowed_at(model, place)


def _quotes_due(what: str, value: str, kind: str) -> str:
    kind, shown = "a number" if kind == "str" else kind, _short(value)  # to YAML, 1e5 is text
    return f'{what}: {shown} is read as {kind}, not as text; write "{shown}" in quotes'


def _broken_inside(place: Place, found: Sequence[Mapping[str, Any]]) -> bool:
    deeper = (other["loc"] for other in found)
    return any(len(loc) > len(place) and loc[: len(place)] == place for loc in deeper)


@dataclass
class _Fault:
    """One error of pydantic, and what the schema says of its place."""

    model: type[BaseModel]
    read: Located
    details: Mapping[str, Any]
    prefix: Place
    missing: Sequence[str] = ()

    @property
    def place(self) -> Place:
        """Where it is, without the names that pydantic gives to members of a union."""
        place: Place = self.details["loc"]
        known = 0
        for known in range(len(place), -1, -1):
            if allowed_at(self.model, place[:known]):
                break
        return place if self.details["type"] == "extra_forbidden" else place[:known]

    @property
    def wording(self) -> Wording:
        """The words of the mapping that holds it."""
        shape = self.details["type"] == "model_type"
        return _words(owner_at(self.model, self.place if shape else self.place[:-1]))

    @property
    def line(self) -> int:
        place, kind = (*self.prefix, *self.place), self.details["type"]
        if kind == "missing":
            place = place[:-1]
        of_value = self.wording.at_value and kind != "extra_forbidden"
        return self.read.line(place, of_value=of_value)

    @property
    def sentence(self) -> str:
        kind, wording = self.details["type"], self.wording
        facts = self._facts()
        if kind == "text":
            return f"{facts['what']} {self.details['msg']}"
        visible = isinstance(self._value, str) and self._value.strip()
        chosen = kind in ("enum", "literal_error") and facts["choices"]
        if kind == "string_type" or (chosen and not visible):
            said = self._not_text(facts["what"])
            if said:
                return said
        template = getattr(wording, _TEMPLATES.get(kind, "value")) or wording.value
        hint = wording.hints.get(str(self.place[0])) if self.place else None
        added = f" ({hint})" if hint and kind not in ("extra_forbidden", "missing") else ""
        return str(template.format(**facts)) + added

    @property
    def _value(self) -> Any:
        return self.details.get("input")

    def _facts(self) -> dict[str, Any]:
        place, wording = (*self.prefix, *self.place), self.wording
        shape = self.details["type"] == "model_type"
        known = keys_of(owner_at(self.model, self.place if shape else self.place[:-1]))
        chosen = choices_of(allowed_at(self.model, self.place))
        word = str(place[-1]) if self.details["type"] == "extra_forbidden" else str(self._value)
        right = known if self.details["type"] == "extra_forbidden" else chosen
        near = suggestion(word, right, wording.near) if right else ""
        message = _MEMBER.sub(r"\1", str(self.details["msg"]).removeprefix("Value error, "))
        if self.details["type"] != "value_error":
            message = message[:1].lower() + message[1:]
            for theirs, ours in _TYPES.items():
                message = re.sub(theirs, ours, message)
        return {
            "path": ".".join(map(str, place)) or "the file",
            "key": next((str(part) for part in reversed(place) if isinstance(part, str)), ""),
            "keys": ", ".join(self.missing),
            "what": _what(wording, place),
            "known": ", ".join(known),
            "choices": ", ".join(repr(one) if " " in one else one for one in chosen),
            "either": " or ".join(chosen),
            "count": len(self._value) if isinstance(self._value, list | dict) else "no",
            "near": near,
            "hint": near or f"; use {', '.join(right)}",
            "json": _short(json.dumps(self._value, ensure_ascii=False, default=str)),
            "repr": _short(repr(self._value)),
            "message": message,
        }

    def _not_text(self, what: str) -> str:
        """Say why a part of the file is no text; empty where it does not come from the file."""
        node = self.read.node((*self.prefix, *self.place))
        match node:
            case Items():
                return f"{what} is a list; write one text"
            case Fields():
                why = " (quote a text that holds ': ')" if self.wording.at_value else ""
                return f"{what} is a mapping{why}; write one text"
            case Text(value) if not value.strip():
                return f"{what} is empty; write a visible text or remove the key"
            case Text(value):
                return _quotes_due(what, value, plain_type(value))
        return ""


def _what(wording: Wording, place: Place) -> str:
    """Name a part of a file."""
    key = next((str(part) for part in reversed(place) if isinstance(part, str)), "")
    if not key:
        return "the file"
    template = wording.noun if place[-1] == key else wording.entry
    return template.format(key=key, path=".".join(map(str, place)))


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _words(owner: type[BaseModel]) -> Wording:
    wording: Wording = getattr(owner, "wording", _DEFAULT)
    return wording
