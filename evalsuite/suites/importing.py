"""Published sets as suite files: reads a file by its format, and says what came of each record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from evalsuite.errors import InvalidInput, InvalidSuite
from evalsuite.files.jsonnodes import located_json
from evalsuite.files.problems import joined, suggestion
from evalsuite.files.sentences import sentences
from evalsuite.suites import bias, published
from evalsuite.suites.items import item_of
from evalsuite.suites.records import Bad, Draft, Found
from evalsuite.suites.schema import SuiteHeader, SuiteRow

MOST_TOLD = 20
"""Broken records that are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a set is published, and how a suite of it is asked."""

    read: Callable[[Path], Iterator[Found]]
    header: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of a file."""

    header: SuiteHeader
    rows: tuple[SuiteRow, ...]
    bad: tuple[str, ...]
    """``file:line: problem and fix`` for each record that cannot be asked."""
    left_out: Mapping[str, int]
    """Reason -> how many sound records are not asked for it."""

    @property
    def records(self) -> int:
        """How many records were read."""
        return len(self.rows) + len(self.bad) + sum(self.left_out.values())


_LETTERS = {"rule": "choice_letter", "by": "probability"}
_PRONOUNS = {"language": "en", "rule": "choice", "normalise": True}
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "gsm8k": Format(
            published.gsm8k,
            {"skill": "gsm8k", "language": "en", "rule": "last_number", "max_tokens": 512},
        ),
        "mmlu": Format(published.lettered("mmlu"), {"skill": "mmlu", "language": "en", **_LETTERS}),
        "cmmlu": Format(
            published.lettered("cmmlu"), {"skill": "cmmlu", "language": "zh", **_LETTERS}
        ),
        "ceval": Format(
            published.lettered("ceval"), {"skill": "ceval", "language": "zh", **_LETTERS}
        ),
        "hellaswag": Format(
            published.hellaswag,
            {"skill": "hellaswag", "language": "en", "rule": "choice", "normalise": True},
        ),
        "arc": Format(
            published.arc,
            {"skill": "arc", "language": "en", "rule": "choice", "normalise": True},
        ),
        "ifeval": Format(published.ifeval, {"skill": "ifeval", "language": "en", "rule": "ifeval"}),
        "mt_bench_101": Format(
            published.mt_bench_101,
            {"skill": "mt_bench_101", "language": "en", "rule": "divergence"},
        ),
        "belle": Format(
            published.belle, {"skill": "belle", "language": "zh", "rule": "divergence"}
        ),
        "winogender": Format(bias.winogender, {"skill": "winogender", **_PRONOUNS}),
        "winobias": Format(bias.winobias, {"skill": "winobias", **_PRONOUNS}),
        "gap": Format(bias.gap, {"skill": "gap", **_PRONOUNS}),
    }
)
"""Name of a format -> how it is read."""


def import_suite(
    format: str, file: Path, *, limit: int | None = None, skip_bad: bool = False
) -> Imported:
    """Read a published set as a suite.

    Args:
        format: a key of :data:`FORMATS`.
        file: as it was published.
        limit: stop after so many rows; what comes after them is not checked.
        skip_bad: leave broken records out instead of refusing the file.

    Raises:
        InvalidSuite: unknown format, a bad limit, no rows, or broken records, each named as
            ``file:line``.
        InvalidInput: the file cannot be read.
        MissingDependency: it is Parquet, and pyarrow is not installed.
    """
    if format not in FORMATS:
        hint = suggestion(format, FORMATS) or f"; use one of: {', '.join(FORMATS)}"
        raise InvalidSuite(f"format={format!r} is unknown{hint}")
    if limit is not None and limit < 1:
        raise InvalidSuite(f"limit={limit} must be at least 1; leave it out to import everything")
    known = FORMATS[format]
    header = SuiteHeader.model_validate_json(json.dumps(known.header), strict=True)
    imported = _collected(known.read(file), header, file, limit)
    if imported.bad and not skip_bad:
        told = joined([*imported.bad], most=MOST_TOLD)
        raise InvalidSuite(f"{told}\ngive --skip-bad to leave such records out")
    if not imported.rows:
        raise InvalidSuite(f"{file.as_posix()}: holds no {format} record; check the format")
    return imported


def _collected(
    found: Iterator[Found], header: SuiteHeader, file: Path, limit: int | None
) -> Imported:
    rows: list[SuiteRow] = []
    bad: list[str] = []
    left_out: Counter[str] = Counter()
    ids: dict[str | None, int] = {}
    for one in found:
        if isinstance(one, Draft):
            row, wrong = _row(one, header, f"{file.as_posix()}:{one.line}")
            if row is not None and ids.setdefault(row.id, one.line) != one.line:
                wrong = [f"is the same record as line {ids[row.id]}; remove one"]
            if row is None or wrong:
                bad += [f"{file.as_posix()}:{one.line}: {' '.join(wrong)}"]
                continue
            rows.append(row)
            if len(rows) == limit:
                break
        elif isinstance(one, Bad):
            bad.append(f"{file.as_posix()}:{one.line}: {one.text}")
        else:
            left_out[one.reason] += 1
    return Imported(header=header, rows=tuple(rows), bad=tuple(bad), left_out=left_out)


def _row(draft: Draft, header: SuiteHeader, source: str) -> tuple[SuiteRow | None, list[str]]:
    """The row of a draft, and what is wrong with it."""
    text = json.dumps(draft.row, ensure_ascii=False)
    try:
        row = SuiteRow.model_validate_json(text, strict=True)
    except ValidationError as error:
        read = located_json(text.encode("utf-8", "backslashreplace"), source)
        return None, [said for _, said in sentences(SuiteRow, read, error)]
    except InvalidInput as error:
        return None, [str(error)]
    item, wrong = item_of(row, header, skill="imported", source=source)
    return (row if item else None), wrong
