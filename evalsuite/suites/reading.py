"""Suite files: a JSON object a line, with its line number; everything wrong is told at once.

:func:`dump_suite` and :func:`parse_suite` are an inverse pair.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from evalsuite.errors import InvalidInput, InvalidSuite
from evalsuite.files.closedschema import Closed
from evalsuite.files.jsonnodes import located_json
from evalsuite.files.problems import Problems, joined
from evalsuite.files.sentences import sentences
from evalsuite.files.text import read_text
from evalsuite.scenarios import EVERY_SKILL, SkillItem
from evalsuite.suites.items import item_of
from evalsuite.suites.schema import NO_HEADER, HeaderLine, SuiteHeader, SuiteRow

SUFFIXES = (".jsonl", ".ndjson")
LARGEST = 100_000_000
"""Largest file, in bytes."""
_LIKE = '{"question": "...", "answer": "..."}'
_Line = TypeVar("_Line", bound=Closed)


@dataclass(slots=True)
class Known:
    """What was read before: where each id and each skill's floor stands."""

    ids: dict[str, str] = field(default_factory=dict)
    floors: dict[str, tuple[float | None, str]] = field(default_factory=dict)


def read_suites(paths: Sequence[Path]) -> tuple[SkillItem, ...]:
    """Read suite files, in their order.

    Raises:
        InvalidSuite: ``file:line: problem and fix`` for everything that is wrong with any of them.
    """
    items: list[SkillItem] = []
    lines: list[str] = []
    known = Known()
    for path in dict.fromkeys(paths):
        problems = Problems(path.as_posix())
        try:
            text = read_text(path, path.as_posix(), most=LARGEST)
        except InvalidInput as error:
            lines.append(str(error))
            continue
        items += _parsed(text, problems, known, default_skill(path))
        lines += problems.lines()
    if lines:
        raise InvalidSuite(joined(lines))
    return tuple(items)


def default_skill(path: Path) -> str:
    """The skill of a file that names none: its name up to the first ``.``, in small letters."""
    kept = [char if char.isascii() and char.isalnum() else "-" for char in path.stem.lower()]
    return "".join(kept).strip("-")[:80] or "suite"


def parse_suite(text: str, name: str) -> tuple[SuiteHeader, tuple[SuiteRow, ...]]:
    """Read the header and the rows of a text; ``name`` stands for the file in messages.

    Raises:
        InvalidSuite: as :func:`read_suites`.
    """
    problems = Problems(name)
    header, rows = _lines(text, problems)
    found = tuple(rows)
    _items(found, header, problems, Known(), default_skill(Path(name)))
    if problems.found:
        raise InvalidSuite(joined(problems.lines()))
    return header, tuple(row for _, row in found)


def dump_suite(header: SuiteHeader, rows: Iterable[SuiteRow]) -> str:
    """Write a header, where it says something, and rows as a file that :func:`parse_suite` reads
    back."""
    said = {} if header == NO_HEADER else {"suite": _plain(header)}
    objects = ([said] if said else []) + [_plain(row) for row in rows]
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in objects)


def _plain(model: Closed) -> dict[str, object]:
    found: dict[str, object] = model.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    answer = found.get("answer")
    if isinstance(answer, list) and len(answer) == 1:
        found["answer"] = answer[0]
    return found


def _parsed(text: str, problems: Problems, known: Known, skill: str) -> list[SkillItem]:
    header, rows = _lines(text, problems)
    return _items(rows, header, problems, known, skill)


def _lines(text: str, problems: Problems) -> tuple[SuiteHeader, Iterator[tuple[int, SuiteRow]]]:
    """The header, and the rows that fit their schema, each with its line."""
    # Lines end with a line feed only: a text may hold U+2028, which splitlines() would split.
    filled = [
        (at, line.removesuffix("\r"))
        for at, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    found: HeaderLine | None = HeaderLine(suite=NO_HEADER)
    if filled and _is_header(filled[0][1]):
        at, line = filled.pop(0)
        found = _read(HeaderLine, line, at, problems)
    late = [at for at, line in filled if _is_header(line)]
    for at in late:
        problems.add(at, "a header has to be the first line of the file; move it there")
    rows = [
        (at, row)
        for at, line in filled
        if at not in late and (row := _read(SuiteRow, line, at, problems))
    ]
    if not filled:
        problems.add(1, f"the file holds no row; write {_LIKE}")
    if found is None:
        # Every row would lack what the header was to say.
        return NO_HEADER, iter(())
    return found.suite, iter(rows)


def _is_header(line: str) -> bool:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "suite" in found


def _read(model: type[_Line], line: str, at: int, problems: Problems) -> _Line | None:
    """Judge one line; None where something was noted."""
    try:
        read = located_json(line.encode(), problems.name)
    except json.JSONDecodeError as error:
        said = f"is not JSON: {error.msg}, column {error.colno}; write {_LIKE} on one line"
        problems.add(at, said)
        return None
    except ValueError as error:
        problems.add(at, f"is refused: {error}; write {_LIKE}")
        return None
    try:
        return model.model_validate_json(line, strict=True)
    except ValidationError as error:
        for _, sentence in sentences(model, read, error):
            problems.add(at, sentence)
    return None


def _items(
    rows: Iterable[tuple[int, SuiteRow]],
    header: SuiteHeader,
    problems: Problems,
    known: Known,
    skill: str,
) -> list[SkillItem]:
    items = []
    for at, row in rows:
        item, wrong = item_of(row, header, skill=skill, source=f"{problems.name}:{at}")
        for said in wrong:
            problems.add(at, said)
        if item is not None:
            _note(item, row, at, problems, known)
            items.append(item)
    return items


def _note(item: SkillItem, row: SuiteRow, at: int, problems: Problems, known: Known) -> None:
    """Note an id that stands twice, and a skill that is another one already."""
    here = f"{problems.name}:{at}"
    first = known.ids.setdefault(item.id, here)
    if first != here:
        why = f"duplicate id {item.id!r}" if row.id else "the same question is asked"
        problems.add(at, f"{why}, first at {first}; remove one, or give each its own id")
    if item.skill in EVERY_SKILL:
        problems.add(at, f"skill={item.skill!r} is a seeded skill; give the suite another name")
    floor, where = known.floors.setdefault(item.skill, (item.floor, here))
    if floor != item.floor:
        problems.add(
            at,
            f"skill={item.skill!r} has the floor {item.floor} here and {floor} at {where}; give "
            "both the same, or name two skills",
        )
