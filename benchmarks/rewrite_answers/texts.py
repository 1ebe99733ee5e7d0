"""Words of a text and where they stand; the same for both languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from evalsuite.cases import Case, Language
from rewrite_answers import words_en, words_zh

HAN = r"\u3400-\u9fff"
_WORD = re.compile(rf"[^\W_{HAN}]+(?:['’.-][^\W_{HAN}]+)*")
_HAN_OR_WORD = re.compile(rf"[{HAN}]|{_WORD.pattern}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a Han character, and where it stands."""

    text: str
    start: int
    end: int

    @property
    def folded(self) -> str:
        """Without case, width and possessive."""
        folded = unicodedata.normalize("NFKC", self.text).casefold().replace("’", "'")
        return folded.removesuffix("'s")


def tokens(text: str) -> list[Token]:
    """Words in order; every ideograph is one by itself."""
    return [Token(m.group(), *m.span()) for m in _HAN_OR_WORD.finditer(text)]


def plain(text: str) -> str:
    """A text without case, width, spaces and marks: what says the same by these is one answer."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def history_text(case: Case) -> str:
    """Every turn before the query."""
    return "\n".join(message.content for message in case.history)


def joined(names: tuple[str, ...], language: Language) -> str:
    """Several names as one."""
    return (" and " if language is Language.EN else "和").join(names)


def gap(language: Language) -> str:
    """What stands between two words."""
    return " " if language is Language.EN else ""


def says_something(folded: str) -> bool:
    """Whether a folded token carries content."""
    return folded not in words_zh.PARTICLES and folded not in words_en.FUNCTION_WORDS


@cache
def listed(word: str) -> str | None:
    """The word of the English table that this one is, misspelt or not."""
    folded = word.casefold()
    if folded in words_en.REPLACED:
        return folded
    return next((right for right in words_en.REPLACED if _slip(folded, right)), None)


@cache
def _slip(word: str, right: str) -> bool:
    """Whether one letter of a word was doubled, or two were swapped, as noisy queries do."""
    if len(right) < 4 or word[:1] != right[:1]:
        return False
    if len(word) == len(right):
        return word != right and sorted(word) == sorted(right)
    doubled = (word[:i] + word[i + 1 :] for i in range(1, len(word)) if word[i] == word[i - 1])
    return len(word) == len(right) + 1 and right in doubled


def listed_zh(text: str) -> Iterator[tuple[int, int]]:
    """Yield where words of the Chinese table stand, the longest first where two overlap."""
    free = len(text) * [True]
    found = [m.span() for pattern, _ in words_zh.REPLACED for m in pattern.finditer(text)]
    for start, end in sorted(found, key=lambda span: span[0] - span[1]):
        if all(free[start:end]):
            free[start:end] = (end - start) * [False]
            yield start, end
