"""How messages about a file are worded: templates for each kind of fault, filled in from a schema.

Pydantic says what is wrong with data; a person needs the line, the value, the key that was meant
and the fix, in the words of that kind of file. :class:`Wording` holds the words, :func:`sentences`
puts pydantic's errors into them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError

from evalsuite.files.located import Located, Place
from evalsuite.files.nodes import Fields, Items, Text
from evalsuite.files.problems import suggestion
from evalsuite.files.yaml import plain_type

_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How pydantic writes a member of an enumeration; a person writes its value."""
_TYPES = MappingProxyType(
    {
        "valid tuple|valid array": "valid list",
        "tuple": "list",
        r"valid dictionary(?: or instance of \w+)?": "mapping",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Templates of messages about one mapping of a file; an empty one stands for ``value``.

    They may name ``{path}`` (dotted, from the root), ``{key}``, ``{what}`` (the part by name),
    ``{known}`` and ``{choices}`` (what would be right), ``{near}`` (the nearest of these, if any),
    ``{hint}`` (the nearest, or all), ``{json}`` and ``{repr}`` (the value), ``{message}``
    (pydantic's), ``{count}`` (of entries), ``{either}`` (the choices), and ``{keys}``, by which all
    missing keys become one sentence.
    """

    unknown: str = "unknown key {path!r}{hint}"
    near: str = "; did you mean {near!r}?"
    missing: str = "{path!r} is missing; add it"
    twice: str = "key {key!r} stands twice; keep one"
    odd: str = "a key must be one word, not a list or a mapping"
    value: str = "{path}={json}: {message}"
    broken: str = "{path}: {message}"
    """What a rule of the schema says of a value, or of several."""
    shape: str = ""
    listed: str = ""
    length: str = ""
    choice: str = "{path}={json}: {message}{near}"
    flag: str = ""
    """Also for a boolean that is written as another word; without it, ``yes`` is true."""
    entry: str = "{path}"
    """The name of a part of a list."""
    noun: str = "{path}"
    """The name of any other part."""
    at_value: bool = False
    """Whether to tell the line on which a value begins, instead of its key's."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What to add for a key of the file's root."""


_DEFAULT = Wording()


def wording_of(called: str) -> Wording:
    """Words for a mapping that people know by a name, such as ``a case``."""
    return Wording(
        unknown=f"unknown key {{key!r}} in {called}{{hint}}",
        missing="the key {key!r} is missing; add it",
        twice=f"duplicate key {{key!r}} in {called}, first on line {{first}}",
        odd=f"{called} has a key that is not text; use {{known}}",
        value="{what}={repr}: {message}",
        broken="{message}",
        shape=f"{called} must be a mapping with the keys: {{known}}",
        listed="{what} must be a list; start each entry with '- '",
        length="{what} is empty; write at least one entry",
        choice="{what}={repr} is unknown{hint}",
        flag="{what} must be true or false, without quotes",
        entry="an entry of {key}",
        noun="{key}",
        at_value=True,
    )


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
        if not any(map(_may_be_mapping, _annotations(model, odd.mapping))):
            continue  # the schema refuses the whole of it
        owner = _owner(model, odd.mapping)
        wording = _words(owner)
        template = wording.odd if odd.name is None else wording.twice
        yield (
            odd.line,
            template.format(key=odd.name, first=odd.first, known=", ".join(_keys(owner))),
        )
    for place, kind in read.unread:
        allowed, node = _annotations(model, place), read.node(place)
        if not allowed or not isinstance(node, Text):
            continue
        what = _what(_words(_owner(model, place[:-1])), place)
        if str in allowed or _choices(allowed):
            yield node.line, _quotes_due(what, node.value, kind)
        else:
            said = f"{node.value[:40]} is read as {kind}; write it out, or put it in quotes"
            yield node.line, f"{what}: {said}"


def wants_true_or_false(model: type[BaseModel], place: Place) -> bool:
    """Whether a place holds a boolean that may be written in no other words."""
    return bool(_words(_owner(model, place[:-1])).flag) and bool in _annotations(model, place)


def _words(owner: type[BaseModel]) -> Wording:
    wording: Wording = getattr(owner, "wording", _DEFAULT)
    return wording


def _quotes_due(what: str, value: str, kind: str) -> str:
    kind = "a number" if kind == "str" else kind  # to YAML, 1e5 is text
    return f'{what}: {value} is read as {kind}, not as text; write "{value}" in quotes'


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
            if _annotations(self.model, place[:known]):
                break
        return place if self.details["type"] == "extra_forbidden" else place[:known]

    @property
    def wording(self) -> Wording:
        """The words of the mapping that holds it."""
        shape = self.details["type"] == "model_type"
        owner = _owner(self.model, self.place if shape else self.place[:-1])
        return _words(owner)

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
        known = _keys(_owner(self.model, self.place if shape else self.place[:-1]))
        choices = _choices(_annotations(self.model, self.place))
        word = str(place[-1]) if self.details["type"] == "extra_forbidden" else str(self._value)
        right = known if self.details["type"] == "extra_forbidden" else choices
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
            "choices": ", ".join(repr(one) if " " in one else one for one in choices),
            "either": " or ".join(choices),
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


def _owner(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """The innermost model that a place lies in."""
    for end in range(len(place), -1, -1):
        for annotation in _annotations(model, place[:end]):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                return annotation
    return model


def _annotations(model: type[BaseModel], place: Place) -> tuple[Any, ...]:
    """What the schema allows at a place: the members of its annotation; none if unknown."""
    found = _members(model)
    for part in place:
        found = tuple(member for inside in found for member in _inside(inside, part))
    return found


def _members(annotation: Any) -> tuple[Any, ...]:
    """An annotation without what pydantic adds to it; the members of a union one by one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(member for one in get_args(annotation) for member in _members(one))
    return (annotation,)


def _may_be_mapping(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return not issubclass(annotation, RootModel)
    return annotation in (Any, object) or get_origin(annotation) is dict


def _inside(annotation: Any, part: str | int) -> tuple[Any, ...]:
    """What an annotation allows at one key or position."""
    if annotation in (Any, object):
        return (annotation,)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        root = _members(annotation.model_fields["root"].annotation)
        return tuple(member for inside in root for member in _inside(inside, part))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        known = {f.alias or name: f.annotation for name, f in annotation.model_fields.items()}
        return _members(known[str(part)]) if part in known else ()
    if origin in (tuple, list) and isinstance(part, int):
        return _members(arguments[0])
    if origin is dict and isinstance(part, str):
        return _members(arguments[1])
    return ()


def _keys(model: type[BaseModel]) -> list[str]:
    return [f.alias or name for name, f in model.model_fields.items()]


def _choices(annotations: Sequence[Any]) -> list[str]:
    """The texts that an enumeration or a literal allows."""
    found: list[str] = []
    for annotation in annotations:
        if get_origin(annotation) is Literal:
            found += [str(value) for value in get_args(annotation) if isinstance(value, str)]
        elif isinstance(annotation, type) and issubclass(annotation, Enum):
            found += [str(member.value) for member in annotation]
    return found
