"""The frame of a demonstration: its question with another name in it.

Shown "When was it built? -> When was the Alhambra built?" and asked "How many moons does Jupiter
have?", a model may answer "When was Jupiter built?". No name and no long phrase was copied, only
what the demonstration asks. A frame is a demonstration's sentence without its names and pronouns.
An answer copies it when it has nearly all of the frame in the frame's order, brings content with it
that the conversation lacks, and no longer asks what the query asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalsuite.cases import Case
from evalsuite.detectors.own import Own, Word, bases, words
from evalsuite.detectors.phrases import says_something, sentences
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import find_names, is_han
from evalsuite.prompts import Demonstration

_NEARLY = 0.75
"""Share of a frame that the answer has, and share of its foreign words that are the frame's."""
_DROPPED = 0.5
"""Share of the query's content that at most is still asked."""
_SHORTEST, _HAN_SHORTEST = 2, 4
"""Words, or Han characters, of the shortest frame."""
_LIGHT = frozenset(
    "a an the it its he him his she her hers they them their theirs this that these those "
    "的 它 他 她 们 这 那".split()
)
"""Words that come and go with a name, or stand for one."""

Pieces = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a sentence of a demonstration asks, whatever it is about."""

    words: Pieces
    """In order, without names, pronouns and articles."""
    content: frozenset[str]
    """Those of its words that carry content, in their forms."""
    sentence: str
    """The sentence itself, with its name."""


def frames_of(demonstrations: Iterable[Demonstration]) -> tuple[Frame, ...]:
    """The frames of what demonstrations ask and answer, each once."""
    # Two demonstrations are equal whatever their names are, so these belong to the key.
    return _frames_of(tuple((d.rewrite, d.query, d.entities) for d in demonstrations))


@lru_cache(maxsize=512)
def _frames_of(shown: tuple[tuple[str, str, tuple[str, ...]], ...]) -> tuple[Frame, ...]:
    found: dict[Pieces, Frame] = {}
    for rewrite, query, names in shown:
        for frame in (*_frames(rewrite, names), *_frames(query, names)):
            found.setdefault(frame.words, frame)
    return tuple(found.values())


def _frames(text: str, names: Sequence[str]) -> Iterator[Frame]:
    named = find_names(text, names)
    for sentence in sentences(text):
        left = _skeleton(sentence, named)
        content = frozenset(base for w in left if says_something(w) for base in bases(w))
        if len(left) >= (_HAN_SHORTEST if any(is_han(w[0]) for w in left) else _SHORTEST):
            yield Frame(left, content, text[sentence[0].start : sentence[-1].end])


def _skeleton(sentence: Sequence[Word], named: Sequence[Span] = ()) -> Pieces:
    return tuple(
        word.text
        for word in sentence
        if word.text not in _LIGHT
        and not any(name.start <= word.start < name.end for name in named)
    )


def copied_frames(
    case: Case, answer: str, demonstrations: Sequence[Demonstration], own: Own
) -> tuple[tuple[Span, Frame], ...]:
    """Sentences of the answer that ask what a demonstration asks and the query does not."""
    asked = frames_of(demonstrations)
    content = frozenset().union(*(frame.content for frame in asked))
    near = [s for s in sentences(answer) if not content.isdisjoint(_forms(s))]
    telling = [frame for frame in asked if near and _is_foreign(case.query, frame, own)]
    query = _content(_skeleton(words(case.query)))
    found: list[tuple[Span, Frame]] = []
    for sentence in near if telling else ():
        said = _skeleton(sentence)
        frame = next((f for f in telling if _copies(said, f, query, own)), None)
        if frame is not None:
            found.append(
                (Span(sentence[0].start, sentence[-1].end, "question of a demonstration"), frame)
            )
    return tuple(found)


def _forms(sentence: Sequence[Word]) -> Iterator[str]:
    return (base for word in sentence for base in bases(word.text))


def _content(said: Sequence[str]) -> Pieces:
    return tuple(word for word in said if says_something(word))


def _is_foreign(query: str, frame: Frame, own: Own) -> bool:
    """Whether the frame brings content that the conversation lacks and is not the query's own.

    "When was it constructed?" may well be asked as "When was it built?": where the two differ in
    one word of content alone, nobody can tell who supplied it.
    """
    foreign = [w for w in _content(frame.words) if not own.nearly_says(w)]
    if not foreign:
        return False
    asked = _skeleton(words(query))
    if _common(asked, frame.words) >= _NEARLY * len(frame.words):
        return False
    around = [word for word in frame.words if word not in foreign]
    lost = [w for w in asked if w not in frame.words]
    kept = [w for w in asked if w in frame.words]
    return not (len(foreign) == len(lost) == 1 and around == kept)


def _copies(said: Pieces, frame: Frame, query: Pieces, own: Own) -> bool:
    foreign = [w for w in _content(said) if not own.nearly_says(w)]
    theirs = [w for w in foreign if not frame.content.isdisjoint(bases(w))]
    if not theirs or len(theirs) < _NEARLY * len(foreign):
        return False
    if _common(said, frame.words) < _NEARLY * len(frame.words):
        return False
    forms = {base for word in said for base in bases(word)} - frame.content
    still = [word for word in query if not forms.isdisjoint(bases(word))]
    return len(still) <= _DROPPED * len(query)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence; a form of a word counts as the word."""
    row = [0] * (len(right) + 1)
    for one in left:
        before = 0
        for at, other in enumerate(right, start=1):
            above = row[at]
            if one == other or _are_forms(one, other):
                row[at] = before + 1
            elif row[at - 1] > above:
                row[at] = row[at - 1]
            before = above
    return row[-1]


def _are_forms(one: str, other: str) -> bool:
    return one[0] == other[0] and not set(bases(one)).isdisjoint(bases(other))
