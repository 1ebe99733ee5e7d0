"""The properties of a chat template as scores, so that a gate reads them like any other.

The proofs live with the template layer; here each result becomes a loss. A property that could not
be compared with anything is not measured, which is not the same as holding.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite.conversation import Conversation
from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.errors import EvalsuiteError
from evalsuite.generation import Output
from evalsuite.template import ChatTemplate, PropertyResult, PropertyStatus
from evalsuite.template import check as check_properties
from evalsuite.template.equivalence import first_change

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
    training_tokens: Sequence[str] = (),
) -> list[Score]:
    """Try to refute every property of the template; one score each, the property's name as id.

    Loss 1: refuted, with the smallest conversation that does it. Loss 0: holds, or holds within a
    limit that the explanation states. None: nothing was compared, because a counterpart is missing
    or because the process that should compare was stopped; the explanation says which.

    Args:
        template: what renders.
        conversations: what to render; None: the template layer's own adversarial set.
        training_fingerprint: of the template that the candidate was trained with.
        training_tokens: its ``canonical_tokens``, to say where it differed.
    """
    results = check_properties(
        template,
        conversations,
        training_fingerprint=training_fingerprint,
        training_tokens=training_tokens,
    )
    return [_score(result) for result in results]


def round_trip(
    case_id: str, template: ChatTemplate, conversation: Conversation, ids: Sequence[int]
) -> Score:
    """Loss 1 when ``ids``, a render or prompt of ``conversation``, do not spell it."""
    try:
        back = template.parse(ids)
    except EvalsuiteError as error:
        return Score(
            Detector.TEMPLATE_ROUND_TRIP, case_id, 1.0, f"The prompt cannot be read back: {error}"
        )
    if first_change(template, conversation, back) is not None:
        said = "The conversation that the prompt spells is not the one that was asked."
        return Score(Detector.TEMPLATE_ROUND_TRIP, case_id, 1.0, said)
    return Score(
        Detector.TEMPLATE_ROUND_TRIP, case_id, 0.0, "The conversation comes back as it was asked."
    )


def control_token(case_id: str, output: Output, template: ChatTemplate) -> Score:
    """Loss 1 when a generated answer holds a control token of the template.

    An answer ends at the stop token, which is not part of it, and starts after its thoughts. Any
    other control token means that the model goes on into a turn that is not its own. Text that
    merely looks like one is no defect.
    """
    names = {i: text for text, i in template.control_ids.items()}
    said = output.ids[template.thought(output.ids) :]
    found = list(dict.fromkeys(names[token] for token in said if token in names))
    if not found:
        return Score(Detector.CONTROL_TOKEN, case_id, 0.0, "The answer holds no control token.")
    spans = tuple(
        Span(output.text.index(text), output.text.index(text) + len(text), text)
        for text in found
        if text in output.text
    )
    listed = ", ".join(found)
    explanation = f"The answer holds the control token {listed}, which ends no turn here."
    return Score(Detector.CONTROL_TOKEN, case_id, 1.0, explanation, spans)


def _score(result: PropertyResult) -> Score:
    said = f"{result.name}: {result.status}: {result.detail}"
    return Score(Detector.TEMPLATE_ROUND_TRIP, result.name.value, _LOSSES[result.status], said)
