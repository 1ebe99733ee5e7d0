"""Numbers that are written in Chinese characters, where they are numbers and no parts of words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_NUMERALS = "".join({**_DIGITS, **_SMALL, **_LARGE})
_RUN = re.compile(
    rf"(?P<share>(?P<below>[{_NUMERALS}]+)分之)?"
    rf"(?P<whole>[{_NUMERALS}]+)(?:点(?P<tenths>[零〇一二三四五六七八九]+))?"
)
LONGEST = 100
"""Characters of a number; what is longer is none that anybody asked for."""
_WORDS = frozenset("一一 万一 千万 七八 两三 三四 四五 五六 六七 八九".split())
_VERY = re.compile("分(?!钟|钱|之)|足")
"""What makes 十 a word for "very"."""
_ENDS = "，。！？；：、,.!?;:)）】」\n"
_MEASURES = (
    "个只元块角分张本米年月日天周时小秒公千斤克里岁次件条辆人位名头匹棵朵片份杯瓶箱盒包袋双对"
    "支枝颗台家座间层页题种把株台艘架美欧英升毫平立度倍成"
)


def chinese_numbers(text: str) -> Iterator[tuple[int, int, Fraction]]:
    """Start, end and value of each number in Chinese characters.

    A single numeral counts only in front of a measure word, a mark or the end: 一共 and 一起 hold
    no number, and neither do 十分 and 两三, which is about as many.
    """
    for found in _RUN.finditer(text):
        value = _value(found) if len(found.group()) <= LONGEST else None
        if value is not None and _stands_alone(found, text):
            yield (*found.span(), value)


def _stands_alone(found: re.Match[str], text: str) -> bool:
    whole, after = found["whole"], text[found.end() : found.end() + 1]
    before = text[found.start() - 1 : found.start()] if found.start() else ""
    if found["share"] or found["tenths"]:
        return True
    if whole in _WORDS or whole in "百千万亿" or before in {"第", "唯", "统", "之"}:
        return False
    if whole == "十" and _VERY.match(text, found.end()):
        return False
    return len(whole) > 1 or not after.strip() or after in _ENDS or after in _MEASURES


def _value(found: re.Match[str]) -> Fraction | None:
    whole = read_numerals(found["whole"])
    below = read_numerals(found["below"]) if found["share"] else 1
    if whole is None or not below:
        return None
    tenths = "".join(str(_DIGITS[char]) for char in found["tenths"] or "")
    value = Fraction(whole) + (Fraction(int(tenths), 10 ** len(tenths)) if tenths else 0)
    return value / below


def read_numerals(text: str) -> int | None:
    """The whole number that Chinese numerals spell; None: they spell none.

    二〇二四 is read digit by digit, 三百零五 by its units.
    """
    if all(char in _DIGITS for char in text):
        plain = len(text) == 1 or len(text) > 2 or "零" in text or "〇" in text
        digits = "".join(str(_DIGITS[char]) for char in text)
        return int(digits) if plain and digits else None
    total = section = 0
    digit: int | None = None
    for char in text:
        if char in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[char]
        elif char in _SMALL:
            section += (1 if digit is None and not section else digit or 0) * _SMALL[char]
            digit = None
        else:
            whole = section + (digit or 0)
            if not whole and not total:
                return None
            total = (total + whole) * _LARGE[char] if char == "亿" else total + whole * 10**4
            section, digit = 0, None
    return total + section + (digit or 0)


def write_numerals(value: int) -> str:
    """A whole number from 0 to below 10**8 in Chinese numerals; :func:`read_numerals` reads it.

    Raises:
        ValueError: another number.
    """
    if not 0 <= value < 10**8:
        raise ValueError(f"value={value} must be from 0 to below 10**8")
    if value >= 10**4:
        rest = value % 10**4
        gap = "零" if 0 < rest < 1000 else ""
        return f"{write_numerals(value // 10**4)}万{gap}{write_numerals(rest) if rest else ''}"
    names = "零一二三四五六七八九"
    said, skipped = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, unit)
        if digit:
            said += ("零" if skipped and said else "") + names[digit] + name
            skipped = False
        elif said:
            skipped = True
    return said or "零"
