"""Answers, and which of a run belong together: counterparts, and the options of a choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from evalsuite.gates import Observation
from evalsuite.generation import Output
from evalsuite.pipeline.questions import Place, Question
from evalsuite.runs import SKILLS
from evalsuite.scenarios import SkillItem
from evalsuite.tasks import Choice, Skill


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


def with_floors(
    observations: Iterable[Observation], answered: Iterable[Answered]
) -> tuple[Observation, ...]:
    """Say of skills how often guessing finds the right answer, and from what success on one is
    had where its suite says so itself."""
    items: dict[str, SkillItem] = {}
    for answer in answered:
        match answer.question.task:
            case Skill(item=item) | Choice(item=item) if answer.question.row.panel == SKILLS:
                items[answer.question.row.case_id] = item
    return tuple(
        replace(seen, guessed=items[seen.case_id].guessed, floor=items[seen.case_id].floor)
        if seen.case_id in items
        else seen
        for seen in observations
    )
