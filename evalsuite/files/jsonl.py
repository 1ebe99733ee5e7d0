"""Files of rows: a JSON object a line, checked against its type; errors name the line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from evalsuite.errors import EvalsuiteError, RunError

Row = TypeVar("Row")


def read_rows(path: Path, adapter: TypeAdapter[Row]) -> tuple[Row, ...]:
    """Read every row of a file.

    Raises:
        RunError: naming the line that is no such row.
        OSError: the file cannot be read.
    """
    rows: list[Row] = []
    # Lines end with a line feed only: model text may hold U+2028, which splitlines() would split.
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            rows.append(adapter.validate_json(line))
        except (ValidationError, EvalsuiteError) as problem:
            why = first_fault(problem) if isinstance(problem, ValidationError) else str(problem)
            raise RunError(f"{path}:{number}: {why}; run the gate again") from problem
    return tuple(rows)


def first_fault(problem: ValidationError, whole: str = "the row") -> str:
    """Say in one clause what pydantic found first, without the value.

    Args:
        problem: what it found.
        whole: how to name all that was judged.
    """
    error = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in error["loc"]) or whole
    return f"{place}: {error['msg']}"
