"""What each detector makes of an answered case, and what the case lacks for it.

No deepeval here. Answers are scored where the gates score them, in :mod:`evalsuite.tasks`. A
detector that lacks something, such as the demonstrations of a prompt, falls back on what the run
recorded about this very answer; where there is no such record, the score has no value and says
what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from evalsuite import tasks
from evalsuite.cases import Case
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.detectors import PARTS, Detector, Score, Span
from evalsuite.detectors.roundtrip import round_trip
from evalsuite.errors import InvalidInput, PromptFormatError, TemplateError
from evalsuite.generation import Finish, Output
from evalsuite.integrations.deepeval.answered import Answered
from evalsuite.prompts import (
    ANSWER_PROMPT,
    DEFAULT_FORMAT,
    Demonstration,
    Prompt,
    built_in,
    prompt_of_definition,
)
from evalsuite.rewrites import standard_of
from evalsuite.runs import Unit
from evalsuite.scenarios import SkillItem
from evalsuite.tasks import Asks, Counterpart, Rewriting, Skill
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
class Scorer:
    """One detector, with what is known."""

    name: Detector
    known: Known

    def score(self, answered: Answered) -> Score:
        """Score an answer; a value of None says what is missing.

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
        found = self._found(full, full.text)
        return found if found.value is not None else _recorded(self.name, full) or found

    def _found(self, full: Answered, text: str) -> Score:
        template = self.known.template
        missing = _LACKS[self.name](full, template)
        if missing:
            return _unmeasured(self.name, full, missing)
        if self.name is Detector.TEMPLATE_ROUND_TRIP and template is not None:
            return _round_trip(full, text, template)
        known = tasks.Known(
            template=template, absent=full.absent or (), counterpart=_counterpart(full)
        )
        found = tasks.score(
            _task(full, self.name), _output(full, text), known, detectors=(self.name,)
        )
        return found[0] if found else _unmeasured(self.name, full, _not_asked(full, self.name))


def scorer(name: str, known: Known | None = None) -> Scorer:
    """Return what scores with the detector of that name.

    Raises:
        InvalidInput: there is none.
    """
    if name == Detector.PRONOUN_RESOLUTION:
        raise InvalidInput(
            f"name={name!r} is the name of a gate, which judges whole rewrites now; use 'right', "
            f"or a part of it: {', '.join(PARTS)}"
        )
    if name not in DETECTORS:
        raise InvalidInput(f"name={name!r} is no detector; use one of: {', '.join(DETECTORS)}")
    return Scorer(Detector(name), known or Known())


def _task(full: Answered, name: Detector) -> Rewriting | Skill:
    """What was asked, as far as the detector minds: a skill may stand in a case file as well."""
    if isinstance(full.item, SkillItem):
        return Skill(item=full.item)
    case = full.item
    if name is not Detector.SKILL_ANSWER:
        return tasks.task_of(case, full.shown or (), prompt=_prompt(full))
    if case.reference is not None and not case.expect.rewrites:
        # Of a query that must stay, the query itself is the one right answer.
        case = replace(case, expect=replace(case.expect, rewrites=(case.reference,)))
    return tasks.task_of(case, asks=Asks.SKILL)


def _prompt(full: Answered) -> Prompt:
    """How the case was asked."""
    if full.prompt is not None:
        return prompt_of_definition(full.prompt)
    name = full.prompt_format or DEFAULT_FORMAT
    return ANSWER_PROMPT if name == ANSWER_PROMPT.name else built_in(name)


def _output(full: Answered, text: str) -> Output:
    """The answer as an engine would have given it; of a bare text no ids are known."""
    if isinstance(full.answer, Output):
        return full.answer
    return Output(text=text, ids=(), finish=full.finish or Finish.STOP)


def _counterpart(full: Answered) -> Counterpart | None:
    other = full.swapped
    if other is None or other.shown is None:
        return None
    return Counterpart(text=other.text, demonstrations=other.shown)


def _round_trip(full: Answered, text: str, template: ChatTemplate) -> Score:
    """Send what was asked, and the answer behind it, through the template and back."""
    try:
        conversation = template.carried(_conversation(full, text))
        ids = template.render(conversation).ids if text.strip() else template.prompt(conversation)
    except (InvalidInput, TemplateError, PromptFormatError) as error:
        reason = f"The template does not take the conversation: {error}"
        return _unmeasured(Detector.TEMPLATE_ROUND_TRIP, full, reason)
    return round_trip(full.item.id, template, conversation, ids)


def _conversation(full: Answered, text: str) -> Conversation:
    if isinstance(full.item, Case) and full.prompt_format is None:
        asked = Conversation((*full.history, Message(Role.USER, full.query)))
    else:
        asked = tasks.prompt_of(_task(full, Detector.TEMPLATE_ROUND_TRIP))
    return asked.then(Role.ASSISTANT, text) if text.strip() else asked


def _not_asked(full: Answered, name: Detector) -> str:
    """Why a part of a rewrite was not judged."""
    assert isinstance(full.item, Case)
    standard = standard_of(full.item)
    return f"Of a case that is judged as {standard}, {name} is not asked (docs/rewrites.md)."


def _of_a_rewrite(full: Answered, template: ChatTemplate | None) -> str:
    del template
    return "" if isinstance(full.item, Case) else _NO_CASE


def _of_a_leak(full: Answered, template: ChatTemplate | None) -> str:
    if full.shown is None and isinstance(full.item, Case):
        return f"{_NOT_SHOWN} shown."
    return _of_a_rewrite(full, template)


def _of_a_swap(full: Answered, template: ChatTemplate | None) -> str:
    if not isinstance(full.item, Case):
        return _NO_CASE
    if full.swapped is None:
        return "There is no answer under other demonstrations: swapped."
    if full.shown is None or full.swapped.shown is None:
        return f"{_NOT_SHOWN} shown and swapped.shown."
    return _of_a_rewrite(full, template)


def _of_a_template(full: Answered, template: ChatTemplate | None) -> str:
    del full
    return _NO_TEMPLATE if template is None else ""


def _of_tokens(full: Answered, template: ChatTemplate | None) -> str:
    if template is not None and not isinstance(full.answer, Output):
        return "Only the answer's text is known: control tokens are told apart by their ids."
    return _of_a_template(full, template)


def _of_a_skill(full: Answered, template: ChatTemplate | None) -> str:
    del template
    if isinstance(full.item, Case) and full.item.reference is None:
        return "The case accepts no answer word for word."
    return ""


_LACKS: Mapping[str, Callable[[Answered, ChatTemplate | None], str]] = MappingProxyType(
    {
        Detector.LITERAL_LEAK: _of_a_leak,
        Detector.SWAP_LEAK: _of_a_swap,
        Detector.ABSENT_NAMES: _of_a_rewrite,
        Detector.RIGHT: _of_a_rewrite,
        **dict.fromkeys(PARTS, _of_a_rewrite),
        Detector.TEMPLATE_ROUND_TRIP: _of_a_template,
        Detector.CONTROL_TOKEN: _of_tokens,
        Detector.SKILL_ANSWER: _of_a_skill,
    }
)
"""A detector's name -> what an answered case lacks for it, in a sentence; empty where nothing
does."""

DETECTORS: tuple[str, ...] = tuple(_LACKS)
"""Names of the detectors that metrics are made from. The text loss is not among them: its nats mean
something only beside the same text under the base model."""

_NO_CASE = "This is a skill item: it has no conversation whose query is to be rewritten."
_NO_TEMPLATE = "No chat template is known; give the metric known=Known(template=...)."
_NOT_SHOWN = "Nobody noted what the prompt showed; say so in the answered case:"


def _unmeasured(name: Detector, full: Answered, reason: str) -> Score:
    return Score(name, full.item.id, None, reason)


def _recorded(name: Detector, full: Answered) -> Score | None:
    """What the run said about this very answer, if it said anything."""
    rows = full.recorded.scores if full.recorded else ()
    for row in rows:
        if row.detector == name and row.unit is Unit.DEFECT and row.value is not None:
            said = f"{row.explanation} (recorded by the run)".strip()
            spans = tuple(Span(s.start, s.end, s.label) for s in row.spans if 0 <= s.start < s.end)
            return Score(name, row.case_id, row.value, said, spans, row.side.value)
    return None
