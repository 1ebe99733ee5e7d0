"""Did something from the prompt's demonstrations, or its instruction, get into the answer?

Two searches and one experiment. The literal search looks for names, phrases and questions that only
a demonstration can have supplied (:mod:`nearnames`, :mod:`phrases`, :mod:`frames`). The same search
for names that were in no prompt measures how often it cries wolf. The counterfactual swap answers
one case under two prompts whose demonstrations share neither names nor questions: whatever changes
with them leaked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalsuite.cases import Case
from evalsuite.detectors.copied import Copy, How, apart_from, in_order
from evalsuite.detectors.frames import Frame, copied_frames
from evalsuite.detectors.lexicon import carries_content
from evalsuite.detectors.nearnames import copies, holds
from evalsuite.detectors.own import Own, own_of, own_texts, words
from evalsuite.detectors.phrases import (
    copied_instruction,
    copied_runs,
    copied_sentences,
    runs_of,
    spans_of,
)
from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.detectors.text import comparable
from evalsuite.prompts import Demonstration


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything of a prompt that was found in an answer, each thing once."""

    names: tuple[Copy, ...] = ()
    sentences: tuple[Span, ...] = ()
    phrases: tuple[Span, ...] = ()
    frames: tuple[tuple[Span, Frame], ...] = ()
    instruction: tuple[Span, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """All of it, in order."""
        return in_order(
            [copy.span for copy in self.names],
            self.sentences,
            self.phrases,
            [span for span, _ in self.frames],
            self.instruction,
        )


def literal_leak(
    case: Case, answer: str, demonstrations: Sequence[Demonstration], *, task: str = ""
) -> Score:
    """Loss 1 when the answer repeats something of the prompt that the conversation does not hold.

    That is a name of a demonstration, whole or nearly; four words in a row of it, or a sentence;
    its question, with another name; a sentence or six words in a row of ``task``, the instruction.
    What the case's own history, query, accepted rewrites and names say is no leak. The instruction
    excuses names and phrases that it holds itself. None when the prompt held no demonstration.
    """
    name = Detector.LITERAL_LEAK
    if not demonstrations:
        return Score(name, case.id, None, "The prompt held no demonstration that could leak.")
    found = _found(case, answer, demonstrations, task)
    reasons = tuple(_reasons(answer, found))
    if not reasons:
        count = f"{len(demonstrations)} demonstration" + "s" * (len(demonstrations) > 1)
        return Score(name, case.id, 0.0, f"Nothing of the {count} occurs in the answer.")
    return Score(name, case.id, 1.0, " ".join(reasons), found.spans)


def absent_names(case: Case, answer: str, absent: Sequence[str]) -> Score:
    """The control of :func:`literal_leak`: the same search for names that no prompt held.

    Loss 1 is a false alarm: the rate of these is the rate at which the search accuses the innocent.
    None when the conversation holds all of ``absent``, or there are none.
    """
    name = Detector.ABSENT_NAMES
    own = own_of(case)
    if all(holds(own, absent_name) for absent_name in absent):
        return Score(name, case.id, None, "There was no absent name to search for.")
    found = copies(answer, absent, own)
    if not found:
        return Score(name, case.id, 0.0, f"None of {len(absent)} absent names was found.")
    told = _listed(copy.told(answer) for copy in found)
    spans = tuple(copy.span for copy in found)
    return Score(name, case.id, 1.0, f"Found {told}, which was in no prompt.", spans)


def swap_leak(
    case: Case,
    answer_a: str,
    demos_a: Sequence[Demonstration],
    answer_b: str,
    demos_b: Sequence[Demonstration],
) -> Score:
    """Compare two answers to one case under prompts whose demonstrations have nothing in common.

    Loss 1 when an answer names an entity of its own demonstrations, or asks their question, and the
    conversation does not; or when it has words that its demonstrations hold and neither the
    conversation nor the other side does. A mere difference is no leak. Spans mark ``answer_a``.
    None when the two sets share an entity or are empty: then a difference proves nothing.
    """
    name = Detector.SWAP_LEAK
    own = own_of(case)
    names_a, names_b = _entities(demos_a), _entities(demos_b)
    if all(holds(own, n) for n in names_a) or all(holds(own, n) for n in names_b):
        return Score(name, case.id, None, "Each side needs demonstrations that name something new.")
    shared = {comparable(n) for n in names_a} & {comparable(n) for n in names_b}
    if shared:
        return Score(
            name, case.id, None, f"Both sides' demonstrations name {', '.join(sorted(shared))}."
        )
    a = _followed(case, answer_a, demos_a, answer_b, demos_b, own)
    b = _followed(case, answer_b, demos_b, answer_a, demos_a, own)
    reasons = (*_swap_reasons("A", answer_a, a), *_swap_reasons("B", answer_b, b))
    if reasons:
        return Score(name, case.id, 1.0, " ".join(reasons), a.spans)
    if comparable(answer_a) == comparable(answer_b):
        return Score(name, case.id, 0.0, "The answers are the same under both demonstrations.")
    return Score(
        name,
        case.id,
        0.0,
        "The answers differ, but in nothing that the demonstrations supplied: no leak.",
    )


def _found(case: Case, answer: str, demonstrations: Sequence[Demonstration], task: str) -> _Found:
    own, shown = own_of(case), _texts(demonstrations)
    asked = own_texts((task,))
    named = tuple(n for n in _entities(demonstrations) if not holds(asked, n))
    names = copies(answer, named, own)
    taken = [copy.span for copy in names]
    sentences = apart_from(taken, copied_sentences(answer, shown, own))
    taken += sentences
    instruction = apart_from(taken, copied_instruction(answer, task, own))
    taken += instruction
    phrases = apart_from(taken, copied_runs(answer, shown, own, task))
    taken += phrases
    frames = _frames_apart(taken, copied_frames(case, answer, demonstrations, own))
    return _Found(names, sentences, phrases, frames, instruction)


def _followed(
    case: Case,
    answer: str,
    shown: Sequence[Demonstration],
    other: str,
    shown_other: Sequence[Demonstration],
    own: Own,
) -> _Found:
    """What of its own demonstrations an answer has and the other side has not."""
    names = copies(answer, _entities(shown), own)
    taken = [copy.span for copy in names]
    supplied = apart_from(taken, _supplied(answer, other, shown, shown_other, own))
    taken += supplied
    frames = _frames_apart(taken, copied_frames(case, answer, shown, own))
    return _Found(names=names, phrases=supplied, frames=frames)


def _frames_apart(
    taken: Sequence[Span], found: Sequence[tuple[Span, Frame]]
) -> tuple[tuple[Span, Frame], ...]:
    kept = set(apart_from(taken, [span for span, _ in found]))
    return tuple((span, frame) for span, frame in found if span in kept)


def _texts(demonstrations: Iterable[Demonstration]) -> tuple[str, ...]:
    return tuple(
        text
        for shown in demonstrations
        for text in (*(m.content for m in shown.history), shown.query, shown.rewrite)
    )


def _entities(demonstrations: Iterable[Demonstration]) -> tuple[str, ...]:
    return tuple(name for shown in demonstrations for name in shown.entities)


def _supplied(
    answer: str,
    other: str,
    shown: Sequence[Demonstration],
    shown_other: Sequence[Demonstration],
    own: Own,
) -> tuple[Span, ...]:
    """Words of ``answer`` that ``other`` lacks and that only ``shown`` can have supplied.

    Single Han characters are too common to prove anything: two in a row must come from there.
    """
    said, theirs = words(answer), _texts(shown)
    elsewhere = ((other,), _texts(shown_other), own.texts)

    def only_theirs(*run: str) -> bool:
        n = len(run)
        return (
            run in runs_of(theirs, n)
            and all(map(carries_content, run))
            and not any(run in runs_of(texts, n) for texts in elsewhere)
        )

    marked: set[int] = set()
    for i, word in enumerate(said):
        run = said[i : i + 2] if word.is_han else said[i : i + 1]
        if len(run) == 1 + word.is_han and only_theirs(*(w.text for w in run)):
            marked.update(range(i, i + len(run)))
    return spans_of(said, marked, "word of a demonstration")


def _reasons(answer: str, found: _Found) -> Iterator[str]:
    whole = [copy for copy in found.names if copy.how is How.WHOLE]
    near = [copy for copy in found.names if copy.how is not How.WHOLE]
    if whole:
        yield (
            f"The answer names {_listed(c.told(answer) for c in whole)}, which occurs in a "
            "demonstration and nowhere in the conversation."
        )
    if near:
        yield (
            f"The answer says {_listed(c.told(answer) for c in near)} of a demonstration; the "
            "conversation does not say it."
        )
    for span in (*found.sentences, *found.phrases):
        yield (
            f'The answer repeats "{_cut(answer, span)}" from a demonstration; the conversation '
            "does not say it."
        )
    for span, frame in found.frames:
        yield (
            f'The answer asks "{_cut(answer, span)}", as the demonstration "{frame.sentence}" '
            "does; the query does not ask that."
        )
    for span in found.instruction:
        yield f'The answer repeats "{_cut(answer, span)}" from the instruction.'


def _swap_reasons(side: str, answer: str, found: _Found) -> Iterator[str]:
    if found.names:
        told = _listed(copy.told(answer) for copy in found.names)
        yield f"Answer {side} names {told} from its own demonstrations."
    if found.phrases:
        said = _listed(f'"{_cut(answer, span)}"' for span in found.phrases)
        yield f"Answer {side} says {said}, which only its demonstrations supply."
    for span, frame in found.frames:
        yield (
            f'Answer {side} asks "{_cut(answer, span)}", as its demonstration '
            f'"{frame.sentence}" does.'
        )


def _cut(answer: str, span: Span) -> str:
    return answer[span.start : span.end]


def _listed(told: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(told))
