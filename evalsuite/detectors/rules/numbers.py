"""The number that an answer ends with, however it is written.

Where an answer marks its result that counts: ``#### 18`` (GSM8K; Cobbe et al., 2021),
``\\boxed{18}`` or "The answer is 18." Otherwise it is the last number of the text. Values are
compared exactly: 18, 18.0, 1.8e1, 18/1 and 十八 are equal, 17.99 is another number. Units are not
compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.detectors.rules.chinesenumbers import LONGEST, chinese_numbers
from evalsuite.scenarios.skillitem import SkillItem

_SAME_LENGTH = str.maketrans(
    {chr(0xFF10 + digit): str(digit) for digit in range(10)}
    | {"．": ".", "％": "%", "／": "/", "－": "-", "−": "-", "–": "-", "＝": "=", "＋": "+"}
    | {"￥": "¥", "（": "(", "）": ")", "：": ":", "*": " "}
    # Powers are part of a unit.
    | dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹", " ")
)
"""Every character becomes one other, so that places stay what they are."""
_CURRENCY = "$¥€£"
_GROUP = r"(?:,|\{,\}|\\,|['’\u00a0\u202f\u2009])"
_DIGITS = rf"(?:\d{{1,3}}(?:{_GROUP}\d{{3}})+(?!\d)|\d+)"
_NUMBER = re.compile(
    r"(?:(?<![A-Za-z\d_^])(?<!\d[.])|(?<=USD)|(?<=RMB)|(?<=CNY)|(?<=EUR))"
    rf"(?:(?<![\w)])(?P<sign>[-+])(?:\\?[{_CURRENCY}]\s?)?|(?P<word>负|\bnegative\s+))?"
    rf"(?:\\[dt]?frac\{{(?P<over>\d+)\}}\{{(?P<under>\d+)\}}"
    rf"|(?P<plain>{_DIGITS}(?:\.\d+)?|(?<!\d)\.\d+)"
    r"(?:[eE](?P<power>[-+]?\d{1,3})(?![\w.]))?"
    r"(?:(?P<mixed>\s\d+)?\s?/\s?(?P<below>\d+)(?![\d/]))?"
    r"(?:\s?(?P<unit>%|\\%|(?:hundred|thousand|million|billion|trillion|k)\b"
    r"|百万|千万|万亿|[百万亿]|千(?![克米瓦卡赫帕焦])))?)",
    re.IGNORECASE,
)
_UNITS = {"%": Fraction(1, 100), "\\%": Fraction(1, 100)} | {
    unit: Fraction(times)
    for unit, times in {
        "k": 10**3, "hundred": 100,
        "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "百": 100,
        "千": 1000, "万": 10**4, "亿": 10**8, "百万": 10**6, "千万": 10**7, "万亿": 10**12,
    }.items()
}  # fmt: skip
_MARK = re.compile(rf"####[\s\\{_CURRENCY}]*")
_HEADING = re.compile(r"[.):]\s+\S|\s*[:]")
_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")
_CUE = re.compile(
    r"(?:\b(?:the|my|an?|final|correct|right)\s+(?:\w+\s+)?|(?:^|\n)[^\w\n]*|[.!?]\s+)answer\b"
    r"(?:\s+(?:is|was|equals)\b|\s*[:=])+|答案\s*(?:应该|应)?(?:是|为|[:=])+"
    r"|(?:^|\n)[^\S\n]*(?:A|答)[^\S\n]*:",
    re.IGNORECASE,
)
_END = re.compile(r"[!?。！？\n]|\.(?!\d)")
_TAKEN_BACK = re.compile(
    r"\b(?:wait|actually|correction|sorry|wrong|mistake|incorrect|not right|no)\b|不对|错了|更正",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"\s*(?:[-+/x×÷^]|\\times|times\b|plus\b|minus\b|divided\b|[乘加减除])")
_HEDGE = re.compile(r"\s*[^\W\d]{0,12}\s*(?:\bor\b|\bto\b|或者?|至|到|~|-|–)\s*[$¥€£]?\s*")
_ASIDE = re.compile(r"\([^()]*\)")
_LAST_ASIDE = re.compile(r"\(([^()]*)\)[\s.!。]*\Z")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text."""

    start: int
    end: int
    values: frozenset[Fraction]
    """What it may mean: of ``1.5 million`` the number that is written, and a million times it."""


def numbers(text: str) -> tuple[Number, ...]:
    """All numbers of a text, in order."""
    plain = text.translate(_SAME_LENGTH)
    found = [
        Number(*match.span(), _values(match))
        for match in _NUMBER.finditer(plain)
        if len(match.group()) <= LONGEST and set(match["below"] or "1") != {"0"}
    ]
    chinese = [Number(a, b, frozenset({value})) for a, b, value in chinese_numbers(plain)]
    apart = [one for one in chinese if not any(n.start <= one.start < n.end for n in found)]
    return tuple(sorted([*found, *apart], key=lambda one: one.start))


def value_of(text: str) -> Fraction | None:
    """The value of a text that is one number, with or without a unit; None: it is not."""
    found = numbers(text)
    return min(found[0].values, key=lambda v: (v.denominator, v)) if len(found) == 1 else None


def said_number(text: str) -> Number | None:
    """The number that an answer says in the end; None: none, or it leaves open which of two."""
    every = numbers(text)
    plain = text.translate(_SAME_LENGTH)
    chosen = _marked(plain, every) or _boxed(plain, every) or _announced(plain, every)
    chosen = chosen or _last(plain, every)
    return None if chosen is None or _open(plain, every, chosen) else chosen


def number_score(item: SkillItem, text: str) -> Score:
    """Loss 0 when the answer ends with the number that is due, else 1."""
    detector = Detector.SKILL_ANSWER
    right = frozenset(v for due in (item.answer, *item.accepted) for v in _due(due))
    said = said_number(text)
    if said is None:
        why = "says no number, or leaves open which" if text.strip() else "is empty"
        return Score(detector, item.id, 1.0, f'The answer {why}; "{item.answer}" was due.')
    shown = text[said.start : said.end].strip()
    if said.values & right:
        return Score(detector, item.id, 0.0, f"The answer is right: {shown}.")
    span = Span(said.start, said.end, "another number")
    return Score(
        detector, item.id, 1.0, f'The answer ends with {shown}; "{item.answer}" was due.', (span,)
    )


def _due(text: str) -> frozenset[Fraction]:
    found = numbers(text)
    return found[0].values if len(found) == 1 else frozenset()


def _values(match: re.Match[str]) -> frozenset[Fraction]:
    if match["over"] is not None:
        under = int(match["under"])
        value = Fraction(int(match["over"]), under) if under else Fraction(0)
    else:
        power = int(match["power"] or 0)
        value = Fraction(f"{re.sub(_GROUP, '', match['plain'])}e{power}")
        if match["below"] is not None:
            below = int(match["below"])
            mixed = match["mixed"]
            value = value / below if mixed is None else value + Fraction(int(mixed), below)
    if match["sign"] == "-" or match["word"]:
        value = -value
    unit = (match["unit"] or "").lower()
    return frozenset({value, value * _UNITS[unit]}) if unit else frozenset({value})


def _first(every: Sequence[Number], start: int, end: int) -> Number | None:
    return next((one for one in every if start <= one.start and one.end <= end), None)


def _marked(plain: str, every: Sequence[Number]) -> Number | None:
    """The number right behind the last ``####``; a numbered heading is no result."""
    for mark in reversed(list(_MARK.finditer(plain))):
        one = next((one for one in every if one.start == mark.end()), None)
        if one and not _HEADING.match(plain, one.end):
            return one
    return None


def _boxed(plain: str, every: Sequence[Number]) -> Number | None:
    boxes = list(_BOXED.finditer(plain))
    if not boxes:
        return None
    inside = [one for one in every if boxes[-1].start(1) <= one.start < boxes[-1].end(1)]
    return inside[-1] if inside else None


def _announced(plain: str, every: Sequence[Number]) -> Number | None:
    """The number of the last sentence that says "the answer is", unless it is taken back."""
    cues = list(_CUE.finditer(plain))
    if not cues:
        return None
    start = cues[-1].end()
    start += len(plain[start:]) - len(plain[start:].lstrip(" \t\r\n:$¥€£\\"))
    stop = _END.search(plain, start)
    end = stop.end() if stop else len(plain)
    if plain[end - 1 : end] in "?？" or _TAKEN_BACK.search(plain, end):
        return None
    asides = [aside.span() for aside in _ASIDE.finditer(plain, start, end)]
    inside = [
        one
        for one in every
        if start <= one.start < end and not any(a <= one.start < b for a, b in asides)
    ]
    if not inside:
        return None
    equals = plain.rfind("=", start, end)
    if equals >= 0:
        return _first(inside, equals, end)
    return inside[-1] if _OPERATOR.match(plain, inside[0].end) and len(inside) > 1 else inside[0]


def _last(plain: str, every: Sequence[Number]) -> Number | None:
    """The last number, but none of an explanation in brackets that ends the text."""
    aside = _LAST_ASIDE.search(plain)
    if aside is None or not re.search(r"[^\W\d_]{2}", aside[1]):
        return every[-1] if every else None
    before = [one for one in every if one.start < aside.start()]
    candidates = before or every
    return candidates[-1] if candidates else None


def _open(plain: str, every: Sequence[Number], chosen: Number) -> bool:
    """Whether another number stands beside the chosen one as just as good: 17 or 18, 17-18."""
    at = every.index(chosen)
    pairs = [(every[i], every[i + 1]) for i in (at - 1, at) if 0 <= i < len(every) - 1]
    return any(
        not left.values & right.values and _HEDGE.fullmatch(plain, left.end, right.start)
        for left, right in pairs
    )
