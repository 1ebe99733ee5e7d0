"""Looks at a run before its panels are complete: what they show, and what they stop."""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite.gates import Evidence, Hopeless, Policy, Verdict, hopeless, judge, stopped
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.measurement import measure
from evalsuite.pipeline.questions import Question, first_share
from evalsuite.pipeline.records import Observed
from evalsuite.runs import Side


def planned(policy: Policy, questions: Sequence[Question]) -> tuple[float, ...]:
    """The shares of every panel at which a run is looked at, in order."""
    return policy.looks.shares if policy.looks and questions else ()


def look(
    policy: Policy,
    inputs: Inputs,
    questions: Sequence[Question],
    evidence: Evidence,
    share: float,
) -> tuple[Hopeless, ...]:
    """What a first share of the answers shows that no later answer can mend.

    Args:
        policy: as it judges this attempt.
        inputs: of the run; what its waivers let through stops nothing.
        questions: all of the run.
        evidence: what the first share came to.
        share: of every panel.
    """
    generated = sum(
        question.side is Side.CANDIDATE and question.request.target is None
        for question in questions
    )
    waived_gates = {waiver.gate.value for waiver in inputs.own_waivers}
    found = hopeless(policy, evidence, share, answers=generated)
    return tuple(item for item in found if item.gate not in waived_gates)


def judge_with_looks(observed: Observed) -> tuple[tuple[Verdict, ...], tuple[Hopeless, ...]]:
    """Judge a candidate whose panels were asked whole as its gate run would have judged it.

    Where a look of the policy would have stopped the run, the verdicts are those of the stop. The
    answers of low precision are the confirmed ones, as at a look that is about to stop a run.

    Returns:
        The verdicts, and what a look found hopeless; nothing when none would have stopped the run.
    """
    policy, inputs, asked = observed.policy, observed.inputs, observed.questions
    by_question = {answer.question: answer for answer in observed.answered}
    for share in planned(policy, asked):
        early = [by_question[question] for question in first_share(asked, share)]
        evidence = measure(inputs, observed.samples, observed.liveness, early).evidence
        found = look(policy, inputs, asked, evidence, share)
        if found:
            return stopped(judge(policy, evidence), found, share), found
    return judge(policy, observed.measured.evidence), ()
