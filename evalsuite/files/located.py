"""A YAML file as plain data that remembers its lines, so that a schema's errors can say where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from evalsuite.files.yaml import Broken, Fields, Items, Node, Problems, Text, parse, plain_type

Place = tuple[str | int, ...]
"""Keys and positions that lead from the root of a file to one part of it."""

_PLAIN = frozenset({"int", "float", "bool", "null"})


@dataclass(frozen=True, slots=True)
class Located:
    """Plain data and the line on which each part of it begins (counted from 1)."""

    data: Any
    lines: Mapping[Place, int]
    source: str

    def line(self, place: Place) -> int:
        """The line of the innermost part of ``place`` that the file holds; 1 if none."""
        ends = range(len(place), -1, -1)
        return next((self.lines[place[:end]] for end in ends if place[:end] in self.lines), 1)

    def where(self, place: Place) -> str:
        """``file:line`` of the innermost part of ``place``."""
        return f"{self.source}:{self.line(place)}" if self.lines else self.source


def located(text: str, problems: Problems) -> Located:
    """Read one YAML document as plain data, for a schema to judge; note what is no plain data."""
    lines: dict[Place, int] = {}
    node = parse(text, problems)
    data = None if node is None else _plain(node, (), lines, problems)
    return Located(data, lines, problems.name)


def _plain(node: Node, place: Place, lines: dict[Place, int], problems: Problems) -> Any:
    lines.setdefault(place, node.line)
    match node:
        case Fields():
            return _mapping(node, place, lines, problems)
        case Items(items):
            return [_plain(n, (*place, i), lines, problems) for i, n in enumerate(items)]
        case Text(value, plain):
            kind = plain_type(value) if plain else "str"
            if kind == "str":
                return value
            try:
                if kind in _PLAIN:
                    return yaml.safe_load(value)
            except ValueError:  # such as 0x_, or more digits than Python reads
                pass
            said = f"{value[:40]} is read as {kind}; write it out, or put it in quotes"
            problems.add(node.line, said)
            return None
        case Broken():
            return None


def _mapping(
    node: Fields, place: Place, lines: dict[Place, int], problems: Problems
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.entries:
        if not isinstance(key, Text):
            problems.add(key.line, "a key must be one word, not a list or a mapping")
        elif key.value in found:
            problems.add(key.line, f"key {key.value!r} stands twice; keep one")
        else:
            lines[(*place, key.value)] = key.line
            found[key.value] = _plain(value, (*place, key.value), lines, problems)
    return found
