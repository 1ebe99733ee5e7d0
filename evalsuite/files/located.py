"""A file as plain data that remembers its lines, so that a schema's errors can say where.

What stands in the file and cannot be data (a key twice, a key that is a list) is kept beside the
data, for whoever knows the schema to put into words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from evalsuite.files.nodes import Broken, Fields, Items, Node, Text
from evalsuite.files.problems import Problems
from evalsuite.files.yamlnodes import parse, plain_type

Place = tuple[str | int, ...]
"""Keys and positions that lead from the root of a file to one part of it."""

_PLAIN = frozenset({"int", "float", "bool", "null"})


@dataclass(frozen=True, slots=True)
class OddKey:
    """A key that the data leaves out: it stands twice in its mapping, or it is no text."""

    mapping: Place
    """Where the mapping is that holds it."""
    line: int
    name: str | None
    """None: it is no text."""
    first: int
    """Line on which the same key stands already."""


@dataclass
class Located:
    """Plain data, and the nodes that it was read from."""

    data: Any
    source: str
    nodes: Callable[[], Node | None]
    """The root, for the places of messages; None when the data comes from no file."""
    refused: set[Place] = field(default_factory=set)
    """Parts that were reported already; they are None in the data."""
    odd_keys: list[OddKey] = field(default_factory=list)
    booleans: set[Place] = field(default_factory=set)
    """Booleans that were written as a word, such as ``yes``."""
    unread: list[tuple[Place, str]] = field(default_factory=list)
    """Parts that YAML takes for something that is no plain data, such as a date, and for what."""

    @cached_property
    def root(self) -> Node | None:
        """The outermost node."""
        return self.nodes()

    def node(self, place: Place) -> Node | None:
        """The node at ``place``; None if the file holds none there."""
        node = self.root
        for part in place:
            entry = _entry(node, part)
            if entry is None:
                return None
            node = entry[1]
        return node

    def take_as_text(self, place: Place) -> None:
        """Put what is written at ``place``, below the root, into the data as it is written."""
        node, inside = self.node(place), self.data
        for part in place[:-1]:
            inside = inside[part]
        if isinstance(node, Text):
            inside[place[-1]] = node.value

    def line(self, place: Place, *, of_value: bool = False) -> int:
        """The line (from 1) of the innermost part of ``place`` that the file holds.

        Args:
            place: which part.
            of_value: whether to tell where the value of a key begins, instead of the key.
        """
        node, line = self.root, 1 if self.root is None else self.root.line
        for part in place:
            entry = _entry(node, part)
            if entry is None:
                break
            node = entry[1]
            line = node.line if of_value else entry[0]
        return line

    def where(self, place: Place) -> str:
        """``file:line`` of the innermost part of ``place``."""
        return self.at(self.line(place))

    def at(self, line: int) -> str:
        """``file:line``; only the name of what is no file."""
        return self.source if self.root is None else f"{self.source}:{line}"

    def is_refused(self, place: Place) -> bool:
        """Whether ``place``, or a part around it, was reported already."""
        return bool(self.refused) and any(
            place[:end] in self.refused for end in range(len(place) + 1)
        )


def _entry(node: Node | None, part: str | int) -> tuple[int, Node] | None:
    """The line of a key or position, and what stands there; the first, if a key stands twice."""
    if isinstance(node, Fields):
        entries = ((k, v) for k, v in node.entries if isinstance(k, Text) and k.value == part)
        found = next(entries, None)
        return None if found is None else (found[0].line, found[1])
    if isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
        return node.items[part].line, node.items[part]
    return None


def without_file(data: Any, source: str) -> Located:
    """Data that stands in no file, such as options of a command; ``source`` names it."""
    return Located(data, source, lambda: None)


def located(text: str, problems: Problems) -> Located:
    """Read one YAML document as plain data, for a schema to judge; note what is no YAML."""
    node = parse(text, problems)
    read = Located(None, problems.name, lambda: node)
    if node is None:
        read.refused.add(())
    else:
        read.data = _plain(node, (), read)
    return read


def _plain(node: Node, place: Place, read: Located) -> Any:
    if isinstance(node, Text):
        return _scalar(node, place, read) if node.plain else node.value
    if isinstance(node, Fields):
        return _mapping(node, place, read)
    if isinstance(node, Items):
        return [_plain(n, (*place, i), read) for i, n in enumerate(node.items)]
    read.refused.add(place)
    return None


def _scalar(node: Text, place: Place, read: Located) -> Any:
    value = node.value
    kind = plain_type(value)
    if kind == "str":
        return value
    if kind == "bool" and value not in ("true", "false"):
        read.booleans.add(place)
    try:
        if kind in _PLAIN:
            return yaml.safe_load(value)
    except ValueError:  # such as 0x_, or more digits than Python reads
        pass
    read.unread.append((place, kind))
    read.refused.add(place)
    return None


def _mapping(node: Fields, place: Place, read: Located) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key, value in node.entries:
        if isinstance(key, Broken):
            continue
        name = key.value if isinstance(key, Text) else None
        if name is None or name in lines:
            first = lines.get(name or "", key.line)
            read.odd_keys.append(OddKey(place, key.line, name, first))
        else:
            lines[name] = key.line
            found[name] = _plain(value, (*place, name), read)
    return found
