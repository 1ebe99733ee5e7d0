"""A second process that renders: for another date, and for somebody else's program.

It is given limits, because a template may loop for ever. A process that is stopped by a limit, or
dies, has refuted nothing; its error says what happened and what to do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.conversation import Conversation
from evalsuite.errors import EvalsuiteError
from evalsuite.template.isolatedjob import Job, RenderAnswer, RenderTask

_COMMAND = (sys.executable, "-m", "evalsuite.template.isolated_main")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the second process may use before it is given up."""

    processor_seconds: int = 60
    """What a loop uses up; a busy machine does not."""
    wall_seconds: float = 300
    """Longer, so that waiting for a processor is not taken for a loop."""
    memory_bytes: int = 8 * 1024**3
    """Address space."""


class NoAnswer(EvalsuiteError):
    """The second process gave no answer; says why and what to do."""


def run_isolated(
    what: RenderTask,
    conversations: Sequence[Conversation],
    limits: Limits,
    *,
    dates: Sequence[str | None],
) -> list[RenderAnswer]:
    """Return one answer for each date.

    Args:
        what: to do.
        conversations: to be rendered.
        limits: of the process.
        dates: at which it is run; None: without a clock that a template could ask.

    Raises:
        NoAnswer: stopped by a limit, or ended otherwise; says what happened and what to do.
    """
    folder = Path(what["folder"])
    job: Job = {
        **what,
        "folder": str(folder.resolve()),
        "conversations": [[(str(m.role), m.content) for m in c.messages] for c in conversations],
        "dates": dates,
        "processor_seconds": limits.processor_seconds,
        "memory_bytes": limits.memory_bytes,
    }
    try:
        done = subprocess.run(  # noqa: S603  # our own module, without a shell
            _COMMAND,
            input=json.dumps(job),
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=_environment(),
            timeout=limits.wall_seconds,
            check=False,
        )
        answers: list[RenderAnswer] = json.loads(done.stdout) if done.returncode == 0 else []
    except subprocess.TimeoutExpired:
        raise NoAnswer(
            f"{folder}: the second process was not finished after {limits.wall_seconds:g} s; "
            "measure again when the machine is less busy"
        ) from None
    except (OSError, ValueError) as error:
        raise NoAnswer(
            f"{folder}: the second process cannot be started or read: {error}; "
            "remove the cause and measure again"
        ) from error
    if done.returncode != 0:
        raise NoAnswer(f"{folder}: the second process {_ending(done, limits)}")
    return answers


def _environment() -> dict[str, str]:
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "RAYON_NUM_THREADS": "1",
    }


def _ending(done: subprocess.CompletedProcess[str], limits: Limits) -> str:
    """Say how the process ended and what to do."""
    names = {-sig.value: sig.name for sig in signal.Signals}
    name = names.get(done.returncode, f"code {done.returncode}")
    last = (done.stderr.strip().splitlines() or ["no message"])[-1][:300]
    if name == "SIGXCPU":
        return (
            f"used up its {limits.processor_seconds} s of processor time; "
            "see whether chat_template.jinja loops, then measure again"
        )
    if done.returncode < 0:
        return (
            f"was killed by {name} ({last}); often the machine lacks memory: "
            "free some and measure again"
        )
    return f"ended with {name}: {last}; remove the cause and measure again"
