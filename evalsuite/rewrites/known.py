"""What is known about a case before an answer is read: worked out once, asked for every answer."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites import chinese
from evalsuite.rewrites.asking import Sort, asked_for, is_elliptic, is_fragment, sort_of
from evalsuite.rewrites.names import occurrences
from evalsuite.rewrites.pronouns import Family, referring
from evalsuite.rewrites.words import Word, simplified, words


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of some texts, and whether a word is one of theirs in another form."""

    keys: frozenset[str]
    roots: frozenset[str]
    joined: frozenset[str]
    """Two neighbours written as one: voice mail, voicemail."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """The words of the texts."""
        return cls.of_words(words(text) for text in texts)

    @classmethod
    def of_words(cls, readings: Iterable[Sequence[Word]]) -> Vocabulary:
        """The same, of texts that were read before."""
        keys: set[str] = set()
        roots: set[str] = set()
        joined: set[str] = set()
        for found in readings:
            for word in found:
                keys.add(word.key)
                if not word.han:
                    roots.add(word.root)
            joined.update(
                a.text + b.text for a, b in itertools.pairwise(found) if not (a.han or b.han)
            )
        return cls(frozenset(keys), frozenset(roots), frozenset(joined))

    def holds_han(self, word: Word) -> bool:
        """Whether it is one of these characters: 和 may be part of a name."""
        return word.han and word.key in self.keys

    def holds(self, word: Word) -> bool:
        """Whether the word is one of these, inflected, derived, or written in two or in one."""
        if word.key in self.keys:
            return True
        return not word.han and (word.root in self.roots or word.text in self.joined)


@dataclass(frozen=True, slots=True)
class Known:
    """A case, read."""

    query: tuple[Word, ...]
    accepted: tuple[tuple[Word, ...], ...]
    """Accepted rewrites, read."""
    own: Vocabulary
    """Of the query, its accepted rewrites and the names that they may have."""
    heard: Vocabulary
    """Of the history."""
    due: tuple[tuple[Word, ...], ...]
    """What each accepted rewrite asks in content words, and what the query does."""
    counts: Counter[str]
    """How often a content word stands in the query or an accepted rewrite, at most."""
    sorts: frozenset[Sort]
    """What sorts of sentence an answer may be."""
    asked: frozenset[frozenset[str]]
    """What an answer may ask for."""
    spelt_out: Vocabulary | None
    """What every accepted rewrite asks where the query leaves its question out: "And in Nice?".
    None: the query says what it asks, or nothing is common to all."""
    asked_out: frozenset[frozenset[str]]
    """What an answer to such a query may ask for that is more than a piece itself."""


@lru_cache(maxsize=4096)
def known(case: Case) -> Known:
    """Read a case."""
    expect = case.expect
    query = words(case.query)
    accepted = tuple(words(text) for text in expect.rewrites)
    counts: Counter[str] = Counter()
    for reading in (query, *accepted):
        counts |= Counter(word.key for word in reading if word.content)
    heard = Vocabulary.of(message.content for message in case.history)
    spoken = _spoken(case)
    asked = [word for word in _outside(query, references(case)) if word.content]
    nouns = [word for word in query if word not in asked and word.content]
    described = Vocabulary.of_words([nouns, *map(words, (*expect.must_name, *expect.aliases))])
    return Known(
        query=query,
        accepted=accepted,
        due=(
            *(
                tuple(_due(asked, _asking_words(case, text), heard, described))
                for text in expect.rewrites
            ),
            # Whoever keeps every word of the query keeps what it asks, typos included.
            tuple(word for word in _once(asked) if not _refers(word, referring(case.query))),
        ),
        own=Vocabulary.of_words(
            (query, *accepted, *map(words, (*expect.must_name, *expect.aliases)))
        ),
        heard=heard,
        counts=counts,
        sorts=frozenset(map(sort_of, spoken)),
        asked=_asked(case, spoken),
        spelt_out=_spelt_out(case),
        asked_out=frozenset(map(asked_for, expect.rewrites)),
    )


def _spelt_out(case: Case) -> Vocabulary | None:
    if not (case.expect.rewrites and is_fragment(case.query)):
        return None
    own = Vocabulary.of_words([words(case.query)])
    asked = [
        {word.key for word in _asking_words(case, text) if word.content and not own.holds(word)}
        for text in case.expect.rewrites
    ]
    common = frozenset.intersection(*map(frozenset, asked))
    whole = _asking_words(case, case.expect.rewrites[0])
    return Vocabulary.of_words([[w for w in whole if w.key in common]]) if common else None


def without_names(case: Case, text: str) -> tuple[Word, ...]:
    """The words of a text outside the names that it must hold."""
    return _outside(words(text), _named(case, text))


def _named(case: Case, text: str) -> list[Span]:
    return [span for name in case.expect.must_name for span in occurrences(text, name)]


def _outside(found: Sequence[Word], spans: Sequence[Span]) -> tuple[Word, ...]:
    places = {place for span in spans for place in range(span.start, span.end)}
    return tuple(w for w in found if not (w.start in places and w.end - 1 in places))


_APPOSITION = re.compile(r"\s*,\s*((?:the|an?|my|our|your|his|her|their)\b[^,.?!]+)")


def _appositions(case: Case, text: str) -> list[Span]:
    """What describes a name behind it, between commas: "Deimos, the moon of Mars"."""
    found = (_APPOSITION.match(text, span.end) for span in _named(case, text))
    return [Span(*match.span(1), "apposition") for match in found if match]


def references(case: Case) -> tuple[Span, ...]:
    """Where a query refers to something by its noun: 那部剧, 那个水利工程.

    No mark parts a noun from what is asked of it: of 这部电影结局 the rewrites keep 结局, so the
    reference is 这部电影.
    """
    query = case.query
    plain = simplified(query)
    return tuple(
        Span(match.end(), match.end() + len(noun), "reference")
        for match in chinese.POINTING.finditer(plain)
        if (noun := _referring(case, _noun(query, match.end())))
    )


def _referring(case: Case, noun: str) -> str:
    """A noun without the longest end of it that every accepted rewrite says beside its names."""
    asked = ["".join(w.text for w in without_names(case, t)) for t in case.expect.rewrites]
    for start in range(1, len(noun) - 1):
        if asked and all(noun[start:] in text for text in asked):
            return noun[:start]
    return noun


def _noun(query: str, start: int) -> str:
    """The content characters from there on, in a row."""
    end = start
    for word in words(query):
        if word.start == end and word.content and word.han:
            end = word.end
    return query[start:end]


def _asking_words(case: Case, text: str) -> tuple[Word, ...]:
    """The words of an accepted rewrite that ask, rather than say what is meant."""
    return _outside(without_names(case, text), _appositions(case, text))


def _due(
    query: Sequence[Word], accepted: Sequence[Word], heard: Vocabulary, meant: Vocabulary
) -> Iterator[Word]:
    """The content words of an accepted rewrite that every answer like it must hold.

    Those of the query, as often as they stand there, and those that replace some of it (a typo, a
    word of another language); not what the rewrite takes from the history to say what is meant.
    """
    asked = Vocabulary.of_words([query])
    times = Counter(word.key for word in _once(query))
    for word in _once(accepted):
        if not word.content:
            continue
        if asked.holds(word):
            if times[word.key] > 0 or not word.han:
                times[word.key] -= 1
                yield word
        elif not (heard.holds(word) or meant.holds(word)):
            yield word


def _once(found: Iterable[Word]) -> Iterator[Word]:
    """Words without those that repeat the one before: 讲讲 asks what 讲 asks, 结结局 is a slip."""
    last: Word | None = None
    for word in found:
        if last is None or word.key != last.key or word.start != last.end:
            yield word
        last = word


def _refers(word: Word, references: Sequence[tuple[Span, Family]]) -> bool:
    """Whether a word is part of a reference: "the former", but not "decent" in "a decent one"."""
    return any(
        span.start <= word.start and word.end <= span.end
        for span, family in references
        if family is not Family.ONE
    )


def _spoken(case: Case) -> tuple[str, ...]:
    """The texts whose form an answer may have: not the query's where it only corrects a word.

    "No, I meant acetone." is rewritten as the question that was meant.
    """
    rewrites = case.expect.rewrites
    if (
        rewrites
        and sort_of(case.query) is Sort.STATEMENT
        and Sort.STATEMENT not in map(sort_of, rewrites)
    ):
        return rewrites
    return (case.query, *rewrites)


def _asked(case: Case, spoken: Sequence[str]) -> frozenset[frozenset[str]]:
    allowed = set(map(asked_for, spoken))
    if is_elliptic(case.query):
        # "And the population?" may be spelled out: "What is the population of ...".
        allowed.add(frozenset(("thing",)))
    if any(_COSTS.search(text) for text in spoken):
        allowed |= {sorts - {"how many"} | {"thing"} for sorts in allowed if "how many" in sorts}
    return frozenset(allowed)


_COSTS = re.compile(r"\b(?:cost|costs|weigh|weighs|pay|charge)\b", re.IGNORECASE)
"""Verbs with which "how much" and "what" ask the same."""
