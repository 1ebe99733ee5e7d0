"""What every answer has to keep, read off its scores; a person is told the first that broke.

A promise needs no limit and no panel: one answer can break it. Searches look for such answers, and
remembered regressions ask for them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from evalsuite.conversation import Conversation
from evalsuite.detectors import PARTS, Detector, Score, Span
from evalsuite.generation import Output
from evalsuite.tasks.prompt import prompt_of
from evalsuite.tasks.scoring import Known, score
from evalsuite.tasks.task import Rewriting, Task
from evalsuite.template import ChatTemplate, PropertyStatus
from evalsuite.template.properties import r3_no_forged_control, r4_parse_back


class Promise(StrEnum):
    """What was promised about every answer."""

    ROUND_TRIP = "template round trip"
    """Absolute: the prompt that was rendered reads back as the conversation, with no turn lost,
    changed or forged."""
    NO_CONTROL = "no control token"
    """Absolute: the answer ends its turn and goes on into no other."""
    NO_LEAK = "no example leakage"
    """Absolute: nothing of a demonstration gets into the answer."""
    UNCHANGED = "unchanged where it must be"
    """Absolute: a query that stands alone is returned as it is. A rewrite that is not ``right``
    breaks this or the next, and the reason names the parts that are lost."""
    RESOLVED = "resolved where the baseline resolves it"
    """Relative: the rewrite is right, in conversations that the baseline copes with."""
    KEPT = "kept where the baseline has it"
    """Relative: a general skill is still there, in chats in which the baseline shows it."""

    @property
    def absolute(self) -> bool:
        """Whether it holds whatever the baseline says."""
        return self not in (Promise.RESOLVED, Promise.KEPT)

    @property
    def detector(self) -> Detector:
        """The detector whose score shows whether it was kept."""
        return _DETECTOR[self]


_DETECTOR = {
    Promise.ROUND_TRIP: Detector.TEMPLATE_ROUND_TRIP,
    Promise.NO_CONTROL: Detector.CONTROL_TOKEN,
    Promise.NO_LEAK: Detector.LITERAL_LEAK,
    Promise.UNCHANGED: Detector.RIGHT,
    Promise.RESOLVED: Detector.RIGHT,
    Promise.KEPT: Detector.SKILL_ANSWER,
}
_SCORED = frozenset(_DETECTOR.values())


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that an answer broke."""

    promise: Promise
    reason: str
    spans: tuple[Span, ...] = ()
    """Evidence in the answer."""


def broken_promises(
    task: Task, candidate: Output, baseline: Output, template: ChatTemplate
) -> tuple[Broken, ...]:
    """Every promise that a prompt, or the candidate's answer to it, breaks; the prompt's first.

    Args:
        task: what was asked of both.
        candidate: the candidate's answer.
        baseline: the baseline's answer to the same prompt.
        template: rendered the prompt.
    """
    rendered = _broken_by_template(prompt_of(task), template)
    answered = _broken_by_answer(task, candidate, baseline, Known(template=template))
    return (*((rendered,) if rendered else ()), *answered)


def _broken_by_template(conversation: Conversation, template: ChatTemplate) -> Broken | None:
    """What the template makes of a conversation that it should carry unchanged; None: all well."""
    for prove in (r4_parse_back, r3_no_forged_control):
        result = prove(template, [template.carried(conversation)])
        if result.status is PropertyStatus.VIOLATED:
            return Broken(Promise.ROUND_TRIP, f"{result.name}: {result.detail}")
    return None


def _broken_by_answer(
    task: Task, candidate: Output, baseline: Output, known: Known
) -> Iterator[Broken]:
    every = score(task, candidate, known, detectors={*_SCORED, *PARTS})
    lost = [found for found in every if found.detector in PARTS and found.value]
    for found in every:
        if found.detector in PARTS or not found.value:
            continue
        promise = _promise(task, found)
        if promise.absolute or _kept(task, baseline, known, found.detector):
            yield _broken(promise, found, lost)


def _broken(promise: Promise, found: Score, lost: list[Score]) -> Broken:
    """A promise with the reason why it is broken; of a rewrite, in what way it is wrong."""
    if found.detector is not Detector.RIGHT or not lost:
        return Broken(promise, found.explanation, found.spans)
    reason = " ".join(f"{part.detector}: {part.explanation}" for part in lost)
    spans = [
        replace(span, label=f"{part.detector}: {span.label}")
        for part in lost
        for span in part.spans
    ]
    return Broken(promise, reason, tuple(sorted(spans, key=lambda span: (span.start, span.end))))


def _promise(task: Task, found: Score) -> Promise:
    """The promise that a detector watches over, for such a task."""
    stays = isinstance(task, Rewriting) and task.case.expect.unchanged
    # Of references there are two promises, and a case decides which of them it is about.
    other = Promise.RESOLVED if stays else Promise.UNCHANGED
    [promise] = (p for p in Promise if p.detector is found.detector and p is not other)
    return promise


def _kept(task: Task, baseline: Output, known: Known, detector: Detector) -> bool:
    """Whether the baseline's answer to the same prompt has no such defect."""
    return all(found.value == 0.0 for found in score(task, baseline, known, detectors={detector}))
