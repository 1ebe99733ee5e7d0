"""The properties of a chat template as scores, so that a gate reads them like any other.

The proofs live with the template layer; here each result becomes a loss. A property that could not
be compared with anything is not measured, which is not the same as holding.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite.conversation import Conversation
from evalsuite.detectors.score import Score
from evalsuite.template import ChatTemplate, PropertyResult, PropertyStatus
from evalsuite.template import check as check_properties

DETECTOR = "template_round_trip"

_LOSSES = {
    PropertyStatus.HOLDS: 0.0,
    PropertyStatus.DECLARED: 0.0,
    PropertyStatus.VIOLATED: 1.0,
    PropertyStatus.UNTESTED: None,
}


def check(
    template: ChatTemplate,
    conversations: Sequence[Conversation] | None = None,
    *,
    training_fingerprint: str | None = None,
) -> list[Score]:
    """Try to refute every property of the template; one score each, the property's name as id.

    Loss 1: refuted, with the smallest conversation that does it. Loss 0: holds, or holds within a
    limit that the explanation states. None: nothing was compared, because a counterpart is missing
    or because the process that should compare was stopped; the explanation says which.

    Args:
        template: what renders.
        conversations: what to render; None: the template layer's own adversarial set.
        training_fingerprint: of the template that the candidate was trained with.
    """
    results = check_properties(template, conversations, training_fingerprint=training_fingerprint)
    return [_score(result) for result in results]


def _score(result: PropertyResult) -> Score:
    said = f"{result.name}: {result.status}: {result.detail}"
    return Score(DETECTOR, result.name, _LOSSES[result.status], said)
