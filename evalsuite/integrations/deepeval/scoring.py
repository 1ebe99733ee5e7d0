"""Every detector as one function of an answered case: the table that metrics are made from.

No deepeval here. A detector that lacks something, such as the demonstrations of a prompt, falls
back on what the run recorded about this very answer; where there is no such record, the score has
no value and says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from evalsuite.cases import Case
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.detectors import Score, Span, absent_names, answer_score, literal_leak
from evalsuite.detectors import swap_leak as compare_swapped
from evalsuite.detectors.pronouns import resolve_output
from evalsuite.detectors.roundtrip import control_token, round_trip
from evalsuite.errors import InvalidInput, PromptFormatError, TemplateError
from evalsuite.generation import Output
from evalsuite.integrations.deepeval.answered import Answered
from evalsuite.prompts import Demonstration, build, task_text
from evalsuite.runs import Unit
from evalsuite.scenarios import SkillItem
from evalsuite.template import ChatTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a metric knows about every test case; what a test case says itself comes first."""

    template: ChatTemplate | None = None
    """The chat template of the model that answered."""
    prompt_format: str | None = None
    shown: tuple[Demonstration, ...] | None = None
    """What every prompt showed."""
    absent: tuple[str, ...] | None = None
    """Names that no prompt held."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One row of the table, with what is known."""

    name: str
    known: Known

    def judge(self, answered: Answered) -> Score:
        """Judge an answer; a value of None says what is missing.

        Raises:
            InvalidInput: the test case names a prompt format that does not exist.
        """
        known = self.known
        full = replace(
            answered,
            prompt_format=answered.prompt_format or known.prompt_format,
            shown=known.shown if answered.shown is None else answered.shown,
            absent=known.absent if answered.absent is None else answered.absent,
        )
        if full.text is None:
            return _unmeasured(self.name, full, "The test case holds no answer.")
        score = DETECTORS[self.name](_Asked(full, full.text, known.template))
        return score if score.value is not None else _recorded(self.name, full) or score


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answered case, completed with what the metric knows."""

    full: Answered
    text: str
    template: ChatTemplate | None


def detector(name: str, known: Known | None = None) -> Detector:
    """Return the detector of that name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in DETECTORS:
        raise InvalidInput(f"name={name!r} is no detector; use one of: {', '.join(DETECTORS)}")
    return Detector(name, known or Known())


def _literal(asked: _Asked) -> Score:
    full, name = asked.full, "literal_leak"
    if not isinstance(full.item, Case):
        return _unmeasured(name, full, _NO_CASE)
    if full.shown is None:
        return _unmeasured(name, full, f"{_NOT_SHOWN} shown.")
    return literal_leak(full.item, asked.text, full.shown, task=task_text(full.item.language))


def _absent(asked: _Asked) -> Score:
    full, name = asked.full, "absent_names"
    if not isinstance(full.item, Case):
        return _unmeasured(name, full, _NO_CASE)
    return absent_names(full.item, asked.text, full.absent or ())


def _swapped(asked: _Asked) -> Score:
    full, name = asked.full, "swap_leak"
    if not isinstance(full.item, Case):
        return _unmeasured(name, full, _NO_CASE)
    if full.swapped is None:
        return _unmeasured(name, full, "There is no answer under other demonstrations: swapped.")
    if full.shown is None or full.swapped.shown is None:
        return _unmeasured(name, full, f"{_NOT_SHOWN} shown and swapped.shown.")
    return compare_swapped(full.item, asked.text, full.shown, full.swapped.text, full.swapped.shown)


def _resolution(asked: _Asked) -> Score:
    full = asked.full
    if not isinstance(full.item, Case):
        return _unmeasured("pronoun_resolution", full, _NO_CASE)
    return resolve_output(full.item, asked.text, full.finish)


def _round_trip(asked: _Asked) -> Score:
    """Send what was asked, and the answer behind it, through the template and back."""
    name, template = "template_round_trip", asked.template
    if template is None:
        return _unmeasured(name, asked.full, _NO_TEMPLATE)
    try:
        conversation = template.carried(_conversation(asked.full, asked.text))
        if asked.text.strip():
            ids = template.render(conversation).ids
        else:
            ids = template.prompt(conversation)
    except (InvalidInput, TemplateError, PromptFormatError) as error:
        return _unmeasured(
            name, asked.full, f"The template does not take the conversation: {error}"
        )
    return round_trip(asked.full.item.id, template, conversation, ids)


def _conversation(full: Answered, text: str) -> Conversation:
    if isinstance(full.item, SkillItem):
        posed = full.item.question
    elif full.prompt_format is None:
        posed = Conversation((*full.history, Message(Role.USER, full.query)))
    else:
        shown = full.shown or ()
        posed = build(full.item, format=full.prompt_format, demonstrations=shown)
    return posed.then(Role.ASSISTANT, text) if text.strip() else posed


def _control(asked: _Asked) -> Score:
    full, name = asked.full, "control_token"
    if asked.template is None:
        return _unmeasured(name, full, _NO_TEMPLATE)
    if not isinstance(full.answer, Output):
        reason = "Only the answer's text is known: control tokens are told apart by their ids."
        return _unmeasured(name, full, reason)
    return control_token(full.item.id, full.answer, asked.template)


def _skill(asked: _Asked) -> Score:
    item = asked.full.item
    if isinstance(item, SkillItem):
        return answer_score(item, asked.text)
    if item.reference is None:
        return _unmeasured("skill_answer", asked.full, "The case accepts no answer word for word.")
    return answer_score(
        SkillItem(
            id=item.id,
            skill=item.kind,
            language=item.language,
            cluster=item.cluster,
            prompt=item.query,
            answer=item.reference,
            accepted=item.expect.rewrites,
        ),
        asked.text,
    )


Judge = Callable[[_Asked], Score]
DETECTORS: Mapping[str, Judge] = MappingProxyType(
    {
        "literal_leak": _literal,
        "swap_leak": _swapped,
        "absent_names": _absent,
        "pronoun_resolution": _resolution,
        "template_round_trip": _round_trip,
        "control_token": _control,
        "skill_answer": _skill,
    }
)
"""A detector's name -> how it reads an answered case. The text loss is not among them: its nats
mean something only beside the same text under the base model."""

_NO_CASE = "This is a skill item: it has no conversation whose query is to be rewritten."
_NO_TEMPLATE = "No chat template is known; give the metric known=Known(template=...)."
_NOT_SHOWN = "Nobody noted what the prompt showed; say so in the answered case:"


def _unmeasured(name: str, full: Answered, reason: str) -> Score:
    return Score(name, full.item.id, None, reason)


def _recorded(name: str, full: Answered) -> Score | None:
    """What the run said about this very answer, if it said anything."""
    rows = full.recorded.scores if full.recorded else ()
    for row in rows:
        if row.detector == name and row.unit is Unit.DEFECT and row.value is not None:
            said = f"{row.explanation} (recorded by the run)".strip()
            spans = tuple(Span(s.start, s.end, s.label) for s in row.spans if 0 <= s.start < s.end)
            return Score(name, row.case_id, row.value, said, spans, row.side.value)
    return None
