"""From a row and its header to a skill item, and everything that contradicts on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evalsuite.cases import Language
from evalsuite.conversation import Message, Role
from evalsuite.detectors.retention import answer_score
from evalsuite.detectors.rules.instructions import faults
from evalsuite.detectors.rules.letters import LETTERS
from evalsuite.detectors.rules.numbers import value_of
from evalsuite.detectors.text import comparable
from evalsuite.errors import InvalidInput
from evalsuite.files.patterns import READING_LIMIT, compiled, hangs
from evalsuite.scenarios import AnswerRule, Instruction, Normalise, Rule, SkillItem, Value
from evalsuite.suites.schema import (
    MOST_OPTIONS,
    FewShotEntry,
    InstructionEntry,
    SuiteHeader,
    SuiteRow,
)

_LENGTHS = {Rule.LAST_NUMBER: 512, Rule.IFEVAL: 1280, Rule.REGEX: 512, Rule.CONTAINS: 256}
"""Tokens of an answer where a suite does not say; IFEval's as lm-eval 0.4.13 has it."""
_SHORT = 64
_ASKS_LETTER = {
    Language.EN: "Answer with the letter of the right option only.",
    Language.ZH: "只回答正确选项的字母。",
}
_WITH_OPTIONS = frozenset({Rule.CHOICE, Rule.CHOICE_LETTER})
_RULES = ", ".join(Rule)


@dataclass(frozen=True, slots=True)
class _Told:
    """What holds for a row: what it says itself, else what its header says."""

    row: SuiteRow
    header: SuiteHeader
    rule: Rule
    language: Language

    @property
    def fewshot(self) -> tuple[FewShotEntry, ...]:
        found = self.header.fewshot if self.row.fewshot is None else self.row.fewshot
        return found or ()

    @property
    def pattern(self) -> str:
        return self.row.pattern or self.header.pattern or ""

    @property
    def by_answer(self) -> bool:
        return (self.row.by or self.header.by) == "answer"

    @property
    def normalise(self) -> Normalise:
        return self.row.normalise or self.header.normalise or Normalise.NONE


def item_of(
    row: SuiteRow, header: SuiteHeader, *, skill: str, source: str
) -> tuple[SkillItem | None, list[str]]:
    """The item of a row, and what is wrong with it; None where something is.

    Args:
        row: what the line says.
        header: what holds for all lines.
        skill: the name of the skill where neither says one.
        source: ``file:line``.
    """
    rule, language = row.rule or header.rule, row.language or header.language
    lacks = []
    if rule is None:
        lacks.append(f'neither the row nor the header names a rule; add "rule": one of {_RULES}')
    if language is None:
        known = " or ".join(f'"{one.value}"' for one in Language)
        lacks.append(f'neither the row nor the header names a language; add "language": {known}')
    if rule is None or language is None:
        return None, lacks
    told = _Told(row, header, rule, language)
    wrong = [*_misplaced(told), *_history(row), *_shown(told), *_by_rule(told)]
    if wrong:
        return None, wrong
    item = _item(told, row.skill or header.skill or skill, source)
    refused = _own_answer(item)
    return (None, [refused]) if refused else (item, [])


def letters_listed(question: str, options: Sequence[str], language: Language) -> str:
    """A question with its options by letters, and the request to answer with one."""
    lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *lines, _ASKS_LETTER[language]])


def _misplaced(told: _Told) -> Iterator[str]:
    """Keys of the row that say nothing under its rule."""
    row, rule = told.row, told.rule
    belongs = {
        "normalise": (row.normalise is not None, {Rule.CHOICE}),
        "by": (row.by is not None, {Rule.CHOICE_LETTER}),
        "pattern": (row.pattern is not None, {Rule.REGEX}),
        "options": (bool(row.options), {*_WITH_OPTIONS, Rule.CONTAINS}),
        "instructions": (bool(row.instructions), {Rule.IFEVAL}),
    }
    for key, (given, rules) in belongs.items():
        if given and rule not in rules:
            meant = " or ".join(sorted(rules))
            yield f"{key} says nothing under the rule {rule.value}; remove it, or use {meant}"


def _history(row: SuiteRow) -> Iterator[str]:
    speakers = [turn.message().role for turn in row.history]
    due = [Role.USER, Role.ASSISTANT] * (len(speakers) // 2 + 1)
    if speakers != due[: len(speakers)] or len(speakers) % 2:
        said = ", ".join(speakers)
        yield (
            f"history has the speakers {said}; user and assistant have to alternate, the user "
            "first and the assistant last, since the question follows"
        )


def _shown(told: _Told) -> Iterator[str]:
    for number, shown in enumerate(told.fewshot, start=1):
        if told.rule is not Rule.CHOICE_LETTER:
            if shown.options:
                yield f"fewshot {number}: options are shown under choice_letter only; remove them"
        elif not shown.options:
            yield f"fewshot {number}: lacks options, which choice_letter lists; add them"
        elif shown.answer not in shown.options:
            yield f"fewshot {number}: answer={shown.answer!r} is none of its options; correct it"


def _by_rule(told: _Told) -> Iterator[str]:
    """What the rule needs, and the row lacks."""
    row, rule = told.row, told.rule
    if rule is Rule.IFEVAL:
        if row.answer:
            yield "ifeval judges by instructions; remove answer"
        if not row.instructions:
            yield 'ifeval needs instructions: [{"id": "punctuation:no_comma"}]'
        yield from (said for one in row.instructions for said in faults(_instruction(one)))
        return
    if rule is Rule.DIVERGENCE:
        if row.answer:
            yield "under divergence no answer is right or wrong; remove answer"
        return
    if not row.answer:
        yield f"the row lacks an answer, which {rule.value} compares with; add it"
    if rule in _WITH_OPTIONS or row.options:
        yield from _options(row)
    if rule is Rule.LAST_NUMBER:
        for answer in row.answer or ():
            if value_of(answer) is None:
                yield f"answer={answer!r} is not one number; write it alone, such as 18 or -2.5"
    if rule is Rule.REGEX:
        yield from _pattern(told.pattern)


def _options(row: SuiteRow) -> Iterator[str]:
    options, answers = row.options, row.answer or ()
    if not 2 <= len(options) <= MOST_OPTIONS:
        yield f"options has {len(options)} entries; give 2 to {MOST_OPTIONS} texts"
        return
    keys = [comparable(option) for option in options]
    twice = next((text for text, key in zip(options, keys, strict=True) if keys.count(key) > 1), "")
    if twice:
        yield f"options holds {twice!r} twice, up to case and punctuation; keep it once"
    if len(answers) > 1:
        yield f"there are options, and {len(answers)} answers; name the one that is right"
    for answer in answers:
        if answer not in options:
            letter = LETTERS.find(answer) if len(answer) == 1 else -1
            meant = f"{options[letter]!r}" if 0 <= letter < len(options) else "that of one of them"
            yield f"answer={answer!r} is none of the options; write the text of the option, {meant}"


def _pattern(pattern: str) -> Iterator[str]:
    if not pattern:
        yield 'regex needs a pattern, such as "pattern": "\\\\b18\\\\b"'
        return
    try:
        compiled(pattern)
    except InvalidInput as error:
        yield str(error)
        return
    probe = hangs(pattern)
    if probe is not None:
        yield (
            f"pattern={pattern!r} takes more than {READING_LIMIT:g} s on {len(probe)} characters "
            f"that begin with {probe[:12]!r}; leave out repetitions inside of repetitions, such as "
            "(a+)+"
        )


def _own_answer(item: SkillItem) -> str:
    """Why the right answer itself would count as wrong; empty: it counts as right."""
    if item.by_choice or item.rule.rule in (Rule.IFEVAL, Rule.CHOICE_LETTER, Rule.DIVERGENCE):
        return ""
    for answer in (item.answer, *item.accepted):
        found = answer_score(item, answer)
        if found.value:
            return (
                f"answer={answer!r} would itself count as wrong: {found.explanation} Correct the "
                "answer or the rule"
            )
    return ""


def _item(told: _Told, skill: str, source: str) -> SkillItem:
    row, rule, header = told.row, told.rule, told.header
    first, *accepted = row.answer or (_kept(row),)
    letters = LETTERS[: len(row.options)]
    others = tuple(option for option in row.options if option != first)
    question = row.question
    if rule is Rule.CHOICE_LETTER:
        question = letters_listed(row.question, row.options, told.language)
        first = letters[row.options.index(first)]
        others = tuple(letter for letter in letters if letter != first)
    by_choice = rule is Rule.CHOICE or (rule is Rule.CHOICE_LETTER and not told.by_answer)
    item = SkillItem(
        id=row.id or "made-later",
        skill=skill,
        language=told.language,
        cluster=row.cluster or row.id or "made-later",
        prompt=question,
        answer=first,
        accepted=tuple(accepted),
        others=others if by_choice or rule is Rule.CONTAINS else (),
        by_choice=by_choice,
        plain=True,
        rule=_rule(told),
        shown=tuple(_turns(told)),
        history=tuple(turn.message() for turn in row.history),
        system=row.system or header.system or "",
        max_tokens=row.max_tokens or header.max_tokens or _LENGTHS.get(rule, _SHORT),
        floor=header.floor,
        source=source,
    )
    name = row.id or _identifier(item)
    return replace(item, id=name, cluster=row.cluster or name)


def _kept(row: SuiteRow) -> str:
    """What stands for the answer where instructions judge, or nobody does."""
    return "; ".join(one.id for one in row.instructions) or "whatever the base answers"


def _rule(told: _Told) -> AnswerRule:
    rule = told.rule
    return AnswerRule(
        rule=rule,
        pattern=told.pattern if rule is Rule.REGEX else "",
        listed=told.row.options if rule is Rule.CHOICE_LETTER else (),
        normalise=told.normalise if rule is Rule.CHOICE else Normalise.NONE,
        instructions=tuple(_instruction(one) for one in told.row.instructions),
    )


def _instruction(entry: InstructionEntry) -> Instruction:
    given: list[tuple[str, Value]] = [
        (key, value) for key, value in sorted(entry.kwargs.items()) if value is not None
    ]
    return Instruction(entry.id, tuple(given))


def _turns(told: _Told) -> Iterator[Message]:
    for shown in told.fewshot:
        question, answer = shown.question, shown.answer
        if told.rule is Rule.CHOICE_LETTER:
            question = letters_listed(question, shown.options, told.language)
            answer = LETTERS[shown.options.index(answer)]
        yield Message(Role.USER, question)
        yield Message(Role.ASSISTANT, answer)


def _identifier(item: SkillItem) -> str:
    """An id that hangs on what is asked alone, so that it stays when lines move."""
    asked = [item.prompt, *(turn.content for turn in item.history), *item.others]
    digest = hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()
    return f"{item.skill[:60]}-{digest[:12]}"
