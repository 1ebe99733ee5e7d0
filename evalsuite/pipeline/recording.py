"""From a finished state to what the run folder keeps of it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from evalsuite import __version__
from evalsuite.pipeline.inputs import Inputs, digest_of
from evalsuite.pipeline.questions import Samples
from evalsuite.pipeline.scoring import Answered
from evalsuite.pipeline.state import State, work_of
from evalsuite.runs import (
    AdapterInfo,
    AttemptInfo,
    BaseInfo,
    DemonstrationsRow,
    EngineInfo,
    LooksInfo,
    OutputRow,
    PolicyInfo,
    RunInfo,
    ShownRow,
    Side,
    TokensRow,
    WaiverInfo,
)
from evalsuite.runs.folder import RunWriter
from evalsuite.template import ChatTemplate

LOOKED_INTO = 40
"""Failed cases of each gate whose tokens are kept."""
_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "bitsandbytes", "numpy", "scipy")


def write_down(state: State, writer: RunWriter) -> None:
    """Stage the evidence; the run replaces an older one only when it is complete."""
    asked = [answer.question for answer in state.answered]
    rows = {(q.row.panel, q.row.case_id): q.row for q in reversed(asked)}
    writer.add_cases(reversed(rows.values()))
    writer.add_outputs(_output_row(state, answer) for answer in state.answered)
    writer.add_scores(state.measured.scores)
    if state.answered:
        writer.add_demonstrations(_shown(state.samples))
    writer.add_tokens(_tokens(state))
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


def _shown(samples: Samples) -> Iterator[DemonstrationsRow]:
    for name, pair in samples.pairs.items():
        for letter, shown in (("a", pair.a), ("b", pair.b)):
            rows = tuple(
                ShownRow(
                    history=one.history,
                    query=one.query,
                    rewrite=one.rewrite,
                    entities=one.entities,
                )
                for one in shown
            )
            yield DemonstrationsRow(name=f"{name}{letter}", shown=rows)


def _tokens(state: State) -> Iterator[TokensRow]:
    """The tokens of what failed, gate by gate, as far as somebody will look into them."""
    by_key = {a.key: a for a in state.answered if a.question.side is Side.CANDIDATE}
    shown: dict[str, None] = {}
    seen: Counter[str] = Counter()
    for score in state.measured.scores:
        if score.failed and score.side is Side.CANDIDATE and seen[score.gate] < LOOKED_INTO:
            keys = [key for key in score.outputs if key in by_key and key not in shown]
            seen[score.gate] += bool(keys)
            shown.update(dict.fromkeys(keys))
    texts: dict[int, str] = {}
    yield from (_token_row(state.inputs.template, by_key[key], texts) for key in shown)


def _token_row(template: ChatTemplate, answer: Answered, texts: dict[int, str]) -> TokensRow:
    prompt = answer.question.request.prompt
    ids = (*prompt, *answer.output.ids)
    texts |= {token: template.decode([token]) for token in {*ids} - {*texts}}
    control = set(template.control_ids.values())
    return TokensRow(
        key=answer.key,
        ids=ids,
        texts=tuple(texts[token] for token in ids),
        answer=len(prompt),
        control=tuple(at for at, token in enumerate(ids) if token in control),
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
        cases=inputs.folders.origin,
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
