"""Content words of a rewrite that nobody asked with: out of nowhere, or joined to what is meant.

Of a golden case the history may describe what is meant ("the moons of Mars"), but not put a second
thing beside it ("Mars and Venus").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites import chinese, english
from evalsuite.rewrites.asking import PLACES, TIMES
from evalsuite.rewrites.describing import describing, possessed, runs
from evalsuite.rewrites.judgement import Standard
from evalsuite.rewrites.known import Known, known, without_names
from evalsuite.rewrites.names import occurrences
from evalsuite.rewrites.typos import corrections
from evalsuite.rewrites.words import Word, simplified, words

_JOINING = english.JOINING | chinese.JOINING
# "Deimos, the moon" describes; "Deimos and the moon" are two.
_JOINING_ARTICLES = frozenset(f"{j} {article}" for j in _JOINING for article in ("the", "a", "an"))
_MARKS = frozenset("、,/&")
_WIDEST = 12
"""Characters between two names that a conjunction joins, at most."""
_OPENING = ("", *"《“\"'「『")
_SPELT_OUT = TIMES | PLACES | {"reason"}
"""What "which" may stand before instead of "when", "where" and "why"."""


def added(case: Case, answer: str, found: Sequence[Word], standard: Standard) -> list[Word]:
    """The words, in order."""
    facts = known(case)
    free = {*corrections(facts.query, found).values(), *_spelt_out(found)}
    # Whoever names a distractor hears it from named.
    unwanted = {word.key for name in case.expect.must_not_name for word in words(name)}
    new = [
        word
        for word in found
        if word.content
        and word not in free
        and not facts.own.holds(word)
        and not (standard is Standard.AUTHORED and facts.heard.holds(word))
    ]
    described = describing(case, answer, found) if new else frozenset()
    new = [word for word in new if word not in described]
    if standard is Standard.AUTHORED:
        new += [*_joined(case, answer), *possessed(case, answer)]
    return [word for word in dict.fromkeys(new) if word.key not in unwanted]


def _spelt_out(found: Sequence[Word]) -> Iterator[Word]:
    """The noun in "which year" for "when", "which place" for "where", "what reason" for "why"."""
    asks_where = any(word.text == "where" for word in found)
    for before, word in pairwise(found):
        if asks_where and word.text in ("located", "situated"):
            yield word
        if before.text in ("what", "which") and word.text in _SPELT_OUT:
            yield word


def _joined(case: Case, answer: str) -> list[Word]:
    """What a conjunction or a mark joins to a name, and neither query nor rewrites hold.

    Not what describes a name behind it: 苏轼和弟弟苏辙.
    """
    facts = known(case)
    names = [span for name in case.expect.must_name for span in occurrences(answer, name)]
    told = [run for run in runs(without_names(case, answer)) if not _own(case, facts, run)]
    return [
        word
        for run in told
        if any(
            start - end <= _WIDEST and _joins(answer[end:start]) for end, start in _gaps(run, names)
        )
        and not any(_describes(answer, run[-1].end, name.start) for name in names)
        for word in run
    ]


def _gaps(run: Sequence[Word], names: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """What lies between a run and each name: where it begins and ends."""
    for name in names:
        if name.end <= run[0].start:
            yield name.end, run[0].start
        elif run[-1].end <= name.start:
            yield run[-1].end, name.start


def _joins(between: str) -> bool:
    bare = between.casefold().strip(" 《》\"'“”")
    return bare in _MARKS or bare in _JOINING or bare in _JOINING_ARTICLES


def _describes(answer: str, end: int, start: int) -> bool:
    """Whether a run that ends there describes the name that starts there."""
    return end <= start and answer[end:start].strip() in _OPENING


def _own(case: Case, facts: Known, run: Sequence[Word]) -> bool:
    """Whether query or rewrites hold the run: English by its words, Chinese in a row."""
    if not run[0].han:
        return all(facts.own.holds(word) for word in run)
    told = "".join(word.text for word in run)
    texts = (case.query, *case.expect.rewrites, *case.expect.must_name)
    return any(told in simplified(text) for text in texts)
