"""Numbers in words: what people write where a text holds digits."""

from __future__ import annotations

from evalsuite.cases import Language

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_HAN = "零一二三四五六七八九"


def numeral(number: int, language: Language) -> tuple[str, ...]:
    """Return the ways to write a number from 0 to 9999 in words; none of a year in English.

    Raises:
        ValueError: the number lies outside.
    """
    if not 0 <= number <= 9999:
        raise ValueError(f"number={number} must lie between 0 and 9999")
    if language is Language.ZH:
        digits = "".join(_HAN[int(digit)] for digit in str(number))
        return tuple(dict.fromkeys((_han(number), digits.replace("零", "〇"), digits)))
    if number > 999:
        return ()
    plain = _english(number)
    return tuple(dict.fromkeys((plain, plain.replace("-", " "), plain.replace(" and ", " "))))


def _english(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{_ONES[hundreds]} hundred" + (f" and {_english(rest)}" if rest else "")


def _han(number: int) -> str:
    """The number as it is read: 一百零五, 十二."""
    if number == 0:
        return _HAN[0]
    said, pending = "", False
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // place % 10
        if digit:
            said += ("零" if pending and said else "") + _HAN[digit] + unit
        pending = not digit
    return said.removeprefix("一") if 10 <= number < 20 else said
