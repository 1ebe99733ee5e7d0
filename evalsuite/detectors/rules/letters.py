"""The letter of an option, read out of an answer; and an answer that contains what is due."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.detectors.rules.numbers import numbers, value_of
from evalsuite.detectors.text import find_names, same
from evalsuite.scenarios.skillitem import SkillItem

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MARKUP = re.compile(r"[*_`#$]+|\\boxed|\\text|[{}]")
_CUE = re.compile(
    r"(?:\b(?:answer|choice|option)\b(?:\s+(?:is|would be))?|答案|选项?|应选|选择)"
    r"\s*(?:是|为)?\s*[:：]?\s*(?:option\s+)?[(（\[]?(?P<letter>[A-Z])(?![A-Za-z'’])",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?<![A-Za-z'’])([A-Z])(?![A-Za-z'’])")
_ARTICLE = re.compile(r"(?:A|I)\s+(?!or\b|and\b)[a-z]")
_SENTENCE = re.compile(r"[^.!?。！？\n,，;；]+")
_DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|cannot|isn['’]t|wasn['’]t|aren['’]t|weren['’]t|wrong|incorrect)\b"
    r"|不是|并非|没有|不对|不属于|不等于|不叫|错误",
    re.IGNORECASE,
)


def letter_of(text: str, options: Sequence[str]) -> str | None:
    """The letter that an answer chooses among listed options; None: none, or several.

    Looked for in turn: a first line that begins with a letter, alone or with its option behind it;
    the letter behind "answer", "option", 答案 or 选, where all such agree; the only letter that
    stands alone; the only option that the answer is word for word.
    """
    known = LETTERS[: len(options)]
    plain = _MARKUP.sub(" ", text).strip()
    first = next((line.strip() for line in plain.splitlines() if line.strip()), "")
    opening = re.match(r"[(（\[]?([A-Z])(?:[)）\]][.:：]?|[.:：、]|\s*$)", first)
    if opening and opening[1] in known and not _others(first, opening[1], known):
        return opening[1]
    cued = {match["letter"].upper() for match in _CUE.finditer(plain) if _letter(match, known)}
    if cued:
        return cued.pop() if len(cued) == 1 and not _hedged(plain, known) else None
    alone = {
        match[1]
        for match in _ALONE.finditer(plain)
        if match[1] in known and not _ARTICLE.match(plain, match.start())
    }
    if alone:
        return alone.pop() if len(alone) == 1 else None
    said = [letter for letter, option in zip(known, options, strict=True) if same(first, option)]
    return said[0] if len(said) == 1 else None


def _letter(match: re.Match[str], known: str) -> bool:
    letter = match["letter"]
    rest = match.string[match.start("letter") :]
    return letter in known and not _ARTICLE.match(rest)


def _others(line: str, chosen: str, known: str) -> bool:
    """Whether the line lists another option too: "A. Paris B. Rome"."""
    return any(
        found[1] != chosen and re.match(r"[.):：）、]", line[found.end() :] or " ")
        for found in _ALONE.finditer(line)
        if found[1] in known
    ) or _hedged(line, known)


def _hedged(text: str, known: str) -> bool:
    """Whether two letters are offered: "A or B"."""
    pair = rf"(?<![A-Za-z])[{known}][)）]?\s*(?:or|and|/|或|和|与|、)\s*[(（]?[{known}](?![A-Za-z])"
    return re.search(pair, text) is not None


def letter_score(item: SkillItem, text: str) -> Score:
    """Loss 0 when the answer chooses the right letter, else 1."""
    detector = Detector.SKILL_ANSWER
    listed = item.rule.listed
    due = f'{item.answer}, "{listed[LETTERS.index(item.answer)]}"'
    said = letter_of(text, listed)
    if said == item.answer:
        return Score(detector, item.id, 0.0, f"The answer is right: it chooses {due}.")
    why = "chooses no letter, or several" if said is None else f"chooses {said}"
    whole = (Span(0, len(text), "wrong answer"),) if text.strip() else ()
    return Score(detector, item.id, 1.0, f"The answer {why}; {due} was due.", whole)


def contained_score(item: SkillItem, text: str) -> Score:
    """Loss 0 when what is due stands in the answer as whole words, else 1.

    A clause that denies ("It is not Paris.") names nothing. A number is looked for by its value, so
    that 18 is in "18.0" and not in 180 or 18.5.
    """
    detector = Detector.SKILL_ANSWER
    for due in (item.answer, *item.accepted):
        span = _stands(due, text)
        if span is not None:
            return Score(
                detector, item.id, 0.0, f'The answer is right: it holds "{text[slice(*span)]}".'
            )
    whole = (Span(0, len(text), "wrong answer"),) if text.strip() else ()
    return Score(detector, item.id, 1.0, f'The answer does not say "{item.answer}".', whole)


def _stands(due: str, text: str) -> tuple[int, int] | None:
    value = value_of(due) if re.fullmatch(r"[\d.,\s%$¥€£-]+", due) else None
    if value is not None:
        places = [(one.start, one.end) for one in numbers(text) if value in one.values]
    else:
        places = [(span.start, span.end) for span in find_names(text, (due,))]
    own = _DENIAL.search(due) is not None
    denied = [
        clause.span() for clause in _SENTENCE.finditer(text) if _DENIAL.search(clause.group())
    ]
    free = (p for p in places if own or not any(a <= p[0] < b for a, b in denied))
    return next(free, None)
