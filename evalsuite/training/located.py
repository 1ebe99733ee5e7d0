"""A recipe file as plain data that remembers its lines, so that errors can say where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from evalsuite._yaml import Broken, Fields, Items, Node, Problems, Text, joined, parse, plain_type
from evalsuite._yaml import read_text as read_yaml
from evalsuite.errors import InvalidInput, InvalidRecipe

Place = tuple[str | int, ...]

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Located:
    """Plain data and the line on which each part of it begins (counted from 1)."""

    data: object
    lines: dict[Place, int]
    source: str

    def where(self, place: Place) -> str:
        """Return ``file:line`` of the innermost known part of ``place``."""
        for length in range(len(place), -1, -1):
            line = self.lines.get(place[:length])
            if line is not None:
                return f"{self.source}:{line}"
        return self.source


def load_located(path: Path) -> Located:
    """Read one YAML document of plain data: no tags, no anchors, no duplicate keys.

    Raises:
        InvalidRecipe: no such file, not UTF-8, too large, not plain YAML; with file and line.
    """
    try:
        text = read_yaml(path, str(path), most=_LARGEST)
    except InvalidInput as error:
        raise InvalidRecipe(str(error)) from None
    problems = Problems(str(path))
    node = parse(text, problems)
    lines: dict[Place, int] = {}
    data = None if node is None else _plain(node, (), lines, problems)
    if problems.found:
        raise InvalidRecipe(joined(problems.lines()))
    return Located(data, lines, str(path))


def _plain(node: Node, place: Place, lines: dict[Place, int], problems: Problems) -> object:
    lines.setdefault(place, node.line)
    match node:
        case Fields():
            return _mapping(node, place, lines, problems)
        case Items(items):
            return [_plain(n, (*place, i), lines, problems) for i, n in enumerate(items)]
        case Text(value, plain):
            return value if not plain or plain_type(value) == "str" else yaml.safe_load(value)
        case Broken():
            return None


def _mapping(
    node: Fields, place: Place, lines: dict[Place, int], problems: Problems
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in node.entries:
        if not isinstance(key, Text):
            problems.add(key.line, "a key must be one word; a list or mapping cannot be a key")
        elif key.value in found:
            problems.add(key.line, f"key {key.value!r} stands twice; keep one")
        else:
            lines[(*place, key.value)] = key.line
            found[key.value] = _plain(value, (*place, key.value), lines, problems)
    return found
