"""What a rewrite puts back: spans that it holds, the query lacks, and the history says in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rapidfuzz.distance import Levenshtein

from evalsuite.cases.antecedents.tokens import POSSESSIVE, Token, row_of, stands_in, tokens

_LONGEST = 8
"""Words of English that a span has at most; a longer one retells a sentence and names nothing."""
_LONGEST_HAN = 12
"""The same in characters of Han."""
_PARTING = POSSESSIVE | {"的", "和", "与", "跟", "及"}
"""What parts two things said in a row: whose album it is, and that it is an album."""
_ASKING = frozenset("要几什怎谁哪吗不没会能多")
"""Characters of Han in no name, but in what a Chinese query asks."""


@dataclass(frozen=True, slots=True)
class Restored:
    """One span that a rewrite puts back."""

    text: str
    """As the rewrite writes it."""
    tokens: tuple[Token, ...]
    start: int
    """Offset in the rewrite."""
    replaced: str
    """What of the query stood there; empty where nothing did."""


def restored_spans(query: str, rewrite: str, history: Sequence[str]) -> tuple[Restored, ...]:
    """The longest spans that the rewrite puts back, in order, each once.

    Args:
        query: what was said.
        rewrite: one accepted rewrite of it.
        history: what was said before, a text a turn.
    """
    asked, told = tokens(query), tokens(rewrite)
    heard = [row_of(tokens(text)) for text in history]
    found: dict[tuple[str, ...], Restored] = {}
    for put in _put_in(asked, told):
        lost = asked[put.gone]
        gone = query[lost[0].start : lost[-1].end] if lost else ""
        for run in _heard(told[put.put], heard):
            run = _completed(_trimmed(run), told, heard, gone)
            if _means_something(run, asked):
                start = run[0].start
                span = Restored(rewrite[start : run[-1].end], tuple(run), start, gone)
                found.setdefault(tuple(token.key for token in run), span)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Change:
    gone: slice
    put: slice


def _put_in(asked: Sequence[Token], told: Sequence[Token]) -> Iterator[_Change]:
    """Where the rewrite holds what the query does not; edits side by side are one."""
    edits = Levenshtein.opcodes([t.key for t in asked], [t.key for t in told])
    for changed, run in groupby(edits, key=lambda edit: edit.tag != "equal"):
        if changed:
            together = list(run)
            first, last = together[0], together[-1]
            yield _Change(
                slice(first.src_start, last.src_end), slice(first.dest_start, last.dest_end)
            )


def _heard(run: Sequence[Token], heard: Sequence[str]) -> Iterator[list[Token]]:
    """The longest parts of a run, from left to right, that one turn says in a row.

    A possessive ends a part, and so does a mark in a Chinese text.
    """
    start = 0
    while start < len(run):
        stop = next((at for at in range(start, len(run)) if _parts(run, start, at)), len(run))
        end = next(
            (
                end
                for end in range(stop, start, -1)
                if any(stands_in(run[start:end], turn) for turn in heard)
            ),
            start,
        )
        if end > start:
            yield list(run[start:end])
        start = max(end, start + 1)


_POINTING = re.compile(r"[这那该此][个座部本款位家条只张首件台辆栋颗种所门]?$")


def _completed(
    run: list[Token], told: Sequence[Token], heard: Sequence[str], gone: str
) -> list[Token]:
    """A Chinese name with the noun that the query has too: 青海湖, where it says 那个湖."""
    if not run or not run[-1].han or not _POINTING.search(gone):
        return run
    at = told.index(run[-1]) + 1
    while at < len(told) and told[at].han and told[at].joined:
        longer = [*run, told[at]]
        if not any(stands_in(longer, turn) for turn in heard):
            break
        run, at = longer, at + 1
    return run


def _parts(run: Sequence[Token], start: int, at: int) -> bool:
    """Whether a part that begins at ``start`` cannot go on at ``at``."""
    marked = at > start and not run[at].joined and (run[at].han or run[at - 1].han)
    return run[at].key in _PARTING or marked


def _trimmed(run: list[Token]) -> list[Token]:
    """A run without words at its ends that name nothing."""
    while run and run[0].function:
        run = run[1:]
    while run and run[-1].function:
        run = run[:-1]
    return run


def _means_something(run: Sequence[Token], asked: Sequence[Token]) -> bool:
    """Whether a run says something new that can be told from other words."""
    known = {token.key for token in asked}
    if not run or all(token.function or token.key in known for token in run):
        return False
    if any(token.key in _ASKING for token in run):
        return False
    if all(token.han for token in run):
        return 2 <= len(run) <= _LONGEST_HAN
    return len(run) <= _LONGEST and len("".join(token.key for token in run)) >= 2
