"""From a finished state to what the run folder keeps of it."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from evalsuite import __version__
from evalsuite.run.inputs import Inputs, digest_of
from evalsuite.run.scoring import Answered
from evalsuite.run.state import State, work_of
from evalsuite.runfolder import RunWriter
from evalsuite.runrecord import (
    AdapterInfo,
    AttemptInfo,
    BaseInfo,
    EngineInfo,
    LooksInfo,
    OutputRow,
    PolicyInfo,
    RunInfo,
    WaiverInfo,
)

_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "bitsandbytes", "numpy", "scipy")


def write_down(state: State, writer: RunWriter) -> None:
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


def info_of(state: State, created: datetime) -> RunInfo:
    """Return what ``run.json`` holds."""
    inputs, engine = state.inputs, state.engine
    return RunInfo(
        created=created,
        finished=datetime.now(UTC),
        base=_base(inputs),
        adapter=_adapter(inputs),
        policy=_policy(inputs),
        template_fingerprint=inputs.template.fingerprint,
        prompt_format=state.request.prompt_format,
        demonstrations_digest=digest_of(state.samples.pairs),
        cases_digest=inputs.cases_digest,
        circumstances=inputs.circumstances,
        engine=_engine(state),
        seeds={"panel": inputs.seed, "skills": inputs.seed, "texts": inputs.seed},
        versions=_versions(),
        machine={"system": platform.platform(), "processor": platform.machine()},
        timings=dict(state.timings),
        counts=work_of(engine) + state.confirming,
        waivers=tuple(
            WaiverInfo(gate=w.gate.value, reason=w.reason, by=w.by, expires=w.expires)
            for w in inputs.own_waivers
        ),
        attempt=_attempt(inputs),
        flips=state.flips,
        looks=_looks(state),
        champion=inputs.compared.info,
        history=inputs.history,
        command=state.request.command,
    )


def _base(inputs: Inputs) -> BaseInfo:
    base = inputs.base
    return BaseInfo(name=base.name, digest=base.digest, tokenizer_digest=base.tokenizer_digest)


def _adapter(inputs: Inputs) -> AdapterInfo:
    provenance = inputs.adapter.provenance
    return AdapterInfo(
        path=str(inputs.adapter.path.resolve()),
        digest=inputs.adapter.digest,
        provenance=provenance.model_dump(mode="json") if provenance else None,
    )


def _policy(inputs: Inputs) -> PolicyInfo:
    policy = inputs.policy
    return PolicyInfo(name=policy.name, digest=policy.digest, resolved=policy.resolved)


def _engine(state: State) -> EngineInfo:
    numerics = state.inputs.numerics
    return EngineInfo(
        name="transformers",
        identity=state.engine.identity,
        dtype=str(numerics.dtype),
        device=str(numerics.device),
        merged=numerics.merged,
        batch_tokens=numerics.batch_tokens,
    )


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
