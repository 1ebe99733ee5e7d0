"""YAML that a stranger wrote, as nodes that remember their lines.

Files are read as events, never constructed: no tag can name a Python type, no alias can multiply
a node, no plain ``no`` becomes False behind the writer's back. Everything wrong with the text is
collected, with its line, so that one run shows all of it. What the nodes *mean* is the business of
the module that reads them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from evalsuite.errors import EvalsuiteError
from evalsuite.files.nodes import Broken, Node, Text, collection
from evalsuite.files.problems import Problems
from evalsuite.files.text import code_point, unseen

MAX_LINE = 100_000
"""Longest line, in characters."""
MAX_DEPTH = 16
"""Deepest nesting; what this project writes needs seven."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STR_TAG = "tag:yaml.org,2002:str"


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
            node = collection(*stack.pop())
        else:
            node = Broken(line)
        if stack:
            stack[-1][2].append(node)
        else:
            root = node
    return root


@functools.lru_cache(maxsize=1024)
def plain_type(value: str) -> str:
    """Return what YAML takes an unquoted scalar for: ``str``, ``bool``, ``int``, ``null``, ..."""
    resolver: Any = Resolver()
    tag: str = resolver.resolve(ScalarNode, value, (True, False))
    return tag.removeprefix(_STR_TAG.removesuffix("str"))


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
