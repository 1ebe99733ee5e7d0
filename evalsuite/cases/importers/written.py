"""Into which files imported cases go: one, or numbered ones of one set where they are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evalsuite.cases.case import Case
from evalsuite.cases.casefiles import dump_cases, dumped
from evalsuite.errors import InvalidCase

MOST_BYTES = 1_000_000
"""Of one file: every editor opens it, and every check reads it in seconds."""
_HEAD = len("cases:\n")


def case_files(
    cases: Sequence[Case], out: Path, *, most: int = MOST_BYTES
) -> tuple[tuple[Path, str], ...]:
    """What to write where, so that no file has more than ``most`` bytes.

    One file is ``out`` itself. Several are numbered behind the language, as
    ``imported_en-01.yaml``: the set is the name up to the first ``_``, and stays one set.

    Raises:
        InvalidCase: no cases, or files of an earlier import that would hold the same ids.
    """
    parts = [dump_cases(part) for part in _parts(cases, most)]
    if len(parts) == 1:
        paths = [out]
    else:
        width = max(2, len(str(len(parts))))
        paths = [_numbered(out, f"{number:0{width}}") for number in range(1, len(parts) + 1)]
    left = sorted({out, *out.parent.glob(_numbered(out, "[0-9]*").name)} - {*paths})
    if stale := [path.name for path in left if path.is_file()]:
        raise InvalidCase(
            f"{out.parent.as_posix()} holds {', '.join(stale)} of an earlier import; remove it, or "
            "name another file with --out"
        )
    return tuple(zip(paths, parts, strict=True))


def _numbered(out: Path, number: str) -> Path:
    joint = "-" if "_" in out.stem else "_"
    return out.with_name(f"{out.stem}{joint}{number}{out.suffix}")


def _parts(cases: Sequence[Case], most: int) -> Iterator[tuple[Case, ...]]:
    """Cases in a row that fit into one file together."""
    part: list[Case] = []
    size = _HEAD
    for case in cases:
        own = _size(case)
        if part and size + own > most:
            yield tuple(part)
            part, size = [], _HEAD
        part.append(case)
        size += own
    yield tuple(part)


def _size(case: Case) -> int:
    """Bytes of a case in a file, with the line between two cases."""
    return len(dumped(case).encode()) + 1
