"""The properties of the chat template, proved once for each template and adapter of a process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

from evalsuite.detectors import Score
from evalsuite.detectors.roundtrip import check as check_properties
from evalsuite.gates import Beside, Check, Gate, Origin
from evalsuite.models import BaseRef, ModelRef
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.neighbours import contradictions
from evalsuite.pipeline.served import own_words
from evalsuite.runs import PROPERTIES, ScoreRow, Side
from evalsuite.template import ChatTemplate, Property


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


def properties_of(inputs: Inputs) -> tuple[tuple[Check, ...], list[ScoreRow]]:
    """The properties that the policy wants asked, and a row for every one of them."""
    provenance = inputs.adapter.provenance
    fingerprint = provenance.template_fingerprint if provenance else None
    tokens = provenance.template_tokens if provenance else ()
    own = inputs.template.fingerprint
    proved = _proved(_Proof(inputs.base, own, fingerprint, tokens, inputs.template))
    served = own_words(inputs)
    if served is not None:
        proved = tuple(served if s.case_id == served.case_id else s for s in proved)
    scores = [_beside(inputs, score) for score in proved]
    against = contradictions(inputs.neighbours)
    checks = tuple(
        Check(s.case_id, None if s.value is None else s.value == 0.0, s.explanation)
        for s in scores
        if against
        or not (unrecorded(inputs) and s.value is None and Property(s.case_id).needs_provenance)
    )
    return checks, [_row(found) for found in scores]


def _beside(inputs: Inputs, score: Score) -> Score:
    """What R10 found, with what lies beside the adapter; a contradiction takes its yes away."""
    if score.case_id != Property.TRAIN_EQUALS_SERVE or not inputs.neighbours:
        return score
    against = contradictions(inputs.neighbours)
    said = "; ".join(map(str, against or inputs.neighbours))
    what = "contradict" if against else "agree with, or cannot be compared with,"
    explanation = f"{score.explanation}; files beside the adapter {what} what is gated: {said}"
    value = score.value
    if against and value == 0.0:
        value = None
    if against and inputs.policy.gates.template_round_trip.beside is Beside.REQUIRED:
        value = 1.0
    return replace(score, value=value, explanation=explanation)


def _row(found: Score) -> ScoreRow:
    return ScoreRow(
        detector=found.detector.value,
        case_id=found.case_id,
        side=Side.CANDIDATE,
        value=found.value,
        explanation=found.explanation,
        kind="properties",
        panel=PROPERTIES,
        gate=Gate.TEMPLATE_ROUND_TRIP.value,
    )


def unrecorded(inputs: Inputs) -> bool:
    """Whether the adapter has no record of its own and the policy does not ask for one."""
    optional = inputs.policy.gates.liveness.provenance is Origin.OPTIONAL
    return optional and not isinstance(inputs.adapter, ModelRef) and not inputs.adapter.provenance
