"""The one judge of an answer: which detectors look at what was asked, and what they say.

Gates, searches, remembered regressions, sensitivity and the deepeval metrics all score here, so
that the same answer to the same task has the same scores wherever it was given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import assert_never

from evalsuite.detectors import PARTS, SHARES, Detector, Score
from evalsuite.detectors.leakage import absent_names, literal_leak, swap_leak
from evalsuite.detectors.retention import answer_score, choice_score, text_score
from evalsuite.detectors.roundtrip import control_token
from evalsuite.generation import Output
from evalsuite.prompts import Demonstration, task_text
from evalsuite.rewrites import judge
from evalsuite.tasks.task import Choice, Rewriting, Skill, Task, Text
from evalsuite.template import ChatTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """The answer to the same case under other demonstrations: what a swap compares with."""

    text: str
    demonstrations: tuple[Demonstration, ...]
    """What its prompt showed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beside a task and its answer; a detector that lacks its part does not look."""

    template: ChatTemplate | None = None
    """Of the model that answered; None: nobody looks for control tokens."""
    absent: tuple[str, ...] | None = None
    """Names that no prompt held, to count the false alarms of the leak search with."""
    counterpart: Counterpart | None = None
    options: tuple[Output, ...] | None = None
    """What came back for every option of a choice, in their order."""


NOTHING = Known()
"""Nothing but the task and its answer is known."""
_GENERATED = frozenset({Detector.CONTROL_TOKEN})
_REWRITTEN = frozenset(
    {
        Detector.LITERAL_LEAK,
        Detector.ABSENT_NAMES,
        Detector.SWAP_LEAK,
    }
)
REFERENCES = frozenset({Detector.RIGHT, *PARTS, *SHARES})
"""What the judge of a rewrite says, all of it in one look."""


def applicable(task: Task) -> frozenset[Detector]:
    """The detectors that can say something about an answer to such a task."""
    match task:
        case Rewriting():
            return _GENERATED | _REWRITTEN | REFERENCES
        case Skill():
            return _GENERATED | {Detector.SKILL_ANSWER}
        case Choice(option=0):
            return frozenset({Detector.SKILL_ANSWER})
        case Choice():
            return frozenset()  # the item has one score, which stands at its first option
        case Text():
            return frozenset({Detector.TEXT_LOSS})
        case _:
            assert_never(task)


def score(
    task: Task,
    output: Output,
    known: Known = NOTHING,
    *,
    detectors: Collection[Detector] | None = None,
) -> tuple[Score, ...]:
    """Score one answer; pure: same input, same scores, always in the same order.

    Args:
        task: what was asked.
        output: what came back.
        known: what else detectors may look at.
        detectors: only these; None: every one that is :func:`applicable`.

    Returns:
        A score for each detector that looked, each a loss: 0.0 good, 1.0 a defect, nats a token for
        a text. A value of None says that it looked and could not tell.
    """
    wanted = applicable(task) if detectors is None else applicable(task) & frozenset(detectors)
    return tuple(_scores(task, output, known, wanted))


def _scores(
    task: Task, output: Output, known: Known, wanted: frozenset[Detector]
) -> Iterator[Score]:
    if Detector.CONTROL_TOKEN in wanted and known.template is not None:
        yield control_token(task.id, output, known.template)
    match task:
        case Rewriting():
            yield from _rewriting(task, output, known, wanted)
        case Skill(item=skill):
            if Detector.SKILL_ANSWER in wanted:
                yield answer_score(skill, output.text)
        case Choice(item=skill):
            if Detector.SKILL_ANSWER in wanted and known.options is not None:
                yield choice_score(skill, [option.logprobs for option in known.options])
        case Text(item=text):
            if Detector.TEXT_LOSS in wanted:
                yield text_score(text, output.logprobs)
        case _:
            assert_never(task)


def _rewriting(
    task: Rewriting, output: Output, known: Known, wanted: frozenset[Detector]
) -> Iterator[Score]:
    case, text, other = task.case, output.text, known.counterpart
    if Detector.LITERAL_LEAK in wanted:
        yield literal_leak(case, text, task.demonstrations, task=task_text(case.language))
    if Detector.ABSENT_NAMES in wanted and known.absent is not None:
        yield absent_names(case, text, known.absent)
    if Detector.SWAP_LEAK in wanted and other is not None:
        yield swap_leak(case, text, task.demonstrations, other.text, other.demonstrations)
    if wanted & REFERENCES:
        found = judge(case, text, output.finish).scores(case)
        yield from (score for score in found if score.detector in wanted)
