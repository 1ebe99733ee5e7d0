"""Published sets as records with their lines: JSON a line, tables of commas or tabs, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalsuite.errors import InvalidSuite, MissingDependency
from evalsuite.files.text import read_text

MAX_BYTES = 500_000_000
"""Largest file that is imported."""
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A row of a suite that was found in one record."""

    line: int
    row: Mapping[str, Any]
    """As a line of a suite file says it."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that cannot be read."""

    line: int
    text: str
    """What is wrong, and the fix."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record that is sound and that no suite can ask."""

    line: int
    reason: str
    """Counted by it."""


Found = Draft | Bad | LeftOut


class Misshapen(Exception):
    """A record lacks something; says what, and the fix."""


def records(
    file: Path, read: Callable[[int, Record], Iterable[Found]], columns: tuple[str, ...] = ()
) -> Iterator[Found]:
    """Apply ``read`` to every record of a file, by its ending; what it cannot digest is bad.

    Args:
        file: ``.jsonl``, ``.json`` (an object a line), ``.csv``, ``.tsv`` or ``.parquet``.
        read: turns line and record into what it holds.
        columns: names of the columns of a table without a header; one is told by the first of
            them.

    Raises:
        InvalidSuite: it cannot be read as a whole.
        MissingDependency: Parquet, and pyarrow is not installed.
    """
    for line, record in _records(file, columns):
        if isinstance(record, Bad):
            yield record
            continue
        try:
            yield from read(line, record)
        except Misshapen as error:
            yield Bad(line, str(error))
        except KeyError as error:
            yield Bad(line, f"the record lacks {error}; check the format, or add it")
        except (TypeError, AttributeError, IndexError, ValueError) as error:
            yield Bad(line, f"the record has another shape ({error}); check the format")


def text_of(record: Record, key: str) -> str:
    """A text of a record.

    Raises:
        KeyError: it has none of that name.
        Misshapen: it is no text, or empty.
    """
    value = record[key]
    if not isinstance(value, str) or not value.strip():
        raise Misshapen(f"{key}={value!r} is no visible text; correct it")
    return value.strip()


def _records(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Record | Bad]]:
    match file.suffix.lower():
        case ".parquet":
            yield from _parquet(file)
        case ".csv":
            yield from _table(file, ",", columns)
        case ".tsv":
            yield from _table(file, "\t", columns)
        case _:
            yield from _json_lines(file)


def _json_lines(file: Path) -> Iterator[tuple[int, Record | Bad]]:
    text = read_text(file, file.as_posix(), most=MAX_BYTES)
    if text.lstrip().startswith("[") and "\n" in text.strip():
        raise InvalidSuite(f"{file.as_posix()}:1: is an array; write one object a line")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            said = f"is not JSON: {error.msg}, column {error.colno}; correct the line or remove it"
            yield number, Bad(number, said)
            continue
        except (ValueError, RecursionError):
            said = "nests too deeply or holds too long a number; remove the line"
            yield number, Bad(number, said)
            continue
        if isinstance(record, dict):
            yield number, record
        else:
            yield number, Bad(number, "is no object; write one object a line")


def _table(file: Path, mark: str, columns: tuple[str, ...]) -> Iterator[tuple[int, Record | Bad]]:
    """Rows of a table; in one of tabs quotation marks are plain text."""
    text = read_text(file, file.as_posix(), most=MAX_BYTES)
    source = io.StringIO(text, newline="")
    if mark == "\t":
        rows = csv.reader(source, delimiter=mark, quoting=csv.QUOTE_NONE, strict=True)
    else:
        rows = csv.reader(source, delimiter=mark, strict=True)
    header: list[str] = []
    line = 1
    try:
        for cells in rows:
            if not header:
                named = not columns or columns[0] in {cell.strip().lower() for cell in cells}
                header = [cell.strip().lower() for cell in cells] if named else [*columns]
                if named:
                    line = rows.line_num + 1
                    continue
            if len(cells) != len(header):
                said = f"has {len(cells)} columns; {len(header)} are due: {', '.join(header)}"
                yield line, Bad(line, said)
            else:
                yield line, dict(zip(header, cells, strict=True))
            line = rows.line_num + 1
    except csv.Error as error:
        yield line, Bad(line, f"is no row of a table: {error}; close its quotation marks")


def _parquet(file: Path) -> Iterator[tuple[int, Record | Bad]]:
    if find_spec("pyarrow") is None:
        raise MissingDependency("pyarrow", "parquet", f"{file.as_posix()}: reading Parquet")
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(file).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise InvalidSuite(f"{file.as_posix()}: cannot be read as Parquet ({error})") from None
    yield from enumerate(rows, start=1)
