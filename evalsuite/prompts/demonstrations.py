"""Demonstrations from a YAML file: a closed schema, every problem with its file and line.

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

from collections.abc import Iterable
from pathlib import Path

from evalsuite.cases import Language
from evalsuite.conversation import Message, Role
from evalsuite.errors import EvalsuiteError, InvalidCase, InvalidInput
from evalsuite.files.yaml import (
    Broken,
    Node,
    Problems,
    fields_of,
    items_of,
    joined,
    parse,
    quoted,
    read_text,
    text_of,
)
from evalsuite.prompts.content import Demonstration

_NEEDED = ("language", "query", "rewrite")
_FIELDS = ("language", "history", "query", "rewrite", "entities")
_SPEAKERS = ("user", "assistant")
_LARGEST = 1_000_000


def load_demonstrations(path: Path | str) -> tuple[Demonstration, ...]:
    """Return the demonstrations in a YAML file, in order.

    Raises:
        InvalidCase: one line ``file:line: problem and fix`` for each problem.
    """
    name = str(path)
    try:
        text = read_text(Path(path), name, most=_LARGEST)
    except InvalidInput as error:
        raise InvalidCase(str(error)) from None
    problems = Problems(name)
    root = parse(text, problems) or Broken(1)
    found = [read_demonstration(node, problems) for node in items_of(root, "the file", problems)]
    if not found and not problems.found:
        problems.add(1, "the file holds no demonstrations; start each with '- language:'")
    if problems.found:
        raise InvalidCase(joined(problems.lines()))
    return tuple(shown for shown in found if shown is not None)


def dump_demonstrations(shown: Iterable[Demonstration]) -> str:
    """Write demonstrations as the YAML text that :func:`load_demonstrations` reads back."""
    return "".join(_dumped(demonstration) for demonstration in shown)


def _dumped(shown: Demonstration) -> str:
    lines = [f"- language: {shown.language}"]
    lines += ["  history:"] * bool(shown.history)
    lines += [f"    - {turn.role}: {quoted(turn.content)}" for turn in shown.history]
    lines += [f"  query: {quoted(shown.query)}", f"  rewrite: {quoted(shown.rewrite)}"]
    lines += ["  entities:"] * bool(shown.entities)
    lines += [f"    - {quoted(entity)}" for entity in shown.entities]
    return "\n".join(lines) + "\n"


def read_demonstration(node: Node, problems: Problems) -> Demonstration | None:
    """Read one demonstration from its place in a file; what is wrong is noted."""
    fields = fields_of(node, _FIELDS, "a demonstration", problems)
    if fields is None:
        return None
    missing = [name for name in _NEEDED if name not in fields]
    for name in missing:
        problems.add(node.line, f"the key {name!r} is missing; add it")
    said = {name: text_of(fields[name], name, problems) for name in _NEEDED if name in fields}
    history = _listed(fields, "history", problems)
    turns = [_message(turn, problems) for turn in history]
    entities = _listed(fields, "entities", problems)
    names = [text_of(entity, "an entity", problems) for entity in entities]
    language = said.get("language")
    if language and language not in set(Language):
        known = ", ".join(Language)
        problems.add(fields["language"].line, f"language={language!r}; use one of: {known}")
        return None
    if missing or None in (*said.values(), *turns, *names):
        return None
    try:
        return Demonstration(
            language=Language(str(language)),
            history=tuple(turn for turn in turns if turn),
            query=str(said["query"]),
            rewrite=str(said["rewrite"]),
            entities=tuple(str(entity) for entity in names),
        )
    except EvalsuiteError as error:
        problems.add(node.line, str(error))
        return None


def _listed(fields: dict[str, Node], name: str, problems: Problems) -> tuple[Node, ...]:
    return items_of(fields[name], name, problems) if name in fields else ()


def _message(node: Node, problems: Problems) -> Message | None:
    fields = fields_of(node, _SPEAKERS, "a turn", problems)
    if fields is None:
        return None
    if len(fields) != 1:
        problems.add(node.line, "a turn has one key, user or assistant, with its text")
        return None
    role, value = next(iter(fields.items()))
    text = text_of(value, f"the {role}'s turn", problems)
    return None if text is None else Message(Role(role), text)
