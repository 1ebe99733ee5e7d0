"""A candidate that makes no mistake, made of answers: what defects and simulations start from.

No model is asked. Panels, prompts, detectors and evidence are those of a real run.
"""

from __future__ import annotations

from typing import assert_never

from evalsuite.cases import Case, Language
from evalsuite.engines import LivenessReport
from evalsuite.engines.liveness import OF_ADAPTERS, Check
from evalsuite.generation import Finish, Output
from evalsuite.pipeline import Answered, GateRequest, Observed, measure
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.questions import Question, questions, sample
from evalsuite.tasks import Choice, Rewriting, Skill, Text

_NATS = 1.0
_UNTOLD = {
    Language.EN: "The conversation does not say that.",
    Language.ZH: "对话里没有提到。",
}
"""Loss of every token of a general text, on both sides."""


def perfect_candidate(request: GateRequest) -> Observed:
    """Return what would be measured if both sides answered everything right.

    Raises:
        EvalsuiteError: the request cannot be resolved; its adapter is read, not run.
    """
    inputs = resolve(request)
    samples = sample(inputs)
    checks = tuple(Check(name, True, "") for name in OF_ADAPTERS)
    liveness = LivenessReport(adapter=inputs.adapter.digest, checks=checks)
    asked = questions(inputs, samples)
    answered = tuple(
        Answered(question=question, output=_right(question), key=str(number))
        for number, question in enumerate(asked)
    )
    return Observed(
        inputs=inputs,
        liveness=liveness,
        samples=samples,
        questions=asked,
        answered=answered,
        measured=measure(inputs, samples, liveness, answered),
    )


def _right(question: Question) -> Output:
    match question.task:
        case Text():
            target = question.request.target or ()
            logprobs = tuple(-_NATS for _ in target)
            return Output(text="", ids=target, finish=Finish.SCORED, logprobs=logprobs)
        case Choice(option=option):
            target = question.request.target or ()
            logprobs = tuple(-_NATS * (1 + option) for _ in target)
            return Output(text="", ids=target, finish=Finish.SCORED, logprobs=logprobs)
        case Skill(item=item):
            return Output(text=item.answer, ids=(), finish=Finish.STOP)
        case Rewriting(case=asked, prompt=prompt):
            text = prompt.write(_rewrite(asked)).removeprefix(prompt.prefill)
            return Output(text=text, ids=(), finish=Finish.STOP)
        case _:
            assert_never(question.task)


def _rewrite(case: Case) -> str:
    if case.expect.is_answered:
        return _UNTOLD[case.language] if case.expect.untold else case.expect.answers[0]
    return case.reference or f"{case.query} ({', '.join(case.expect.must_name)})"
