"""Samples of answers: so many of a kind on a set of cases, the same ones every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalsuite.cases import Case
from evalsuite.scenarios.names import seeded
from rewrite_answers.kinds import MAKERS, Kind

MOST_OF_A_CASE = 6
"""Answers of one kind to one case; more would be the same evidence again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and the case that it is judged by."""

    case: Case
    text: str


def sample(kind: Kind, cases: Sequence[Case], most: int) -> list[Answer]:
    """Return up to ``most`` wrong answers of a kind, spread evenly over the cases."""
    return _sampled(kind, cases, most)


def _sampled(kind: Kind, cases: Sequence[Case], most: int) -> list[Answer]:
    found: dict[tuple[str, str], Answer] = {}
    for turn in range(MOST_OF_A_CASE):
        for answer in _turn(kind, cases, turn):
            found.setdefault((answer.case.id, answer.text), answer)
            if len(found) == most:
                return list(found.values())
    return list(found.values())


def _turn(kind: Kind, cases: Sequence[Case], turn: int) -> Iterator[Answer]:
    for case in cases:
        text = MAKERS[kind](case, seeded("answers", kind, case.id, turn))
        if text is not None and text not in case.expect.rewrites:
            yield Answer(case, text)
