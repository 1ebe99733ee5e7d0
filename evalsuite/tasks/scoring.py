"""The one judge of an answer: which detectors look at what was asked, and what they say.

Gates, searches, remembered regressions, sensitivity and the deepeval metrics all score here, so
that the same answer to the same task has the same scores wherever it was given.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from evalsuite.detectors import PARTS, SHARES, Detector, Score
from evalsuite.detectors.leakage import absent_names, literal_leak, swap_leak
from evalsuite.detectors.retention import answer_score, choice_score, text_score
from evalsuite.detectors.roundtrip import control_token
from evalsuite.generation import Finish, Output
from evalsuite.prompts import Demonstration, Prompt, Read
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
        served = output
        if isinstance(task, Rewriting):
            served = _up_to_stop(task.prompt, output, known.template)
        yield control_token(task.id, served, known.template)
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
    read = task.prompt.read(output.text)
    yield from (_placed(score, read) for score in _read(task, read, output.finish, known, wanted))


def _read(
    task: Rewriting, read: Read, finish: Finish, known: Known, wanted: frozenset[Detector]
) -> Iterator[Score]:
    """The scores of what the prompt's rule read, with evidence at its places in the answer."""
    case, text, other = task.case, read.answer, known.counterpart
    if Detector.LITERAL_LEAK in wanted:
        yield _literal_leak(task, read)
    if Detector.ABSENT_NAMES in wanted and known.absent is not None:
        yield _beside(read, lambda said: absent_names(case, said, known.absent or ()))
    if Detector.SWAP_LEAK in wanted and other is not None:
        yield _swap_leak(task, read, task.prompt.read(other.text), other)
    if wanted & REFERENCES:
        # What a rule knows to be complete is no half an answer, whatever was written after it.
        ended = Finish.STOP if read.finished and finish is Finish.LENGTH else finish
        found = judge(case, text, ended).scores(case)
        yield from (_told(score, task, read) for score in found if score.detector in wanted)


def _literal_leak(task: Rewriting, read: Read) -> Score:
    """Search the answer and, where that holds nothing, all that was written beside it."""
    case, shown = task.case, task.demonstrations
    said = f"{task.prompt.task(case.language)}\n{task.prompt.instruction}".strip()
    if case.expect.untold:
        said = ""  # an instruction may give the very words in which to say so
    return _beside(read, lambda text: literal_leak(case, text, shown, task=said))


def _swap_leak(task: Rewriting, read: Read, theirs: Read, other: Counterpart) -> Score:
    """Compare the answers and, where that shows nothing, all that was written beside them."""

    def compared(mine: str, yours: str) -> Score:
        return swap_leak(task.case, mine, task.demonstrations, yours, other.demonstrations)

    inside = compared(read.answer, theirs.answer)
    if inside.value or not (read.outside or theirs.outside):
        return inside
    return _told_of(inside, compared(read.outside, theirs.outside))


def _beside(read: Read, search: Callable[[str], Score]) -> Score:
    """What a search finds in the answer, else in what was written beside it."""
    inside = search(read.answer)
    if inside.value or not read.outside:
        return inside
    return _told_of(inside, search(read.outside))


def _told_of(inside: Score, outside: Score) -> Score:
    if not outside.value:
        return inside
    return replace(outside, explanation=f"Beside its answer: {outside.explanation}", spans=())


def _told(score: Score, task: Rewriting, read: Read) -> Score:
    """A score of a rewrite that was not found says so."""
    if read.found or not score.value:
        return score
    why = f"The prompt's rule {task.prompt.rule.rule!r} finds no answer in what was written."
    return replace(score, explanation=f"{why} {score.explanation}")


def _placed(score: Score, read: Read) -> Score:
    """Move the evidence from places in the answer to those in all that was written."""
    if not score.spans or read.start == 0:
        return score
    if read.start is None:
        return replace(score, spans=())
    at = read.start
    moved = (replace(span, start=span.start + at, end=span.end + at) for span in score.spans)
    return replace(score, spans=tuple(moved))


def _up_to_stop(prompt: Prompt, output: Output, template: ChatTemplate) -> Output:
    """What a server that knows the prompt's stop strings would have sent."""
    said, stopped = prompt.cut(prompt.prefill + output.text)
    if not stopped:
        return output
    text = said[len(prompt.prefill) :]
    shorter = range(len(output.ids) + 1)
    end = bisect_left(shorter, len(text), key=lambda n: len(template.answer(output.ids[:n])))
    return replace(output, text=text, ids=output.ids[:end])
