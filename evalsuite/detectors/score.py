"""Scores: what every detector returns, and the evidence that goes with it.

One type for all detectors, so that statistics, gates and the report need not know which one spoke.
A value is a **loss**: less is better, for every detector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from evalsuite.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the answer that a person should look at.

    Raises:
        InvalidInput: not ``0 <= start < end``.
    """

    start: int
    """Offset of the first character in the original answer, in code points."""
    end: int
    """Offset behind the last character."""
    label: str
    """Why it is marked: usually the name that was found."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise InvalidInput(
                f"span start={self.start}, end={self.end} must satisfy 0 <= start < end"
            )


@dataclass(frozen=True, slots=True)
class Score:
    """One detector's judgement of one answer.

    Raises:
        InvalidInput: the value is negative or not finite, or the explanation is empty.
    """

    detector: str
    """The function that judged, such as ``literal_leak``."""
    case_id: str
    """The case, skill item or conversation that was judged."""
    value: float | None
    """A loss: 0.0 good, 1.0 defect, nats per token for a text loss; None: not measured."""
    explanation: str
    """Plain sentences; for None, the reason why nothing was measured."""
    spans: tuple[Span, ...] = ()
    """Evidence in the answer, in order of position."""
    side: str = "candidate"
    """Whose answer: ``candidate`` or ``baseline``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        if self.value is not None and not (math.isfinite(self.value) and self.value >= 0.0):
            raise InvalidInput(
                f"{self.detector} on {self.case_id!r}: value={self.value!r} must be a finite loss "
                ">= 0, or None when nothing could be measured"
            )
        if not self.explanation.strip():
            raise InvalidInput(f"{self.detector} on {self.case_id!r}: the explanation is empty")

    def on(self, side: str) -> Score:
        """The same score, attributed to ``side``."""
        return replace(self, side=side)
