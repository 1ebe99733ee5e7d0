"""Stretches of the prompt that stand in an answer word for word.

Four words in a row of a demonstration, two of them content that the conversation does not hold; a
whole sentence of it, whatever its words are; and of the instruction a sentence or six words in a
row. Contamination research looks for 8- to 13-grams, which is longer than most rewrites.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from evalsuite.detectors.copied import apart_from, in_order
from evalsuite.detectors.lexicon import carries_content
from evalsuite.detectors.own import Own, Word, words
from evalsuite.detectors.result import Span

_N = 4
"""Length of a telling run of words or Han characters of a demonstration."""
_LONG = 6
"""The same of the instruction, of which a right answer may well repeat a few words."""
_FOREIGN = 2
"""How many words of a run must be content that the conversation does not hold."""
_SENTENCE = 3
"""Words of the shortest sentence that is telling as a whole, with a word of content; one of
function words and courtesies alone needs another."""
_HAN_SENTENCE = 5
"""The same in Han characters."""
_COURTESY = frozenset(
    "yes yeah no ok okay sure course thanks thank hello hi sorry well right great good "
    "好 对 谢 嗯 哦 错 当 然".split()
)
"""Words of content with which everybody answers everything."""
_ENDS = re.compile(r'[.?!。？！；;:：\n\r"“”「」|]')

Run = tuple[str, ...]


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[tuple[Word, ...], ...]:
    """The words of each sentence; a colon, a quote and the end of a line also end one."""
    found: list[list[Word]] = [[]]
    end = 0
    for word in words(text):
        gap = text[end : word.start]
        if _ENDS.search(gap) and not (gap == "." and word.text[0].isdigit()):
            found.append([])
        found[-1].append(word)
        end = word.end
    return tuple(tuple(sentence) for sentence in found if sentence)


def copied_runs(answer: str, shown: tuple[str, ...], own: Own, task: str) -> tuple[Span, ...]:
    """Runs of words of demonstrations; what the instruction also says in a row is none."""
    said, asked = words(answer), runs_of((task,), _N)
    theirs = runs_of(shown, _N)

    def copied(run: Run) -> bool:
        return run in theirs and run not in asked

    return spans_of(said, _marked(said, _N, own, copied), "phrase of a demonstration")


def copied_instruction(answer: str, task: str, own: Own) -> tuple[Span, ...]:
    """Runs and sentences of the instruction."""
    said, asked = words(answer), runs_of((task,), _LONG)
    long = _marked(said, _LONG, own, asked.__contains__)
    label = "phrase of the instruction"
    whole = _sentences(answer, (task,), own, "sentence of the instruction")
    return in_order(whole, apart_from(whole, spans_of(said, long, label)))


def copied_sentences(answer: str, shown: tuple[str, ...], own: Own) -> tuple[Span, ...]:
    """Whole sentences of demonstrations that are sentences of the answer, too."""
    return _sentences(answer, shown, own, "sentence of a demonstration")


def _sentences(answer: str, shown: tuple[str, ...], own: Own, label: str) -> tuple[Span, ...]:
    theirs = _known_sentences(shown)
    return tuple(
        Span(sentence[0].start, sentence[-1].end, label)
        for sentence in sentences(answer)
        if (run := tuple(word.text for word in sentence)) in theirs and not own.says_run(run)
    )


@lru_cache(maxsize=256)
def _known_sentences(texts: tuple[str, ...]) -> frozenset[Run]:
    runs = (tuple(word.text for word in sentence) for text in texts for sentence in sentences(text))
    return frozenset(run for run in runs if _is_telling(run))


def _is_telling(run: Run) -> bool:
    shortest = _HAN_SENTENCE if any(not w.isascii() for w in run) else _SENTENCE
    return len(run) >= shortest + (not any(map(says_something, run)))


def says_something(word: str) -> bool:
    """Whether a word carries content and is more than a courtesy."""
    return word not in _COURTESY and carries_content(word)


@lru_cache(maxsize=256)
def runs_of(texts: tuple[str, ...], n: int) -> frozenset[Run]:
    """All runs of ``n`` words; remembered, because thousands of answers see one prompt."""
    found: set[Run] = set()
    for text in texts:
        said = [word.text for word in words(text)]
        found.update(tuple(said[i : i + n]) for i in range(len(said) - n + 1))
    return frozenset(found)


def _marked(said: Sequence[Word], n: int, own: Own, copied: Callable[[Run], bool]) -> set[int]:
    """Places of words in a run of ``n`` that was copied and holds foreign content."""
    marked: set[int] = set()
    texts = [word.text for word in said]
    for i in range(len(said) - n + 1):
        run = tuple(texts[i : i + n])
        if copied(run):
            foreign = {w for w in run if carries_content(w) and not own.nearly_says(w)}
            if len(foreign) >= _FOREIGN:
                marked.update(range(i, i + n))
    return marked


def spans_of(said: Sequence[Word], marked: set[int], label: str) -> tuple[Span, ...]:
    spans: list[Span] = []
    for i in sorted(marked):
        if i - 1 in marked:
            spans[-1] = Span(spans[-1].start, said[i].end, label)
        else:
            spans.append(Span(said[i].start, said[i].end, label))
    return tuple(spans)
