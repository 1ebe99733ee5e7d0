"""Reading filled sheets back, as spreadsheet programs write them.

A byte order mark, semicolons or tabs, CRLF, line breaks in quotes, another order of columns and
rows are taken. A row that is missing, doubled or foreign, a changed text and an unknown word are
refused, all of them at once, each with file, line and row.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import InvalidInput
from evalsuite.files.problems import Problems, suggestion
from evalsuite.files.text import read_text
from evalsuite.review.sheet import ROW, SHEET, Asked, Entry, Sheet
from evalsuite.runs.tables import guarded, unguarded

_DELIMITERS = (",", ";", "\t")
_MOST = 100_000_000
"""Largest file in bytes."""
_MISSING_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Filled:
    """What one person answered."""

    sheet: str
    """Id of the sheet."""
    file: str
    answers: Mapping[str, Mapping[str, str]]
    """Row to column to answer, known words in their own spelling."""
    lines: Mapping[str, int]
    """Row to the line on which it begins."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of a file, by the names of its columns."""

    number: int
    cells: Mapping[str, str]


def read_filled(
    path: Path, sheets: Mapping[str, Sheet], problems: list[str], *, whole: bool = True
) -> Filled | None:
    """Read one file; what is wrong with it is added to ``problems``, and None returned.

    Args:
        path: the file.
        sheets: every sheet that it may be, by id.
        problems: ``file:line: problem and fix``.
        whole: whether every row has to be there and answered; else only what is there counts.
    """
    name = str(path)
    try:
        text = read_text(path, name, most=_MOST)
    except InvalidInput as error:
        problems.append(str(error))
        return None
    return parse_filled(text, name, sheets, problems, whole=whole)


def parse_filled(
    text: str, name: str, sheets: Mapping[str, Sheet], problems: list[str], *, whole: bool = True
) -> Filled | None:
    """Read the text of a file, as :func:`read_filled`."""
    noted = Problems(name)
    found = _parsed(text, sheets, noted, whole=whole)
    problems += noted.lines()
    return None if noted.found else found


def _parsed(
    text: str, sheets: Mapping[str, Sheet], noted: Problems, *, whole: bool
) -> Filled | None:
    like = next(iter(sheets.values()))
    lines = _lines(text, like, noted)
    if lines is None:
        return None
    claimed = Counter(line.cells[SHEET].strip() for line in lines)
    sheet = sheets.get(max(claimed, key=lambda one: claimed[one]) if claimed else "")
    if sheet is None:
        said = ", ".join(map(repr, claimed)) or "none"
        noted.add(2, f"is a sheet of another draw: sheet={said}; due is {_either(sheets)}")
        return None
    answers = dict(_answers(lines, sheet, noted, whole=whole))
    missing = [one.code for one in sheet.entries if one.code not in answers]
    if whole and missing:
        more = f" and {len(missing) - _MISSING_SHOWN} more" * (len(missing) > _MISSING_SHOWN)
        listed = ", ".join(map(repr, missing[:_MISSING_SHOWN]))
        noted.add(1, f"lacks the row {listed}{more}; take it from the sheet that was given out")
    numbers = {line.cells[ROW].strip(): line.number for line in lines}
    return Filled(sheet.id, noted.name, answers, numbers)


def _either(sheets: Mapping[str, Sheet]) -> str:
    return " or ".join(map(repr, sheets))


def _lines(text: str, like: Sheet, noted: Problems) -> list[_Line] | None:
    """Split a file into rows; None where its header is not that of a sheet."""
    found = list(_records(text, _delimiter(text), noted))
    if not found or noted.found:
        return None
    head = [cell.strip().lower() for cell in found[0][1]]
    for column in like.columns:
        if head.count(column) != 1:
            wrong = "twice" if column in head else f"not{_near(column, head)}"
            noted.add(1, f"the column {column!r} is there {wrong}; keep the header of the sheet")
    width = len(head)
    for column in head:
        if column and column not in like.columns:
            noted.add(1, f"the column {column!r} is unknown; write remarks into 'comment'")
    if noted.found:
        return None
    lines = []
    for number, cells in found[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < width or any(cell.strip() for cell in cells[width:]):
            noted.add(number, f"has {len(cells)} cells, the header {width}; a quote may be missing")
            continue
        lines.append(_Line(number, {h: c for h, c in zip(head, cells, strict=False) if h}))
    return lines


def _near(column: str, head: list[str]) -> str:
    return suggestion(column, [one for one in head if one], " (but {near!r} is)")


def _records(text: str, delimiter: str, noted: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        noted.add(begins, f"is no CSV from here on ({error}); save the sheet as CSV again")


def _delimiter(text: str) -> str:
    """What separates the cells of the first line, in which nothing else does."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _answers(
    lines: list[_Line], sheet: Sheet, noted: Problems, *, whole: bool
) -> Iterator[tuple[str, dict[str, str]]]:
    """Judge each row, and yield what it answers."""
    known = {one.code: one for one in sheet.entries}
    first: dict[str, int] = {}
    for line in lines:
        code, of = line.cells[ROW].strip(), line.cells[SHEET].strip()
        entry = known.get(code)
        if of != sheet.id or entry is None:
            what = f"sheet={of!r}, row={code!r}"
            noted.add(line.number, f"{what} is no row of sheet {sheet.id!r}; remove it")
            continue
        if code in first:
            noted.add(line.number, f"row {code!r} stands on line {first[code]} too; keep one")
            continue
        first[code] = line.number
        _require_texts(line, entry, sheet, noted)
        yield code, _answered(line, sheet, noted, whole=whole)


def _require_texts(line: _Line, entry: Entry, sheet: Sheet, noted: Problems) -> None:
    for one in sheet.fields:
        cell, text = _plain(line.cells[one.name]), entry.texts[one.name]
        # Some programs take the apostrophe away that guards a text, as they should.
        if cell not in (_plain(text), _plain(guarded(text))):
            noted.add(
                line.number,
                f"row {entry.code!r}: the text under {one.name!r} is not the one that was given "
                "out; take it from the sheet again, or import that column as text",
            )


def _plain(text: str) -> str:
    """A text without what spreadsheet programs change of it: ends of lines, space around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _answered(line: _Line, sheet: Sheet, noted: Problems, *, whole: bool) -> dict[str, str]:
    return {one.name: _answer(line, one, noted, whole=whole) for one in sheet.asked}


def _answer(line: _Line, asked: Asked, noted: Problems, *, whole: bool) -> str:
    """What a cell answers, in the spelling of the sheet."""
    said = unguarded(_plain(line.cells[asked.name]))
    row = f"row {line.cells[ROW].strip()!r}: {asked.name}"
    if not said:
        if asked.needed and whole:
            due = ", ".join(asked.choices) or "a text"
            noted.add(line.number, f"{row} is empty; write {due}")
        return ""
    if not asked.choices:
        return said
    word = " ".join(said.casefold().split())
    if word not in asked.choices:
        hint = suggestion(word, asked.choices) or f"; write {', '.join(asked.choices)}"
        noted.add(line.number, f"{row}={said[:60]!r} is unknown{hint}")
    return word
