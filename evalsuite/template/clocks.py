"""What a template does with the date, seen from its texts on two dates and without a clock."""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import takewhile

from evalsuite.template.isolatedjob import RenderedText

PINNED = "2024-07-26T12:00:00"
"""The day on which a template lives that gives no text without a clock."""
_DATE = string.digits + " -/.,:"
"""What two written dates may have in common at their ends, beside the end of a day's name."""


def clock_problem(
    first: Sequence[RenderedText],
    second: Sequence[RenderedText],
    timeless: Sequence[RenderedText],
) -> str | None:
    """Say what a template does with a clock beside writing the date; None: nothing."""
    for answers in zip(first, second, timeless, strict=True):
        early, late, bare = (str(answer.get("text", "")) for answer in answers)
        if any("error" in answer for answer in answers) or early == late == bare:
            continue
        # What two dates have in common is the template's own, and must be there without a clock.
        head = _shared(early, late).rstrip(_DATE)
        tail = (
            _shared(early[::-1], late[::-1])[::-1].lstrip(_DATE).removeprefix("day").lstrip(_DATE)
        )
        if early == late or not (bare.startswith(head) and bare.endswith(tail)):
            return (
                f"with a clock it says {early[:200]!r}, without one {bare[:200]!r}: more than a "
                "date; use the template of the model's maker"
            )
    return None


def _shared(one: str, other: str) -> str:
    """What two texts have in common from their start on."""
    pairs = zip(one, other, strict=False)
    return "".join(first for first, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
