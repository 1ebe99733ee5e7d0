"""What a run of the gates says on its way: sentences for its steps, and lines for a log.

On a terminal every event renews one line; a log gets few lines, so that it does not look dead while
a model answers for minutes. The command line and the pytest plugin share both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalsuite.pipeline import Event

STEPS = {
    "read_inputs": "reading candidate, policy and cases",
    "load_model": "opening the engine",
    "check_liveness": "checking that the candidate is alive",
    "draw_samples": "drawing panels",
    "count_attempt": "counting the attempt",
    "infer": "asking every model",
    "confirm": "asking cases that differ again in float32",
    "score": "scoring answers",
    "decide": "judging the gates",
    "write_down": "writing the run",
}
"""Step of :func:`evalsuite.pipeline.evaluate` to what it does."""
LONG = frozenset({"read_inputs", "check_liveness", "draw_samples", "infer", "confirm", "score"})
"""Steps that may take long; each of the others ends at once, whatever the model."""
_PARTS = 10


def sentence(event: Event) -> str:
    """What is at work, without how far it is."""
    return STEPS.get(event.step, event.step.replace("_", " "))


class Pace:
    """How fast questions are answered, and how long the rest of a pass takes at that rate.

    The first batch is not counted: a model is loaded, and the machine warms up, before it.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pass = ("", 0)
        self._since = (0, 0.0)
        self._last = 0

    def __call__(self, event: Event) -> str:
        """Return the rate and the time that is left; empty before two batches are done."""
        if (event.step, event.total) != self._pass or event.done < self._last:
            self._pass, self._since = (event.step, event.total), (0, 0.0)
        self._last = event.done
        begun, since = self._since
        if not begun:
            self._since = (event.done, self._clock())
            return ""
        seconds, done = self._clock() - since, event.done - begun
        if done <= 0 or seconds <= 0 or event.done >= event.total:
            return ""
        rate = done / seconds
        return f"{rate:.3g}/s, {_duration((event.total - event.done) / rate)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def status_line(event: Event, room: int = 200, pace: str = "") -> str:
    """What is at work and how far it is, for a line that renews itself.

    Words are cut where it is longer than ``room`` characters, numbers are not.
    """
    counted = f" {event.done}/{event.total}" if event.total else ""
    counted += f" ({pace})" if pace else ""
    return f"{sentence(event)[: max(0, room - len(counted))]}{counted}"


class Milestones:
    """Chooses what a log should hold: each step once, and each tenth of a pass through questions.

    Inference takes a pass for each look at the panels; every pass counts its own questions.

    Args:
        steps: names of the steps to tell of.
        pace: tells how long the rest takes; None: nobody does.
    """

    def __init__(self, steps: Collection[str] = tuple(STEPS), *, pace: Pace | None = None) -> None:
        self._steps = steps
        self._told = ""
        self._pass = ("", 0)
        self._done = 0
        self._pace = pace

    def line(self, event: Event) -> str | None:
        """Return the line for this event, or None where it is none of the milestones."""
        if event.step not in self._steps:
            return None
        pace = self._pace(event) if self._pace else ""
        if event.total == 0 or event.step != self._told:
            self._told, self._pass, self._done = event.step, (event.step, event.total), event.done
            return sentence(event)
        if (event.step, event.total) != self._pass or event.done < self._done:
            self._pass, self._done = (event.step, event.total), 0
        before, self._done = self._done, event.done
        if _PARTS * event.done // event.total == _PARTS * before // event.total:
            return None
        percent = 100 * event.done // event.total
        left = f", {pace}" if pace else ""
        return f"{sentence(event)}: {event.done} of {event.total} ({percent} %{left})"
