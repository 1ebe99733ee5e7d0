"""Nodes: what a text holds, with the lines on which it stands, before anyone says what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, as written."""

    value: str
    plain: bool
    """Written without quotes, so YAML may take it for a number, a boolean, a date or nothing."""
    line: int


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping, in written order; duplicate keys are still in it."""

    entries: tuple[tuple[Node, Node], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A node that was already reported; readers pass over it in silence."""

    line: int


Node = Text | Items | Fields | Broken


def collection(is_mapping: bool, line: int, nodes: list[Node]) -> Node:
    """Make a mapping, of keys and values in turn, or a list."""
    if is_mapping:
        return Fields(tuple(zip(nodes[::2], nodes[1::2], strict=True)), line)
    return Items(tuple(nodes), line)
