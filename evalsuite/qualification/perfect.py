"""A candidate that makes no mistake, made of answers: what defects and simulations start from.

No model is asked. Panels, prompts, detectors and evidence are those of a real run.
"""

from __future__ import annotations

from evalsuite.cases import Case
from evalsuite.engines import LivenessReport
from evalsuite.engines.liveness import Check
from evalsuite.generation import Finish, Output
from evalsuite.pipeline import Answered, GateRequest, State, measure
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.questions import Question, questions, sample
from evalsuite.scenarios import SkillItem

_CHECKS = 6
_NATS = 1.0
"""Loss of every token of a general text, on both sides."""


def ideal_state(request: GateRequest) -> State:
    """Return the measured state of a run in which both sides answered everything right.

    Raises:
        EvalsuiteError: the request cannot be resolved; its adapter is read, not run.
    """
    state = State(request=request, tell=lambda _: None)
    state.inputs = resolve(request)
    state.samples = sample(state.inputs)
    checks = tuple(Check(f"check {number}", True, "") for number in range(_CHECKS))
    state.liveness = LivenessReport(adapter=state.inputs.adapter.digest, checks=checks)
    state.questions = questions(state.inputs, state.samples)
    state.answered = tuple(
        Answered(question=question, output=_right(question), key=str(number))
        for number, question in enumerate(state.questions)
    )
    state.measured = measure(state.inputs, state.samples, state.liveness, state.answered)
    return state


def _right(question: Question) -> Output:
    target = question.request.target
    if target is not None:
        logprobs = tuple(-_NATS for _ in target)
        return Output(text="", ids=target, finish=Finish.SCORED, logprobs=logprobs)
    item = question.item
    text = item.answer if isinstance(item, SkillItem) else _rewrite(item)
    return Output(text=text, ids=(), finish=Finish.STOP)


def _rewrite(case: Case) -> str:
    return case.reference or f"{case.query} ({', '.join(case.expect.must_name)})"
