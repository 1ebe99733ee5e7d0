"""Which skills count: those that are had often enough, guessing taken off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalsuite.gates.decision import ROUNDING
from evalsuite.gates.evidence import Observation, distinct


def above_guessing(floor: float, guessed: float) -> float:
    """The least success that counts as a skill: ``floor`` of what guessing leaves to know.

    Of three answers to choose from, guessing finds the right one in a third; with a floor of a half
    a base has the skill from two thirds on. The same correction makes Cohen's kappa.
    """
    return guessed + floor * (1 - guessed)


def lacks(cases: Sequence[Observation], floor: float) -> bool:
    """Whether the baseline succeeds less often than ``floor``.

    Its own answers decide and nothing else: which of a candidate's are missing may not choose what
    counts. A baseline that was not measured everywhere lacks nothing for certain.
    """
    losses = [case.baseline for case in distinct(cases)]
    known = [loss for loss in losses if loss is not None]
    if not known or len(known) < len(losses):
        return False
    return 1 - sum(known) / len(known) < floor - ROUNDING


def by_skill(
    cases: Sequence[Observation], floor: float
) -> Mapping[str, tuple[list[Observation], float]]:
    """The cases of each skill, in order of its name, with the success that counts as having it.

    ``floor`` holds for skills that bring none of their own.
    """
    found: dict[str, list[Observation]] = {}
    for case in cases:
        found.setdefault(case.kind, []).append(case)
    return {skill: (of_one, _least(of_one, floor)) for skill, of_one in sorted(found.items())}


def _least(cases: Sequence[Observation], floor: float) -> float:
    """The success that counts as having a skill: the mean over its cases."""
    each = [
        above_guessing(floor if case.floor is None else case.floor, case.guessed) for case in cases
    ]
    return sum(each) / len(each)
