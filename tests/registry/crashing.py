"""Promotes a run again and again, each time killed one file operation later.

A program, ``crashing.py RUN FOLDER [START]``: each promotion goes into a registry of its own,
``FOLDER/000`` and so on, which begins as a copy of the registry ``START``. The last one ends well.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from evalsuite.registry import promote

OPERATIONS = {"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod"}


def die_at(step: int, registry: Path) -> None:
    """Kill this process right before its file operation number ``step`` inside the registry."""
    steps = itertools.count()

    def hook(event: str, args: tuple[object, ...]) -> None:
        inside = event in OPERATIONS and str(args[0]).startswith(str(registry))
        if inside and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(run: Path, folder: Path, start: Path | None) -> None:
    """Go on until a promotion has fewer operations than the one at which it was to die."""
    for step in itertools.count():
        registry = folder / f"{step:03}"
        if start:
            shutil.copytree(start, registry)
        child = os.fork()
        if child == 0:
            die_at(step, registry)
            promote(run, registry, now=datetime.now(UTC))
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3:] else None)
