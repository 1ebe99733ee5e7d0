"""Words, sentences and the like, counted for the instructions of IFEval."""

from __future__ import annotations

import re

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_HAN}]|[^\W{_HAN}]+")
_JOINED = re.compile(r"\w+(?:[-'’]\w+)*")
_SHORT = re.compile(
    r"(?:\b(?i:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|inc|ltd|co|no|fig|e\.g|i\.e|u\.s|u\.k|a\.m|p\.m"
    r"|p\.s|p\.p\.s)|(?<![\w.])[A-Z])\.\Z"
)
_NUMBERED = re.compile(r"\s*\d{1,3}\.\Z")
_END = re.compile(r"[.!?]+[\"'”’)\]*]*(?=\s|\Z)|[。！？]+[”’」）]*")


def words(text: str) -> int:
    """How many words a text has: runs of letters and digits as IFEval counts them ("don't" is
    two), and each Han character."""
    return len(_WORD.findall(text))


def capital_words(text: str) -> int:
    """How many words have capital letters only; what hyphens join is one."""
    return sum(word.isupper() for word in _JOINED.findall(text))


def sentences(text: str) -> int:
    """How many sentences a text has; without a mark at its end the rest is one.

    A full stop behind an abbreviation (Mr., e.g.), an initial or within a number ends none, nor
    does one behind the number of a list ("1. ").
    """
    count, start, last = 0, 0, len(text.rstrip())
    for end in _END.finditer(text):
        said = text[start : end.end()].strip()
        if end.group() == "." and end.end() < last and _ends_none(text, start, end.end()):
            continue
        if any(char.isalnum() for char in said):
            count += 1
        start = end.end()
    return count + any(char.isalnum() for char in text[start:])


def _ends_none(text: str, start: int, end: int) -> bool:
    """Whether the full stop before ``end`` is that of an abbreviation or of a list's number."""
    line = text[max(start, text.rfind("\n", start, end) + 1) : end]
    return _NUMBERED.match(line) is not None or _SHORT.search(line[-12:]) is not None


def bullets(text: str) -> int:
    """How many lines are bullet points of Markdown: ``*``, ``-`` or ``+`` and a blank."""
    return len(re.findall(r"^[ \t]*[*+-][ \t]+(?![*\- ]+$)\S", text, re.MULTILINE))


def highlights(text: str) -> int:
    """How many parts are emphasised in Markdown: ``*so*`` or ``**so**``."""
    return len(re.findall(r"(\*{1,2})(?![\s*])[^\n*]*?(?<![\s*])\1(?!\*)", text))


def placeholders(text: str) -> int:
    """How many places are left to be filled in: ``[address]``."""
    return len(re.findall(r"\[[^\[\]\n]+\]", text))


def divided(text: str) -> int | None:
    """How many parts ``***`` divides a text into; None: one between two dividers is empty."""
    parts = [part.strip() for part in re.split(r"\*{3,}", text)]
    inside = parts[1:-1]
    return None if not all(inside) else sum(map(bool, parts))
