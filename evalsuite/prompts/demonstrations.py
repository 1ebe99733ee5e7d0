"""Demonstrations from a YAML file: safe loading, a closed schema, errors with file and line.

The file is a list::

    - language: en
      history:
        - user: Who wrote The Salt Road?
        - assistant: Mira Tallow.
      query: When was she born?
      rewrite: When was Mira Tallow born?
      entities: [Mira Tallow, The Salt Road]
"""

from __future__ import annotations

from pathlib import Path

import yaml

from evalsuite.cases import Language
from evalsuite.conversation import Message, Role
from evalsuite.errors import EvalsuiteError, InvalidCase
from evalsuite.prompts.parts import Demonstration

_FIELDS = ("language", "history", "query", "rewrite", "entities")
_MAX_BYTES = 1_000_000
_MAX_DEPTH = 8
_STRING_TAG = "tag:yaml.org,2002:str"
_SEQUENCE_TAG = "tag:yaml.org,2002:seq"
_MAPPING_TAG = "tag:yaml.org,2002:map"


def load_demonstrations(path: Path | str) -> tuple[Demonstration, ...]:
    """Return the demonstrations in a YAML file, in order.

    Raises:
        InvalidCase: naming the file, the line and the fix.
    """
    file = Path(path)
    root = _compose(file)
    nodes = _items(file, root)
    if not nodes:
        raise InvalidCase(f"{file}:1: no demonstrations; start each with '- language:'")
    return tuple(_demonstration(file, node) for node in nodes)


def _compose(file: Path) -> yaml.Node | None:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InvalidCase(f"{file}: {error.strerror}; give a readable YAML file") from error
    if len(data) > _MAX_BYTES:
        raise InvalidCase(f"{file}: {len(data)} bytes; at most {_MAX_BYTES} are read, so split it")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidCase(f"{file}:{line}: not UTF-8; save the file as UTF-8") from error
    try:
        _refuse_bombs(file, text)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise InvalidCase(
            f"{file}:{_line(error, text)}: not YAML: {_problem(error)}; fix this line"
        ) from error


def _line(error: Exception, text: str) -> int:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    return text[: getattr(error, "position", 0)].count("\n") + 1


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)


def _refuse_bombs(file: Path, text: str) -> None:
    """Stop before composing: aliases multiply, and deep nesting takes quadratic time."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = int(getattr(event.start_mark, "line", 0)) + 1
        if isinstance(event, yaml.AliasEvent):
            raise InvalidCase(f"{file}:{line}: an alias (*{event.anchor}); write the text out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise InvalidCase(f"{file}:{line}: nested more than {_MAX_DEPTH} deep; flatten it")


def _demonstration(file: Path, node: yaml.Node) -> Demonstration:
    fields = _mapping(file, node)
    for name in fields:
        if name not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise _error(file, fields[name], f"unknown key {name!r}; use: {known}")
    for name in ("language", "query", "rewrite"):
        if name not in fields:
            raise _error(file, node, f"the key {name!r} is missing; add it")
    language = _text(file, fields["language"])
    if language not in set(Language):
        known = ", ".join(Language)
        raise _error(file, fields["language"], f"language={language!r}; use one of: {known}")
    try:
        return Demonstration(
            language=Language(language),
            history=tuple(_message(file, n) for n in _items(file, fields.get("history"))),
            query=_text(file, fields["query"]),
            rewrite=_text(file, fields["rewrite"]),
            entities=tuple(_text(file, n) for n in _items(file, fields.get("entities"))),
        )
    except EvalsuiteError as error:
        if str(error).startswith(f"{file}:"):
            raise
        raise _error(file, node, str(error)) from error


def _message(file: Path, node: yaml.Node) -> Message:
    fields = _mapping(file, node)
    if len(fields) != 1 or not fields.keys() <= {"user", "assistant"}:
        found = ", ".join(fields) or "nothing"
        raise _error(
            file, node, f"a turn has one key, user or assistant, with its text; found: {found}"
        )
    role, value = next(iter(fields.items()))
    return Message(Role(role), _text(file, value))


def _mapping(file: Path, node: yaml.Node) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode) or node.tag != _MAPPING_TAG:
        raise _error(file, node, "a mapping 'key: value' is due")
    fields: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = _text(file, key)
        if name in fields:
            raise _error(file, key, f"the key {name!r} stands twice; keep one")
        fields[name] = value
    return fields


def _items(file: Path, node: yaml.Node | None) -> list[yaml.Node]:
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode) or node.tag != _SEQUENCE_TAG:
        raise _error(file, node, "a list is due; start each item with '- '")
    return list(node.value)


def _text(file: Path, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag != _STRING_TAG:
        found = str(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        raise _error(file, node, f"a text is due, found {found}; put it in quotes")
    value = str(node.value)
    if not value.strip():
        raise _error(file, node, "the text is empty; write at least one visible character")
    return value


def _error(file: Path, node: yaml.Node, what: str) -> InvalidCase:
    return InvalidCase(f"{file}:{node.start_mark.line + 1}: {what}")
