"""The pipeline: one ordered tuple of steps, each fed what the steps before it made."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from evalsuite import __version__
from evalsuite.engines import CachingEngine, LivenessReport, open_engine, resolve_numerics
from evalsuite.engines.cache import request_key
from evalsuite.engines.numerics import Dtype
from evalsuite.errors import EngineError
from evalsuite.gates import Evidence, Hopeless, Verdict, hopeless, judge, stopped, waived
from evalsuite.models import AdapterRef
from evalsuite.run.inputs import GateRequest, Inputs, counted, digest_of, resolve
from evalsuite.run.questions import Question, Samples, first_share, questions, sample
from evalsuite.run.scoring import Answered, Measured, liveness_checks, measure
from evalsuite.runfolder import Run, RunWriter
from evalsuite.runrecord import (
    AdapterInfo,
    AttemptInfo,
    BaseInfo,
    Counts,
    EngineInfo,
    FlipsInfo,
    LooksInfo,
    OutputRow,
    PolicyInfo,
    RunInfo,
    Side,
    Unit,
    WaiverInfo,
)

_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "bitsandbytes", "numpy", "scipy")


@dataclass(frozen=True, slots=True)
class Event:
    """Progress: which step is at work, and how far it is."""

    step: str
    done: int = 0
    total: int = 0


Listener = Callable[[Event], None]


@dataclass(slots=True, kw_only=True)
class State:
    """What the steps have made so far; every field is set by one step and then only read."""

    request: GateRequest
    tell: Listener
    inputs: Inputs = field(init=False)
    engine: CachingEngine = field(init=False)
    liveness: LivenessReport = field(init=False)
    samples: Samples = field(init=False)
    questions: tuple[Question, ...] = ()
    answered: tuple[Answered, ...] = ()
    whole: bool = False
    """Whether panels are asked whole, whatever the policy plans."""
    ask_dead: bool = False
    """Whether an adapter that is not alive is asked all the same."""
    hopeless: tuple[Hopeless, ...] = ()
    """Why the run stopped at a look."""
    seen: float = 1.0
    """Share of every panel that was asked."""
    flips: FlipsInfo | None = None
    confirming: Counts = field(default_factory=Counts)
    """The work that confirming took."""
    measured: Measured = field(init=False)
    verdicts: tuple[Verdict, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)


def read_inputs(state: State) -> None:
    """Resolve every name and read every file before anything expensive."""
    inputs = resolve(state.request)
    state.inputs = inputs if state.whole else counted(inputs, now=datetime.now(UTC))


def load_model(state: State) -> None:
    """Open the engine; the model itself is loaded when the first answer is missing."""
    state.engine = open_engine(
        state.inputs.base,
        (state.inputs.adapter,),
        cache=state.inputs.cache,
        dtype=state.request.dtype,
        device=state.request.device,
        merged=state.request.merged,
        batch_tokens=state.request.batch_tokens,
        progress=lambda done, total: state.tell(Event("infer", done, total)),
    )


def check_liveness(state: State) -> None:
    """Ask whether the adapter is one, before any score."""
    state.liveness = state.engine.liveness(state.inputs.adapter.digest)


def draw_samples(state: State) -> None:
    """Draw panels, and write the questions down for both sides."""
    state.samples = sample(state.inputs)
    # A dead adapter makes every score about it meaningless: nothing more is asked.
    alive = state.ask_dead or not state.liveness.failures
    state.questions = questions(state.inputs, state.samples) if alive else ()


def infer(state: State) -> None:
    """Answer in batches, from the cache where it is known; stop at a look that decides."""
    for share in () if state.whole else _planned(state):
        _ask(state, first_share(state.questions, share))
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
    waived_gates = {waiver.gate.value for waiver in state.inputs.waivers}
    found = hopeless(state.inputs.judged, evidence, share, answers=generated)
    return evidence, tuple(item for item in found if item.gate not in waived_gates)


def confirm_flips(state: State) -> None:
    """Ask again in float32, one at a time, where low precision may have made the sides differ.

    Both directions are asked again, so that no side gains. What the sides agree on then counts as
    agreement; the outputs of the run are the confirmed ones.
    """
    if resolve_numerics(state.request.dtype, state.request.device).dtype is Dtype.FLOAT32:
        return
    before = _flipped(state)
    again = [
        place
        for place, answer in enumerate(state.answered)
        if (answer.question.row.panel, answer.question.row.case_id) in before
        and answer.question.request.target is None
    ]
    answered = list(state.answered)
    state.engine.release()
    try:
        _confirm(state, answered, again)
    except EngineError as error:
        # A model that fits only at low precision is judged as it was, and the reports say so.
        state.flips = FlipsInfo(cases=len(before), explained=None, left_out=str(error))
        return
    state.answered = tuple(answered)
    state.flips = FlipsInfo(cases=len(before), explained=len(before - _flipped(state)))


def _confirm(state: State, answered: list[Answered], again: Sequence[int]) -> None:
    """Replace the answers at the places in ``again`` by those in float32, one side at a time."""
    for side in Side:
        places = [place for place in again if answered[place].question.side is side]
        adapters = (state.inputs.adapter,) if side is Side.CANDIDATE else ()
        with closing(_confirming(state, adapters)) as engine:
            for done, place in enumerate(places):
                state.tell(Event("confirm", done, len(places)))
                question = answered[place].question
                [output] = engine.infer([question.request])
                key = request_key(engine.identity, question.request)
                answered[place] = Answered(question=question, output=output, key=key)
            state.confirming += _work_of(engine)
            engine.release()


def _confirming(state: State, adapters: Sequence[AdapterRef]) -> CachingEngine:
    return open_engine(
        state.inputs.base,
        adapters,
        cache=state.inputs.cache,
        dtype=Dtype.FLOAT32.value,
        device=state.request.device,
        merged=state.request.merged,
    )


def _flipped(state: State) -> set[tuple[str, str]]:
    """Panel and id of every case on which a detector judges the sides differently."""
    if not state.answered:
        return set()
    measured = measure(state.inputs, state.samples, state.liveness, state.answered)
    sides: dict[tuple[str, str, str], set[float]] = {}
    for row in measured.scores:
        if row.unit is Unit.DEFECT and row.value is not None and row.panel:
            sides.setdefault((row.panel, row.case_id, row.detector), set()).add(row.value)
    return {(panel, case) for (panel, case, _), losses in sides.items() if len(losses) > 1}


def _ask(state: State, asked: Iterable[Question]) -> None:
    """Answer what a look adds; what earlier looks asked is neither asked nor batched again."""
    before = {answer.question: answer for answer in state.answered}
    everything = tuple(asked)
    new = [question for question in everything if question not in before]
    outputs = state.engine.infer([question.request for question in new])
    for question, output in zip(new, outputs, strict=True):
        key = request_key(state.engine.identity, question.request)
        before[question] = Answered(question=question, output=output, key=key)
    state.answered = tuple(before[question] for question in everything)


def score(state: State) -> None:
    """Apply the detectors."""
    if not state.questions:
        checks = liveness_checks(state.inputs, state.liveness)
        state.measured = Measured(evidence=Evidence(liveness=checks), scores=())
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
    )


def judge_with_looks(state: State) -> tuple[Verdict, ...]:
    """Judge a candidate whose panels were asked whole as its gate run would have judged it.

    Where a look of the policy would have stopped the run, the verdicts are those of the stop.
    """
    policy = state.inputs.judged
    by_question = {answer.question: answer for answer in state.answered}
    for share in _planned(state):
        early = [by_question[question] for question in first_share(state.questions, share)]
        evidence, found = _look(state, early, share)
        if found:
            return stopped(judge(policy, evidence), found, share)
    return judge(policy, state.measured.evidence)


MEASURING: tuple[Callable[[State], None], ...] = (
    read_inputs,
    load_model,
    check_liveness,
    draw_samples,
    infer,
    score,
)
"""Everything up to the evidence; nothing is judged or written."""

STEPS = (*MEASURING, decide)


def observe(
    request: GateRequest, *, tell: Listener = lambda _: None, ask_dead: bool = False
) -> State:
    """Measure one candidate and judge nothing: what qualification corrupts and judges many times.

    Panels are asked whole, and with ``ask_dead`` those of an adapter that is not alive too.

    Raises:
        EvalsuiteError: the candidate could not be measured.
    """
    with closing(_Work(request, tell)) as work:
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
        work.step("write_down", lambda state: _write_down(state, writer))
        return writer.finish(_info(work.state, writer.created))


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
            self.state.engine.close()


def _write_down(state: State, writer: RunWriter) -> None:
    """Stage the evidence; the run replaces an older one only when it is complete."""
    asked = [answer.question for answer in state.answered]
    rows = {(q.row.panel, q.row.case_id): q.row for q in reversed(asked)}
    writer.add_cases(reversed(rows.values()))
    writer.add_outputs(_output_row(state, answer) for answer in state.answered)
    writer.add_scores(state.measured.scores)
    required = [gate.value for gate in state.inputs.policy.required]
    writer.set_verdicts(state.verdicts, required)


def _output_row(state: State, answer: Answered) -> OutputRow:
    question, output = answer.question, answer.output
    return OutputRow(
        key=answer.key,
        side=question.side,
        panel=question.row.panel,
        case_id=question.row.case_id,
        prompt_format=state.request.prompt_format if question.demonstrations else "",
        text=output.text,
        finish=output.finish.value,
        logprob=output.logprob if output.logprobs else None,
        tokens=len(output.ids),
        demonstrations=question.demonstrations,
    )


def _versions() -> dict[str, str]:
    found = {"evalsuite": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _info(state: State, created: datetime) -> RunInfo:
    inputs, engine = state.inputs, state.engine
    numerics = resolve_numerics(state.request.dtype, state.request.device)
    provenance = inputs.adapter.provenance
    return RunInfo(
        created=created,
        finished=datetime.now(UTC),
        base=BaseInfo(
            name=inputs.base.name,
            digest=inputs.base.digest,
            tokenizer_digest=inputs.base.tokenizer_digest,
        ),
        adapter=AdapterInfo(
            path=str(inputs.adapter.path.resolve()),
            digest=inputs.adapter.digest,
            provenance=provenance.model_dump(mode="json") if provenance else None,
        ),
        policy=PolicyInfo(
            name=inputs.policy.name,
            digest=inputs.policy.digest,
            resolved=inputs.policy.resolved,
        ),
        template_fingerprint=inputs.template.fingerprint,
        prompt_format=state.request.prompt_format,
        demonstrations_digest=digest_of(state.samples.pairs),
        cases_digest=inputs.cases_digest,
        engine=EngineInfo(
            name="transformers",
            identity=engine.identity,
            dtype=str(numerics.dtype),
            device=str(numerics.device),
            merged=state.request.merged,
        ),
        seeds={"panel": inputs.seed, "skills": inputs.seed, "texts": inputs.seed},
        versions=_versions(),
        machine={"system": platform.platform(), "processor": platform.machine()},
        timings=dict(state.timings),
        counts=_work_of(engine) + state.confirming,
        waivers=tuple(
            WaiverInfo(gate=w.gate.value, reason=w.reason, by=w.by, expires=w.expires)
            for w in inputs.waivers
        ),
        attempt=_attempt(inputs),
        flips=state.flips,
        looks=_looks(state),
        command=state.request.command,
    )


def _work_of(engine: CachingEngine) -> Counts:
    return Counts(model_calls=engine.calls, cache_hits=engine.hits, cache_misses=engine.misses)


def _attempt(inputs: Inputs) -> AttemptInfo | None:
    if inputs.attempt is None:
        return None
    return AttemptInfo(
        lineage=inputs.attempt.lineage,
        number=inputs.attempt.number,
        confidence=inputs.judged.confidence,
    )


def _looks(state: State) -> LooksInfo | None:
    if state.inputs.policy.looks is None:
        return None
    return LooksInfo(
        planned=state.inputs.policy.looks.shares,
        stopped_at=state.seen if state.hopeless else None,
        because=tuple(f"{h.gate}/{h.part}: {h.why}" for h in state.hopeless),
    )
