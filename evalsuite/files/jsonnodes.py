"""JSON that a stranger wrote: without what readers disagree about, and with its lines."""

from __future__ import annotations

import json
import re
from typing import Any

from evalsuite.files.located import Located
from evalsuite.files.nodes import Node, Text, collection

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[^\s\[\]{},:"]+|\n')


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r} occurs twice")
        result[key] = value
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def strict_json(data: bytes) -> Any:
    """Parse JSON without duplicate keys, NaN or Infinity.

    Raises:
        ValueError: it is anything else, or nested too deep.
    """
    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique_object, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def located_json(data: bytes, source: str) -> Located:
    """Read strict JSON as data that remember their lines; ``source`` names the file.

    Raises:
        ValueError: as :func:`strict_json`.
    """
    return Located(strict_json(data), source, lambda: _root(data.decode("utf-8")))


def _root(text: str) -> Node | None:
    """Return the nodes of a text that is JSON."""
    root: Node | None = None
    stack: list[tuple[bool, int, list[Node]]] = []
    line = 1
    for piece in _PIECE.findall(text):
        node: Node
        if piece == "\n":
            line += 1
            continue
        if piece in "{[":
            stack.append((piece == "{", line, []))
            continue
        if piece in "}]":
            node = collection(*stack.pop())
        else:
            quoted = piece.startswith('"')
            node = Text(json.loads(piece) if quoted else piece, not quoted, line)
        if stack:
            stack[-1][2].append(node)
        else:
            root = node
    return root
