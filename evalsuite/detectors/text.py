"""Comparing texts as a reader would, and pointing back at the original characters.

Models change case, width, quotes and spacing without changing what they say. Everything here works
on a *folded* text that forgets those differences, and every folded character remembers which
original characters it came from, so that evidence can be marked in the answer as it was given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalsuite.detectors.result import Span

_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‵ʼ`´", "'"),
        **dict.fromkeys("“”„‟″‶«»「」『』〝〞", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘", "-"),
        **dict.fromkeys("。｡", "."),
        **dict.fromkeys("、､", ","),
        **dict.fromkeys("•・‧∙⋅", "·"),
    }
)
_PLAIN = re.compile("[!-~]+(?: [!-~]+)*+")
_UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
_WORD = rf"[^\W_{_UNSPACED}]+"
_END = rf"(?![^\W_{_UNSPACED}])"
_TOKEN = re.compile(rf"'s{_END}|{_WORD}(?:'(?!s{_END}){_WORD})*|[{_UNSPACED}]")
_CONTRACTION = re.compile(rf"'(?:s|d|ll|re|ve|m){_END}")
_CLOSING = " .?!\"'…~"
_SPACE_AT_PUNCTUATION = re.compile(r" ?([^\w ]) ?")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text without the differences that do not matter.

    ``text[i]`` came from ``original[starts[i]:ends[i]]``; several folded characters share one
    origin where a character unfolds (a ligature, a full-width abbreviation).
    """

    original: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The original range that ``text[start:end]`` came from; ``start < end``."""
        return self.starts[start], self.ends[end - 1]

    def is_whole(self, start: int, end: int) -> bool:
        """Whether ``text[start:end]`` cuts through no original character."""
        opens = start == 0 or self.starts[start] != self.starts[start - 1]
        closes = end == len(self.text) or self.starts[end] != self.starts[end - 1]
        return opens and closes


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a possessive ``'s``, or one Han character, folded."""

    text: str
    start: int
    """Offset in the original text."""
    end: int

    @property
    def is_han(self) -> bool:
        """Whether it is a character of a script without spaces."""
        return _UNSPACED_CHARACTER.match(self.text) is not None


@lru_cache(maxsize=4096)
def fold(text: str) -> Folded:
    """Fold case, width, quotes, dashes, spacing and invisible characters.

    NFKC and case folding per character with its combining marks; format characters and variation
    selectors vanish; white space becomes one space, none beside a Han character, none at the ends.
    """
    if _PLAIN.fullmatch(text):
        # Most English texts: nothing moves, and a text is folded some twenty times faster.
        folded = text.lower().replace("`", "'")
        return Folded(text, folded, range(len(text)), range(1, len(text) + 1))
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    gap: tuple[int, int] | None = None
    for start, end in _clusters(text):
        for character in _fold_cluster(text[start:end]):
            if character == " ":
                gap = (gap[0] if gap else start, end)
                continue
            if gap and characters and not (is_han(characters[-1]) or is_han(character)):
                characters.append(" ")
                starts.append(gap[0])
                ends.append(gap[1])
            gap = None
            characters.append(character)
            starts.append(start)
            ends.append(end)
    return Folded(text, "".join(characters), tuple(starts), tuple(ends))


def is_han(character: str) -> bool:
    """Whether a folded character belongs to a script written without spaces."""
    return _UNSPACED_CHARACTER.match(character) is not None


@lru_cache(maxsize=8192)
def comparable(text: str) -> str:
    """A key: two texts with one key differ in no way that matters.

    Folded, no space beside punctuation, no final punctuation, no quotes around. A text of marks
    alone is kept as it is.
    """
    folded = fold(text).text
    return _SPACE_AT_PUNCTUATION.sub(r"\1", folded).rstrip(_CLOSING).lstrip(" \"'") or folded


def same(left: str, right: str) -> bool:
    """Whether two texts are equal up to case, width, quotes, spacing and final punctuation."""
    return comparable(left) == comparable(right)


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """Words and Han characters in order, with offsets in ``text``; punctuation is left out."""
    folded = fold(text)
    return tuple(
        Token(match.group(), *folded.origin(*match.span()))
        for match in _TOKEN.finditer(folded.text)
    )


def forget() -> None:
    """Drop what is remembered of texts: of one of a megabyte that is a hundred megabytes."""
    fold.cache_clear()
    tokens.cache_clear()


def occurrences(text: Folded, name: str) -> Iterator[tuple[int, int]]:
    """Ranges of ``text.text`` that spell ``name``.

    A name that starts or ends with a letter or digit of a spaced script must stand there as a
    word; a possessive or contracted ending may follow. Han names match anywhere.
    """
    needle = fold(name).text
    if not needle:
        return
    start = text.text.find(needle)
    while start >= 0:
        end = start + len(needle)
        word = _starts_word(text.text, start) and _ends_word(text.text, end)
        if word and text.is_whole(start, end):
            yield start, end
        start = text.text.find(needle, start + 1)


def mentions(text: str, name: str) -> bool:
    """Whether ``text`` names ``name`` anywhere, be it as a part of a longer name."""
    return next(occurrences(fold(text), name), None) is not None


def find_names(text: str, names: Iterable[str]) -> tuple[Span, ...]:
    """Where ``text`` names any of ``names``; labels are the names, offsets are in ``text``.

    Where one name lies inside a longer one ("York" in "New York"), only the longer one is named.
    """
    folded = fold(text)
    found = [
        (start, end, name)
        for name in dict.fromkeys(names)
        for start, end in occurrences(folded, name)
    ]
    return tuple(Span(*folded.origin(s, e), name) for s, e, name in _outermost(found))


def _outermost(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The ranges that lie in no longer one; sorted, and in one go, since a text may be long."""
    kept: list[tuple[int, int, str]] = []
    reached = -1
    for start, end, name in sorted(found, key=lambda f: (f[0], -f[1], f[2])):
        if end > reached or (kept and kept[-1][:2] == (start, end)):
            kept.append((start, end, name))
        reached = max(reached, end)
    return kept


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of one base character and the marks that modify it."""
    start = 0
    for index in range(1, len(text)):
        if not _extends(text[index]):
            yield start, index
            start = index
    if text:
        yield start, len(text)


def _extends(character: str) -> bool:
    if character < "\u0300":
        return False
    if "\u1160" <= character <= "\u11ff" or character in "\uff9e\uff9f":
        return True
    return unicodedata.category(character)[0] == "M"


def _fold_cluster(cluster: str) -> str:
    if cluster.isascii():
        return (
            " "
            if cluster.isspace() or not cluster.isprintable()
            else cluster.lower().translate(_PUNCTUATION)
        )
    if cluster.isspace():
        return " "
    visible = "".join(c for c in cluster if not _is_invisible(c)).translate(_PUNCTUATION)
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    # Spacing accents decompose into a space and a mark; a space must not appear from nowhere.
    return visible.casefold() if " " in whole else whole.translate(_PUNCTUATION)


def _is_invisible(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or unicodedata.category(character) in ("Cf", "Cc")


def _is_word(character: str) -> bool:
    return character.isalnum() and not is_han(character)


def _starts_word(text: str, start: int) -> bool:
    if start == 0 or not _is_word(text[start]):
        return True
    before = text[start - 1]
    if _is_word(before):
        return False
    joined = start >= 2 and _is_word(text[start - 2])
    if before == "'":
        return not joined
    return not (before in ".," and joined and text[start].isdigit() and text[start - 2].isdigit())


def _ends_word(text: str, end: int) -> bool:
    if end == len(text) or not _is_word(text[end - 1]):
        return True
    after = text[end]
    if _is_word(after):
        return False
    joined = end + 1 < len(text) and _is_word(text[end + 1])
    if after == "'":
        return not joined or _CONTRACTION.match(text, end) is not None
    return not (after in ".," and joined and text[end - 1].isdigit() and text[end + 1].isdigit())
