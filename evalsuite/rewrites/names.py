"""Where a text says a name, written as people write names.

A hyphen for a space, quotes, a possessive, a plural of a common noun, accents and traditional
characters make no other name. A letter more or less does, and so does a missing word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from evalsuite.detectors.result import Span
from evalsuite.rewrites import english
from evalsuite.rewrites.words import Word, words, written_as_one

_LINKING = frozenset(("of", "the", "and", "for", "de", "in"))
_IN_BRACKETS = re.compile(
    r"([^()（）]{2,60}?)\s*[(（]\s*(?:简称|又名|亦称|aka|a\.k\.a\.)?\s*([^()（）]{2,60}?)\s*[)）]"
)


def occurrences(text: str, name: str, among: Sequence[str] = ()) -> tuple[Span, ...]:
    """Where ``text`` says ``name`` whole, word for word; labels are the name.

    A common noun may stand in the plural. A name may not ("James" is no plural of "Jame"), unless
    the texts ``among`` which it was mentioned say it like that too.
    """
    found = [
        run
        for run in _runs(words(text), _parts(name))
        if not _is_cased(name) or _letters(text[run[0].start : run[-1].end]) == _letters(name)
    ]
    common = not name.strip().split(" ")[-1][:1].isupper()
    return tuple(
        Span(run[0].start, run[-1].end, name)
        for run in found
        if common or _as_written(run, name) or _among(run[-1].text, among)
    )


def _letters(text: str) -> str:
    """A name without its points: U.S. as US."""
    return text.replace(".", "")


def _as_written(run: Sequence[Word], name: str) -> bool:
    written, wanted = (
        "".join(w.text.replace(".", "") for w in found) for found in (run, _parts(name))
    )
    return written == wanted or run[-1].han


def _among(word: str, texts: Sequence[str]) -> bool:
    return any(other.text == word for text in texts for other in words(text))


def says(text: str, name: str) -> bool:
    """Whether ``text`` says ``name``."""
    return bool(occurrences(text, name))


def outside(spans: Iterable[Span], longer: Sequence[Span]) -> tuple[Span, ...]:
    """Those spans that lie in no longer one of ``longer``: York in New York is not named."""
    return tuple(
        span
        for span in spans
        if not any(
            other.start <= span.start
            and span.end <= other.end
            and other.end - other.start > span.end - span.start
            for other in longer
        )
    )


def short_forms(name: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Abbreviations of a name, or what it abbreviates, that the texts introduce.

    Both must stand there: "Natural Language Processing (NLP)", or the initials as a word.
    """
    told = tuple(texts)
    found = [
        other.strip()
        for text in told
        for match in _IN_BRACKETS.finditer(text)
        for one, other in (match.groups(), match.groups()[::-1])
        if says(one, name) and _one_ends_with(one, name) and other.strip()
    ]
    return tuple(dict.fromkeys((*found, *_initials(name, told))))


def _one_ends_with(text: str, name: str) -> bool:
    """Whether the name stands right before the bracket, or is all that stands in it."""
    ends = occurrences(text, name)
    return bool(ends) and ends[-1].end == len(text.rstrip())


def _initials(name: str, texts: Sequence[str]) -> Iterator[str]:
    letters = "".join(w.text[0] for w in words(name) if not w.han and w.text not in _LINKING)
    if len(letters) >= 2 and len(words(name)) >= 2:
        short = letters.upper()
        # Not a part of a name with a sign: AT of AT&T.
        alone = re.compile(rf"(?<![\w&]){re.escape(short)}(?![\w&])")
        if any(map(alone.search, texts)):
            yield short
    if re.fullmatch(r"[A-Z]{2,6}", name):
        initial = r"\s+(?:(?:of|the|and|for|in)\s+)*".join(rf"{c}[a-z]+" for c in name)
        for text in texts:
            yield from (match.group() for match in re.finditer(initial, text, re.IGNORECASE))


@lru_cache(maxsize=8192)
def _parts(name: str) -> tuple[Word, ...]:
    # A name is no shouting: US alone is the country.
    return tuple(
        replace(word, key=word.text.upper())
        if word.text in english.CASED and name[word.start : word.end].isupper()
        else word
        for word in words(name)
        if word.text != "'s"
    )


@lru_cache(maxsize=8192)
def _is_cased(name: str) -> bool:
    """Whether only its capitals tell the name from common words: US, It, The Who."""
    parts = words(name)
    return bool(parts) and all(
        word.text in english.FUNCTION_WORDS or word.text in english.CASED for word in parts
    )


def _runs(found: Sequence[Word], parts: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Runs of words that spell the parts, also where they are written in more words or fewer."""
    if not parts:
        return
    last = parts[-1]
    for start in range(len(found) - len(parts) + 1):
        run = found[start : start + len(parts)]
        if all(map(_same, run, parts[:-1])) and _same_or_plural(run[-1], last):
            yield run
    if not all(part.han for part in parts):
        runs = written_as_one(found, "".join(word.text for word in parts))
        yield from (run for run in runs if len(run) != len(parts))


def _same(word: Word, part: Word) -> bool:
    return word.text == part.text or ((word.han or word.key.isupper()) and word.key == part.key)


def _same_or_plural(word: Word, part: Word) -> bool:
    """The last word of a name may stand in the plural, or in the singular for a plural."""
    if _same(word, part):
        return True
    if word.han or part.han or word.text[0].isdigit():
        return False
    return word.key == part.key and _plural(word.text, part.text)


def _plural(one: str, other: str) -> bool:
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    regular = longer in {f"{shorter}s", f"{shorter}es", f"{shorter[:-1]}ies"}
    return regular or english.IRREGULAR.get(one, one) == english.IRREGULAR.get(other, other)
