"""Conversations of a team's logs: what was asked last, and what was said before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite.cases import Language
from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidCase, InvalidInput
from evalsuite.files.problems import Problems, joined
from evalsuite.files.text import read_text
from evalsuite.runs.base import CLOSED

LARGEST = 1_000_000_000
"""Largest log, in bytes."""
_LIKE = '{"messages": [{"role": "user", "content": "..."}]} or {"history": [...], "query": "..."}'
_SPEAKERS = {"user": Role.USER, "assistant": Role.ASSISTANT}
_PASSED_OVER = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One conversation, and the query that came last in it."""

    __pydantic_config__ = CLOSED

    line: int
    """In the log, from 1."""
    history: tuple[Message, ...]
    query: str

    @property
    def language(self) -> Language:
        """The language of the query."""
        return Language.of(self.query)


@dataclass(frozen=True, slots=True)
class Log:
    """What a log holds."""

    conversations: tuple[Logged, ...]
    """Each once, in the order of the log."""
    repeated: int
    """Lines whose conversation stood there before."""


def read_log(path: Path) -> Log:
    """Read a file with a conversation a line; keys that are not asked for are passed over.

    Of ``messages`` the last one of the user is the query, and what was answered to it is dropped.
    System messages and empty ones are passed over.

    Raises:
        InvalidCase: no conversations, or ``file:line: problem and fix`` of each broken line.
    """
    name = str(path)
    try:
        text = read_text(path, name, most=LARGEST)
    except InvalidInput as error:
        raise InvalidCase(str(error)) from None
    return parse_log(text, name)


def parse_log(text: str, name: str) -> Log:
    """Read the text of a log, as :func:`read_log`; ``name`` stands for its file in messages."""
    problems = Problems(name)
    found: dict[tuple[tuple[Message, ...], str], Logged] = {}
    lines = 0
    for at, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        lines += 1
        try:
            one = _logged(line, at)
        except InvalidInput as error:
            problems.add(at, str(error))
        else:
            found.setdefault((one.history, one.query), one)
    if problems.found:
        raise InvalidCase(joined(problems.lines()))
    return Log(tuple(found.values()), lines - len(found))


def _logged(line: str, at: int) -> Logged:
    """Read one line.

    Raises:
        InvalidInput: it holds no conversation that ends with a query.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"is not JSON ({error}); write {_LIKE}") from None
    if not isinstance(row, Mapping) or ("messages" in row) == ("history" in row or "query" in row):
        raise InvalidInput(f"is no conversation; write {_LIKE}")
    if "messages" in row:
        turns = list(_turns(row["messages"], "messages"))
        last = next((i for i in reversed(range(len(turns))) if turns[i].role is Role.USER), None)
        if last is None:
            raise InvalidInput("messages: nobody asks anything; a message of the user is due")
        return Logged(line=at, history=tuple(turns[:last]), query=turns[last].content)
    query = row.get("query")
    if not isinstance(query, str) or not query.strip():
        raise InvalidInput(f"query={_short(query)} is no text; write what was asked last")
    history = tuple(_turns(row.get("history", []), "history"))
    return Logged(line=at, history=history, query=_clean(query))


def _turns(said: Any, key: str) -> Iterator[Message]:
    if not isinstance(said, list):
        raise InvalidInput(f"{key}={_short(said)} is no list; write {_LIKE}")
    for at, turn in enumerate(said):
        role = turn.get("role") if isinstance(turn, Mapping) else None
        content = turn.get("content") if isinstance(turn, Mapping) else None
        if role == _PASSED_OVER or (content is None and role in _SPEAKERS):
            continue
        if role not in _SPEAKERS:
            raise InvalidInput(
                f"{key}[{at}].role={_short(role)} is unknown; use user, assistant or system"
            )
        if not isinstance(content, str):
            raise InvalidInput(
                f"{key}[{at}].content={_short(content)} is no text; write what was said"
            )
        if content.strip():
            yield Message(_SPEAKERS[role], _clean(content))


def _clean(text: str) -> str:
    """A text as case files hold it: no space around it, and no half characters."""
    return text.strip().encode("utf-8", "replace").decode()


def _short(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}..."
