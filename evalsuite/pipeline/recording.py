"""From a finished state to what the run folder keeps of it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from evalsuite import __version__
from evalsuite.generation import Finish
from evalsuite.models import ModelRef
from evalsuite.models.decoding import decoding_of
from evalsuite.models.quantised import stored_as
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.digests import digest_of_pairs, judging_code
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.neighbours import contradictions
from evalsuite.pipeline.questions import Question, Samples
from evalsuite.pipeline.records import Decided, work_of
from evalsuite.prompts import Prompt
from evalsuite.registry.lineages import Lineage
from evalsuite.runs import (
    AdapterInfo,
    AskedInfo,
    AttemptInfo,
    BaseInfo,
    CaseRow,
    CheckInfo,
    DemonstrationsRow,
    EndingsInfo,
    EngineInfo,
    LineageInfo,
    LooksInfo,
    ModelInfo,
    OutputRow,
    PolicyInfo,
    PromptInfo,
    RunInfo,
    ShownRow,
    Side,
    TokensRow,
    WaiverInfo,
)
from evalsuite.runs.folder import RunWriter
from evalsuite.tasks import Rewriting, answer_of
from evalsuite.template import ChatTemplate

LOOKED_INTO = 40
"""Failed cases of each gate whose tokens are kept."""
_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "bitsandbytes", "numpy", "scipy")


def write_down(decided: Decided, writer: RunWriter) -> None:
    """Stage the evidence; the run replaces an older one only when it is complete."""
    writer.add_cases(case_rows(answer.question for answer in decided.answered))
    writer.add_outputs(output_row(answer) for answer in decided.answered)
    writer.add_scores(decided.measured.scores)
    if decided.answered:
        writer.add_demonstrations(_shown(decided.samples))
    writer.add_tokens(_tokens(decided))
    required = [gate.value for gate in decided.inputs.policy.required]
    writer.set_verdicts(decided.verdicts, required)


def case_rows(asked: Iterable[Question]) -> tuple[CaseRow, ...]:
    """The cases of questions, each once, in their order."""
    rows = {(q.row.panel, q.row.case_id): q.row for q in reversed(list(asked))}
    return tuple(reversed(rows.values()))


def output_row(answer: Answered) -> OutputRow:
    """What the run keeps of an answer."""
    question, output = answer.question, answer.output
    return OutputRow(
        key=answer.key,
        side=question.side,
        panel=question.row.panel,
        case_id=question.row.case_id,
        prompt_format=_prompt_name(question),
        text=output.text,
        finish=output.finish.value,
        logprob=output.logprob if output.logprobs else None,
        tokens=len(output.ids),
        demonstrations=question.demonstrations,
        answer=read if (read := answer_of(question.task, output)) != output.text else None,
        ids=output.ids if output.finish is not Finish.SCORED else None,
    )


def _prompt_name(question: Question) -> str:
    """Of a rewriting, or an answer, that is part of a panel or a golden set."""
    task = question.task
    return task.prompt.name if isinstance(task, Rewriting) and question.demonstrations else ""


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


def _tokens(decided: Decided) -> Iterator[TokensRow]:
    """The tokens of what failed, gate by gate, as far as somebody will look into them."""
    by_key = {a.key: a for a in decided.answered if a.question.side is Side.CANDIDATE}
    shown: dict[str, None] = {}
    seen: Counter[str] = Counter()
    for score in decided.measured.scores:
        if score.failed and score.side is Side.CANDIDATE and seen[score.gate] < LOOKED_INTO:
            keys = [key for key in score.outputs if key in by_key and key not in shown]
            seen[score.gate] += bool(keys)
            shown.update(dict.fromkeys(keys))
    texts: dict[int, str] = {}
    yield from (_token_row(decided.inputs.template, by_key[key], texts) for key in shown)


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


def info_of(decided: Decided, created: datetime, timings: Mapping[str, float]) -> RunInfo:
    """Return what ``run.json`` holds."""
    inputs, engine = decided.inputs, decided.engine
    return RunInfo(
        created=created,
        finished=datetime.now(UTC),
        base=_base(inputs),
        adapter=_adapter(inputs),
        model=_model(inputs),
        stored=dict(_stored(inputs)),
        policy=_policy(inputs),
        template_fingerprint=inputs.template.fingerprint,
        prompt_format=decided.request.prompt.name,
        prompt=_prompt(decided.request.prompt),
        answer_prompt=_prompt(decided.request.answer_prompt),
        demonstrations_digest=digest_of_pairs(decided.samples.pairs),
        cases_digest=inputs.cases_digest,
        circumstances=inputs.circumstances,
        cases=inputs.folders.origin,
        engine=_engine(decided),
        seeds={"panel": inputs.seed, "skills": inputs.seed, "texts": inputs.seed},
        versions=_versions(),
        machine={"system": platform.platform(), "processor": platform.machine()},
        timings=dict(timings),
        counts=work_of(engine) + decided.answers.confirming,
        endings=endings_of(decided.answered),
        waivers=tuple(
            WaiverInfo(gate=w.gate.value, reason=w.reason, by=w.by, expires=w.expires)
            for w in inputs.own_waivers
        ),
        attempt=_attempt(decided),
        flips=decided.answers.flips,
        looks=_looks(decided),
        champion=inputs.compared.info,
        history=inputs.history,
        command=decided.request.command,
        registry=None if decided.request.registry is None else str(decided.request.registry),
        judging=judging_code(),
        registry_policy=inputs.registry_policy,
        asked=AskedInfo(
            shown=decided.request.shown,
            worded=decided.request.worded,
            champion=decided.request.champion,
            opponent=inputs.compared.opponent.name,
            because=inputs.compared.opponent.because,
        ),
        liveness=tuple(
            CheckInfo(name=check.name.value, ok=check.ok, detail=check.detail)
            for check in decided.liveness.checks
        ),
    )


def _prompt(prompt: Prompt) -> PromptInfo | None:
    if prompt.built_in:
        return None
    return PromptInfo(digest=prompt.digest, definition=prompt.definition)


def _base(inputs: Inputs) -> BaseInfo:
    base = inputs.base
    return BaseInfo(
        name=base.name,
        digest=base.digest,
        tokenizer_digest=base.tokenizer_digest,
        decoding=decoding_of(base),
    )


def endings_of(answered: Sequence[Answered]) -> dict[str, EndingsInfo]:
    """Count how the answers of each side ended, each prompt once."""
    ends: dict[Side, dict[str, bool]] = {}
    for answer in answered:
        if answer.output.finish is not Finish.SCORED:
            cut = answer.output.finish is Finish.LENGTH
            ends.setdefault(answer.question.side, {})[answer.key] = cut
    return {
        side.value: EndingsInfo(answers=len(seen), cut=sum(seen.values()))
        for side, seen in ends.items()
    }


def _adapter(inputs: Inputs) -> AdapterInfo:
    provenance = inputs.adapter.provenance
    return AdapterInfo(
        path=str(inputs.adapter.path.resolve()),
        digest=inputs.adapter.digest,
        provenance=provenance.model_dump(mode="json") if provenance else None,
        beside=tuple(map(str, inputs.neighbours)),
        contradicted=tuple(map(str, contradictions(inputs.neighbours))),
    )


def _model(inputs: Inputs) -> ModelInfo | None:
    candidate = inputs.adapter
    if not isinstance(candidate, ModelRef):
        return None
    return ModelInfo(
        digest=candidate.model.digest,
        tokenizer_digest=candidate.model.tokenizer_digest,
        files=dict(candidate.files),
    )


def _stored(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """Who keeps quantised weights, and how."""
    candidate = inputs.adapter
    folders = {inputs.base.name: inputs.base.path}
    if isinstance(candidate, ModelRef):
        folders[candidate.path.name] = candidate.path
    for name, folder in folders.items():
        told = stored_as(folder)
        if told is not None:
            yield name, told


def _policy(inputs: Inputs) -> PolicyInfo:
    policy = inputs.policy
    return PolicyInfo(name=policy.name, digest=policy.digest, resolved=policy.resolved)


def _engine(decided: Decided) -> EngineInfo:
    numerics = decided.inputs.numerics
    return EngineInfo(
        name="transformers",
        identity=decided.engine.identity,
        dtype=str(numerics.dtype),
        device=str(numerics.device),
        merged=numerics.merged,
        batch_tokens=numerics.batch_tokens,
        confirming=decided.answers.confirmed_by,
        remarks=decided.engine.remarks,
    )


def _attempt(decided: Decided) -> AttemptInfo | None:
    if decided.attempt is None:
        return None
    return AttemptInfo(
        lineage=decided.attempt.lineage,
        number=decided.attempt.number,
        confidence=decided.judged_by.confidence,
        named=_named(decided.inputs.lineage),
    )


def _named(lineage: Lineage | None) -> LineageInfo | None:
    if lineage is None:
        return None
    return LineageInfo(
        name=lineage.name, by=lineage.by, created=lineage.created, reason=lineage.reason
    )


def _looks(decided: Decided) -> LooksInfo | None:
    if decided.inputs.policy.looks is None:
        return None
    return LooksInfo(
        planned=decided.inputs.policy.looks.shares,
        stopped_at=decided.seen if decided.hopeless else None,
        because=tuple(LooksInfo.cause(h.gate, h.part, h.why) for h in decided.hopeless),
    )
