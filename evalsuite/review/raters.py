"""The sheets of a review, and what its two or three readers say together."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalsuite.errors import InvalidReview
from evalsuite.files.problems import joined
from evalsuite.review.filled import Filled, read_filled
from evalsuite.review.key import Key
from evalsuite.review.population import Subject, Topic
from evalsuite.review.sheet import Asked, Entry, Field, Sheet, shown, spoken

YES, NO, UNCLEAR = "yes", "no", "cannot tell"
COMMENT = "comment"
FIRST, SECOND, THIRD = "a", "b", "c"
"""What the sheets of a draw are called; the last is for the rows that the others differ about."""
_NONE = "(none)"
_FIELDS = (
    Field("conversation", "Conversation"),
    Field("query", "Last question"),
    Field("answer", "Rewrite"),
    Field("beside", "Everything that was written, where that is more than the rewrite"),
    Field("examples", "Examples that were given before the conversation"),
)
_ASKED = (
    Asked(
        Topic.RIGHT.value,
        "Is the rewrite right: does it ask just what the last question asks, of what the "
        "conversation means, and can it be understood without the conversation?",
        (YES, NO, UNCLEAR),
    ),
    Asked(
        Topic.COPIED.value,
        "Does it copy something from the examples: a name, a phrase or their question, which the "
        "conversation does not hold?",
        (YES, NO),
    ),
    Asked(COMMENT, "Comment", needed=False),
)
_LEAD = (
    "Each row is a conversation, its last question, and a rewrite of that question which should "
    "stand alone. A question that stands alone already, or of which the conversation does not say "
    "what is meant, should come back as it is.",
    "Read each row by itself and answer both questions. Please talk to nobody about the rows, and "
    "change nothing but your answers.",
    "Where there are no examples, nothing is copied: answer no.",
)


def sheets_of(key: Key) -> tuple[Sheet, Sheet]:
    """Return the sheets of the two raters, each in an order of its own."""
    return sheet_of(key, FIRST), sheet_of(key, SECOND)


def sheet_of(key: Key, rater: str, codes: frozenset[str] | None = None) -> Sheet:
    """Return the sheet of one rater, with all rows or those of ``codes``."""
    name = f"{key.draw}-{rater}"
    entries = [
        Entry(row.code, _texts(row.subject))
        for row in key.rows
        if codes is None or row.code in codes
    ]
    random.Random(f"order/{name}").shuffle(entries)  # noqa: S311 - an order, not security
    return Sheet(
        id=name,
        title=f"Rewrites to read: sheet {name}",
        lead=_LEAD,
        fields=_FIELDS,
        asked=_ASKED,
        entries=tuple(entries),
    )


def _texts(subject: Subject) -> dict[str, str]:
    return {
        "conversation": spoken(subject.history) or _NONE,
        "query": shown(subject.query),
        "answer": shown(subject.answer) or "(nothing)",
        "beside": shown(subject.beside),
        "examples": shown(subject.examples) or _NONE,
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """What people say of one answer."""

    words: Mapping[Topic, str]
    """What most of them say; a topic that they differ about is not in it."""
    comments: tuple[str, ...] = ()

    def failed(self, topic: Topic) -> bool | None:
        """Whether people call it wrong, or a copy; None: they differ, or cannot tell."""
        word = self.words.get(topic, UNCLEAR)
        if word == UNCLEAR:
            return None
        return word == (NO if topic is Topic.RIGHT else YES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What everybody says of every answer."""

    by_row: Mapping[str, Reading]
    pairs: Mapping[Topic, tuple[tuple[str, str], ...]]
    """What the first two said of each answer."""
    differing: frozenset[str]
    """Rows that the first two differ about."""
    settled: bool = field(default=False)
    """Whether somebody read those a third time."""


def read_sheets(key: Key, paths: Sequence[Path]) -> Readings:
    """Read the filled sheets of a review: two, or three with the rows that those differ about.

    Raises:
        InvalidReview: everything that is wrong with any of them, ``file:line: problem and fix``.
    """
    if len(paths) not in (2, 3):
        raise InvalidReview(f"{len(paths)} sheets: name those of two raters, and maybe a third")
    sheets = {sheet.id: sheet for sheet in sheets_of(key)}
    problems: list[str] = []
    filled = [read_filled(path, sheets, problems) for path in paths[:2]]
    known = [one for one in filled if one is not None]
    if len({one.sheet for one in known}) < len(known):
        problems.append(
            f"{known[1].file}: is sheet {known[1].sheet!r}, and so is {known[0].file}; name the "
            "sheets of two raters"
        )
    if len(known) < 2 or problems:
        if paths[2:]:
            # Which rows it must have is not known yet; what is wrong with those it has is.
            every = sheet_of(key, THIRD)
            read_filled(paths[2], {every.id: every}, problems, whole=False)
        raise InvalidReview(joined(problems))
    first, second = sorted(known, key=lambda one: one.sheet)
    differing = _differing(key, first, second)
    third = _third(key, paths[2], differing) if paths[2:] else None
    return _together(key, first, second, third, differing)


def third_sheet(key: Key, readings: Readings) -> Sheet:
    """Return the sheet of the rows that two raters differ about; it shows neither's answers."""
    return sheet_of(key, THIRD, readings.differing)


def _differing(key: Key, first: Filled, second: Filled) -> frozenset[str]:
    return frozenset(
        row.code
        for row in key.rows
        for topic in Topic
        if first.answers[row.code][topic] != second.answers[row.code][topic]
    )


def _third(key: Key, path: Path, differing: frozenset[str]) -> Filled:
    """Read the third sheet.

    Raises:
        InvalidReview: it is wrong, or there is nothing to settle.
    """
    if not differing:
        raise InvalidReview(f"{path}: the first two sheets differ about no row; leave it out")
    sheet = sheet_of(key, THIRD, differing)
    problems: list[str] = []
    found = read_filled(path, {sheet.id: sheet}, problems)
    if found is None:
        raise InvalidReview(joined(problems))
    return found


def _together(
    key: Key, first: Filled, second: Filled, third: Filled | None, differing: frozenset[str]
) -> Readings:
    everybody = [one for one in (first, second, third) if one is not None]
    by_row = {}
    for row in key.rows:
        said = [one.answers[row.code] for one in everybody if row.code in one.answers]
        words = {topic: _most([one[topic] for one in said]) for topic in Topic}
        by_row[row.code] = Reading(
            words={topic: word for topic, word in words.items() if word},
            comments=tuple(one[COMMENT] for one in said if one[COMMENT]),
        )
    pairs = {
        topic: tuple(
            (first.answers[r.code][topic], second.answers[r.code][topic]) for r in key.rows
        )
        for topic in Topic
    }
    return Readings(by_row=by_row, pairs=pairs, differing=differing, settled=third is not None)


def _most(words: Sequence[str]) -> str:
    """What most say: two that are alike, or two of three; empty: they differ.

    Of three that all say something else nobody can tell.
    """
    word, times = Counter(words).most_common(1)[0]
    if times >= 2:
        return word
    return UNCLEAR if len(words) == 3 else ""
