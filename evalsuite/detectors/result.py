"""Scores: what every detector returns, and the evidence that goes with it.

One type for all detectors, so that statistics, gates and the report need not know which one spoke.
A value is a **loss**: less is better, for every detector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from evalsuite.errors import InvalidInput


class Detector(StrEnum):
    """Every detector, by the name that scores carry in files."""

    LITERAL_LEAK = "literal_leak"
    """A name or phrase of a demonstration stands in the answer."""
    SWAP_LEAK = "swap_leak"
    """The answer changes with the demonstrations' entities."""
    ABSENT_NAMES = "absent_names"
    """The same search for names that no prompt held: what it finds is a false alarm."""
    RIGHT = "right"
    """The rewrite is not right: one of the next four is lost."""
    NAMED = "named"
    """The rewrite does not name what is meant, or names what is not."""
    KEPT = "kept"
    """The rewrite does not ask what the query asks, or asks more."""
    FORM = "form"
    """The rewrite is not one query in the language of the query, with nothing around it."""
    UNTOUCHED = "untouched"
    """A query that stands alone was changed."""
    WORDS_LOST = "words_lost"
    """Share of the query's content words that the rewrite no longer asks."""
    WORDS_NEW = "words_new"
    """Share of the rewrite's content words that neither query nor history holds."""
    PRONOUN_RESOLUTION = "pronoun_resolution"
    """Read only: what runs before version 4 hold in place of ``right`` and its parts, judged by
    laxer rules. Nothing writes it, and no run that has it is compared with one that has not."""
    SKILL_ANSWER = "skill_answer"
    """A plain instruction has another answer than its right one."""
    TEXT_LOSS = "text_loss"
    """Nats per token of a given text."""
    REFERENCE_LOSS = "reference_loss"
    """Nats per token of the first accepted rewrite of a golden case: told, never judged."""
    DIVERGENCE = "divergence"
    """Nats per token of what the base said by chance: told beside the base's own."""
    PREFERRED = "preferred"
    """A wrong fact is at least as likely an answer as the right one: told, never decisive."""
    AS_TURNS = "as_turns"
    """The rewrite is not right where the history is sent the other way, as turns or packed into
    one text: told, never decisive."""
    TEMPLATE_ROUND_TRIP = "template_round_trip"
    """A conversation does not come back from the chat template, or a property of it is refuted."""
    CONTROL_TOKEN = "control_token"  # noqa: S105  # a token of a chat format
    """The answer goes on into a turn that is not its own."""
    REGRESSION = "regression"
    """A history that broke a candidate once breaks this one too."""


PARTS = (Detector.NAMED, Detector.KEPT, Detector.FORM, Detector.UNTOUCHED)
"""In what way a rewrite is not right, each a loss of its own."""
SHARES = (Detector.WORDS_LOST, Detector.WORDS_NEW)
"""Shares of words, which mean something only beside those of another side."""


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

    detector: Detector
    """What judged."""
    case_id: str
    """The case, skill item or conversation that was judged."""
    value: float | None
    """A loss: 0.0 good, 1.0 defect, nats per token for a text loss, or a share of words; None: not
    measured."""
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
