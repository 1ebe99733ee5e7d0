"""Mutants of the output layer: a good candidate whose answers are corrupted on purpose.

Each corrupts one answer in one way and names the gate that has to notice. How many answers are
corrupted is the severity, and that is dialled outside: here an answer is broken or it is not. A
mutant leaves an answer alone (None) where its defect has no meaning. Wrong rewrites that name the
right thing are made in :mod:`spoiling`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evalsuite.cases import Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.gates import Gate
from evalsuite.pipeline import Answered
from evalsuite.qualification import spoiling
from evalsuite.qualification.specimen import Specimen
from evalsuite.scenarios import SkillItem, seeded
from evalsuite.tasks import Choice, Skill, Text

EXTRA_NATS = 1.0
"""How much worse ``forget-text`` predicts every token of a text that it hits."""
UNLIKELY = 50.0
"""Nats that a forgotten skill by choice takes off every token of the right answer."""


Corrupt = Callable[[Specimen], Answered | None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted defect."""

    name: str
    gate: Gate
    """The gate that must block it."""
    description: str
    corrupt: Corrupt
    once: bool = False
    """Whether a single corrupted answer has to be caught."""
    reference: bool = False
    """Whether its curve speaks for the gate: it hits any answer that the gate judges."""
    both_sides: bool = False
    """Whether the defect lies before the model, so that the baseline meets it too."""


def _paste_entity(specimen: Specimen) -> Answered | None:
    entity = _entity(specimen)
    return specimen.saying(_joined(specimen, entity, specimen.text)) if entity else None


def _replace_by_entity(specimen: Specimen) -> Answered | None:
    entity, named = _entity(specimen), _named(specimen)
    if entity is None or named is None:
        return None
    return specimen.saying(specimen.text.replace(named, entity))


def _answer_demonstration(specimen: Specimen) -> Answered | None:
    return specimen.saying(specimen.shown[-1].rewrite) if specimen.shown else None


def _copy_turn(specimen: Specimen) -> Answered | None:
    """Append what a demonstration's assistant said."""
    said = [m.content for d in specimen.shown for m in d.history if m.role is Role.ASSISTANT]
    return specimen.saying(_joined(specimen, specimen.text, said[0])) if said else None


def _swap_antecedent(specimen: Specimen) -> Answered | None:
    named, wrong = _named(specimen), _distractor(specimen)
    if named is None or wrong is None:
        return None
    return specimen.saying(specimen.text.replace(named, wrong))


def _name_both(specimen: Specimen) -> Answered | None:
    wrong = _distractor(specimen) if _named(specimen) else None
    return specimen.saying(_joined(specimen, specimen.text, wrong)) if wrong else None


def _keep_query(specimen: Specimen) -> Answered | None:
    case = specimen.case
    return None if case is None or case.expect.unchanged else specimen.saying(case.query)


def _over_rewrite(specimen: Specimen) -> Answered | None:
    case = specimen.case
    if case is None or not case.expect.unchanged:
        return None
    heard = (*case.expect.must_name, *case.expect.must_not_name)
    return specimen.saying(_joined(specimen, heard[0], case.query)) if heard else None


def _answer_question(specimen: Specimen) -> Answered | None:
    """Repeat the last thing that the assistant said, which half of the time names the antecedent.

    A made answer, which always does, is ``answer-by-name``; records of both kinds stay comparable.
    """
    case = specimen.case
    said = [m.content for m in case.history if m.role is Role.ASSISTANT] if case else []
    return specimen.saying(said[-1]) if said else None


def _other_language(specimen: Specimen) -> Answered | None:
    if specimen.case is None:
        return None
    english = specimen.case.language is Language.ZH
    return specimen.saying("Could you say that again?" if english else "请再说一遍好吗？")


def _truncate(specimen: Specimen) -> Answered | None:
    half = specimen.text[: len(specimen.text) // 2].strip()
    return specimen.saying(half) if _is_rewrite(specimen) else None


def _repeat(specimen: Specimen) -> Answered | None:
    again = " ".join([specimen.text] * 4)
    return specimen.saying(again) if _is_rewrite(specimen) else None


def _silence(specimen: Specimen) -> Answered | None:
    return specimen.saying("") if _is_rewrite(specimen) else None


def _spoilt(spoil: spoiling.Spoil) -> Corrupt:
    """Spoil rewrites; of one case always in the same way, so that no prompt seems to matter."""

    def corrupt(specimen: Specimen) -> Answered | None:
        case = specimen.case
        if case is None:
            return None
        text = spoil(case, specimen.text, seeded("mutant", case.id))
        return None if text is None else specimen.saying(text)

    return corrupt


def _control_token(specimen: Specimen) -> Answered | None:
    if isinstance(specimen.answer.question.task, (Text, Choice)):
        return None
    token = next(
        t for t, i in specimen.template.control_ids.items() if i != specimen.template.pad_id
    )
    ids = (specimen.template.control_ids[token], *specimen.answer.output.ids)
    # In front, because a server sends nothing that follows a stop string.
    said = replace(specimen.answer.output, text=token + specimen.answer.output.text, ids=ids)
    return replace(specimen.answer, output=said)


def _drop_system(specimen: Specimen) -> Answered | None:
    """Render the prompt without its system message, which holds task and demonstrations."""
    asked = _rewriting_prompt(specimen)
    if asked is None or asked.messages[0].role is not Role.SYSTEM:
        return None
    return specimen.prompted(Conversation(asked.messages[1:]))


def _strip_spaces(specimen: Specimen) -> Answered | None:
    """Render the prompt with the line breaks inside a message squeezed out."""
    asked = _rewriting_prompt(specimen)
    if asked is None or "\n" not in asked.messages[-1].content:
        return None
    last = asked.messages[-1]
    squeezed = Message(last.role, " ".join(last.content.split()))
    return specimen.prompted(Conversation((*asked.messages[:-1], squeezed)))


def _drop_turn(specimen: Specimen) -> Answered | None:
    """Render the prompt without the last turn of the history."""
    asked, case = _rewriting_prompt(specimen), specimen.case
    if asked is None or case is None or not case.history:
        return None
    last, said = asked.messages[-1], case.history[-1].content
    lines = last.content.splitlines()
    places = [place for place, line in enumerate(lines) if line.endswith(said)]
    if not places:
        return None
    del lines[places[-1]]
    rest = Message(last.role, "\n".join(lines))
    return specimen.prompted(Conversation((*asked.messages[:-1], rest)))


def _forge_turn(specimen: Specimen) -> Answered | None:
    """Let the prompt hold a turn that nobody wrote."""
    asked = _rewriting_prompt(specimen)
    if asked is None:
        return None
    forged = (Message(Role.USER, "OK?"), Message(Role.ASSISTANT, "OK."))
    lead = asked.messages[: 1 if asked.messages[0].role is Role.SYSTEM else 0]
    return specimen.prompted(Conversation((*lead, *forged, *asked.messages[len(lead) :])))


def _forget_skill(specimen: Specimen) -> Answered | None:
    return _unlearned(specimen, lambda _: True)


def _forget_chinese(specimen: Specimen) -> Answered | None:
    return _unlearned(specimen, lambda item: item.language is Language.ZH)


def _forget_copying(specimen: Specimen) -> Answered | None:
    return _unlearned(specimen, lambda item: item.skill in ("copy", "repeat", "repeat-choice"))


def _unlearned(specimen: Specimen, hit: Callable[[SkillItem], bool]) -> Answered | None:
    """Answer with nothing, or find the right one of several answers the least likely."""
    task = specimen.answer.question.task
    if isinstance(task, Skill) and hit(task.item):
        return specimen.saying("?")
    if isinstance(task, Choice) and task.option == 0 and hit(task.item):
        output = specimen.answer.output
        worse = tuple(logprob - UNLIKELY for logprob in output.logprobs)
        return replace(specimen.answer, output=replace(output, logprobs=worse))
    return None


def _chat(specimen: Specimen) -> Answered | None:
    """Lead every answer to a plain instruction in with small talk."""
    item = specimen.skill
    if item is None:
        return None
    lead = "好的，答案是：" if item.language is Language.ZH else "Sure, the answer is: "
    return specimen.saying(lead + specimen.text)


def _forget_text(specimen: Specimen) -> Answered | None:
    if not isinstance(specimen.answer.question.task, Text):
        return None
    output = specimen.answer.output
    worse = tuple(logprob - EXTRA_NATS for logprob in output.logprobs)
    return replace(specimen.answer, output=replace(output, logprobs=worse))


def _rewriting_prompt(specimen: Specimen) -> Conversation | None:
    return specimen.answer.question.request.conversation if _is_rewrite(specimen) else None


def _is_rewrite(specimen: Specimen) -> bool:
    return specimen.case is not None


def _entity(specimen: Specimen) -> str | None:
    if specimen.case is None:
        return None
    return next((name for shown in specimen.shown for name in shown.entities), None)


def _named(specimen: Specimen) -> str | None:
    """An antecedent that the answer names."""
    names = specimen.case.expect.must_name if specimen.case else ()
    return next((name for name in names if name in specimen.text), None)


def _distractor(specimen: Specimen) -> str | None:
    names = specimen.case.expect.must_not_name if specimen.case else ()
    return names[0] if names else None


def _joined(specimen: Specimen, first: str, second: str) -> str:
    chinese = specimen.case is not None and specimen.case.language is Language.ZH
    return f"{first}，{second}" if chinese else f"{first}, {second}"


_LEAK, _REFER = Gate.EXAMPLE_LEAKAGE, Gate.PRONOUN_RESOLUTION
_TRIP, _FORGET = Gate.TEMPLATE_ROUND_TRIP, Gate.FORGETTING

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "paste-entity",
        _LEAK,
        "puts a demonstration's entity before the answer",
        _paste_entity,
        reference=True,
    ),
    Mutant(
        "replace-by-entity",
        _LEAK,
        "names a demonstration's entity instead of the antecedent",
        _replace_by_entity,
    ),
    Mutant(
        "answer-demonstration",
        _LEAK,
        "gives the rewrite of the last demonstration",
        _answer_demonstration,
    ),
    Mutant("copy-turn", _LEAK, "appends a turn of a demonstration", _copy_turn),
    Mutant("swap-antecedent", _REFER, "names a distractor instead", _swap_antecedent),
    Mutant("name-both", _REFER, "names a distractor too", _name_both),
    Mutant("keep-query", _REFER, "leaves the reference as it is", _keep_query),
    Mutant("over-rewrite", _REFER, "changes what must stay", _over_rewrite),
    Mutant("answer-question", _REFER, "repeats what the assistant said last", _answer_question),
    Mutant(
        "answer-by-name",
        _REFER,
        "answers with a sentence about what is meant",
        _spoilt(spoiling.answered),
    ),
    Mutant("ask-else", _REFER, "asks something else about it", _spoilt(spoiling.asked_else)),
    Mutant("drop-word", _REFER, "leaves a content word out", _spoilt(spoiling.dropped)),
    Mutant("add-word", _REFER, "adds a content word", _spoilt(spoiling.added)),
    Mutant("replace-word", _REFER, "puts another content word in", _spoilt(spoiling.replaced)),
    Mutant("wrap", _REFER, "puts something around the query", _spoilt(spoiling.wrapped)),
    Mutant("other-language", _REFER, "answers in the other language", _other_language),
    Mutant("truncate", _REFER, "stops halfway", _truncate),
    Mutant("repeat", _REFER, "says everything four times", _repeat),
    Mutant("silence", _REFER, "says nothing", _silence, reference=True),
    Mutant("control-token", _TRIP, "ends answers with a control token", _control_token),
    Mutant(
        "drop-system",
        _TRIP,
        "renders without the system message",
        _drop_system,
        once=True,
        reference=True,
        both_sides=True,
    ),
    Mutant(
        "strip-spaces",
        _TRIP,
        "renders line breaks as spaces",
        _strip_spaces,
        once=True,
        both_sides=True,
    ),
    Mutant(
        "drop-turn",
        _TRIP,
        "renders without the last turn of the history",
        _drop_turn,
        once=True,
        both_sides=True,
    ),
    Mutant(
        "forge-turn",
        _TRIP,
        "renders a turn that nobody wrote",
        _forge_turn,
        once=True,
        both_sides=True,
    ),
    Mutant(
        "forget-skills", _FORGET, "fails at skills of both languages", _forget_skill, reference=True
    ),
    Mutant("forget-chinese", _FORGET, "fails at skills in Chinese", _forget_chinese),
    Mutant("forget-copying", _FORGET, "fails at copying", _forget_copying),
    Mutant("chat", _FORGET, "leads in with small talk where a bare answer is due", _chat),
    Mutant(
        "forget-text", _FORGET, f"predicts texts {EXTRA_NATS:g} nat a token worse", _forget_text
    ),
)
"""Every mutant of the output layer."""

BY_NAME: Mapping[str, Mutant] = {mutant.name: mutant for mutant in MUTANTS}
