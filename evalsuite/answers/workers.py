"""Work that several processes share where there is enough of it, in the order in which it came."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
ENOUGH = 2000
"""Fewer items are done before a second process has read its modules (half a second)."""
_PARTS = 4
_MOST = 8
"""Processes, each of some 150 MB."""


def available() -> int:
    """How many processes this one may keep busy."""
    allowed = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed is not None else os.cpu_count() or 1
    return min(cores, _MOST)


def spread(
    run: Callable[[Sequence[T]], list[R]],
    items: Sequence[T],
    *,
    workers: int,
    enough: int = ENOUGH,
) -> list[R]:
    """Do something with every item, in several processes where there are enough items.

    Args:
        run: gives a result for each item of a part; pure, and both it and its items can be sent
            to another process.
        items: in order.
        workers: processes; fewer than two do all of it here.
        enough: items from which on it is worth starting them.
    """
    if workers < 2 or len(items) < enough:
        return run(items)
    # Several parts for each, since some take longer than others.
    size = -(-len(items) // (_PARTS * workers))
    chunks = [items[at : at + size] for at in range(0, len(items), size)]
    try:
        # Spawned, because a process with threads (numpy's) must not be forked.
        with ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_leave_interrupts
        ) as pool:
            return [one for found in pool.map(run, chunks) for one in found]
    except (BrokenProcessPool, OSError):
        # No room for processes, or one was killed: slower is better than not at all.
        return run(items)


def _leave_interrupts() -> None:
    """Let the process that was started by a person answer that person."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
