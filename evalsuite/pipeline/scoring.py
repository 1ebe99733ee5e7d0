"""From answers to scores to evidence: every detector is applied here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from evalsuite.conversation import Conversation
from evalsuite.detectors import Score
from evalsuite.detectors.leakage import absent_names, literal_leak, swap_leak
from evalsuite.detectors.pronouns import resolve_output
from evalsuite.detectors.retention import answer_score, text_score
from evalsuite.detectors.roundtrip import check as check_properties
from evalsuite.detectors.roundtrip import control_token, round_trip
from evalsuite.engines import LivenessReport
from evalsuite.gates import Check, Evidence, Gate, Observation, Origin, Tier, worst_loss
from evalsuite.gates.promised import GATE_OF
from evalsuite.generation import Output
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.questions import Question, Samples
from evalsuite.prompts import task_text
from evalsuite.regressions import broken_in
from evalsuite.runs import (
    PANEL,
    PROPERTIES,
    REGRESSIONS,
    SKILLS,
    TEXTS,
    CaseRow,
    ScoreRow,
    Side,
    Unit,
)
from evalsuite.template import ChatTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question with its answer and the answer's address."""

    question: Question
    output: Output
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the gates judge, and the same as rows that people read."""

    evidence: Evidence
    scores: tuple[ScoreRow, ...]


REGRESSION = "regression"
"""The detector that judges histories that broke a candidate once."""
_LEAKS = ("literal_leak", "swap_leak")
Place = tuple[str, str, bool, Side]


def measure(
    inputs: Inputs, samples: Samples, liveness: LivenessReport, answered: Sequence[Answered]
) -> Measured:
    """Apply every detector to every answer it is about."""
    rows: list[ScoreRow] = []
    by_place: dict[Place, Answered] = {
        (
            a.question.row.panel,
            a.question.row.case_id,
            a.question.swapped,
            a.question.side,
        ): a
        for a in answered
    }
    rows += _leaks(samples, by_place)
    rows += _references(samples, answered)
    rows += _retained(answered)
    rows += _regressions(inputs, by_place)
    properties, property_rows = _properties(inputs)
    trips, trip_rows = _round_trips(inputs.template, answered)
    endings, ending_rows = _endings(inputs.template, answered)
    rows += [*property_rows, *trip_rows, *ending_rows]
    evidence = Evidence(
        liveness=liveness_checks(inputs, liveness),
        literal_leaks=_observations(rows, "literal_leak", PANEL),
        swap_leaks=_observations(rows, "swap_leak", PANEL),
        control_leaks=_observations(rows, "absent_names", PANEL),
        pronouns=_observations(rows, "pronoun_resolution", PANEL),
        goldens={name: _observations(rows, "pronoun_resolution", name) for name in samples.goldens},
        golden_leaks={name: _worst(rows, _LEAKS, name) for name in samples.goldens},
        template_properties=properties,
        round_trips=trips,
        control_tokens=endings,
        skills=_observations(rows, "skill_answer", SKILLS),
        texts=_observations(rows, "text_loss", TEXTS),
        regressions=_by_gate(inputs, rows),
        opponent=inputs.compared.opponent,
    )
    return Measured(evidence=evidence, scores=tuple(rows))


def liveness_checks(inputs: Inputs, report: LivenessReport) -> tuple[Check, ...]:
    """The checks that the policy wants asked of this adapter."""
    return tuple(
        Check(c.name, c.ok, c.detail)
        for c in report.checks
        if not (_unrecorded(inputs) and c.ok is None and c.name == "base_as_recorded")
    )


def _unrecorded(inputs: Inputs) -> bool:
    """Whether the adapter has no record of its own and the policy does not ask for one."""
    optional = inputs.policy.gates.liveness.provenance is Origin.OPTIONAL
    return optional and inputs.adapter.provenance is None


def _leaks(samples: Samples, by_place: Mapping[Place, Answered]) -> Iterator[ScoreRow]:
    for (part, case_id, swapped, side), answer in by_place.items():
        pair, case, text = answer.question.pair, answer.question.item, answer.output.text
        if pair is None or swapped or (part == PANEL and case_id not in samples.leakage):
            continue
        # What a prompt shows is what could leak: cases that show the same stand and fall together.
        row = replace(answer.question.row, cluster=f"shown/{pair.name}")
        literal = literal_leak(case, text, pair.a, task=task_text(case.language))
        yield _row(literal, row, side, "example_leakage", answer.key)
        control = absent_names(case, text, samples.absent)
        yield _row(control, row, side, "example_leakage", answer.key)
        other = by_place.get((part, case_id, True, side))
        if other is not None:
            score = swap_leak(case, text, pair.a, other.output.text, pair.b)
            yield _row(score, row, side, "example_leakage", answer.key, other.key)


def _references(samples: Samples, answered: Iterable[Answered]) -> Iterator[ScoreRow]:
    for answer in answered:
        question = answer.question
        if question.pair is None or question.swapped:
            continue
        if question.row.panel == PANEL and question.row.case_id not in samples.pronouns:
            continue
        score = resolve_output(question.item, answer.output.text, answer.output.finish)
        yield _row(score, question.row, question.side, "pronoun_resolution", answer.key)


def _retained(answered: Iterable[Answered]) -> Iterator[ScoreRow]:
    for answer in answered:
        question = answer.question
        if question.row.panel == SKILLS:
            score = answer_score(question.item, answer.output.text)
            yield _row(score, question.row, question.side, "forgetting", answer.key)
        elif question.row.panel == TEXTS:
            score = text_score(question.item, answer.output.logprobs)
            row = _row(score, question.row, question.side, "forgetting", answer.key, unit=Unit.NATS)
            yield row


def _regressions(inputs: Inputs, by_place: Mapping[Place, Answered]) -> Iterator[ScoreRow]:
    """Judge every history that broke a candidate once by the promises that it was kept for."""
    for item in inputs.regressions:
        candidate, baseline = (
            by_place.get((REGRESSIONS, item.case.id, False, side))
            for side in (Side.CANDIDATE, Side.BASELINE)
        )
        if candidate is None or baseline is None:
            continue
        every = broken_in(
            item.case,
            item.shown,
            item.origin.prompt_format,
            candidate=candidate.output,
            baseline=baseline.output.text,
            template=inputs.template,
        )
        # What was reduced to a leak may have lost its truth: beside what holds for every answer,
        # only the promise that it was kept for counts.
        broken = next(
            (b for b in every if b.promise.absolute or b.promise is item.origin.promise), None
        )
        said = "Every promise is kept." if broken is None else f"{broken.promise}: {broken.reason}"
        spans = () if broken is None else broken.spans
        score = Score(REGRESSION, item.case.id, float(broken is not None), said, spans)
        gate = GATE_OF[(broken or item.origin).promise].value
        keys = (candidate.key, baseline.key)
        yield _row(score, candidate.question.row, Side.CANDIDATE, gate, *keys)


def _by_gate(
    inputs: Inputs, rows: Iterable[ScoreRow]
) -> dict[tuple[Gate, Tier], tuple[Observation, ...]]:
    tiers = {item.case.id: item.tier for item in inputs.regressions}
    found: dict[tuple[Gate, Tier], list[Observation]] = {}
    for row in rows:
        if row.panel == REGRESSIONS and row.detector == REGRESSION:
            observation = Observation(
                case_id=row.case_id,
                cluster=row.cluster,
                language=row.language,
                group=row.kind,
                candidate=row.value,
            )
            found.setdefault((Gate(row.gate), tiers[row.case_id]), []).append(observation)
    return {key: tuple(seen) for key, seen in found.items()}


def _row(
    score: Score, row: CaseRow, side: Side, gate: str, *keys: str, unit: Unit = Unit.DEFECT
) -> ScoreRow:
    return ScoreRow.of(score.on(side.value), row, gate=gate, unit=unit, outputs=keys)


def _observations(rows: Iterable[ScoreRow], detector: str, panel: str) -> tuple[Observation, ...]:
    """Pair the sides of every case that the candidate was scored on."""
    sides: dict[str, dict[Side, ScoreRow]] = {}
    for row in rows:
        if row.detector == detector and row.panel == panel:
            sides.setdefault(row.case_id, {})[row.side] = row
    return tuple(
        Observation(
            case_id=case_id,
            cluster=pair[Side.CANDIDATE].cluster,
            language=pair[Side.CANDIDATE].language,
            group=pair[Side.CANDIDATE].kind,
            candidate=pair[Side.CANDIDATE].value,
            baseline=pair[Side.BASELINE].value if Side.BASELINE in pair else None,
            champion=pair[Side.CHAMPION].value if Side.CHAMPION in pair else None,
        )
        for case_id, pair in sides.items()
        if Side.CANDIDATE in pair
    )


def _worst(
    rows: Sequence[ScoreRow], detectors: Sequence[str], panel: str
) -> tuple[Observation, ...]:
    """Of each case the worst that the detectors found; a silent detector is a missing loss."""
    found: dict[str, list[Observation]] = {}
    for detector in detectors:
        for observation in _observations(rows, detector, panel):
            found.setdefault(observation.case_id, []).append(observation)
    return tuple(
        replace(
            seen[0],
            candidate=worst_loss([o.candidate for o in seen], len(detectors)),
            champion=worst_loss([o.champion for o in seen], len(detectors)),
        )
        for seen in found.values()
    )


@lru_cache(maxsize=4)
def _proved(
    template: ChatTemplate, fingerprint: str | None, tokens: tuple[str, ...]
) -> tuple[Score, ...]:
    # Every look of a policy needs these, and none of them changes what the template does.
    return tuple(
        check_properties(template, training_fingerprint=fingerprint, training_tokens=tokens)
    )


def _properties(inputs: Inputs) -> tuple[tuple[Check, ...], list[ScoreRow]]:
    provenance = inputs.adapter.provenance
    fingerprint = provenance.template_fingerprint if provenance else None
    tokens = provenance.template_tokens if provenance else ()
    scores = _proved(inputs.template, fingerprint, tokens)  # type: ignore[arg-type]  # by identity
    checks = tuple(
        Check(s.case_id, None if s.value is None else s.value == 0.0, s.explanation)
        for s in scores
        if not (_unrecorded(inputs) and s.value is None and s.case_id.startswith("R10 "))
    )
    return checks, [_template_row(score, "properties") for score in scores]


def _template_row(score: Score, kind: str) -> ScoreRow:
    return ScoreRow(
        detector=score.detector,
        case_id=score.case_id,
        side=Side.CANDIDATE,
        value=score.value,
        explanation=score.explanation,
        kind=kind,
        panel=PROPERTIES,
        gate="template_round_trip",
    )


def _round_trips(
    template: ChatTemplate, answered: Iterable[Answered]
) -> tuple[tuple[Observation, ...], list[ScoreRow]]:
    """Send every conversation that was really asked through the template and back."""
    trips: list[Observation] = []
    rows: list[ScoreRow] = []
    seen: set[tuple[Conversation, tuple[int, ...]]] = set()
    for answer in answered:
        question = answer.question
        conversation = question.request.conversation
        if question.row.panel == REGRESSIONS:
            continue  # searched for, so no part of a rate
        if conversation is None or (conversation, question.request.prompt) in seen:
            continue
        seen.add((conversation, question.request.prompt))
        row = question.row
        score = round_trip(row.case_id, template, conversation, question.request.prompt)
        trips.append(
            Observation(
                case_id=trip_id(question),
                cluster=row.cluster,
                language=row.language,
                group=row.kind,
                candidate=score.value,
            )
        )
        if score.value:
            rows.append(_row(score, row, Side.CANDIDATE, "template_round_trip"))
    return tuple(trips), rows


def _endings(
    template: ChatTemplate, answered: Iterable[Answered]
) -> tuple[tuple[Observation, ...], list[ScoreRow]]:
    """Search every generated answer for control tokens; rows of defects only.

    What the candidate does is observed; the other sides have rows, so that a reader can compare.
    """
    seen: list[Observation] = []
    rows: list[ScoreRow] = []
    for answer in answered:
        question = answer.question
        if question.request.target is not None or question.row.panel == REGRESSIONS:
            continue
        score = control_token(question.row.case_id, answer.output, template)
        if question.side is Side.CANDIDATE:
            seen.append(
                Observation(
                    case_id=trip_id(question),
                    cluster=question.row.cluster,
                    language=question.row.language,
                    group=question.row.kind,
                    candidate=score.value,
                )
            )
        if score.value:
            gate = Gate.TEMPLATE_ROUND_TRIP.value
            rows.append(_row(score, question.row, question.side, gate, answer.key))
    return tuple(seen), rows


def trip_id(question: Question) -> str:
    """The id under which the prompt of a question, and the end of its answer, are observed."""
    return f"{question.row.panel}/{question.row.case_id}/{question.demonstrations}"
