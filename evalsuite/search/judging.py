"""Judging what was asked, without another model."""

from __future__ import annotations

from evalsuite.detectors.promises import Broken, Promise, first_broken
from evalsuite.gates import Gate
from evalsuite.search.asking import Answers, Posed
from evalsuite.template import ChatTemplate

GATES = {
    Promise.NO_CONTROL: Gate.TEMPLATE_ROUND_TRIP,
    Promise.NO_LEAK: Gate.EXAMPLE_LEAKAGE,
    Promise.UNCHANGED: Gate.PRONOUN_RESOLUTION,
    Promise.RESOLVED: Gate.PRONOUN_RESOLUTION,
}
"""The gate that each promise belongs to."""


def judge(posed: Posed, answers: Answers, template: ChatTemplate) -> Broken | None:
    """The first promise that the candidate's answer breaks, or None."""
    return first_broken(posed.case, posed.shown, answers.candidate, answers.baseline.text, template)


__all__ = ["GATES", "Broken", "Promise", "judge"]
