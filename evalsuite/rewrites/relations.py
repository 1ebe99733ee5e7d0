"""How the words of a query stand to each other: little words that decide what is asked.

The same content words ask something else where a preposition is changed for its opposite ("before
Easter", "after Easter"), or where what two places of the sentence hold is exchanged ("from the
airport to New York", "from New York to the airport").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from evalsuite.detectors.result import Span
from evalsuite.rewrites import chinese, english
from evalsuite.rewrites.judgement import Finding
from evalsuite.rewrites.words import Word, words

_ASKED = "?"
"""Stands for whatever a question word asks for."""
_NEAR = 8
"""Words behind a preposition among which stands what it governs."""
_JOINING = english.JOINING | chinese.JOINING
"""Words that put a second thing beside the first: both are governed, in any order."""
_MARK = re.compile(r"[.,;:?!，。；：？！、]")


def turned(answer: str, query: str, rewrites: Sequence[str]) -> Iterator[Finding]:
    """Little words that say the opposite of what every accepted rewrite says, or else the query."""
    told = {word.text for word in words(answer)}
    texts = [{word.text for word in words(text)} for text in rewrites or (query,)]
    asked = {word.text for word in words(query)}.union(*texts)
    for word in words(answer):
        for due in sorted(english.OPPOSITES.get(word.text, ())):
            if due not in told and word.text not in asked and all(due in text for text in texts):
                span = Span(word.start, word.end, "the opposite")
                yield Finding(f'The answer says "{word.text}" where "{due}" was asked.', (span,))


def exchanged(answer: str, accepted: Sequence[str]) -> Iterator[Finding]:
    """Prepositions behind which stands what belongs elsewhere, while their own stands elsewhere."""
    texts = [_governed(text) for text in accepted]
    everywhere = {_name(word) for text in accepted for word in words(text)}
    keys = {_name(word) for word in words(answer)}
    for preposition, phrase in _governed(answer).items():
        due = {_name(word) for text in texts for word in text.get(preposition, ())}
        held = {_name(word) for word in phrase}
        if due and due <= keys and not held & due and held <= everywhere:
            span = Span(phrase[0].start, phrase[-1].end, "exchanged")
            yield Finding(f'The answer exchanges what stands behind "{preposition}".', (span,))


def _governed(text: str) -> dict[str, list[Word]]:
    """The prepositions that give a direction, and the content words behind each."""
    found = words(text)
    places: dict[str, list[Word]] = {}
    for at, word in enumerate(found):
        directs = word.text in english.DIRECTIONS or word.text in chinese.DIRECTIONS
        if directs and not word.content:
            places.setdefault(word.text, []).extend(_phrase(text, found, at + 1))
    return {preposition: phrase for preposition, phrase in places.items() if phrase}


def _phrase(text: str, found: Sequence[Word], start: int) -> Iterator[Word]:
    """The words in a row that a preposition before them governs, without what leads to them."""
    begun = False
    for before, word in pairwise(found[start - 1 : start + _NEAR]):
        says = word.content or _name(word) == _ASKED
        if begun and not word.content and word.text in _JOINING:
            continue
        if _MARK.search(text[before.end : word.start]) or (begun and not says):
            return
        begun = begun or says
        if says:
            yield word
        if _name(word) == _ASKED:
            return


def _name(word: Word) -> str:
    asks = word.text in english.QUESTION_WORDS or word.text in chinese.PERSONS_ASKED
    return _ASKED if asks and not word.content else word.key
