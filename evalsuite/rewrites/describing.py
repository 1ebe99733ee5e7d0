"""What describes a name beside it and asks nothing: the film X, 电影《X》, 《X》这部电影.

Who answers well often says what sort of thing the name is. Beside the name that adds nothing;
anywhere else the same noun asks something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites import chinese, english
from evalsuite.rewrites.asking import PLACES
from evalsuite.rewrites.known import Vocabulary, known, references
from evalsuite.rewrites.names import occurrences
from evalsuite.rewrites.pronouns import referring
from evalsuite.rewrites.restored import restored
from evalsuite.rewrites.words import Word, simplified, words

_OPENING = "[《“\"'「『]?"
_CLOSING = "[》”\"'」』]?"
_BEFORE = re.compile(rf"(?:{chinese.CLASSES}){_OPENING}$")
_BEHIND = re.compile(rf"{_CLOSING}((?:{chinese.CLASSES_BEHIND})|[里中上内时](?![\w]*大学))")
_BEHIND_LATIN = re.compile(rf"(?<=[\x00-\x7f]) ?(?:{chinese.CLASSES})")
"""Behind a name in Latin letters the noun is no part of it: Kotlin 语言."""
_POINTS = re.compile(
    rf"{_CLOSING}(?:[这那][一两三几][个种{chinese.MEASURES}]|{chinese.POINTING.pattern})"
)
_INSIDE = re.compile(r"(?<=[》])[里中上内]")
_LONGEST = 8
"""Characters before a name among which its noun is looked for."""
_MOST = 4
"""Characters of a noun behind 这部."""


def describing(case: Case, answer: str, found: Sequence[Word]) -> set[Word]:
    """The words that say of a name beside them what sort of thing it is."""
    names = [span for name in _meant(case) for span in occurrences(answer, name)]
    plain = simplified(answer)
    own, at = known(case).own, {word.start: word for word in found}
    spans = [span for name in names for span in _chinese(plain, at, name, own)]
    spans += [Span(*match.span(), "described") for match in _INSIDE.finditer(plain)]
    places = {place for span in spans for place in range(span.start, span.end)}
    described = {word for word in found if word.start in places and word.end - 1 in places}
    return described | set(_english(found, names)) | set(_nouns(case, found, names))


def _meant(case: Case) -> tuple[str, ...]:
    """What must be named; of an imported case what its accepted rewrites put back."""
    pieces = (piece.text for put_back in restored(case).pieces for piece in put_back)
    return case.expect.must_name or tuple(dict.fromkeys(pieces))


def _chinese(plain: str, at: Mapping[int, Word], name: Span, own: Vocabulary) -> Iterator[Span]:
    start = max(0, name.start - _LONGEST)
    before = _BEFORE.search(plain[start : name.start])
    if before:
        yield Span(start + before.start(), name.start, "described")
    behind = _BEHIND.match(plain, name.end) or _BEHIND_LATIN.match(plain, name.end)
    if behind:
        yield Span(behind.start(), behind.end(), "described")
    points = _POINTS.match(plain, name.end)
    if points is None:
        return
    end = points.end()
    while (word := at.get(end)) and word.han and word.content and not own.holds(word):
        end = word.end
        if end - points.end() > _MOST:
            return
    if end > points.end():
        yield Span(points.start(), end, "described")


def _english(found: Sequence[Word], names: Sequence[Span]) -> Iterator[Word]:
    """The noun right before or behind a name, and its number: the film X, X films, X, the film.

    Of places also the city of X.
    """
    starts = {name.start for name in names}
    ends = {name.end for name in names}
    for first, second, third in zip(found, found[1:], found[2:], strict=False):
        apposed = first.end in ends and second.text in ("the", "a", "an")
        if apposed and third.text in english.CLASSES:
            yield third
        if first.text in PLACES and second.text == "of" and third.start in starts:
            yield first
    for word, after in pairwise(found):
        if word.text in english.CLASSES and after.start in starts:
            yield word
        if after.text in english.CLASSES_BEHIND and word.end in ends:
            yield after


def _nouns(case: Case, found: Sequence[Word], names: Sequence[Span]) -> Iterator[Word]:
    """Chinese words that spell out the noun of a reference beside the name: 那部剧 as 电视剧."""
    nouns = [simplified(case.query[span.start : span.end]) for span in references(case)]
    for run in runs(found):
        told = "".join(word.text for word in run)
        if any(noun in told for noun in nouns) and any(_beside(run, name) for name in names):
            yield from run


def _beside(run: Sequence[Word], name: Span) -> bool:
    return run[0].start <= name.end + 1 and name.start <= run[-1].end + 1


def runs(found: Sequence[Word]) -> list[list[Word]]:
    """Content words in a row: of Chinese, those with nothing between them."""
    together: list[list[Word]] = []
    last: Word | None = None
    for word in found:
        if not word.content:
            continue
        if last is not None and word.han and last.han and word.start == last.end:
            together[-1].append(word)
        else:
            together.append([word])
        last = word
    return together


def possessed(case: Case, answer: str) -> list[Word]:
    """What belongs to a name, where the query refers to the thing itself: "iPhone 15's camera"."""
    if not referring(case.query):
        return []
    own = known(case).own
    found = words(answer)
    ends = {s.end for name in case.expect.must_name for s in occurrences(answer, name)}
    return [
        word
        for (name, mark), word in zip(pairwise(found), found[2:], strict=False)
        if name.end in ends and mark.text in ("'s", "的") and word.content and not own.holds(word)
    ]
