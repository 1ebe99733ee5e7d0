"""YAML that a stranger wrote, as nodes that remember their lines.

Files are read as events, never constructed: no tag can name a Python type, no alias can multiply
a node, no plain ``no`` becomes False behind the writer's back. Everything wrong with the text is
collected, with its line, so that one run shows all of it. What the nodes *mean* is the business of
the module that reads them.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from evalsuite.errors import EvalsuiteError, InvalidInput

MAX_BYTES = 5_000_000
"""Largest file that is read."""
MAX_LINE = 100_000
"""Longest line, in characters."""
MAX_DEPTH = 16
"""Deepest nesting; what this project writes needs seven."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STR_TAG = "tag:yaml.org,2002:str"
_JOINERS = "\u200c\u200d"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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


@dataclass(slots=True)
class Problems:
    """Collects what is wrong with one file, as ``name:line: text``."""

    name: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        """Note one problem at ``line`` (1-based)."""
        self.found.append((line, text))

    def lines(self) -> list[str]:
        """Return one sentence for each problem, by line."""
        ordered = sorted(dict.fromkeys(self.found), key=lambda problem: problem[0])
        return [f"{self.name}:{line}: {text}" for line, text in ordered]


def joined(problems: list[str], *, most: int = 50) -> str:
    """Join problems into one message of at most ``most`` of them."""
    rest = len(problems) - most
    tail = [f"... and {rest} more; fix these first"] if rest > 0 else []
    return "\n".join([*problems[:most], *tail])


def unseen(char: str) -> str | None:
    """Return what kind of invisible character this is, or None for one that a reader sees.

    The joiners U+200C and U+200D pass: emoji and some scripts are spelled with them.
    """
    if char in _JOINERS:
        return None
    if char in _BIDI:
        return "bidirectional control"
    if ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF:
        return "noncharacter"
    kinds = {"Cc": "control", "Cf": "invisible format", "Cs": "lone surrogate"}
    kinds |= {"Zl": "line separator", "Zp": "paragraph separator"}
    return kinds.get(unicodedata.category(char))


def code_point(char: str) -> str:
    """Name a character: ``U+202E RIGHT-TO-LEFT OVERRIDE``."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def suggestion(
    word: str, known: Collection[str], template: str = "; did you mean {near!r}?"
) -> str:
    """Return ``; did you mean 'x'?`` for a near miss, else an empty text."""
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.65)
    return template.format(near=near[0]) if near else ""


def read_text(path: Path, name: str, *, most: int = MAX_BYTES) -> str:
    """Read a UTF-8 file; a leading byte order mark is dropped.

    Raises:
        InvalidInput: no such file, not a plain file, unreadable, larger than ``most`` bytes, empty,
            or not UTF-8.
    """
    try:
        if not path.is_file():
            what = "is no plain file" if path.exists() else "does not exist"
            raise InvalidInput(f"{name}: {what}; give a text file that does")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{name}: cannot be read ({error}); check its name and rights") from None
    if len(data) > most:
        raise InvalidInput(f"{name}: is larger than {most:,} bytes; split it into several files")
    text = _decoded(data, name)
    if not text.strip():
        raise InvalidInput(f"{name}:1: the file is empty; fill it or remove it")
    return text


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        hint = _other_encoding(data)
        raise InvalidInput(
            f"{name}:{line}: byte 0x{byte:02X} is not UTF-8{hint}; save the file as UTF-8"
        ) from None


def _other_encoding(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return " (the file looks like UTF-16)"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return " (the file may be GB18030: iconv -f GB18030 -t UTF-8)"


def parse(text: str, problems: Problems) -> Node | None:
    """Parse one YAML document into nodes, noting every problem.

    Returns None when nothing can be read past the problems.
    """
    text = text.replace("\r\n", "\n")
    if not _check_lines(text, problems):
        return None
    try:
        root = _build(_events(_visible(text, problems), problems), problems)
        if root is None and not problems.found:
            problems.add(1, "the file holds only comments; fill it or remove it")
        return root
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        problems.add(
            mark.line + 1 if mark else 1,
            f"this is not YAML: {said}; indent with spaces, and quote a text that holds "
            "': ' or ' #' or starts with a sign of YAML",
        )
    except (yaml.YAMLError, EvalsuiteError) as error:
        problems.add(1, f"this is not YAML: {error}")
    return None


def _check_lines(text: str, problems: Problems) -> bool:
    """Note long lines and tabs in indentation; past those, parser errors would only mislead."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            problems.add(number, f"the line has {len(line):,} characters; at most {MAX_LINE:,}")
        elif "\t" in line[: len(line) - len(line.lstrip())] and line.strip():
            problems.add(number, "a tab in the indentation; indent with spaces")
    return not problems.found


def _visible(text: str, problems: Problems) -> str:
    """Note invisible characters and put U+FFFD in their place, so that parsing can go on."""
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if line.isprintable():
            continue
        for char in dict.fromkeys(line):
            kind = unseen(char)
            if kind and char != "\t":
                problems.add(index + 1, _refusal(char, kind))
                lines[index] = lines[index].replace(char, "\ufffd")
    return "\n".join(lines)


def _refusal(char: str, kind: str) -> str:
    escape = f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"
    return (
        f"{code_point(char)}: {kind} characters cannot be seen and are not allowed; remove it, "
        f'or, where a text is about it, write "{escape}" in double quotes'
    )


def _events(text: str, problems: Problems) -> Iterator[tuple[yaml.Event, int]]:
    """Yield the node events of the only document, with lines; note what else is in the stream."""
    documents = 0
    loader = _LOADER(text)
    while (event := loader.get_event()) is not None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.NodeEvent):
            if event.anchor is not None or getattr(event, "tag", None) is not None:
                _refuse_properties(event, line, problems)
            yield event, line
        elif isinstance(event, yaml.CollectionEndEvent):
            yield event, line
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                problems.add(line, "a second YAML document starts; keep one document in a file")
                return
            if event.tags or event.version:
                problems.add(line, "YAML directives are not allowed; remove the line")


def _refuse_properties(event: Any, line: int, problems: Problems) -> None:
    if isinstance(event, yaml.AliasEvent):
        problems.add(line, f"alias *{event.anchor} is not allowed; write the value out")
        return
    if event.anchor is not None:
        problems.add(line, f"anchor &{event.anchor} is not allowed; remove it")
    if event.tag is not None:
        problems.add(line, f"YAML tag {event.tag!r} is not allowed; write plain text or a list")


def _build(events: Iterator[tuple[yaml.Event, int]], problems: Problems) -> Node | None:
    """Build the tree without recursion, so that deep input ends in a sentence."""
    root: Node | None = None
    stack: list[tuple[bool, int, list[Node]]] = []
    for event, line in events:
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = Text(event.value, event.implicit[0] and event.tag is None, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(stack) == MAX_DEPTH:
                problems.add(line, f"nested deeper than {MAX_DEPTH} levels; flatten it")
                return None
            stack.append((isinstance(event, yaml.MappingStartEvent), line, []))
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            node = _closed(*stack.pop())
        else:
            node = Broken(line)
        if stack:
            stack[-1][2].append(node)
        else:
            root = node
    return root


def _closed(is_mapping: bool, line: int, nodes: list[Node]) -> Node:
    if is_mapping:
        return Fields(tuple(zip(nodes[::2], nodes[1::2], strict=True)), line)
    return Items(tuple(nodes), line)


@functools.lru_cache(maxsize=1024)
def plain_type(value: str) -> str:
    """Return what YAML takes an unquoted scalar for: ``str``, ``bool``, ``int``, ``null``, ..."""
    resolver: Any = Resolver()
    tag: str = resolver.resolve(ScalarNode, value, (True, False))
    return tag.removeprefix(_STR_TAG.removesuffix("str"))


def text_of(node: Node, what: str, problems: Problems) -> str | None:
    """Return a node's text, or note why it has none.

    Refuses lists and mappings, unquoted scalars that YAML reads as something else (``no``, ``1.5``,
    an empty value), blank text, and characters that no text may hold.
    """
    if isinstance(node, Broken):
        return None
    if not isinstance(node, Text):
        held = "a list" if isinstance(node, Items) else "a mapping (quote a text that holds ': ')"
        problems.add(node.line, f"{what} is {held}; write one text")
        return None
    if not node.value.strip():
        problems.add(node.line, f"{what} is empty; write a visible text or remove the key")
        return None
    kind = plain_type(node.value) if node.plain else "str"
    if kind != "str":
        problems.add(
            node.line,
            f'{what}: {node.value} is read as {kind}, not as text; write "{node.value}" in quotes',
        )
        return None
    bad = next((c for c in node.value if c == "\0" or 0xD800 <= ord(c) <= 0xDFFF), None)
    if bad is not None:
        problems.add(node.line, f"{what} holds {code_point(bad)}, which is no text; remove it")
        return None
    return node.value


def fields_of(
    node: Node, known: Collection[str], what: str, problems: Problems
) -> dict[str, Node] | None:
    """Return a mapping's values by key, noting unknown, duplicate and odd keys.

    Args:
        node: what should be a mapping.
        known: the keys that are allowed.
        what: how a message names the mapping.
        problems: where to note them.

    Returns:
        The known keys that are there, or None when ``node`` is no mapping.
    """
    if isinstance(node, Broken):
        return None
    if not isinstance(node, Fields):
        problems.add(node.line, f"{what} must be a mapping with the keys: {', '.join(known)}")
        return None
    values: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.entries:
        if not isinstance(key, Text):
            if not isinstance(key, Broken):
                problems.add(key.line, f"{what} has a key that is not text; use {', '.join(known)}")
        elif key.value in lines:
            problems.add(
                key.line, f"duplicate key {key.value!r} in {what}, first on line {lines[key.value]}"
            )
        else:
            lines[key.value] = key.line
            if key.value in known:
                values[key.value] = value
            else:
                hint = suggestion(key.value, known)
                problems.add(
                    key.line,
                    f"unknown key {key.value!r} in {what}{hint or '; use ' + ', '.join(known)}",
                )
    return values


def items_of(node: Node, what: str, problems: Problems) -> tuple[Node, ...]:
    """Return a list's nodes; note anything that is no list and return none."""
    if isinstance(node, Items):
        return node.items
    if not isinstance(node, Broken):
        problems.add(node.line, f"{what} must be a list; start each entry with '- '")
    return ()


def quoted(text: str) -> str:
    """Write ``text`` as a double-quoted scalar on one line; invisible characters become escapes."""
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(named.get(char) or _escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if unseen(char) is None:
        return char
    return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"


def scalar(text: str) -> str:
    """Write a name without quotes where YAML reads it back as the same text, else quoted."""
    safe = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", text) and plain_type(text) == "str"
    return text if safe else quoted(text)
