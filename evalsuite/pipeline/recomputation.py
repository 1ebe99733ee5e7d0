"""A verdict computed again from the evidence of its run, which is not believed.

Everything that a run says of itself but its outputs follows from something else: the panels from
their seed, the address of each output from what was asked, the scores from the outputs, and the
verdicts from the scores and the policy. All of it is made again here and compared. What is left to
believe are the outputs, and what liveness found; asking the model again is the way to check those
(:mod:`evalsuite.pipeline.asking`).

Only the code that judged can come to the very same result, so a run records that code's digest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue, ValidationError

from evalsuite.cases.shipped import shipped_version
from evalsuite.engines import LivenessReport
from evalsuite.engines.cache import request_key
from evalsuite.engines.liveness import Check, LivenessCheck
from evalsuite.errors import EvalsuiteError, RunError
from evalsuite.files.jsonl import first_fault
from evalsuite.gates import Gate, Opponent, Policy, Waiver, judge, waived
from evalsuite.gates.part import Topic
from evalsuite.gates.verdict import dump_verdicts
from evalsuite.generation import Finish, Output
from evalsuite.models import read_tuned, resolve_base
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.champion import AUTO, Compared
from evalsuite.pipeline.digests import digest_of_pairs, judging_code
from evalsuite.pipeline.inputs import Inputs, resolve
from evalsuite.pipeline.measurement import Measured, measure
from evalsuite.pipeline.questions import Question, Samples, questions, sample
from evalsuite.pipeline.recording import case_rows, output_row
from evalsuite.pipeline.request import GateRequest
from evalsuite.prompts import ANSWER_PROMPT, Prompt, prompt_named, prompt_of_definition
from evalsuite.runs import ADVISORY, OutputRow, PromptInfo, ScoreRow
from evalsuite.runs.folder import Run

FIRST_VERSION = 6
"""Of ``run.json``: the first that holds enough."""
MOST = 5
"""Differences of one sort that are told; the others are counted."""
TOLERANCE = 1e-9
"""Of numbers: sums of log-probabilities are not added up in the same order."""
_SHOWN_ONLY = frozenset({Topic.DIVERGENCE, Topic.TASK_DIVERGENCE, Topic.PREFERRED, Topic.AS_TURNS})
"""Parts of verdicts that rest on answers which a run does not keep, and that decide nothing."""
_REWORDED = frozenset({"text_loss", "skill_answer"})
"""Detectors whose explanations tell numbers that a run keeps the sum of only."""


class CannotRecompute(RunError):
    """A verdict that nobody can compute again here; says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a run was made from, made again."""

    inputs: Inputs
    questions: tuple[Question, ...]
    answered: tuple[Answered, ...]
    """The recorded answers; empty where they do not fit the questions."""
    differences: tuple[str, ...]
    """Everything that the run says otherwise, a sentence each; empty: it says the same."""


def recompute(
    run: Run,
    *,
    adapter: Path | None = None,
    base: str | Path | None = None,
    cases: Path | None = None,
) -> Recomputed:
    """Draw, score and judge a run again from its own outputs.

    Args:
        run: a finished run of all of its panels.
        adapter: where the candidate lies now; None: where it lay.
        base: the base now; None: the one of the run's name.
        cases: where the golden cases lie now; None: where they lay.

    Raises:
        CannotRecompute: it is of another version, or its cases, base or adapter are not here.
    """
    _require_same_code(run)
    inputs = _inputs(run, adapter, base, cases)
    samples = sample(inputs)
    asked = questions(inputs, samples) if run.outputs else ()
    told = [*_sources(run, inputs, samples), *_cases(run, asked)]
    answered = tuple(_answered(run, inputs, asked, told))
    if len(answered) == len(asked):
        measured = measure(inputs, samples, _liveness(run), answered)
        told += _scores(run, measured)
        told += _verdicts(run, inputs, measured)
    return Recomputed(inputs, asked, answered, tuple(told))


def _require_same_code(run: Run) -> None:
    where = f"the run in {str(run.folder)!r}"
    if run.info.version < FIRST_VERSION or run.info.asked is None:
        raise CannotRecompute(
            f"{where} is of version {run.info.version}, which does not hold all that its verdict "
            "follows from; run the gate again"
        )
    if run.info.judging != judging_code():
        made = run.info.versions.get("evalsuite", "an unknown version")
        raise CannotRecompute(
            f"{where} was judged by other code than this (evalsuite {made}); use that version, or "
            "run the gate again"
        )
    if run.info.looks is not None and run.info.looks.stopped_at is not None:
        raise CannotRecompute(f"{where} stopped before its panels were complete; it proves nothing")


# --- what it was made from ---


def _inputs(run: Run, adapter: Path | None, base: str | Path | None, cases: Path | None) -> Inputs:
    info = run.info
    if info.adapter is None:
        raise CannotRecompute(f"the run in {str(run.folder)!r} had no adapter")
    shipped = shipped_version(info.cases) is not None
    lay = cases or (None if shipped else Path(info.cases))
    asked = info.asked
    assert asked is not None
    request = GateRequest(
        base_model=str(base or info.base.name),
        adapter=adapter or Path(info.adapter.path),
        whole_model=info.model is not None,
        cases=lay,
        seed=info.seeds.get("panel"),
        prompt=_prompt(info.prompt, prompt_named(info.prompt_format)),
        answer_prompt=_prompt(info.answer_prompt, ANSWER_PROMPT),
        shown=asked.shown,
        worded=asked.worded,
        dtype=info.engine.dtype,
        device=info.engine.device,
        merged=info.engine.merged,
        batch_tokens=info.engine.batch_tokens,
        champion=asked.champion,
    )
    try:
        return resolve(request, policy=_policy(run), compared=_compared(run, request))
    except EvalsuiteError as problem:
        raise CannotRecompute(
            f"what the run in {str(run.folder)!r} was made from cannot be read: {problem}"
        ) from problem


def _prompt(recorded: PromptInfo | None, usual: str | Prompt) -> Prompt:
    if recorded is not None:
        return prompt_of_definition(recorded.definition)
    return prompt_named(usual) if isinstance(usual, str) else usual


def _policy(run: Run) -> Policy:
    text = json.dumps(dict(run.info.policy.resolved))
    try:
        return Policy.model_validate_json(text, strict=True)
    except ValidationError as problem:
        fault = first_fault(problem, "the whole")
        raise CannotRecompute(f"the policy in run.json is none: {fault}") from None


def _compared(run: Run, request: GateRequest) -> Compared:
    """Whom the run met. Nothing but its digest is needed to know what a champion was asked."""
    info, asked = run.info.champion, run.info.asked
    assert asked is not None
    opponent = Opponent(name=asked.opponent, asked=info is not None, because=asked.because)
    if info is None:
        return Compared(opponent=opponent)
    candidate = read_tuned(request.adapter, resolve_base(request.base_model, to_load=False))
    stand_in = replace(candidate, path=Path(info.path), digest=info.digest)
    return Compared(opponent=opponent, adapter=stand_in, info=info)


def _sources(run: Run, inputs: Inputs, samples: Samples) -> Iterator[str]:
    """What the run says that it was made from, against what is here.

    Raises:
        CannotRecompute: the golden cases are others now, so that nothing can be compared.
    """
    info = run.info
    if info.cases_digest != inputs.cases_digest:
        raise CannotRecompute(
            f"the golden cases, suites, texts or regressions are not those that the run in "
            f"{str(run.folder)!r} was judged with ({info.cases}); put those back, or run the gate "
            "again"
        )
    adapter = info.adapter
    pairs = {
        "base": (info.base.digest, inputs.base.digest),
        "tokenizer": (info.base.tokenizer_digest, inputs.base.tokenizer_digest),
        "adapter": (adapter.digest if adapter else "", inputs.adapter.digest),
        "policy": (info.policy.digest, inputs.policy.digest),
        "chat template": (info.template_fingerprint, inputs.template.fingerprint),
        "circumstances": (info.circumstances, inputs.circumstances),
        "demonstrations": (info.demonstrations_digest, digest_of_pairs(samples.pairs)),
    }
    for name, (said, found) in pairs.items():
        if said != found:
            yield f"{name}: run.json says {said or 'nothing'}, but it is {found}"


# --- what was asked and answered ---


def _cases(run: Run, asked: Sequence[Question]) -> Iterator[str]:
    # Where a case lay changes nothing: its words, and what it expects, are compared.
    due = {(r.panel, r.case_id): replace(r, source="") for r in case_rows(asked)}
    found = {name: replace(row, source="") for name, row in run.case_index.items()}
    strange = [name for name in found if name not in due]
    absent = [name for name in due if name not in found]
    changed = [name for name in due if name in found and found[name] != due[name]]
    for names, what in (
        (strange, "cases that these panels do not have"),
        (absent, "cases of the panels are missing"),
        (changed, "cases are not as they were drawn"),
    ):
        if names:
            yield _counted(what, ["/".join(name) for name in names])


def _answered(
    run: Run, inputs: Inputs, asked: Sequence[Question], told: list[str]
) -> Iterator[Answered]:
    """The recorded answers to the questions; notes in ``told`` what does not fit."""
    rows = run.outputs
    if len(rows) != len(asked):
        told.append(f"{len(rows)} outputs, but {len(asked)} questions were asked")
        return
    strange = []
    for question, row in zip(asked, rows, strict=True):
        answer = _answer(run, inputs, question, row)
        if answer is None:
            strange.append(f"{row.panel}/{row.case_id} ({row.side})")
        else:
            yield answer
    if strange:
        told.append(
            _counted(
                "outputs are not of what was asked, or not of this engine and adapter", strange
            )
        )


def _answer(run: Run, inputs: Inputs, question: Question, row: OutputRow) -> Answered | None:
    """The answer that a row holds; None where it is no answer to this question."""
    request, engine = question.request, run.info.engine
    known = [request_key(name, request) for name in (engine.identity, engine.confirming) if name]
    if row.key not in known:
        return None
    if request.target is not None:
        n = len(request.target)
        if row.ids is not None or row.tokens != n or (row.logprob is None and n):
            return None
        logprobs = ((row.logprob or 0.0) / n,) * n if n else ()
        output = Output(text=row.text, ids=request.target, finish=Finish.SCORED, logprobs=logprobs)
    else:
        if row.ids is None or row.finish == Finish.SCORED:
            return None
        if inputs.template.answer(row.ids) != row.text:
            return None
        output = Output(text=row.text, ids=row.ids, finish=Finish(row.finish))
    answer = Answered(question=question, output=output, key=row.key)
    # Whatever else the row says of the question is compared with it, its probability left out.
    same = replace(output_row(answer), logprob=row.logprob)
    return answer if same == row else None


# --- what follows ---


def _liveness(run: Run) -> LivenessReport:
    adapter = run.info.adapter
    try:
        checks = tuple(Check(LivenessCheck(c.name), c.ok, c.detail) for c in run.info.liveness)
    except ValueError as problem:
        raise CannotRecompute(f"run.json: liveness: {problem}") from None
    return LivenessReport(adapter=adapter.digest if adapter else "", checks=checks)


def _scores(run: Run, measured: Measured) -> Iterator[str]:
    recorded = [row for row in run.scores if row.detector not in ADVISORY]
    if len(recorded) != len(measured.scores):
        yield f"{len(recorded)} scores, but the outputs come to {len(measured.scores)}"
        return
    changed = [
        f"{said.detector} of {said.panel}/{said.case_id} ({said.side}): {said.value}, not "
        f"{found.value}"
        for said, found in zip(recorded, measured.scores, strict=True)
        if not _same_score(said, found)
    ]
    if changed:
        yield _counted("scores do not follow from the outputs", changed)


def _same_score(said: ScoreRow, found: ScoreRow) -> bool:
    explanation = found.explanation
    if said.detector in _REWORDED:
        explanation = said.explanation
    as_said = replace(found, value=said.value, explanation=explanation)
    return as_said == said and _same(said.value, found.value)


def _verdicts(run: Run, inputs: Inputs, measured: Measured) -> Iterator[str]:
    info = run.info
    policy = inputs.policy.for_attempt(info.attempt.number if info.attempt else 1)
    adapter = info.adapter.digest if info.adapter else ""
    elsewhere = inputs.request.champion != AUTO and not (info.champion and info.champion.record)
    verdicts = waived(
        judge(policy, measured.evidence),
        [
            Waiver(gate=Gate(w.gate), adapter=adapter, reason=w.reason, by=w.by, expires=w.expires)
            for w in info.waivers
        ],
        adapter=adapter,
        today=info.created.date(),
        set_aside=(Gate.REGRESSION,) if elsewhere and info.history else (),
    )
    required = [gate.value for gate in inputs.policy.required]
    found = json.loads(json.dumps(dump_verdicts(verdicts, required)))
    said = json.loads(json.dumps(dump_verdicts(run.verdicts, required)))
    if run.status.value != found["status"]:
        yield f"verdicts.json says {run.status.value}, but the evidence says {found['status']}"
    changed = list(_differing(_decisive(said), _decisive(found)))
    if changed:
        yield _counted("numbers of verdicts.json do not follow from the scores", changed)


def _decisive(document: Mapping[str, JsonValue]) -> JsonValue:
    """The verdicts by gate and part, without the parts that are shown only."""
    verdicts = document["verdicts"]
    assert isinstance(verdicts, list)
    found: dict[str, JsonValue] = {}
    for verdict in verdicts:
        assert isinstance(verdict, dict)
        parts = verdict["slices"]
        assert isinstance(parts, list)
        kept = {str(p["name"]): p for p in parts if isinstance(p, dict) and not _shown(p)}
        found[str(verdict["gate"])] = {**verdict, "slices": dict(kept)}
    return found


def _shown(part: Mapping[str, JsonValue]) -> bool:
    name = str(part["name"])
    return any(name == topic or name.startswith(f"{topic}/") for topic in _SHOWN_ONLY)


def _differing(said: JsonValue, found: JsonValue, at: str = "") -> Iterator[str]:
    if isinstance(said, dict) and isinstance(found, dict):
        for key in {**said, **found}:
            if key not in said or key not in found:
                yield f"{at}{key}: {'missing' if key not in said else 'not computed'}"
            else:
                yield from _differing(said[key], found[key], f"{at}{key}.")
    elif not _same(said, found):
        yield f"{at.removesuffix('.')}: {said!r}, not {found!r}"


def _same(said: object, found: object) -> bool:
    if isinstance(said, float) and isinstance(found, float):
        return math.isclose(said, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return said == found


def _counted(what: str, which: Sequence[str] | Iterable[str]) -> str:
    every = list(which)
    more = f" and {len(every) - MOST} more" if len(every) > MOST else ""
    return f"{len(every)} {what}: {', '.join(every[:MOST])}{more}"
