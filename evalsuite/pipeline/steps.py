"""The pipeline: one ordered tuple of steps, each fed what the steps before it made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from evalsuite.engines import open_engine
from evalsuite.engines.cache import request_key
from evalsuite.gates import Evidence, Gate, Hopeless, Verdict, hopeless, judge, stopped, waived
from evalsuite.pipeline.champion import AUTO
from evalsuite.pipeline.confirmation import confirm_flips
from evalsuite.pipeline.inputs import GateRequest, Inputs, counted, resolve
from evalsuite.pipeline.questions import Question, first_share, questions, sample
from evalsuite.pipeline.recording import info_of, write_down
from evalsuite.pipeline.scoring import Answered, Measured, liveness_checks, measure
from evalsuite.pipeline.state import Event, Listener, State
from evalsuite.runs import REGRESSIONS, Side
from evalsuite.runs.folder import Run, RunWriter


def read_inputs(state: State) -> None:
    """Resolve every name and read every file before anything expensive."""
    state.inputs = resolve(state.request)


def load_model(state: State) -> None:
    """Open the engine; the model itself is loaded when the first answer is missing."""
    state.engine = open_engine(
        state.inputs.base,
        state.inputs.adapters,
        cache=state.inputs.cache,
        numerics=state.inputs.numerics,
        progress=lambda done, total: state.tell(Event("infer", done, total)),
    )


def check_liveness(state: State) -> None:
    """Ask whether the adapter is one, before any score."""
    state.liveness = state.engine.liveness(state.inputs.adapter.digest)


def draw_samples(state: State) -> None:
    """Draw panels, and write the questions down for every side."""
    state.samples = sample(state.inputs)
    # A dead adapter makes every score about it meaningless: nothing more is asked.
    alive = state.ask_dead or not state.liveness.failures
    state.questions = questions(state.inputs, state.samples) if alive else ()


def count_attempt(state: State) -> None:
    """Write the attempt down: after all that can be refused, before the first question."""
    if not state.whole:
        state.inputs = counted(state.inputs, now=datetime.now(UTC))


def infer(state: State) -> None:
    """Answer in batches, from the cache where it is known; stop at a look that decides."""
    for share in () if state.whole else _planned(state):
        _ask(state, first_share(state.questions, share))
        _, state.hopeless = _look(state, state.answered, share)
        if state.hopeless and confirm_flips(state):
            _, state.hopeless = _look(state, state.answered, share)
        if state.hopeless:
            state.seen = share
            break
    else:
        _ask(state, state.questions)
    confirm_flips(state)


def _planned(state: State) -> tuple[float, ...]:
    looks = state.inputs.judged.looks
    return looks.shares if looks and state.questions else ()


def _look(
    state: State, answered: Sequence[Answered], share: float
) -> tuple[Evidence, tuple[Hopeless, ...]]:
    """What a first share of the answers shows, and what of it no later answer can mend."""
    evidence = measure(state.inputs, state.samples, state.liveness, answered).evidence
    generated = sum(
        question.side is Side.CANDIDATE and question.request.target is None
        for question in state.questions
    )
    waived_gates = {waiver.gate.value for waiver in state.inputs.own_waivers}
    found = hopeless(state.inputs.judged, evidence, share, answers=generated)
    return evidence, tuple(item for item in found if item.gate not in waived_gates)


def _ask(state: State, asked: Iterable[Question]) -> None:
    """Answer what a look adds; what earlier looks asked is neither asked nor batched again."""
    before = {answer.question: answer for answer in state.answered}
    everything = tuple(asked)
    new = [question for question in everything if question not in before]
    remembered = [question for question in new if question.row.panel == REGRESSIONS]
    drawn = [question for question in new if question.row.panel != REGRESSIONS]
    # Apart, because the champion is not asked what is remembered, and batches are of those who
    # were asked the same: together, a champion would change what shares a batch.
    for part in filter(None, (drawn, remembered)):
        outputs = state.engine.infer([question.request for question in part])
        for question, output in zip(part, outputs, strict=True):
            key = request_key(state.engine.identity, question.request)
            before[question] = Answered(question=question, output=output, key=key)
    state.answered = tuple(before[question] for question in everything)


def score(state: State) -> None:
    """Apply the detectors."""
    if not state.questions:
        checks = liveness_checks(state.inputs, state.liveness)
        opponent = state.inputs.compared.opponent
        evidence = Evidence(liveness=checks, opponent=opponent)
        state.measured = Measured(evidence=evidence, scores=())
        return
    state.measured = measure(state.inputs, state.samples, state.liveness, state.answered)


def decide(state: State) -> None:
    """Judge every gate by the policy."""
    state.verdicts = judge(state.inputs.judged, state.measured.evidence)
    if state.hopeless:
        state.verdicts = stopped(state.verdicts, state.hopeless, state.seen)
    state.verdicts = waived(
        state.verdicts,
        state.inputs.waivers,
        adapter=state.inputs.adapter.digest,
        today=datetime.now(UTC).date(),
        set_aside=_set_aside(state.inputs),
    )


def _set_aside(inputs: Inputs) -> tuple[Gate, ...]:
    """The comparison, where a person named another opponent than the registry's champion."""
    met = inputs.compared.info
    elsewhere = inputs.request.champion != AUTO and not (met and met.record)
    return (Gate.REGRESSION,) if elsewhere and inputs.history else ()


def judge_with_looks(state: State) -> tuple[tuple[Verdict, ...], tuple[Hopeless, ...]]:
    """Judge a candidate whose panels were asked whole as its gate run would have judged it.

    Where a look of the policy would have stopped the run, the verdicts are those of the stop. The
    answers of low precision are the confirmed ones, as at a look that is about to stop a run.

    Returns:
        The verdicts, and what a look found hopeless; nothing when none would have stopped the run.
    """
    policy = state.inputs.judged
    by_question = {answer.question: answer for answer in state.answered}
    for share in _planned(state):
        early = [by_question[question] for question in first_share(state.questions, share)]
        evidence, found = _look(state, early, share)
        if found:
            return stopped(judge(policy, evidence), found, share), found
    return judge(policy, state.measured.evidence), ()


MEASURING: tuple[Callable[[State], None], ...] = (
    read_inputs,
    load_model,
    check_liveness,
    draw_samples,
    count_attempt,
    infer,
    score,
)
"""Everything up to the evidence; nothing is judged or written."""

STEPS = (*MEASURING, decide)


def observe(
    request: GateRequest, *, tell: Listener = lambda _: None, ask_dead: bool = False
) -> State:
    """Measure one candidate and judge nothing: what qualification corrupts and judges many times.

    Panels are asked whole, and with ``ask_dead`` those of an adapter that is not alive too. No
    champion is asked: what is measured is one candidate, whatever a registry holds.

    Raises:
        EvalsuiteError: the candidate could not be measured.
    """
    # Without a registry no champion is found, and a policy without the rule has nothing to refuse.
    alone = replace(request, registry=None, champion=AUTO)
    with closing(_Work(alone, tell)) as work:
        work.state.whole, work.state.ask_dead = True, ask_dead
        work.through(MEASURING)
        return work.state


def evaluate(request: GateRequest, *, tell: Listener = lambda _: None) -> Run:
    """Run every gate on one candidate and return the finished run.

    Args:
        request: what to evaluate and by which policy.
        tell: called with an :class:`Event` when a step begins and while inference goes on.

    Raises:
        EvalsuiteError: the run could not be made; the folder tells that it was not finished, and
            what was already answered is in the cache.
    """
    with RunWriter(request.out) as writer, closing(_Work(request, tell)) as work:
        work.through(STEPS)
        work.step("write_down", lambda state: write_down(state, writer))
        return writer.finish(info_of(work.state, writer.created))


class _Work:
    """Runs steps on one state, tells of each and takes its time."""

    def __init__(self, request: GateRequest, tell: Listener) -> None:
        self.state = State(request=request, tell=tell)

    def through(self, steps: Iterable[Callable[[State], None]]) -> None:
        for step in steps:
            self.step(step.__name__, step)

    def step(self, name: str, step: Callable[[State], None]) -> None:
        self.state.tell(Event(name))
        began = time.monotonic()
        step(self.state)
        self.state.timings[name] = round(time.monotonic() - began, 3)

    def close(self) -> None:
        if hasattr(self.state, "engine"):
            # A state may be kept; its models need not.
            self.state.engine.release()
            self.state.engine.close()
