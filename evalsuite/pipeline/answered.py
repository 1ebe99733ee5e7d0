"""Answers, and which of a run belong together: counterparts, and the options of a choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from evalsuite.gates import Observation
from evalsuite.generation import Output
from evalsuite.pipeline.questions import Place, Question
from evalsuite.tasks import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question with its answer and the answer's address."""

    question: Question
    output: Output
    key: str


def counterpart_of(question: Question, by_place: Mapping[Place, Answered]) -> Answered | None:
    """The same side's answer to the same case under the counterfactual demonstrations."""
    return by_place.get((question.row.panel, question.row.case_id, True, 0, question.side))


def options_of(question: Question, by_place: Mapping[Place, Answered]) -> list[Answered] | None:
    """What came back for all options of a choice; None: it is none, or one is missing."""
    if not isinstance(question.task, Choice):
        return None
    row, side = question.row, question.side
    places = [
        (row.panel, row.case_id, False, option, side)
        for option in range(len(question.task.item.options))
    ]
    return [by_place[at] for at in places] if all(at in by_place for at in places) else None


def guessable(
    observations: Iterable[Observation], answered: Iterable[Answered]
) -> tuple[Observation, ...]:
    """Say of skills by choice how often guessing finds the right answer."""
    guessed = {
        answer.question.row.case_id: answer.question.task.item.guessed
        for answer in answered
        if isinstance(answer.question.task, Choice)
    }
    return tuple(replace(seen, guessed=guessed.get(seen.case_id, 0.0)) for seen in observations)
