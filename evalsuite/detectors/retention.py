"""What the base model could do before: skill items with one right answer, and text losses.

Answers in words are compared with the one that is right, of answers to choose from the likeliest
counts, and texts are scored by their log-probability. This module judges and reads files; choosing
the items is the business of the scenario grammar and of the policy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from evalsuite.cases import Language
from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.detectors.rules.instructions import instructions_score
from evalsuite.detectors.rules.letters import contained_score, letter_score
from evalsuite.detectors.rules.numbers import number_score
from evalsuite.detectors.rules.patterns import pattern_score
from evalsuite.detectors.text import find_names, same, tokens
from evalsuite.errors import InvalidInput
from evalsuite.files.text import decoded
from evalsuite.scenarios.answerrule import Normalise, Rule
from evalsuite.scenarios.skillitem import SkillItem
from evalsuite.scenarios.texts import ASKS_TEXT, TextItem

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|「[^」]*」')
_DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|cannot|no|wrong|incorrect|anything but)\b|n['’]t\b"
    r"|不是|并非|没有|不对|不属于|不等于|不叫|错误",
    re.IGNORECASE,
)
_MAX_BYTES = 16 * 1024 * 1024
_TOLD = 120
"""Characters of an answer that an explanation shows."""


def answer_score(item: SkillItem, text: str) -> Score:
    """Loss 0 when an answer in words is right by the rule of its item, else 1.

    Raises:
        InvalidInput: the item is answered by choice, and no words are judged.
    """
    match item.rule.rule:
        case Rule.EXACT:
            return line_score(item, text)
        case Rule.CONTAINS:
            return _named_score(item, text) if item.others else contained_score(item, text)
        case Rule.LAST_NUMBER:
            return number_score(item, text)
        case Rule.REGEX:
            return pattern_score(item, text)
        case Rule.CHOICE_LETTER:
            return letter_score(item, text)
        case Rule.IFEVAL:
            return instructions_score(item, text)
        case Rule.CHOICE:
            raise InvalidInput(f"skill item {item.id!r} is answered by choice; score its options")
        case Rule.DIVERGENCE:
            raise InvalidInput(
                f"skill item {item.id!r} has no right answer; score what a base says"
            )
        case _:
            assert_never(item.rule.rule)


def line_score(item: SkillItem, text: str) -> Score:
    """Loss 0 when the first line says the answer or an accepted spelling, else 1.

    Compared up to case, width, spacing, quotes and final punctuation; leading empty lines do not
    count. Later lines are ignored: a model that goes on talking has still answered.

    Where the item lists what else could be named, the answer may be a sentence: up to the first
    empty line it has to name the right one and none of the others, no number but the right one and
    those of the question where that is a number, and deny nothing ("It is not a tool."), except in
    quotation marks.
    """
    if item.others:
        return _named_score(item, text)
    detector = Detector.SKILL_ANSWER
    line = next((part for part in text.splitlines() if part.strip()), "")
    if not line:
        return Score(detector, item.id, 1.0, f'The answer is empty; "{item.answer}" was due.')
    if any(same(line, accepted) for accepted in (item.answer, *item.accepted)):
        return Score(detector, item.id, 0.0, f'The answer is right: "{line.strip()}".')
    start = text.index(line) + len(line) - len(line.lstrip())
    span = Span(start, start + len(line.strip()), "wrong answer")
    said = f'The answer is "{line.strip()}", but "{item.answer}" was due.'
    return Score(detector, item.id, 1.0, said, (span,))


def _named_score(item: SkillItem, text: str) -> Score:
    """The score of an answer that may be a sentence."""
    detector = Detector.SKILL_ANSWER
    said = _PARAGRAPH.split(text.strip(), maxsplit=1)[0]
    right, due = (item.answer, *item.accepted), f'"{item.answer}" was due'
    if not said:
        return Score(detector, item.id, 1.0, f"The answer is empty; {due}.")
    named = find_names(said, (*right, *item.others))
    wrong = tuple(span for span in named if span.label in item.others)
    if wrong:
        return Score(detector, item.id, 1.0, f'The answer names "{wrong[0].label}"; {due}.', wrong)
    if not named:
        return Score(detector, item.id, 1.0, f'The answer does not name "{item.answer}".')
    told = set(_NUMBER.findall(item.prompt)) | {item.answer}
    foreign = [n for n in _NUMBER.finditer(said) if n.group() not in told]
    if item.answer.isdecimal() and foreign:
        where = (Span(*foreign[0].span(), "another number"),)
        return Score(detector, item.id, 1.0, f"The answer says {foreign[0].group()}; {due}.", where)
    quoted = _QUOTED.sub(lambda match: " " * len(match.group()), said)
    denial = _DENIAL.search(quoted)
    if denial and not any(_DENIAL.search(answer) for answer in right):
        where = (Span(*denial.span(), "denial"),)
        return Score(detector, item.id, 1.0, f"The answer denies; {due}.", where)
    return Score(detector, item.id, 0.0, f'The answer is right: it names "{item.answer}".')


def choice_score(item: SkillItem, logprobs: Sequence[Sequence[float]]) -> Score:
    """Loss 0 when the right one of an item's options is likelier than each other, else 1.

    An option's probability is that of all its tokens together, without the end of the answer. The
    options of seeded skills are one sentence but for what is asked, so their lengths are not
    corrected for; an item may ask for it (``rule.normalise``), as lm-eval 0.4.13 does in
    ``ConfigurableTask.process_results`` (api/task.py): ``acc`` compares sums, ``acc_norm`` divides
    each by the option's characters, ``acc_bytes`` by its bytes. There the first of equals wins;
    here no equal is right.

    Args:
        item: whose options were scored.
        logprobs: of the tokens of each option, in nats; the right one first.

    Returns:
        The score; None with the reason where a log-probability is missing or unusable.

    Raises:
        InvalidInput: not as many were scored as the item has options.
    """
    detector, options = Detector.SKILL_ANSWER, item.options
    if len(logprobs) != len(options):
        raise InvalidInput(
            f"skill item {item.id!r} has {len(options)} options and {len(logprobs)} were scored"
        )
    try:
        # Only their differences count, so a sum of many tokens is as good as a mean.
        totals = [-text_loss(tokens) * len(tokens) for tokens in logprobs]
    except InvalidInput as error:
        return Score(detector, item.id, None, f"The choice was not measured: {error}.")
    decisive = [
        total / item.rule.normalise.length(option)
        for total, option in zip(totals, options, strict=True)
    ]
    best = max(range(1, len(options)), key=decisive.__getitem__)
    share = 1 / math.fsum(math.exp(min(total - totals[0], 700.0)) for total in totals)
    of_all = f"{share:.0%} of the probability of all {len(options)}"
    by = "" if item.rule.normalise is Normalise.NONE else f" for each of its {item.rule.normalise}"
    if decisive[0] > decisive[best]:
        said = f'The right answer is the likeliest{by}, with {of_all}: "{options[0]}"'
        return Score(detector, item.id, 0.0, said)
    said = (
        f'"{options[best]}" is as likely or likelier{by} than "{options[0]}", which has {of_all}.'
    )
    return Score(detector, item.id, 1.0, said)


def text_loss(logprobs: Sequence[float]) -> float:
    """Mean negative log-probability in nats per token.

    Raises:
        InvalidInput: no log-probabilities, or one that is positive or not finite.
    """
    if not logprobs:
        raise InvalidInput("logprobs is empty; a text loss needs at least one scored token")
    for position, value in enumerate(logprobs):
        # Rounding may lift the probability of a certain token a little above one.
        if not math.isfinite(value) or value > 1e-3:
            raise InvalidInput(
                f"logprobs[{position}]={value!r} must be the logarithm of a probability, "
                "finite and at most 0"
            )
    return max(0.0, -math.fsum(logprobs) / len(logprobs))


def text_score(text: TextItem, logprobs: Sequence[float]) -> Score:
    """The text loss as a score; None with the reason when the log-probabilities are unusable."""
    return _nats(Detector.TEXT_LOSS, text.id, logprobs, "The text loss")


def reference_score(case_id: str, logprobs: Sequence[float]) -> Score:
    """The loss of a case's accepted rewrite as a score; None as :func:`text_score`."""
    return _nats(Detector.REFERENCE_LOSS, case_id, logprobs, "The loss of the accepted rewrite")


def divergence_score(name: str, logprobs: Sequence[float], said: str) -> Score:
    """The loss of what a base said by chance as a score; None as :func:`text_score`.

    Args:
        name: of the prompt.
        logprobs: of what was said, its end included.
        said: the text, of which the explanation shows the beginning.
    """
    score = _nats(Detector.DIVERGENCE, name, logprobs, "The loss of the base's answer")
    shown = " ".join(said.split())
    shown = shown if len(shown) <= _TOLD else f"{shown[:_TOLD]}..."
    return replace(score, explanation=f'{score.explanation} The base said: "{shown}"')


def preference_score(
    case_id: str, right: Sequence[str], wrong: Sequence[str], logprobs: Sequence[Sequence[float]]
) -> Score:
    """Loss 1 where a wrong fact is at least as likely as the right one; None: nothing to compare.

    Of each, the likeliest way to write it counts: else the right one, written one way, would stand
    against wrong ones written in many.

    Args:
        case_id: of the question.
        right: the right fact, as it may be written.
        wrong: wrong facts, as they may be written.
        logprobs: of all these, as the answer, the right ones first. Sums are compared: a number in
            digits is short and a mean would prefer it written out.
    """
    detector = Detector.PREFERRED
    facts = (*right, *wrong)
    if not right or not wrong or len(facts) != len(logprobs) or not all(logprobs):
        return Score(detector, case_id, None, "Not measured: a fact was not scored.")
    totals = [math.fsum(values) for values in logprobs]
    if not all(map(math.isfinite, totals)):
        return Score(detector, case_id, None, "Not measured: a log-probability is not finite.")
    due = max(range(len(right)), key=totals.__getitem__)
    best = max(range(len(right), len(totals)), key=totals.__getitem__)
    ahead = f"{abs(totals[due] - totals[best]):.2f} nats"
    if totals[due] > totals[best]:
        said = f'"{facts[due]}" is {ahead} likelier than the likeliest wrong fact, "{facts[best]}".'
        return Score(detector, case_id, 0.0, said)
    said = f'The wrong "{facts[best]}" is {ahead} likelier than "{facts[due]}", or as likely.'
    return Score(detector, case_id, 1.0, said)


def _nats(detector: Detector, name: str, logprobs: Sequence[float], what: str) -> Score:
    try:
        loss = text_loss(logprobs)
    except InvalidInput as error:
        return Score(detector, name, None, f"{what} was not measured: {error}.")
    return Score(detector, name, loss, f"{loss:.4f} nats per token over {len(logprobs)} tokens.")


def load_texts(path: Path, *, language: Language | None = None) -> tuple[TextItem, ...]:
    """Read a UTF-8 text file; passages are separated by empty lines.

    Args:
        path: the file; ids are ``<path>:<line>`` of each passage's first line.
        language: of all passages; None tells Chinese by a passage's share of Han characters.

    Raises:
        InvalidInput: no such file, not UTF-8, larger than 16 MiB, or no passage in it.
    """
    lines = _read(path).splitlines()
    passages: list[TextItem] = []
    block: list[str] = []
    for number, line in enumerate((*lines, ""), start=1):
        if line.strip():
            block.append(line)
        elif block:
            text = "\n".join(block)
            where = f"{path.as_posix()}:{number - len(block)}"
            tongue = language or _guess(text)
            passages.append(
                TextItem(
                    id=where,
                    language=tongue,
                    cluster=where,
                    prompt=ASKS_TEXT[tongue],
                    text=text,
                    source=where,
                )
            )
            block = []
    if not passages:
        raise InvalidInput(f"{path} holds no text; write passages separated by empty lines")
    return tuple(passages)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be read ({error.strerror}); name a UTF-8 text file"
        ) from None
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"{path} has {len(data)} bytes; the limit is {_MAX_BYTES}: split it")
    return decoded(data, str(path))


def _guess(text: str) -> Language:
    parts = tokens(text)
    han = sum(part.is_han for part in parts)
    return Language.ZH if 2 * han >= len(parts) > 0 else Language.EN
