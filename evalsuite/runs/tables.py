"""A run as tidy tables: one row for each case, answer, score and decision.

``evalsuite.load_run(folder)`` is the way in. The tables need pandas, which the extra
``evalsuite[pandas]`` installs.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.errors import MissingDependency, RunStorageError
from evalsuite.files.storage import atomic_write, storage_errors
from evalsuite.runs import CaseRow, OutputRow, ScoreRow, SliceVerdict, Verdict
from evalsuite.runs.folder import Run, load_run

if TYPE_CHECKING:
    import pandas as pd

_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""What a table does not hold as it is: it hides, or acts in a terminal."""
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|\\)")
_ESCAPED = re.compile(r"\\[u\\]")
"""By what a cell tells that it holds escapes."""
# How a cell begins that a spreadsheet computes, by OWASP's list, and the apostrophe itself, so that
# guarding can be undone.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_CASES = ("panel", "case_id", "language", "kind", "cluster", "query", "history", "expected",
          "unchanged", "standard", "source", "demonstrations")  # fmt: skip
_OUTPUTS = ("panel", "case_id", "side", "demonstrations", "prompt_format", "text", "finish",
            "logprob", "tokens", "key")  # fmt: skip
_SCORES = ("gate", "detector", "panel", "case_id", "side", "value", "unit", "failed", "language",
           "kind", "cluster", "explanation")  # fmt: skip
_VERDICTS = ("gate", "part", "status", "tier", "value", "lower", "upper", "limit", "n", "clusters",
             "method", "reason")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """A run as pandas data frames; rows of different tables join on ``panel`` and ``case_id``."""

    run: Run
    """What the tables were made from."""
    cases: pd.DataFrame
    """What was asked: ``history`` as ``role: content`` lines, ``expected`` the preferred answer."""
    outputs: pd.DataFrame
    """What every side answered; ``logprob`` in nats."""
    scores: pd.DataFrame
    """What each detector said: ``value`` 0 (good) to 1 (defect), or nats; NaN: not measured."""
    verdicts: pd.DataFrame
    """What each gate decided (``part`` empty), and each of its parts."""

    def write_csv(self, folder: Path) -> tuple[Path, ...]:
        """Write ``cases.csv``, ``outputs.csv``, ``scores.csv`` and ``verdicts.csv``.

        No cell starts a formula in a spreadsheet: see :func:`guarded`.

        Raises:
            RunStorageError: the folder refuses them.
        """
        return self._write(folder, "csv", lambda frame: _as_csv(frame).encode())

    def write_parquet(self, folder: Path) -> tuple[Path, ...]:
        """Write the same as Parquet, where text is text.

        Raises:
            MissingDependency: pyarrow is not installed.
            RunStorageError: the folder refuses them.
        """
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise MissingDependency("pyarrow", "parquet", "Parquet") from None
        return self._write(folder, "parquet", lambda frame: bytes(frame.to_parquet(index=False)))

    def _write(
        self, folder: Path, suffix: str, encode: Callable[[pd.DataFrame], bytes]
    ) -> tuple[Path, ...]:
        frames = {"cases": self.cases, "outputs": self.outputs, "scores": self.scores,
                  "verdicts": self.verdicts}  # fmt: skip
        paths = []
        with storage_errors(folder, RunStorageError):
            folder.mkdir(parents=True, exist_ok=True)
            for name, frame in frames.items():
                path = folder / f"{name}.{suffix}"
                atomic_write(path, encode(frame))
                paths.append(path)
        return tuple(paths)


def load_tables(folder: Path | str) -> Tables:
    """Read a finished run as tables.

    Raises:
        RunError: no run there, or one that was changed or not finished.
        MissingDependency: pandas is not installed.
    """
    return tables_of(load_run(Path(folder)))


def tables_of(run: Run) -> Tables:
    """Return the tables of a run.

    Raises:
        MissingDependency: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingDependency("pandas", "pandas", "a run as tables") from None

    def frame(rows: Iterable[Mapping[str, object]], columns: tuple[str, ...]) -> pd.DataFrame:
        return pd.DataFrame.from_records(list(rows), columns=list(columns))

    return Tables(
        run=run,
        cases=frame(map(_case, run.cases), _CASES),
        outputs=frame(map(_output, run.outputs), _OUTPUTS),
        scores=frame(map(_score, run.scores), _SCORES),
        verdicts=frame((row for v in run.verdicts for row in _decisions(v)), _VERDICTS),
    )


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula and no terminal for a command.

    An apostrophe goes in front of what starts like a formula, as OWASP advises, and of an
    apostrophe. Control characters and those that turn the direction of text are written as
    ``\\uXXXX``, and a backslash in such a text as two. :func:`unguarded` undoes both.
    """
    if _HIDDEN.search(text) or _ESCAPED.search(text):
        text = _HIDDEN.sub(lambda m: f"\\u{ord(m[0]):04x}", text.replace("\\", "\\\\"))
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(cell: str) -> str:
    """Return the text of a cell that :func:`guarded` wrote."""
    cell = cell.removeprefix("'")
    if not _ESCAPED.search(cell):
        return cell
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else "\\", cell)


def _as_csv(frame: pd.DataFrame) -> str:
    safe = frame.map(lambda value: guarded(value) if isinstance(value, str) else value)
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _plain(value: object) -> object:
    """A value of a table; enumerations as their text."""
    return str(value) if isinstance(value, str) else value


def _case(row: CaseRow) -> dict[str, object]:
    expect = row.expect
    return {
        **{name: getattr(row, name) for name in _CASES if hasattr(row, name)},
        "history": "\n".join(f"{m.role}: {m.content}" for m in row.history),
        "expected": expect.rewrites[0] if expect and expect.rewrites else "",
        "unchanged": bool(expect and expect.unchanged),
        "standard": "" if row.standard is None else row.standard.value,
    }


def _output(row: OutputRow) -> dict[str, object]:
    return {name: _plain(getattr(row, name)) for name in _OUTPUTS}


def _score(row: ScoreRow) -> dict[str, object]:
    values = {name: _plain(getattr(row, name)) for name in _SCORES}
    return {**values, "gate": row.gate or row.detector}


def _decisions(verdict: Verdict) -> Iterator[dict[str, object]]:
    yield _decision(verdict.gate, "", verdict)
    for part in verdict.slices:
        yield _decision(verdict.gate, part.name, part)


def _decision(gate: str, part: str, decided: Verdict | SliceVerdict) -> dict[str, object]:
    known = {field.name for field in dataclasses.fields(decided)}
    values = {name: _plain(getattr(decided, name)) for name in _VERDICTS if name in known}
    return {**values, "gate": gate, "part": part}
