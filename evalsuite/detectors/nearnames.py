"""Copies of names in an answer: whole, and in the disguises that a model gives them.

A plural, a name written together or apart, one letter lost or changed, a part of a longer name. The
last two may also come about by chance, so they count only where they are rare: the longer the
answer, the rarer. Every search goes once along the answer, however many names there are.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from evalsuite.detectors.copied import Copy, How, likest
from evalsuite.detectors.hannames import HanNames, near_han
from evalsuite.detectors.lexicon import carries_content
from evalsuite.detectors.own import Own, Word, bases, one_edit_apart, words
from evalsuite.detectors.rarity import UNLISTED, is_listed, rarity
from evalsuite.detectors.text import find_names, is_han, mentions

_TELLING = 4.2
"""A part of a name must be rarer than this to prove anything: than one word in 16,000."""
_CHANCES = 16
"""Words of an answer up to which that is enough; a longer one has more chances."""
_DOUBT = 1.0
"""How much rarer something must be that is not spelled like the name."""
_EDITED = 5
"""Letters of the shortest word of which a copy with another letter is recognised."""
_WITHIN = 3
"""The same of a word within a longer name that is otherwise whole."""
_APART = 5
"""Letters of the shortest name that is recognised when they are cut into other words."""
_LINKS = frozenset(" -_'·/")
"""What may stand between the words of one name."""

Pieces = tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """Names, prepared for a search."""

    names: tuple[str, ...]

    @cached_property
    def letters(self) -> Mapping[str, tuple[str, Pieces]]:
        """All letters of a name without what is between them -> the name and its words."""
        found: dict[str, tuple[str, Pieces]] = {}
        for name in self.names:
            pieces = tuple(word.text for word in words(name))
            if pieces:
                found.setdefault("".join(pieces), (name, pieces))
        return found

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """Everything shorter that the letters of a name begin with."""
        return frozenset(whole[:n] for whole in self.letters for n in range(1, len(whole)))

    @cached_property
    def initials(self) -> frozenset[str]:
        """What names begin with."""
        return frozenset(whole[0] for whole in self.letters)

    @cached_property
    def places(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """A word of a name of several, in its forms -> the name's number, the word's place."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, (_, pieces) in enumerate(self.letters.values()):
            for place, piece in enumerate(pieces):
                if len(pieces) > 1 and not is_han(piece[0]):
                    for base in bases(piece):
                        found[base].append((number, place))
        return found

    @cached_property
    def numbered(self) -> Sequence[tuple[str, Pieces]]:
        """Each name with its words, by its number."""
        return tuple(self.letters.values())

    @cached_property
    def neighbours(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """A word of a name, whole and less one letter -> the name's number, the word's place."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, (_, pieces) in enumerate(self.numbered):
            for place, piece in enumerate(pieces):
                if len(piece) >= (_EDITED if len(pieces) == 1 else _WITHIN) and piece.isalpha():
                    for shorter in _shortened(piece):
                        found[shorter].append((number, place))
        return found

    @cached_property
    def longest(self) -> int:
        """Letters of the longest word of a name."""
        return max((len(piece) for _, pieces in self.numbered for piece in pieces), default=0)

    @cached_property
    def han(self) -> HanNames:
        """The Chinese ones."""
        return HanNames(self.names)


@lru_cache(maxsize=256)
def names_of(names: tuple[str, ...]) -> Names:
    """Prepare names; remembered, because thousands of answers see one prompt."""
    return Names(tuple(dict.fromkeys(names)))


@lru_cache(maxsize=4096)
def holds(own: Own, name: str) -> bool:
    """Whether the conversation names it whole, in whatever form and spelling."""
    known = names_of((name,))
    return any(
        mentions(text, name) or any(_respelled(text, words(text), known)) for text in own.texts
    )


def copies(answer: str, names: Sequence[str], own: Own) -> tuple[Copy, ...]:
    """Every copy of a name that the conversation does not explain, in order.

    Of copies that lie on each other the one that is more like the name is told.
    """
    known = names_of(tuple(names))
    said = words(answer)
    limit = _TELLING + max(0.0, math.log10(max(1, len(said)) / _CHANCES))
    found = [Copy(s.start, s.end, s.label, How.WHOLE) for s in find_names(answer, known.names)]
    found += _respelled(answer, said, known)
    found += _edited(answer, said, known, own, limit)
    found += _parts(answer, said, known, own, limit)
    found += near_han(answer, said, known.han, own, limit)
    excused = {name for name in {copy.name for copy in found} if holds(own, name)}
    return likest([c for c in found if c.name not in excused], len(answer))


def _respelled(answer: str, said: Sequence[Word], known: Names) -> Iterator[Copy]:
    """Names with all their letters: in the plural, joined, hyphenated, cut apart, unaccented."""
    for first, word in enumerate(said):
        if word.text[0] not in known.initials:
            continue
        letters = ""
        longest: Copy | None = None
        for last in range(first, len(said)):
            if last > first and not _linked(answer, said[last - 1], said[last]):
                break
            letters += said[last].text
            longest = _spelled(answer, said[first : last + 1], letters, known) or longest
            if letters not in known.beginnings:
                break
        if longest is not None:
            yield longest


def _spelled(answer: str, run: Sequence[Word], letters: str, known: Names) -> Copy | None:
    base = letters
    if letters not in known.letters:
        base = next((b for b in bases(letters)[1:] if b in known.letters), "")
    if not base:
        return None
    name, pieces = known.letters[base]
    cut_otherwise = len(run) != len(pieces)
    if (cut_otherwise and len(base) < _APART and base.isascii()) or _in_number(answer, run, base):
        return None
    how = How.FORM if base != letters else How.SPELLING
    return Copy(run[0].start, run[-1].end, name, how)


def _in_number(answer: str, run: Sequence[Word], letters: str) -> bool:
    """Whether a digit at an edge goes on behind a point: 3 in 3.5 is another number."""
    before = answer[max(0, run[0].start - 2) : run[0].start]
    after = answer[run[-1].end : run[-1].end + 2]
    return (letters[-1].isdigit() and after[:1] in (".", ",") and after[1:].isdigit()) or (
        letters[0].isdigit() and before[-1:] in (".", ",") and before[:-1].isdigit()
    )


def _linked(answer: str, left: Word, right: Word) -> bool:
    return right.start - left.end <= 2 and _LINKS.issuperset(answer[left.end : right.start])


def _shortened(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def _edited(
    answer: str, said: Sequence[Word], known: Names, own: Own, limit: float
) -> Iterator[Copy]:
    """Words that are none, one letter away from a rare word of a name, or within a whole name."""
    if limit + _DOUBT > UNLISTED:
        return
    for at, word in enumerate(said):
        text = word.text
        # A plain comparison first: an answer may be one word of a hundred thousand letters.
        if not _WITHIN - 1 <= len(text) <= known.longest + 1 or is_listed(text):
            continue
        for number, place in _near(text, known) if text.isalpha() else ():
            name, pieces = known.numbered[number]
            run = said[max(0, at - place) : at - place + len(pieces)]
            if not _is_all_but(answer, run, pieces, place):
                run = said[at : at + 1]
                if len(pieces[place]) < _EDITED or rarity(pieces[place]) <= limit:
                    continue
            if not own.nearly_says(text):
                yield Copy(run[0].start, run[-1].end, name, How.EDITED)


def _is_all_but(answer: str, run: Sequence[Word], pieces: Pieces, place: int) -> bool:
    """Whether the run is the name, whatever stands in the one place."""
    return len(run) == len(pieces) and all(
        (at == place or piece in bases(word.text))
        and (at == 0 or _linked(answer, run[at - 1], word))
        for at, (word, piece) in enumerate(zip(run, pieces, strict=True))
    )


def _near(text: str, known: Names) -> Sequence[tuple[int, int]]:
    """Words of names, by number and place, that are one letter away."""
    places = (p for shorter in _shortened(text) for p in known.neighbours.get(shorter, ()))
    return [
        (number, place)
        for number, place in dict.fromkeys(places)
        if one_edit_apart(text, known.numbered[number][1][place])
    ]


def _parts(
    answer: str, said: Sequence[Word], known: Names, own: Own, limit: float
) -> Iterator[Copy]:
    """Words of a longer name, in its order, that are rare together."""
    running: dict[tuple[int, int], int] = {}
    if not known.places:
        return
    for at in range(len(said) + 1):
        going: dict[tuple[int, int], int] = {}
        if at < len(said):
            linked = at > 0 and _linked(answer, said[at - 1], said[at])
            hits = {hit for base in bases(said[at].text) for hit in known.places.get(base, ())}
            for number, place in hits:
                before = running.get((number, place - 1)) if linked else None
                going[number, place] = at if before is None else before
        for (number, place), first in running.items():
            if going.get((number, place + 1)) != first:
                run, named = said[first:at], known.numbered[number]
                whole = len(run) == len(named[1])
                if whole and not _in_number(answer, run, named[1][-1]):
                    how = How.SPELLING if all(map(_is, run, named[1])) else How.FORM
                    yield Copy(run[0].start, run[-1].end, named[0], how)
                elif not whole and _is_telling(run, own, limit):
                    yield Copy(run[0].start, run[-1].end, named[0], How.PART)
        running = going


def _is(word: Word, piece: str) -> bool:
    return word.text == piece


def _is_telling(run: Sequence[Word], own: Own, limit: float) -> bool:
    foreign = {w.text for w in run if carries_content(w.text) and not own.says(w.text)}
    proof = sum(min(rarity(base) for base in bases(text)) for text in foreign if text.isalpha())
    return proof > limit
