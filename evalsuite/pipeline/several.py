"""Several candidates of one base: a run each, the base loaded once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalsuite.engines import Resident
from evalsuite.errors import EvalsuiteError, InvalidInput
from evalsuite.models import CONFIG_FILE
from evalsuite.pipeline.records import Event
from evalsuite.pipeline.request import GateRequest
from evalsuite.pipeline.steps import evaluate
from evalsuite.runs.folder import Run

TellOf = Callable[[Path, Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What became of one candidate."""

    folder: Path
    seconds: float
    run: Run | None
    """None: it could not be run."""
    problem: str = ""
    """Why it could not."""


def each(request: GateRequest, folders: Sequence[Path]) -> tuple[GateRequest, ...]:
    """Return one request for each folder, its run below ``request.out`` under the folder's name.

    Args:
        request: What they have in common.
        folders: Of adapters and of whole models, in any order.

    Raises:
        InvalidInput: two are one folder or have one name, or a name that no run folder can have.
    """
    named: dict[str, Path] = {}
    for folder in folders:
        name = folder.expanduser().resolve().name
        other = named.setdefault(name, folder)
        if not name:
            raise InvalidInput(
                f"adapters={str(folder)!r} has no name that a run could be called by"
            )
        if other is not folder and _same(other, folder):
            raise InvalidInput(
                f"adapters={str(other)!r} and {str(folder)!r} are one folder; leave one of them out"
            )
        if other is not folder:
            raise InvalidInput(
                f"adapters={str(other)!r} and {str(folder)!r} are both called {name!r}, and runs "
                "go by that name; rename one, or gate it by itself"
            )
    return tuple(
        replace(request, adapter=folder, whole_model=_is_whole(folder), out=request.out / name)
        for name, folder in named.items()
    )


def evaluate_each(
    requests: Sequence[GateRequest], *, tell: TellOf = lambda *_: None
) -> Iterator[Gated]:
    """Run every gate on each candidate in turn, and yield what became of it.

    Seed, attempt and verdict of each are those that it has alone: nobody's answers depend on who
    else is asked. One that cannot be run does not keep the others from it.

    Args:
        requests: As :func:`each` made them.
        tell: Called with the candidate's folder and an :class:`Event`.
    """
    resident = Resident()
    for request in requests:
        folder, began = request.adapter, time.monotonic()

        def told(event: Event, folder: Path = folder) -> None:
            tell(folder, event)

        run, problem = None, ""
        try:
            run = evaluate(request, tell=told, resident=resident)
        except EvalsuiteError as error:
            problem = str(error)
        yield Gated(folder=folder, seconds=time.monotonic() - began, run=run, problem=problem)


def _same(one: Path, other: Path) -> bool:
    return one.expanduser().resolve() == other.expanduser().resolve()


def _is_whole(folder: Path) -> bool:
    return not (folder / CONFIG_FILE).is_file() and (folder / "config.json").is_file()
