"""What a conversation says itself: a leak search accuses nobody of repeating it.

A word counts as said in any of its forms: plural and singular, with another ending, with one letter
mistyped. A run of words counts as said only as a run.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from evalsuite.cases import Case
from evalsuite.detectors.text import is_han, tokens

_STEM, _ENDING = 5, 4
"""Two words are forms of one when they share so many first letters and differ in so many last."""
_EDITED = 4
"""Shortest word in which one other letter is a slip and not another word."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word or Han character of a text, without case and accents."""

    text: str
    start: int
    """Offset in the original text."""
    end: int
    is_han: bool
    """Whether it is a character of a script without spaces."""


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[Word, ...]:
    """Words and Han characters in order; a possessive ``'s`` is none."""
    return tuple(
        Word(_plain(t.text), t.start, t.end, not t.text.isascii() and is_han(t.text[0]))
        for t in tokens(text)
        if t.text != "'s"
    )


def _plain(word: str) -> str:
    if word.isascii() or len(word) == 1:
        return word
    apart = unicodedata.normalize("NFD", word)
    return "".join(c for c in apart if unicodedata.category(c) != "Mn") or word


def bases(word: str) -> tuple[str, ...]:
    """The word and what it may be a plural of; a possessive without ``'s`` looks like one."""
    if len(word) < 4 or word[-1] != "s" or word.endswith("ss"):
        return (word,)
    found = [word, word[:-1]]
    if word.endswith("es"):
        found.append(word[:-2])
    if word.endswith("ies"):
        found.append(f"{word[:-3]}y")
    if word.endswith("ves"):
        found += [f"{word[:-3]}f", f"{word[:-3]}fe"]
    return tuple(found)


def one_edit_apart(left: str, right: str) -> bool:
    """Whether one letter lost, added or changed, or two neighbours swapped, makes one the other."""
    if len(left) > len(right):
        left, right = right, left
    if left == right or len(right) - len(left) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(left))
    if len(left) < len(right):
        return left[at:] == right[at + 1 :]
    swapped = left[at : at + 2] == right[at : at + 2][::-1] and left[at + 2 :] == right[at + 2 :]
    return left[at + 1 :] == right[at + 1 :] or swapped


@dataclass(frozen=True)
class Own:
    """The texts that an answer may repeat."""

    texts: tuple[str, ...]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every folded word that is said."""
        return frozenset(word.text for text in self.texts for word in words(text))

    def says(self, word: str) -> bool:
        """Whether a folded word, or another form of it, is said."""
        return word in self.vocabulary or (not is_han(word[0]) and self._says_a_form_of(word))

    def nearly_says(self, word: str) -> bool:
        """Whether a folded word is said, in any form, or with one letter different."""
        if word in self.vocabulary or is_han(word[0]):
            return word in self.vocabulary
        known = self._answered.get(word)
        if known is None:
            known = self._answered[word] = self._says_a_form_of(word) or self._says_a_slip_of(word)
        return known

    def says_run(self, run: Iterable[str]) -> bool:
        """Whether these folded words are said in this order, with nothing in between."""
        return _line(run) in self._lines

    @cached_property
    def _bases(self) -> frozenset[str]:
        return frozenset(base for word in self.vocabulary for base in bases(word))

    @cached_property
    def _stems(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for word in self.vocabulary:
            if len(word) >= _STEM:
                found.setdefault(word[:_STEM], []).append(word)
        return found

    @cached_property
    def _lines(self) -> str:
        return "\n".join(_line(word.text for word in words(text)) for text in self.texts)

    @cached_property
    def _answered(self) -> dict[str, bool]:
        return {}

    def _says_a_form_of(self, word: str) -> bool:
        if not self._bases.isdisjoint(bases(word)):
            return True
        return any(
            max(len(word), len(other)) - _common_start(word, other) <= _ENDING
            for other in self._stems.get(word[:_STEM], ())
        )

    def _says_a_slip_of(self, word: str) -> bool:
        return len(word) >= _EDITED and any(
            abs(len(word) - len(other)) <= 1 and one_edit_apart(word, other)
            for other in self.vocabulary
        )


def _common_start(left: str, right: str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))


def _line(run: Iterable[str]) -> str:
    return f" {' '.join(run)} "


def own_of(case: Case) -> Own:
    """Everything that an answer to the case may repeat: conversation, accepted rewrites, names."""
    expect = case.expect
    turns = (message.content for message in case.history)
    return own_texts((*turns, case.query, *expect.rewrites, *expect.must_name, *expect.aliases))


@lru_cache(maxsize=256)
def own_texts(texts: tuple[str, ...]) -> Own:
    """What these texts say; remembered, because several answers are judged by one conversation."""
    return Own(texts)
