"""Copies of Chinese names that are nearly right: a part, one character lost, changed or added.

Chinese has no word boundaries, so a part of a name may also be the end of one word and the start of
the next: 和平 behind 颐 is no 颐和. What is found must begin and end where the likeliest words do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from evalsuite.detectors.copied import Copy, How
from evalsuite.detectors.lexicon import carries_content
from evalsuite.detectors.own import Own, Word, words
from evalsuite.detectors.rarity import rarity, segments

_SHORTEST = 3
"""Characters of the shortest name that has parts: of two, one is left, which proves nothing."""
_STRICTER = 0.3
"""How much rarer a part must be than an English one: compounds such as 博物馆 come easily."""
_DOUBT = 1.0
"""How much rarer what is left must be where a character was lost or changed within."""
_AROUND = 8
"""Characters on either side that are looked at to find where words begin and end."""


@dataclass(frozen=True)
class HanNames:
    """Chinese names, prepared for a search."""

    names: tuple[str, ...]

    @cached_property
    def long(self) -> Sequence[tuple[str, str]]:
        """Each name of three characters or more, and these."""
        spelled = ((name, words(name)) for name in self.names)
        return tuple(
            (name, "".join(word.text for word in pieces))
            for name, pieces in spelled
            if len(pieces) >= _SHORTEST and all(word.is_han for word in pieces)
        )

    @cached_property
    def places(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """A character -> the number of a name, and its place in it."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, (_, spelled) in enumerate(self.long):
            for place, character in enumerate(spelled):
                found[character].append((number, place))
        return found


@dataclass(frozen=True, slots=True)
class _Window:
    """A range of a run of characters that looks like a name, and what of it agrees."""

    start: int
    end: int
    agreeing: tuple[str, ...]
    how: How


def near_han(
    answer: str, said: Sequence[Word], known: HanNames, own: Own, limit: float
) -> Iterator[Copy]:
    """Copies of Chinese names that are rarer than ``limit`` and that the conversation lacks."""
    if not known.long:
        return
    for run in _runs(answer, said):
        text = "".join(word.text for word in run)
        for at, character in enumerate(text):
            for number, place in known.places.get(character, ()):
                name, spelled = known.long[number]
                for window in _windows(text, at, spelled, place):
                    if _telling(text, window, own, limit + _STRICTER):
                        ends = run[window.start].start, run[window.end - 1].end
                        yield Copy(*ends, name, window.how)


def _runs(answer: str, said: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Chinese characters that stand together, whatever spaces are between them."""
    start = 0
    for at in range(len(said) + 1):
        if at < len(said) and said[at].is_han:
            if at == start or not answer[said[at - 1].end : said[at].start].strip():
                continue
            yield said[start:at]
            start = at
        else:
            if at > start:
                yield said[start:at]
            start = at + 1


def _windows(text: str, at: int, name: str, place: int) -> Iterator[_Window]:
    """What could be the name around ``text[at]``, which is ``name[place]``."""
    if place and at and text[at - 1] == name[place - 1]:
        return
    same = 1
    while text[at + same : at + same + 1] == name[place + same : place + same + 1] != "":
        same += 1
    if same == len(name):
        return
    # Pairs from within a long name are syllables that many names share: 姆斯 of 阿姆斯特丹.
    if same > 2 or (same == 2 and (place == 0 or place + same == len(name))):
        yield _Window(at, at + same, (text[at : at + same],), How.PART)
    if place == 0:
        yield from _edited(text, at, name, same)
    if place == 1 and text[at : at + len(name)] == name[1] + name[0] + name[2:]:
        yield _Window(at, at + len(name), (name,), How.EDITED)


def _edited(text: str, at: int, name: str, same: int) -> Iterator[_Window]:
    """The name with one character changed, lost, added or swapped behind the first ``same``."""
    head, tail = name[:same], name[same + 1 :]
    if tail:
        for gap in (1, 0):
            start = at + same + gap
            if text.startswith(tail, start):
                yield _Window(at, start + len(tail), (head, tail), How.EDITED)
    if text.startswith(name[same:], at + same + 1):
        yield _Window(at, at + len(name) + 1, (head, name[same:]), How.EDITED)
    swapped = head + name[same : same + 2][::-1] + name[same + 2 :]
    if tail and text.startswith(swapped, at):
        yield _Window(at, at + len(name), (name,), How.EDITED)


def _telling(text: str, window: _Window, own: Own, limit: float) -> bool:
    said = text[window.start : window.end]
    if own.says_run(said) or not _is_cut_out(text, window):
        return False
    proof = sum(_proof(piece) for piece in window.agreeing)
    if window.how is How.PART:
        return proof > limit
    return min(proof, _proof(said)) > limit + _DOUBT


def _proof(characters: str) -> float:
    """How rare the words are that these characters make; function words prove nothing."""
    return sum(rarity(word) for word in segments(characters) if carries_content(word))


def _is_cut_out(text: str, window: _Window) -> bool:
    """Whether no likely word goes across an end of the window."""
    first = max(0, window.start - _AROUND)
    at = first
    ends = {at}
    for word in segments(text[first : window.end + _AROUND]):
        at += len(word)
        ends.add(at)
    return {window.start, window.end} <= ends
