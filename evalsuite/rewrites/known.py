"""What is known about a case before an answer is read: worked out once, asked for every answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalsuite.cases import Case
from evalsuite.rewrites.words import Word, words


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
                a.text + b.text
                for a, b in zip(found, found[1:], strict=False)
                if not (a.han or b.han)
            )
        return cls(frozenset(keys), frozenset(roots), frozenset(joined))

    def holds(self, word: Word) -> bool:
        """Whether the word is one of these, inflected, derived, or written in two or in one."""
        if word.key in self.keys:
            return True
        return not word.han and (word.root in self.roots or word.text in self.joined)

    def holds_pair(self, word: Word, other: Word) -> bool:
        """Whether two neighbours are one word here."""
        return word.text + other.text in self.words_joined

    @property
    def words_joined(self) -> frozenset[str]:
        """Keys as they would be written."""
        return self.keys


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
    counts: Counter[str]
    """How often a content word stands in the query or an accepted rewrite, at most."""


@lru_cache(maxsize=4096)
def known(case: Case) -> Known:
    """Read a case."""
    expect = case.expect
    query = words(case.query)
    accepted = tuple(words(text) for text in expect.rewrites)
    counts: Counter[str] = Counter()
    for reading in (query, *accepted):
        counts |= Counter(word.key for word in reading if word.content)
    return Known(
        query=query,
        accepted=accepted,
        own=Vocabulary.of_words(
            (query, *accepted, *map(words, (*expect.must_name, *expect.aliases)))
        ),
        heard=Vocabulary.of(message.content for message in case.history),
        counts=counts,
    )
