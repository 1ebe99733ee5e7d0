"""Files of answers: a JSON object or an id and an answer a line, each with its line number.

:func:`dump_answers` and :func:`parse_answers` are an inverse pair. Everything that is wrong with a
file is told at once, with file, line, value and fix.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evalsuite.errors import InvalidInput
from evalsuite.files.closedschema import Closed
from evalsuite.files.jsonnodes import located_json
from evalsuite.files.located import Located
from evalsuite.files.problems import Problems
from evalsuite.files.sentences import sentences
from evalsuite.files.text import read_text
from evalsuite.files.wording import wording_of

LARGEST = 500_000_000
"""Largest file, in bytes: twenty thousand answers of some thousand characters."""
HEADER = "id\tanswer"
"""What the first line of a tab-separated file may say; it is passed over."""
_LIKE = '{"id": "...", "answer": "..."}'
_LIKE_THIS = _LIKE.replace("{", "{{").replace("}", "}}")
"""The same in a template."""
_JSON_SUFFIXES, _TSV_SUFFIXES = (".jsonl", ".ndjson", ".json"), (".tsv", ".tab")
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}
_ESCAPED = {mark: char for char, mark in _ESCAPES.items()}
_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPED)))
_SURROGATE = re.compile("[\ud800-\udfff]")


class Format(StrEnum):
    """How a file of answers is written."""

    JSONL = "jsonl"
    """A JSON object a line, with the keys ``id`` and ``answer``."""
    TSV = "tsv"
    """An id, a tab and an answer a line; in the answer a backslash, a tab and the ends of lines
    are written as two characters: ``\\\\``, ``\\t``, ``\\n``, ``\\r``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered to one case."""

    id: str
    """The case's."""
    text: str
    """As it came; may be empty."""
    line: int = 0
    """In its file, from 1; 0: it comes from none."""

    @property
    def empty(self) -> bool:
        """Whether it holds nothing that a person sees."""
        return not self.text.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFile:
    """A file of answers, and what is wrong with it."""

    name: str
    """As the user named it."""
    answers: tuple[Answer, ...]
    """In the order of the file."""
    problems: tuple[str, ...]
    """A sentence ``file:line: problem and fix`` for each line that cannot be read."""
    mentioned: frozenset[str] = frozenset()
    """Ids in lines that are wrong in other ways: their cases are not forgotten."""
    readable: bool = True
    """Whether it could be read at all; else the one problem says why."""


class AnswerEntry(Closed):
    """One line of a file of JSON objects."""

    wording = replace(
        wording_of("an answer"),
        shape=f"an answer is one object a line, such as {_LIKE_THIS}",
        missing=f"the line lacks {{keys}}; write {_LIKE_THIS}",
    )

    id: str
    answer: str


def read_answers(path: Path) -> AnswerFile:
    """Read a file of answers, by its name's ending or, with another one, by its first line.

    What is wrong with it stands in the result, so that several files are told about at once.
    """
    name = str(path)
    try:
        if path.is_dir():
            raise InvalidInput(
                f"{name}: is a folder; name a file with an answer a line, such as {_LIKE}"
            )
        text = read_text(path, name, most=LARGEST)
    except InvalidInput as error:
        return AnswerFile(name=name, answers=(), problems=(str(error),), readable=False)
    return parse_answers(text, name, _format(path.suffix.lower(), text))


def parse_answers(text: str, name: str, form: Format) -> AnswerFile:
    """Read the answers in a text; ``name`` stands for the file in messages."""
    problems = Problems(name)
    mentioned: set[str] = set()
    # Lines end with a line feed only: an answer may hold U+2028, which splitlines() would split.
    lines = ((at, line.removesuffix("\r")) for at, line in enumerate(text.split("\n"), start=1))
    filled = ((at, line) for at, line in lines if line.strip())
    read = _json_answers if form is Format.JSONL else _tab_answers
    return AnswerFile(
        name=name,
        answers=tuple(read(filled, problems, mentioned)),
        problems=tuple(problems.lines()),
        mentioned=frozenset(mentioned),
    )


def dump_answers(answers: Iterable[Answer], form: Format) -> str:
    """Write answers as a file that :func:`parse_answers` reads back, their lines apart."""
    if form is Format.TSV:
        rows = [f"{answer.id}\t{escaped(answer.text)}\n" for answer in answers]
        # With its header, so that no answer can be taken for one.
        return "".join([f"{HEADER}\n", *rows])
    objects = ({"id": answer.id, "answer": answer.text} for answer in answers)
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in objects)


def escaped(text: str) -> str:
    """An answer as it stands in a tab-separated file."""
    return "".join(_ESCAPES.get(char, char) for char in text)


def unescaped(text: str) -> str:
    """What :func:`escaped` wrote; a backslash before another character stands for itself."""
    return _ESCAPE.sub(lambda found: _ESCAPED[found.group()], text)


def _format(suffix: str, text: str) -> Format:
    if suffix in _TSV_SUFFIXES:
        return Format.TSV
    if suffix in _JSON_SUFFIXES or text.lstrip()[:1] in ("{", "["):
        return Format.JSONL
    return Format.TSV


def _tab_answers(
    lines: Iterable[tuple[int, str]], problems: Problems, mentioned: set[str]
) -> Iterator[Answer]:
    first = True
    for at, line in lines:
        header, first = first and line == HEADER, False
        if header:
            continue
        key, *texts = line.split("\t")
        if len(texts) == 1:
            yield Answer(key, unescaped(texts[0]), at)
            continue
        mentioned.add(key)
        if texts:
            said = f"id={_short(key)}: {len(texts)} tabs; write one inside an answer as \\t"
        else:
            said = f"{_short(line)} holds no tab; write an id, a tab and the answer"
        problems.add(at, said)


def _json_answers(
    lines: Iterable[tuple[int, str]], problems: Problems, mentioned: set[str]
) -> Iterator[Answer]:
    for at, line in lines:
        try:
            read = _object(line, problems.name)
        except json.JSONDecodeError as error:
            problems.add(
                at, f"is not JSON: {error.msg}, column {error.colno}; write {_LIKE} on one line"
            )
            continue
        except ValueError as error:
            problems.add(at, f"is refused: {error}; write {_LIKE}")
            continue
        entry = _entry(read, at, problems)
        if entry is not None:
            yield Answer(entry.id, entry.answer, at)
        elif isinstance(read.data, dict) and isinstance(read.data.get("id"), str):
            mentioned.add(read.data["id"])


def _object(line: str, name: str) -> Located:
    """Read one line.

    Raises:
        ValueError: it is no JSON that all readers agree about.
    """
    read = located_json(line.encode(), name)
    # The file is UTF-8, so half a character can only be spelled out.
    half = _SURROGATE.search(json.dumps(read.data, ensure_ascii=False)) if "\\u" in line else None
    if half is not None:
        raise ValueError(f"it holds half a character (\\u{ord(half.group()):04x})")
    return read


def _entry(read: Located, at: int, problems: Problems) -> AnswerEntry | None:
    """Judge one object; None where something was noted."""
    data: Any = read.data
    null = isinstance(data, dict) and "answer" in data and data["answer"] is None
    if null:
        problems.add(at, 'answer is null; write "" where the system gave no answer')
        data = {**data, "answer": ""}
    try:
        entry = AnswerEntry.model_validate(data, strict=True)
    except ValidationError as error:
        for _, sentence in sentences(AnswerEntry, read, error):
            problems.add(at, sentence)
        return None
    return None if null else entry


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
