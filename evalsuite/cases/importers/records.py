"""Records of a file, each with its line: elements of a JSON array, members, JSON lines, lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalsuite.errors import InvalidInput
from evalsuite.files.text import read_text

MAX_BYTES = 256_000_000
"""Largest file that is imported; CANARD's training part has about 30 MB."""

_GAP = re.compile(r"[\s,]*")


def array(file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a JSON array with the line on which each starts.

    Raises:
        InvalidInput: not an array, or broken JSON, with its line.
    """
    text = _read(file)
    position = len(text) - len(text.lstrip())
    if text[position] != "[":
        raise InvalidInput(
            f"{file.as_posix()}:1: starts with {text[position]!r}; an array '[' is due"
        )
    position, line, counted = position + 1, 1, 0
    while True:
        gap = _GAP.match(text, position)
        position = gap.end() if gap else position
        line, counted = line + text.count("\n", counted, position), position
        if text[position : position + 1] == "]":
            return
        record, position = _decoded(file, text, position, line)
        yield line, record


def members(file: Path, key: str) -> Iterator[tuple[int, tuple[str, Any]]]:
    """Yield the members of the object under ``key`` of a JSON object, with their lines.

    Raises:
        InvalidInput: broken JSON, or no such object.
    """
    text = _read(file)
    whole, _ = _decoded(file, text, len(text) - len(text.lstrip()), 1)
    held = whole.get(key) if isinstance(whole, dict) else None
    if not isinstance(held, dict):
        raise InvalidInput(
            f"{file.as_posix()}:1: holds no object {key!r}; give a file as it was published"
        )
    position = 0
    for name, value in held.items():
        # In order, so that a name that stands in a text before is passed over at most once.
        found = text.find(f"{json.dumps(name, ensure_ascii=False)}", position)
        position = max(found, position)
        yield text.count("\n", 0, position) + 1, (name, value)


def json_lines(file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the value of every line that is not blank; a line that is not JSON is an error of it.

    Of a file that is one array its elements.
    """
    if _read(file).lstrip().startswith("["):
        yield from array(file)
        return
    for number, line in lines(file):
        try:
            yield number, json.loads(line)
        except (json.JSONDecodeError, RecursionError, ValueError) as error:
            said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            yield number, Broken(said)


class Broken:
    """A line that is not JSON; the lines behind it can be read."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, numbered from 1, without their line ends."""
    for number, line in enumerate(_read(file).split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def _read(file: Path) -> str:
    return read_text(file, file.as_posix(), most=MAX_BYTES)


def _decoded(file: Path, text: str, position: int, line: int) -> tuple[Any, int]:
    name = file.as_posix()
    try:
        return json.JSONDecoder().raw_decode(text, position)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        fix = "the file ends too early; fetch it again" if cut else "correct it there"
        raise InvalidInput(f"{name}:{error.lineno}: broken JSON: {error.msg}; {fix}") from None
    except (RecursionError, ValueError):
        raise InvalidInput(f"{name}:{line}: nests too deeply or holds too long a number") from None
