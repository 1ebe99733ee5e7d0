"""Typos of a query that an answer corrects: right, whether or not an accepted rewrite does so."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from evalsuite.detectors.rarity import is_listed
from evalsuite.rewrites import english
from evalsuite.rewrites.words import Word, words

_LONG = 8
"""A word of so many letters may hold two typos, a shorter one holds one."""
_SHORTEST = 4


def corrections(query: Sequence[Word], answer: Sequence[Word]) -> dict[str, Word]:
    """Misspelt words of the query -> the word of the answer that corrects them.

    Misspelt is what is no common word and close to one that the answer holds and the query does
    not. An answer that misspells a word of the query corrects nothing.
    """
    asked = {word.text for word in query}
    new = [word for word in answer if word.text not in asked and _is_word(word.text)]
    found: dict[str, Word] = {}
    for word in query:
        if word.han or len(word.text) < _SHORTEST or _is_word(word.text):
            continue
        allowed = 2 if len(word.text) >= _LONG else 1
        near = (w for w in new if OSA.distance(w.text, word.text, score_cutoff=allowed) <= allowed)
        if (right := next(near, None)) is not None:
            found[word.text] = right
    return found


def corrected(query: str, answer: str) -> str:
    """The query with its typos as the answer corrects them."""
    read = words(query)
    right = corrections(read, words(answer))
    if not right:
        return query
    parts = [query[: read[0].start]]
    behind = [*(word.start for word in read[1:]), len(query)]
    for word, end in zip(read, behind, strict=True):
        put = right[word.text].text if word.text in right else query[word.start : word.end]
        parts += [put, query[word.end : end]]
    return "".join(parts)


def _is_word(text: str) -> bool:
    return is_listed(text) or text in english.FUNCTION_WORDS
