"""The pipeline: one ordered tuple of steps, each fed what the steps before it made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Never, TypeVar

from evalsuite.engines import Resident, open_engine
from evalsuite.engines.cache import request_key
from evalsuite.gates import Evidence, Gate, Hopeless, judge, stopped, waived
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.beside import Aside
from evalsuite.pipeline.champion import AUTO
from evalsuite.pipeline.confirmation import confirm_flips
from evalsuite.pipeline.divergence import divergence_prompts, measure_divergence
from evalsuite.pipeline.earlystop import look, planned
from evalsuite.pipeline.inputs import Inputs, resolve, write_attempt
from evalsuite.pipeline.measurement import Measured, liveness_checks, measure
from evalsuite.pipeline.plan import shares, summary
from evalsuite.pipeline.preferences import measure_preferences
from evalsuite.pipeline.questions import Question, first_share, questions, sample
from evalsuite.pipeline.recording import info_of, write_down
from evalsuite.pipeline.records import (
    Answers,
    Asked,
    Checked,
    Counted,
    Decided,
    Drawn,
    Event,
    Inferred,
    Listener,
    Loaded,
    Observed,
    Resolved,
    Scored,
    held_by,
)
from evalsuite.pipeline.references import reference_losses
from evalsuite.pipeline.request import GateRequest
from evalsuite.pipeline.turns import measure_turns
from evalsuite.runs import REGRESSIONS
from evalsuite.runs.folder import Run, RunWriter

_R = TypeVar("_R", bound=Asked)


def read_inputs(asked: Asked) -> Resolved:
    """Resolve every name and read every file before anything expensive."""
    inputs = resolve(asked.request)
    known = inputs.registry_policy
    if known is not None and known.digest != inputs.policy.digest and not asked.whole:
        asked.tell(
            Event(
                "read_inputs",
                note=f"the registry's policy is {known.name!r} ({known.digest[:12]}), and this run "
                f"is judged by {inputs.policy.name!r} ({inputs.policy.digest[:12]}): it cannot be "
                "promoted there",
            )
        )
    return Resolved(**held_by(asked), inputs=inputs)


def load_model(resolved: Resolved) -> Loaded:
    """Open the engine; the model itself is loaded when the first answer is missing."""
    inputs = resolved.inputs
    engine = open_engine(
        inputs.base,
        inputs.adapters,
        cache=inputs.cache,
        numerics=inputs.numerics,
        progress=lambda done, total: resolved.tell(Event("infer", done, total)),
        resident=resolved.resident,
    )
    return Loaded(**held_by(resolved), engine=engine)


def check_liveness(loaded: Loaded) -> Checked:
    """Ask whether the adapter is one, before any score."""
    liveness = loaded.engine.liveness(loaded.inputs.adapter.digest)
    return Checked(**held_by(loaded), liveness=liveness)


def draw_samples(checked: Checked) -> Drawn:
    """Draw panels, and write the questions down for every side."""
    samples = sample(checked.inputs)
    # A dead adapter makes every score about it meaningless: nothing more is asked.
    alive = checked.ask_dead or not checked.liveness.failures
    asked = questions(checked.inputs, samples) if alive else ()
    divergence_prompts(checked.inputs, samples)  # says what does not fit, before anything is asked
    if asked:
        checked.tell(Event("draw_samples", note=summary(shares(asked))))
    return Drawn(**held_by(checked), samples=samples, questions=asked)


def count_attempt(drawn: Drawn) -> Counted:
    """Write the attempt down: after all that can be refused, before the first question."""
    attempt = None if drawn.whole else write_attempt(drawn.inputs, now=datetime.now(UTC))
    return Counted(**held_by(drawn), attempt=attempt)


def infer(counted: Counted) -> Inferred:
    """Answer in batches, from the cache where it is known; stop at a look that decides."""
    answers = Answers()
    for share in () if counted.whole else planned(counted.judged_by, counted.questions):
        answers = _ask(counted, answers, first_share(counted.questions, share))
        found = _look(counted, answers, share)
        if found:
            confirmed = confirm_flips(counted, answers)
            if confirmed.answered is not answers.answered:
                found = _look(counted, confirmed, share)
            answers = confirmed
        if found:
            answers = confirm_flips(counted, answers)
            return Inferred(**held_by(counted), answers=answers, hopeless=found, seen=share)
    answers = _ask(counted, answers, counted.questions)
    # Before anything is asked again in float32: the model is still there.
    aside = Aside() if counted.whole or not counted.questions else _beside(counted)
    answers = confirm_flips(counted, answers)
    return Inferred(**held_by(counted), answers=answers, aside=aside)


def _beside(counted: Counted) -> Aside:
    """Ask what is only told: apart, so that it shares no batch with what is judged."""
    return (
        Aside(rows=reference_losses(counted))
        + measure_divergence(counted)
        + measure_preferences(counted)
        + measure_turns(counted)
    )


def _look(counted: Counted, answers: Answers, share: float) -> tuple[Hopeless, ...]:
    evidence = measure(counted.inputs, counted.samples, counted.liveness, answers.answered).evidence
    return look(counted.judged_by, counted.inputs, counted.questions, evidence, share)


def _ask(counted: Counted, answers: Answers, asked: Iterable[Question]) -> Answers:
    """Answer what a look adds; what earlier looks asked is neither asked nor batched again."""
    before = {answer.question: answer for answer in answers.answered}
    everything = tuple(asked)
    new = [question for question in everything if question not in before]
    remembered = [question for question in new if question.row.panel == REGRESSIONS]
    drawn = [question for question in new if question.row.panel != REGRESSIONS]
    # Apart, because the champion is not asked what is remembered, and batches are of those who
    # were asked the same: together, a champion would change what shares a batch.
    for part in filter(None, (drawn, remembered)):
        outputs = counted.engine.infer([question.request for question in part])
        for question, output in zip(part, outputs, strict=True):
            key = request_key(counted.engine.identity, question.request)
            before[question] = Answered(question=question, output=output, key=key)
    return replace(answers, answered=tuple(before[question] for question in everything))


def score(inferred: Inferred) -> Scored:
    """Apply the detectors."""
    inputs = inferred.inputs
    if inferred.questions:
        measured = measure(inputs, inferred.samples, inferred.liveness, inferred.answered)
        measured = Measured(
            evidence=inferred.aside.added_to(measured.evidence),
            scores=(*measured.scores, *inferred.aside.rows),
        )
    else:
        checks = liveness_checks(inputs, inferred.liveness)
        evidence = Evidence(liveness=checks, opponent=inputs.compared.opponent)
        measured = Measured(evidence=evidence, scores=())
    return Scored(**held_by(inferred), measured=measured)


def decide(scored: Scored) -> Decided:
    """Judge every gate by the policy, stop where a look did, and let waivers through."""
    inputs = scored.inputs
    verdicts = judge(scored.judged_by, scored.measured.evidence)
    if scored.hopeless:
        verdicts = stopped(verdicts, scored.hopeless, scored.seen)
    verdicts = waived(
        verdicts,
        inputs.waivers,
        adapter=inputs.adapter.digest,
        today=datetime.now(UTC).date(),
        set_aside=_set_aside(inputs),
    )
    return Decided(**held_by(scored), verdicts=verdicts)


def _set_aside(inputs: Inputs) -> tuple[Gate, ...]:
    """The comparison, where a person named another opponent than the registry's champion."""
    met = inputs.compared.info
    elsewhere = inputs.request.champion != AUTO and not (met and met.record)
    return (Gate.REGRESSION,) if elsewhere and inputs.history else ()


Step = Callable[[Never], Asked]
"""Takes the record of the step before it and returns its own."""

MEASURING: tuple[Step, ...] = (
    read_inputs,
    load_model,
    check_liveness,
    draw_samples,
    count_attempt,
    infer,
    score,
)
"""Everything up to the evidence; nothing is judged or written."""

STEPS: tuple[Step, ...] = (*MEASURING, decide)


def observe(
    request: GateRequest, *, tell: Listener = lambda _: None, ask_dead: bool = False
) -> Observed:
    """Measure one candidate and judge nothing: what qualification corrupts and judges many times.

    Panels are asked whole, and with ``ask_dead`` those of an adapter that is not alive too. No
    champion is asked: what is measured is one candidate, whatever a registry holds.

    Raises:
        EvalsuiteError: the candidate could not be measured.
    """
    # Without a registry no champion is found, and a policy without the rule has nothing to refuse.
    alone = replace(request, registry=None, champion=AUTO)
    asked = Asked(request=alone, tell=tell, whole=True, ask_dead=ask_dead)
    with closing(_Work(asked)) as work:
        scored = work.through(MEASURING, Scored)
        return Observed(
            inputs=scored.inputs,
            liveness=scored.liveness,
            samples=scored.samples,
            questions=scored.questions,
            answered=scored.answered,
            measured=scored.measured,
        )


def evaluate(
    request: GateRequest,
    *,
    tell: Listener = lambda _: None,
    resident: Resident | None = None,
) -> Run:
    """Run every gate on one candidate and return the finished run.

    Args:
        request: what to evaluate and by which policy.
        tell: called with an :class:`Event` when a step begins and while inference goes on.
        resident: keeps the base loaded for the next candidate.

    Raises:
        EvalsuiteError: the run could not be made; the folder tells that it was not finished, and
            what was already answered is in the cache.
    """
    asked = Asked(request=request, tell=tell, resident=resident)
    with RunWriter(request.out) as writer, closing(_Work(asked)) as work:
        decided = work.through(STEPS, Decided)
        with work.timed("write_down"):
            write_down(decided, writer)
        return writer.finish(info_of(decided, writer.created, work.timings))


class _Work:
    """Runs steps one after the other, tells of each and takes its time."""

    def __init__(self, asked: Asked) -> None:
        self.record = asked
        self.timings: dict[str, float] = {}

    def through(self, steps: Iterable[Step], last: type[_R]) -> _R:
        """Feed each step what the one before it returned; the last one returns a ``last``."""
        for step in steps:
            with self.timed(step.__name__):
                # That each step takes what the one before it returns, a test reads off the types.
                self.record = step(self.record)  # type: ignore[arg-type]
        if not isinstance(self.record, last):
            raise TypeError(f"the last step returned {type(self.record)}, not {last}")
        return self.record

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Tell of a step, and note its seconds."""
        self.record.tell(Event(name))
        began = time.monotonic()
        yield
        self.timings[name] = round(time.monotonic() - began, 3)

    def close(self) -> None:
        if isinstance(self.record, Loaded):
            # A record may be kept; its models need not.
            self.record.engine.release()
            self.record.engine.close()
