"""Did something from the demonstrations get into the answer?

Two searches and one experiment. The literal search looks for names and phrases that only a
demonstration can have supplied. The same search for names that were in no prompt measures how
often it cries wolf. The counterfactual swap answers one case under two prompts that differ only in
the entities of their demonstrations: whatever changes with them leaked. Contamination research
looks for 8- to 13-grams, which is longer than most rewrites; here four tokens are enough, provided
that two of them are content that the conversation does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from evalsuite.cases import Case
from evalsuite.detectors.lexicon import carries_content
from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.detectors.text import Token, comparable, find_names, mentions, tokens
from evalsuite.prompts import Demonstration

_N = 4
"""Length of a telling n-gram, in words or Han characters."""
_FOREIGN = 2
"""How many of them must be content that the conversation does not hold."""


def literal_leak(
    case: Case, answer: str, demonstrations: Sequence[Demonstration], *, task: str = ""
) -> Score:
    """Loss 1 when the answer repeats an entity or a content 4-gram of a demonstration.

    What the case's own history, query or accepted rewrites say is no leak, nor are phrases of
    ``task``, the instruction in the prompt. None when the prompt held no demonstration.
    """
    name = Detector.LITERAL_LEAK
    if not demonstrations:
        return Score(name, case.id, None, "The prompt held no demonstration that could leak.")
    own = _own_texts(case, task)
    names = _foreign(find_names(answer, _entities(demonstrations)), own)
    phrases = _apart_from(names, _foreign_phrases(answer, _texts(demonstrations), own))
    if not names and not phrases:
        count = f"{len(demonstrations)} demonstration" + "s" * (len(demonstrations) > 1)
        return Score(name, case.id, 0.0, f"Nothing of the {count} occurs in the answer.")
    reasons = [
        f"The answer names {_listed(names)}, which occurs in a demonstration and nowhere in the "
        "conversation."
    ] * bool(names) + [
        f'The answer repeats "{answer[span.start : span.end]}" from a demonstration; the '
        "conversation does not say it."
        for span in phrases
    ]
    return Score(name, case.id, 1.0, " ".join(reasons), _in_order(names, phrases))


def absent_names(case: Case, answer: str, absent: Sequence[str]) -> Score:
    """The control of :func:`literal_leak`: the same search for names that no prompt held.

    Loss 1 is a false alarm: the rate of these is the rate at which the search accuses the innocent.
    None when the conversation holds all of ``absent``, or there are none.
    """
    name = Detector.ABSENT_NAMES
    own = _own_texts(case, "")
    if not _any_foreign(absent, own):
        return Score(name, case.id, None, "There was no absent name to search for.")
    found = _foreign(find_names(answer, absent), own)
    if not found:
        return Score(name, case.id, 0.0, f"None of {len(absent)} absent names was found.")
    return Score(name, case.id, 1.0, f"Found {_listed(found)}, which was in no prompt.", found)


def swap_leak(
    case: Case,
    answer_a: str,
    demos_a: Sequence[Demonstration],
    answer_b: str,
    demos_b: Sequence[Demonstration],
) -> Score:
    """Compare two answers to one case under prompts with entity-disjoint demonstrations.

    Loss 1 when an answer names an entity of its own demonstrations that the conversation does not
    hold, or when the answers differ in words that one side's demonstrations hold and neither the
    conversation nor the other side does. A mere difference is no leak. Spans mark ``answer_a``.
    None when the two sets share an entity or are empty: then a difference proves nothing.
    """
    name = Detector.SWAP_LEAK
    own = _own_texts(case, "")
    names_a, names_b = _entities(demos_a), _entities(demos_b)
    if not (_any_foreign(names_a, own) and _any_foreign(names_b, own)):
        return Score(name, case.id, None, "Each side needs demonstrations that name something new.")
    shared = {comparable(n) for n in names_a} & {comparable(n) for n in names_b}
    if shared:
        return Score(
            name, case.id, None, f"Both sides' demonstrations name {', '.join(sorted(shared))}."
        )
    leaks_a = _foreign(find_names(answer_a, names_a), own)
    leaks_b = _foreign(find_names(answer_b, names_b), own)
    words_a = _apart_from(leaks_a, _supplied(answer_a, answer_b, demos_a, demos_b, own))
    words_b = _apart_from(leaks_b, _supplied(answer_b, answer_a, demos_b, demos_a, own))
    reasons = (
        *_swap_reasons("A", answer_a, leaks_a, words_a),
        *_swap_reasons("B", answer_b, leaks_b, words_b),
    )
    if reasons:
        return Score(name, case.id, 1.0, " ".join(reasons), _in_order(leaks_a, words_a))
    if comparable(answer_a) == comparable(answer_b):
        return Score(name, case.id, 0.0, "The answers are the same under both demonstrations.")
    return Score(
        name,
        case.id,
        0.0,
        "The answers differ, but in nothing that the demonstrations supplied: no leak.",
    )


def _own_texts(case: Case, task: str) -> tuple[str, ...]:
    """Everything that the answer may repeat."""
    expect = case.expect
    turns = (message.content for message in case.history)
    return (*turns, case.query, *expect.rewrites, *expect.must_name, task)


def _texts(demonstrations: Iterable[Demonstration]) -> tuple[str, ...]:
    return tuple(
        text
        for shown in demonstrations
        for text in (*(m.content for m in shown.history), shown.query, shown.rewrite)
    )


def _entities(demonstrations: Iterable[Demonstration]) -> tuple[str, ...]:
    return tuple(name for shown in demonstrations for name in shown.entities)


def _is_foreign(name: str, own: Sequence[str]) -> bool:
    return not any(mentions(text, name) for text in own)


def _any_foreign(names: Iterable[str], own: Sequence[str]) -> bool:
    return any(_is_foreign(name, own) for name in names)


def _foreign(spans: Iterable[Span], own: Sequence[str]) -> tuple[Span, ...]:
    return tuple(span for span in spans if _is_foreign(span.label, own))


@lru_cache(maxsize=256)
def _grams(texts: tuple[str, ...], n: int) -> frozenset[tuple[str, ...]]:
    """All n-grams of the texts; remembered, because thousands of answers see one prompt."""
    grams: set[tuple[str, ...]] = set()
    for text in texts:
        words = [part.text for part in tokens(text)]
        grams.update(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
    return frozenset(grams)


@lru_cache(maxsize=256)
def _vocabulary(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(token.text for text in texts for token in tokens(text))


def _foreign_phrases(answer: str, shown: tuple[str, ...], own: tuple[str, ...]) -> tuple[Span, ...]:
    """Maximal runs of content 4-grams that ``shown`` has and ``own`` has not."""
    known = _vocabulary(own)
    theirs = _grams(shown, _N)
    parts = tokens(answer)
    marked: set[int] = set()
    for i in range(len(parts) - _N + 1):
        words = tuple(part.text for part in parts[i : i + _N])
        foreign = [w for w in words if carries_content(w) and w not in known]
        if words in theirs and len(set(foreign)) >= _FOREIGN:
            marked.update(range(i, i + _N))
    return _runs(parts, marked, "phrase of a demonstration")


def _supplied(
    answer: str,
    other: str,
    shown: Sequence[Demonstration],
    shown_other: Sequence[Demonstration],
    own: tuple[str, ...],
) -> tuple[Span, ...]:
    """Words of ``answer`` that ``other`` lacks and that only ``shown`` can have supplied.

    Single Han characters are too common to prove anything: two in a row must come from there.
    """
    parts, theirs, ours = tokens(answer), _texts(shown), (_texts(shown_other), (*own, other))

    def only_theirs(*words: str) -> bool:
        n = len(words)
        return (
            all(map(carries_content, words))
            and words in _grams(theirs, n)
            and not any(words in _grams(texts, n) for texts in ours)
        )

    marked: set[int] = set()
    differing = _differing(parts, tokens(other))
    for i in differing:
        length = 2 if parts[i].is_han else 1
        run = range(i, i + length)
        if differing.issuperset(run) and only_theirs(*(parts[k].text for k in run)):
            marked.update(run)
    return _runs(parts, marked, "word of a demonstration")


def _differing(parts: Sequence[Token], others: Sequence[Token]) -> set[int]:
    matcher = SequenceMatcher(
        None, [p.text for p in parts], [p.text for p in others], autojunk=False
    )
    return {
        i
        for tag, start, end, _, _ in matcher.get_opcodes()
        if tag != "equal"
        for i in range(start, end)
    }


def _runs(parts: Sequence[Token], marked: set[int], label: str) -> tuple[Span, ...]:
    spans: list[Span] = []
    for i in sorted(marked):
        if i - 1 in marked:
            spans[-1] = Span(spans[-1].start, parts[i].end, label)
        else:
            spans.append(Span(parts[i].start, parts[i].end, label))
    return tuple(spans)


def _apart_from(taken: Sequence[Span], spans: Iterable[Span]) -> tuple[Span, ...]:
    """``spans`` without those that touch a span in ``taken``: one leak is reported once."""
    return tuple(
        span for span in spans if not any(span.start < t.end and t.start < span.end for t in taken)
    )


def _in_order(*groups: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(sorted((s for group in groups for s in group), key=lambda s: (s.start, s.end)))


def _listed(spans: Sequence[Span]) -> str:
    return " and ".join(f'"{label}"' for label in dict.fromkeys(span.label for span in spans))


def _swap_reasons(
    side: str, answer: str, names: Sequence[Span], words: Sequence[Span]
) -> tuple[str, ...]:
    reasons: list[str] = []
    if names:
        reasons.append(f"Answer {side} names {_listed(names)} from its own demonstrations.")
    if words:
        said = " and ".join(f'"{answer[w.start : w.end]}"' for w in words)
        reasons.append(f"Answer {side} says {said}, which only its demonstrations supply.")
    return tuple(reasons)
