"""Judging what was asked, without another model."""

from __future__ import annotations

from evalsuite.detectors.promises import (
    Broken,
    Promise,
    broken_by_template,
    first_broken,
    first_broken_in_chat,
)
from evalsuite.gates import Gate
from evalsuite.regressions import CHAT
from evalsuite.search.asking import Answers, Posed
from evalsuite.template import ChatTemplate

GATES = {
    Promise.ROUND_TRIP: Gate.TEMPLATE_ROUND_TRIP,
    Promise.NO_CONTROL: Gate.TEMPLATE_ROUND_TRIP,
    Promise.NO_LEAK: Gate.EXAMPLE_LEAKAGE,
    Promise.UNCHANGED: Gate.PRONOUN_RESOLUTION,
    Promise.RESOLVED: Gate.PRONOUN_RESOLUTION,
    Promise.KEPT: Gate.FORGETTING,
}
"""The gate that each promise belongs to."""


def judge(posed: Posed, answers: Answers, template: ChatTemplate) -> Broken | None:
    """The first promise that the candidate's answer, or its very prompt, breaks; or None."""
    rendered = broken_by_template(posed.conversation, template)
    if rendered is not None:
        return rendered
    if posed.prompt_format == CHAT:
        return first_broken_in_chat(posed.case, answers.candidate, answers.baseline.text, template)
    return first_broken(posed.case, posed.shown, answers.candidate, answers.baseline.text, template)


__all__ = ["GATES", "Broken", "Promise", "judge"]
