"""From answers to scores to evidence: what the gates judge is put together here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from evalsuite.conversation import Conversation
from evalsuite.detectors import PARTS, SHARES, Detector, Score
from evalsuite.detectors.roundtrip import check as check_properties
from evalsuite.detectors.roundtrip import round_trip
from evalsuite.engines import LivenessReport
from evalsuite.gates import Check, Evidence, Gate, Observation, Origin, Tier, worst_loss
from evalsuite.gates.detectors import GATE_OF
from evalsuite.models import BaseRef, ModelRef
from evalsuite.pipeline.answered import Answered, counterpart_of, options_of, with_floors
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.questions import Place, Question, Samples
from evalsuite.pipeline.served import own_words
from evalsuite.rewrites import Standard, standard_of
from evalsuite.runs import (
    PANEL,
    PROPERTIES,
    REGRESSIONS,
    SKILLS,
    TEXTS,
    CaseRow,
    ScoreRow,
    Side,
)
from evalsuite.scenarios import ShownCase
from evalsuite.tasks import Counterpart, Known, Rewriting, broken_promises, score
from evalsuite.template import ChatTemplate, Property


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the gates judge, and the same as rows that people read."""

    evidence: Evidence
    scores: tuple[ScoreRow, ...]


_LEAKS = (Detector.LITERAL_LEAK, Detector.SWAP_LEAK)
_SHOWN = (Detector.LITERAL_LEAK, Detector.ABSENT_NAMES, Detector.SWAP_LEAK)
_REWRITTEN = (Detector.RIGHT, *PARTS, *SHARES)
_RETAINED = (Detector.SKILL_ANSWER, Detector.TEXT_LOSS)
_TRIP = Gate.TEMPLATE_ROUND_TRIP.value
Judged = tuple["Answered", Mapping[Detector, Score]]


def measure(
    inputs: Inputs, samples: Samples, liveness: LivenessReport, answered: Sequence[Answered]
) -> Measured:
    """Score every answer, and put the scores together as evidence."""
    by_place: dict[Place, Answered] = {answer.question.place: answer for answer in answered}
    scored = [(a, _scores(a, samples, by_place, inputs.template)) for a in answered]
    properties, property_rows = _properties(inputs)
    trips, trip_rows = _round_trips(inputs.template, answered)
    rows = [
        *_rows(scored, _SHOWN, by_place),
        *_rows(scored, _REWRITTEN),
        *_rows(scored, _RETAINED, by_place),
        *_regressions(inputs, by_place),
        *property_rows,
        *trip_rows,
        # Of these, defects only: an answer that ends as it should needs no row.
        *(row for row in _rows(scored, (Detector.CONTROL_TOKEN,)) if row.value),
    ]
    answers = {a.question.row.case_id for a in answered if _wants_answer(a.question)}
    decides = [Detector(part) for part in inputs.policy.gates.pronoun_resolution.decides]
    evidence = Evidence(
        liveness=liveness_checks(inputs, liveness),
        literal_leaks=_observations(rows, Detector.LITERAL_LEAK, PANEL),
        swap_leaks=_observations(rows, Detector.SWAP_LEAK, PANEL),
        control_leaks=_observations(rows, Detector.ABSENT_NAMES, PANEL),
        pronouns=_failed(rows, decides, PANEL, answers),
        goldens={name: _failed(rows, decides, name, answers) for name in samples.goldens},
        parts=_by_detector(rows, PARTS, PANEL),
        golden_parts={name: _by_detector(rows, PARTS, name) for name in samples.goldens},
        words={
            name: _by_detector(_freely_worded(rows, cases), SHARES, name)
            for name, cases in samples.goldens.items()
        },
        golden_leaks={name: _worst(rows, _LEAKS, name) for name in samples.goldens},
        template_properties=properties,
        round_trips=trips,
        control_tokens=_endings(scored),
        skills=with_floors(_observations(rows, Detector.SKILL_ANSWER, SKILLS), answered),
        texts=_observations(rows, Detector.TEXT_LOSS, TEXTS),
        regressions=_by_gate(inputs, rows),
        opponent=inputs.compared.opponent,
    )
    return Measured(evidence=evidence, scores=tuple(rows))


def _wants_answer(question: Question) -> bool:
    return question.row.standard is Standard.ANSWERED


def _scores(
    answer: Answered, samples: Samples, by_place: Mapping[Place, Answered], template: ChatTemplate
) -> Mapping[Detector, Score]:
    """What the question's detectors say of its answer."""
    question = answer.question
    other = counterpart_of(question, by_place)
    counterpart = None
    if other is not None and isinstance(other.question.task, Rewriting):
        counterpart = Counterpart(
            text=other.output.text, demonstrations=other.question.task.demonstrations
        )
    options = options_of(question, by_place)
    known = Known(
        template=template,
        absent=samples.absent,
        counterpart=counterpart,
        options=None if options is None else tuple(option.output for option in options),
    )
    found = score(question.task, answer.output, known, detectors=question.detectors)
    return {one.detector: one for one in found}


def _rows(
    scored: Iterable[Judged],
    detectors: Sequence[Detector],
    by_place: Mapping[Place, Answered] = MappingProxyType({}),
) -> Iterator[ScoreRow]:
    """The rows of some detectors, answer by answer."""
    for answer, found in scored:
        for detector in detectors:
            if detector not in found:
                continue
            row, keys = answer.question.row, [answer.key]
            if detector in _SHOWN:
                # What a prompt shows is what could leak: cases that show the same stand and fall
                # together.
                row = replace(row, cluster=f"shown/{row.demonstrations}")
            other = counterpart_of(answer.question, by_place)
            if detector is Detector.SWAP_LEAK and other is not None:
                keys.append(other.key)
            if detector is Detector.SKILL_ANSWER:
                keys += [one.key for one in (options_of(answer.question, by_place) or ())[1:]]
            gate = GATE_OF[detector].value
            yield _row(found[detector], row, answer.question.side, gate, *keys)


def liveness_checks(inputs: Inputs, report: LivenessReport) -> tuple[Check, ...]:
    """The checks that the policy wants asked of this adapter."""
    return tuple(
        Check(c.name.value, c.ok, c.detail)
        for c in report.checks
        if not (_unrecorded(inputs) and c.ok is None and c.name.needs_provenance)
    )


def _unrecorded(inputs: Inputs) -> bool:
    """Whether the adapter has no record of its own and the policy does not ask for one."""
    optional = inputs.policy.gates.liveness.provenance is Origin.OPTIONAL
    return optional and not isinstance(inputs.adapter, ModelRef) and not inputs.adapter.provenance


def _regressions(inputs: Inputs, by_place: Mapping[Place, Answered]) -> Iterator[ScoreRow]:
    """Judge every history that broke a candidate once by the promises that it was kept for."""
    for item in inputs.regressions:
        candidate, baseline = (
            by_place.get((REGRESSIONS, item.case.id, False, 0, side))
            for side in (Side.CANDIDATE, Side.BASELINE)
        )
        if candidate is None or baseline is None:
            continue
        every = broken_promises(item.task, candidate.output, baseline.output, inputs.template)
        # What was reduced to a leak may have lost its truth: beside what holds for every answer,
        # only the promise that it was kept for counts.
        broken = next(
            (b for b in every if b.promise.absolute or b.promise is item.origin.promise), None
        )
        said = "Every promise is kept." if broken is None else f"{broken.promise}: {broken.reason}"
        spans = () if broken is None else broken.spans
        found = Score(Detector.REGRESSION, item.case.id, float(broken is not None), said, spans)
        gate = GATE_OF[(broken or item.origin).promise.detector].value
        keys = (candidate.key, baseline.key)
        yield _row(found, candidate.question.row, Side.CANDIDATE, gate, *keys)


def _by_gate(
    inputs: Inputs, rows: Iterable[ScoreRow]
) -> dict[tuple[Gate, Tier], tuple[Observation, ...]]:
    tiers = {item.case.id: item.tier for item in inputs.regressions}
    found: dict[tuple[Gate, Tier], list[Observation]] = {}
    for row in rows:
        if row.panel == REGRESSIONS and row.detector == Detector.REGRESSION:
            observation = Observation(
                case_id=row.case_id,
                cluster=row.cluster,
                language=row.language,
                kind=row.kind,
                candidate=row.value,
            )
            found.setdefault((Gate(row.gate), tiers[row.case_id]), []).append(observation)
    return {key: tuple(seen) for key, seen in found.items()}


def _row(score: Score, row: CaseRow, side: Side, gate: str, *keys: str) -> ScoreRow:
    return ScoreRow.of(score.on(side.value), row, gate=gate, outputs=keys)


def _by_detector(
    rows: Sequence[ScoreRow], detectors: Iterable[Detector], panel: str
) -> dict[Detector, tuple[Observation, ...]]:
    """The observations of each detector that looked at some case of a panel."""
    found = {detector: _observations(rows, detector, panel) for detector in detectors}
    return {detector: seen for detector, seen in found.items() if seen}


def _freely_worded(rows: Iterable[ScoreRow], cases: Iterable[ShownCase]) -> list[ScoreRow]:
    """The rows about those of ``cases`` whose rewrites people worded as they liked."""
    free = {shown.case.id for shown in cases if standard_of(shown.case) is Standard.FREE}
    return [row for row in rows if row.case_id in free]


def _observations(
    rows: Iterable[ScoreRow], detector: Detector, panel: str
) -> tuple[Observation, ...]:
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
            kind=pair[Side.CANDIDATE].kind,
            candidate=pair[Side.CANDIDATE].value,
            baseline=pair[Side.BASELINE].value if Side.BASELINE in pair else None,
            champion=pair[Side.CHAMPION].value if Side.CHAMPION in pair else None,
        )
        for case_id, pair in sides.items()
        if Side.CANDIDATE in pair
    )


def _failed(
    rows: Sequence[ScoreRow], decides: Sequence[Detector], panel: str, answers: Set[str]
) -> tuple[Observation, ...]:
    """Which rewrites fail for a part that decides; one that was not asked costs nothing.

    Of ``answers``, ids of cases that want no rewrite, whether they are right decides.
    """
    whole = _observations(rows, Detector.RIGHT, panel)
    if set(decides) == set(PARTS):
        return whole
    lost = {
        (row.case_id, row.side)
        for row in rows
        if row.panel == panel
        and row.detector in ((Detector.RIGHT,) if row.case_id in answers else decides)
        and row.value
    }

    def loss(case: Observation, side: Side, value: float | None) -> float | None:
        return None if value is None else float((case.case_id, side) in lost)

    return tuple(
        replace(
            case,
            candidate=loss(case, Side.CANDIDATE, case.candidate),
            baseline=loss(case, Side.BASELINE, case.baseline),
            champion=loss(case, Side.CHAMPION, case.champion),
        )
        for case in whole
    )


def _worst(
    rows: Sequence[ScoreRow], detectors: Sequence[Detector], panel: str
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


@dataclass(frozen=True)
class _Proof:
    """What the proofs of a template hang on."""

    base: BaseRef
    fingerprint: str
    training_fingerprint: str | None
    training_tokens: tuple[str, ...]
    template: ChatTemplate = field(compare=False)


@lru_cache(maxsize=4)
def _proved(proof: _Proof) -> tuple[Score, ...]:
    # Every look of a policy needs these, and so does every null of a qualification.
    return tuple(
        check_properties(
            proof.template,
            training_fingerprint=proof.training_fingerprint,
            training_tokens=proof.training_tokens,
        )
    )


def _properties(inputs: Inputs) -> tuple[tuple[Check, ...], list[ScoreRow]]:
    provenance = inputs.adapter.provenance
    fingerprint = provenance.template_fingerprint if provenance else None
    tokens = provenance.template_tokens if provenance else ()
    own = inputs.template.fingerprint
    scores = _proved(_Proof(inputs.base, own, fingerprint, tokens, inputs.template))
    served = own_words(inputs)
    if served is not None:
        scores = tuple(served if s.case_id == served.case_id else s for s in scores)
    checks = tuple(
        Check(s.case_id, None if s.value is None else s.value == 0.0, s.explanation)
        for s in scores
        if not (_unrecorded(inputs) and s.value is None and Property(s.case_id).needs_provenance)
    )
    return checks, [_template_row(found, "properties") for found in scores]


def _template_row(found: Score, kind: str) -> ScoreRow:
    return ScoreRow(
        detector=found.detector.value,
        case_id=found.case_id,
        side=Side.CANDIDATE,
        value=found.value,
        explanation=found.explanation,
        kind=kind,
        panel=PROPERTIES,
        gate=_TRIP,
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
        ids = question.request.prompt
        asked = ids[: len(ids) - question.request.begun]
        found = round_trip(row.case_id, template, conversation, asked)
        trips.append(
            Observation(
                case_id=trip_id(question),
                cluster=row.cluster,
                language=row.language,
                kind=row.kind,
                candidate=found.value,
            )
        )
        if found.value:
            rows.append(_row(found, row, Side.CANDIDATE, _TRIP))
    return tuple(trips), rows


def _endings(scored: Iterable[Judged]) -> tuple[Observation, ...]:
    """Whether the candidate's answers end where they should, whatever was asked."""
    return tuple(
        Observation(
            case_id=trip_id(answer.question),
            cluster=answer.question.row.cluster,
            language=answer.question.row.language,
            kind=answer.question.row.kind,
            candidate=found[Detector.CONTROL_TOKEN].value,
        )
        for answer, found in scored
        if Detector.CONTROL_TOKEN in found and answer.question.side is Side.CANDIDATE
    )


def trip_id(question: Question) -> str:
    """The id under which the prompt of a question, and the end of its answer, are observed."""
    return f"{question.row.panel}/{question.row.case_id}/{question.demonstrations}"
