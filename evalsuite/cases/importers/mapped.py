"""Any JSON lines: the user says under which keys query, history and rewrites stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalsuite.cases.importers.drafts import Draft, Found, Reader, alternating, drafts, text_of
from evalsuite.cases.importers.naming import short_digest
from evalsuite.cases.importers.records import Broken, json_lines
from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidCase, InvalidInput
from evalsuite.files.problems import suggestion

FIELDS = ("query", "history", "rewrite", "id", "cluster")
"""What can be said of a record; query and rewrite have to be."""

_USERS = ("user", "human", "usr", "customer", "driver", "question", "q")
_ASSISTANTS = ("assistant", "gpt", "bot", "model", "agent", "answer", "a")
_ROLES: Mapping[str, Role] = dict.fromkeys(_USERS, Role.USER) | dict.fromkeys(
    _ASSISTANTS, Role.ASSISTANT
)
_SPEAKERS = ("role", "from", "speaker")
_TEXTS = ("content", "text", "value", "utterance")


def fields_of(text: str) -> dict[str, str]:
    """Read ``query=FIELD,history=FIELD,rewrite=FIELD``.

    Raises:
        InvalidCase: something else, an unknown or missing name.
    """
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, path = (piece.strip() for piece in part.partition("="))
        if not (equals and path):
            raise InvalidCase(f"--map {text!r}: {part!r} is not NAME=FIELD; write query=FIELD,...")
        if name not in FIELDS:
            hint = suggestion(name, FIELDS) or f"; use {', '.join(FIELDS)}"
            raise InvalidCase(f"--map {text!r}: {name!r} is unknown{hint}")
        if name in found:
            raise InvalidCase(f"--map {text!r}: {name!r} stands twice; keep it once")
        found[name] = path
    return found


def mapped_reader(fields: Mapping[str, str]) -> Reader:
    """A reader of records whose parts stand under ``fields``, dotted paths.

    Raises:
        InvalidCase: query or rewrite is missing.
    """
    missing = [name for name in ("query", "rewrite") if name not in fields]
    if missing:
        raise InvalidCase(
            f"the format jsonl lacks {' and '.join(missing)}; say where they stand: "
            "--map query=FIELD,history=FIELD,rewrite=FIELD"
        )

    def read_file(file: Path) -> Found:
        def read(line: int, record: Any) -> Iterator[Draft]:
            if isinstance(record, Broken):
                raise InvalidInput(f"broken JSON: {record.reason}; correct the line")
            yield _draft(file, line, record, fields)

        return drafts(file, json_lines(file), read)

    return read_file


def _draft(file: Path, line: int, record: Any, fields: Mapping[str, str]) -> Draft:
    history = _turns(_at(record, fields["history"])) if "history" in fields else ()
    rewrites = _at(record, fields["rewrite"])
    listed = rewrites if isinstance(rewrites, list) else [rewrites]
    if not any(isinstance(text, str) and text.strip() for text in listed):
        raise InvalidInput(
            f"{fields['rewrite']}={rewrites!r} holds no rewrite; write one, or leave the record out"
        )
    name = _at(record, fields["id"]) if "id" in fields else f"{file.stem}-{line}"
    said = "\t".join(turn.content for turn in history) or str(name)
    cluster = _at(record, fields["cluster"]) if "cluster" in fields else short_digest(said)
    return Draft(
        line=line,
        name=str(name),
        cluster=str(cluster),
        history=history,
        query=text_of(_at(record, fields["query"]), fields["query"]),
        rewrites=tuple(text_of(text, fields["rewrite"]) for text in listed),
    )


def _at(record: Any, path: str) -> Any:
    """The value under a dotted path; a number counts the entries of a list from 0.

    Raises:
        InvalidInput: there is none; names what is there.
    """
    value = record
    for number, part in enumerate(path.split(".")):
        where = ".".join(path.split(".")[:number]) or "the record"
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.lstrip("-").isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            hint = suggestion(part, list(value)) or f"; its keys are {', '.join(value) or 'none'}"
            raise InvalidInput(f"{where} lacks the key {part!r} of --map {path}{hint}")
        else:
            raise InvalidInput(f"{where}={str(value)[:60]!r} has no {part!r}; correct --map {path}")
    return value


def _turns(value: Any) -> tuple[Message, ...]:
    """A history: texts, of which the last is the assistant's, or objects with speaker and text."""
    if isinstance(value, str):
        value = [value] if value.strip() else []
    if not isinstance(value, list):
        raise InvalidInput(f"the history is {str(value)[:60]!r}; a list of turns is due")
    if all(isinstance(turn, str) for turn in value):
        return alternating(value)
    turns = [_turn(turn) for turn in value]
    return tuple(Message(role, text) for role, text in turns if text)


def _turn(turn: Any) -> tuple[Role, str]:
    if not isinstance(turn, dict):
        raise InvalidInput(f"the turn {str(turn)[:60]!r} is no object as the others are")
    speaker = next((turn[key] for key in _SPEAKERS if key in turn), None)
    text = next((turn[key] for key in _TEXTS if key in turn), None)
    if speaker is None or text is None:
        raise InvalidInput(
            f"a turn has the keys {', '.join(turn) or 'none'}; {' or '.join(_SPEAKERS)}, and "
            f"{' or '.join(_TEXTS)} are due"
        )
    role = _ROLES.get(str(speaker).lower())
    if role is None:
        raise InvalidInput(f"{speaker!r} speaks; use one of: {', '.join(_ROLES)}")
    return role, text_of(text, "a turn's text").strip()
