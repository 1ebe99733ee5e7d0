"""What every answer has to keep, one by one; the first that it breaks is what a person is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.cases import Case
from evalsuite.conversation import Conversation
from evalsuite.detectors.leakage import literal_leak
from evalsuite.detectors.pronouns import resolve
from evalsuite.detectors.retention import answer_score
from evalsuite.detectors.roundtrip import control_token
from evalsuite.detectors.score import Span
from evalsuite.generation import Output
from evalsuite.prompts import Demonstration, task_text
from evalsuite.scenarios import SkillItem
from evalsuite.template import ChatTemplate, PropertyStatus
from evalsuite.template.properties import r3_no_forged_control, r4_parse_back


class Promise(StrEnum):
    """What was promised about every answer."""

    ROUND_TRIP = "template round trip"
    """Absolute: the prompt that was rendered reads back as the conversation, with no turn lost,
    changed or forged."""
    NO_CONTROL = "no control token"
    """Absolute: the answer ends its turn and goes on into no other."""
    NO_LEAK = "no example leakage"
    """Absolute: nothing of a demonstration gets into the answer."""
    UNCHANGED = "unchanged where it must be"
    """Absolute: a query that stands alone is returned as it is."""
    RESOLVED = "resolved where the baseline resolves it"
    """Relative: the reference is resolved, in conversations that the baseline copes with."""
    KEPT = "kept where the baseline has it"
    """Relative: a general skill is still there, in chats in which the baseline shows it."""

    @property
    def absolute(self) -> bool:
        """Whether it holds whatever the baseline says."""
        return self not in (Promise.RESOLVED, Promise.KEPT)


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that an answer broke."""

    promise: Promise
    reason: str
    spans: tuple[Span, ...] = ()
    """Evidence in the answer."""


def broken_by_rewrite(
    case: Case,
    shown: Sequence[Demonstration],
    candidate: Output,
    baseline: str,
    template: ChatTemplate,
) -> Iterator[Broken]:
    """Yield every promise that a rewrite breaks, what is absolute first.

    Args:
        case: what was asked.
        shown: the demonstrations in the prompt.
        candidate: the candidate's answer.
        baseline: the baseline's answer to the same prompt.
        template: knows the control tokens.
    """
    yield from _control(case, candidate, template)
    leak = literal_leak(case, candidate.text, shown, task=task_text(case.language))
    if leak.value:
        yield Broken(Promise.NO_LEAK, leak.explanation, leak.spans)
    resolved = resolve(case, candidate.text)
    if not resolved.value:
        return
    if case.expect.unchanged:
        yield Broken(Promise.UNCHANGED, resolved.explanation, resolved.spans)
    elif resolve(case, baseline).value == 0.0:
        yield Broken(Promise.RESOLVED, resolved.explanation, resolved.spans)


def _control(case: Case, candidate: Output, template: ChatTemplate) -> Iterator[Broken]:
    token = control_token(case.id, candidate, template)
    if token.value:
        yield Broken(Promise.NO_CONTROL, token.explanation, token.spans)


def broken_by_template(conversation: Conversation, template: ChatTemplate) -> Broken | None:
    """What the template makes of a conversation that it should carry unchanged; None: all well."""
    for prove in (r4_parse_back, r3_no_forged_control):
        result = prove(template, [template.carried(conversation)])
        if result.status is PropertyStatus.VIOLATED:
            return Broken(Promise.ROUND_TRIP, f"{result.name}: {result.detail}")
    return None


def broken_by_skill(
    case: Case, candidate: Output, baseline: str, template: ChatTemplate
) -> Iterator[Broken]:
    """Yield every promise that the answer to an instruction breaks, what is absolute first.

    Args:
        case: a chat whose last query asks for a skill; its rewrites are the accepted answers.
        candidate: the candidate's answer.
        baseline: the baseline's answer to the same chat.
        template: knows the control tokens.
    """
    yield from _control(case, candidate, template)
    right, *accepted = case.expect.rewrites
    item = SkillItem(
        id=case.id,
        skill=case.kind.value,
        language=case.language,
        cluster=case.cluster,
        prompt=case.query,
        answer=right,
        accepted=tuple(accepted),
    )
    said = answer_score(item, candidate.text)
    if said.value and answer_score(item, baseline).value == 0.0:
        yield Broken(Promise.KEPT, said.explanation, said.spans)
