"""Ends a command at each of its file operations in turn, and runs it again.

A program, ``crashpoints.py COMMAND WORK ADAPTER POLICY CASES CACHE [EVERY] [kill|full]``: of the
commands gate and promote, with ``kill`` the process is killed right before operation k,
with ``full`` the disk refuses that operation. Each try has a folder of its own below WORK. One JSON
line for each k: what the second run found, and what lay about when it was over.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from evalsuite.errors import EvalsuiteError
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.registry import promote, read_chain, verify
from evalsuite.registry.attempts import read_attempts
from evalsuite.registry.chain import locked

OPERATIONS: Final = frozenset(
    {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod", "os.truncate"}
)
_WRITING: Final = os.O_WRONLY | os.O_RDWR
_MOST: Final = 1000
"""Operations of one command: more are a mistake of this program."""
NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one try works."""

    folder: Path
    adapter: Path
    policy: Path
    cases: Path
    cache: Path

    @property
    def registry(self) -> Path:
        """Of this try."""
        return self.folder / "registry"

    @property
    def run(self) -> Path:
        """Of this try."""
        return self.folder / "run"


def gate(place: Place) -> None:
    """Gate a candidate whose answers are known."""
    evaluate(
        GateRequest(
            adapter=place.adapter, policy=str(place.policy), cases=place.cases, out=place.run,
            cache=place.cache, registry=place.registry, seed=11,
        )
    )  # fmt: skip


def promoted(place: Place) -> None:
    """Promote the run, unless it is the champion already."""
    records = read_chain(place.registry).records
    if not records:
        promote(place.run, place.registry, now=NOW)


COMMANDS: Final[dict[str, Callable[[Place], None]]] = {
    "gate": gate,
    "promote": promoted,
}


def end_at(step: int, inside: Path, how: str) -> Callable[[], int]:
    """End this process, or its writing, at operation number ``step`` below a folder.

    Returns:
        How many operations there were so far.
    """
    steps = itertools.count()
    seen = [0]

    def hook(event: str, args: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(args[2], int) and args[2] & _WRITING
        if not (writes or event in OPERATIONS) or not str(args[0]).startswith(str(inside)):
            return
        seen[0] += 1
        if next(steps) != step:
            return
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(args[0]))

    sys.addaudithook(hook)
    return lambda: seen[0]


def told(place: Place) -> dict[str, object]:
    """What a second run left: verdict, attempts, records, and whatever nobody needs any more."""
    found: dict[str, object] = {}
    if (place.run / "run.json").is_file():
        verdicts = json.loads((place.run / "verdicts.json").read_bytes())
        found["verdicts"] = [(v["gate"], v["status"], v["value"]) for v in verdicts["verdicts"]]
        found["attempt"] = json.loads((place.run / "run.json").read_bytes())["attempt"]["number"]
    found["attempts"] = len(read_attempts(place.registry))
    records = read_chain(place.registry).records
    found["records"] = [record.statement.predicate.evalsuite.action for record in records]
    if records:
        found["verified"] = verify(records[-1].path).ok
    with locked(place.registry):
        pass  # as whoever changes the registry next
    left = [
        path.relative_to(place.folder).as_posix()
        for path in place.folder.rglob("*")
        if "unfinished" in path.name or path.name.endswith((".tmp", ".part"))
    ]
    return found | {"left": sorted(left)}


def child(work: Callable[[], None]) -> int:
    """Run something in a process of its own; return how that ended."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except EvalsuiteError as problem:
            sys.stderr.write(f"{problem}\n")
            os._exit(3)
        except BaseException as problem:
            sys.stderr.write(f"bug: {type(problem).__name__}: {problem}\n")
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def prepared(command: str, start: Place) -> None:
    """Make what a command begins with."""
    gate(start)  # and warms whatever a process computes once
    if command == "gate":
        shutil.rmtree(start.folder)
        start.folder.mkdir()


def main(command: str, work: Path, others: list[Path], every: int, how: str) -> None:
    """Go on until a command has fewer operations than the one at which it was to end."""
    start = Place(work / "start", *others)
    start.folder.mkdir(parents=True)
    prepared(command, start)
    for step in itertools.count(0, every):
        place = Place(work / f"{step:04}", *others)
        shutil.copytree(start.folder, place.folder)
        run = COMMANDS[command]

        def first(place: Place = place, step: int = step) -> None:
            end_at(step, place.folder, how)
            COMMANDS[command](place)

        ended = child(first)
        again = child(lambda place=place, run=run: run(place))  # type: ignore[misc]
        line = {"step": step, "ended": ended, "again": again, **told(place)}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        shutil.rmtree(place.folder)
        if ended == 0:
            return
        if ended != (-signal.SIGKILL if how == "kill" else 3) or step > _MOST:
            raise SystemExit(f"step {step} ended with {ended}")


if __name__ == "__main__":
    name, work, *rest = sys.argv[1:]
    main(
        name,
        Path(work),
        [Path(one) for one in rest[:4]],
        int(rest[4]) if rest[4:] else 1,
        rest[5] if rest[5:] else "kill",
    )
