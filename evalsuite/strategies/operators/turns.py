"""Operators on whole turns: more of them, fewer of them, longer ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalsuite.cases import Case, Kind
from evalsuite.conversation import Message, Role
from evalsuite.strategies.attack import Edit, World
from evalsuite.strategies.operators.editing import (
    about_something_else,
    appended,
    changed,
    ends_answered,
    exchange,
    names_of,
)
from evalsuite.strategies.operators.phrases import PHRASES

_SENTENCES = 10
"""In the shortest of very long turns; each size doubles it."""
_EMPTY = ("\u200b", "…", ".", "\u2060\u200d", "\u00ad", "-")
"""Texts that look like nothing."""
# Where the assistant alone says which one is meant, or who somebody is.
_SETTLED_BY_THE_ASSISTANT = (Kind.COMPARISON, Kind.PERSON, Kind.DEMONSTRATION_LURE)


def insert_distractors(case: Case, edit: Edit, world: World) -> Case:
    """Talk about one or two other things before the conversation begins."""
    rng = edit.rng
    for _ in range(1 + edit.size % 2):
        other = about_something_else(case, rng, world)
        case = changed(case, (*other.history, *case.history), other.expect.must_name)
    return case


def drift(case: Case, edit: Edit, world: World) -> Case:
    """Come to the topic by way of two to five others, each announced as a change of topic."""
    if not case.history:
        return case
    rng, bridges = edit.rng, PHRASES[case.language].bridges
    before: list[Message] = []
    unwanted: list[str] = []
    known = case
    for number in range(2 + edit.size):
        other = about_something_else(known, rng, world)
        known = changed(known, known.history, other.expect.must_name)
        opening, *rest = other.history
        said = rng.choice(bridges).format(text=opening.content) if number else opening.content
        before += [Message(opening.role, said), *rest]
        unwanted += other.expect.must_name
    first, *others = case.history
    arrived = Message(first.role, rng.choice(bridges).format(text=first.content))
    return changed(case, (*before, arrived, *others), unwanted)


def open_gap(case: Case, edit: Edit, world: World) -> Case:
    """Let one to four exchanges about nothing pass between the antecedent and the query."""
    if not ends_answered(case):
        return case
    rng, fillers = edit.rng, world.grammar.fillers(case.language, world.split)
    chosen = rng.sample(fillers, min(1 + edit.size, len(fillers)))
    gap = (message for asked, answered in chosen for message in exchange(asked, answered))
    return changed(case, (*case.history, *gap))


def lengthen(case: Case, edit: Edit, world: World) -> Case:
    """Make a turn very long: 10 to 80 sentences about nothing at its end."""
    sentences = [PHRASES[case.language].padding] * (_SENTENCES * 2**edit.size)
    return appended(case, edit.place, " ".join(sentences))


def insert_empty_looking(case: Case, edit: Edit, world: World) -> Case:
    """Let both sides say something that looks like nothing."""
    if not ends_answered(case):
        return case
    rng = edit.rng
    said = rng.choice(_EMPTY) * (1 + edit.size)
    at = 2 * (edit.place % (1 + len(case.history) // 2))
    return changed(case, (*case.history[:at], *exchange(said, said), *case.history[at:]))


def duplicate(case: Case, edit: Edit, world: World) -> Case:
    """Send a turn twice, or up to five times, as an impatient client does."""
    if not case.history:
        return case
    at = edit.place % len(case.history)
    again = (case.history[at],) * (1 + edit.size)
    return changed(case, (*case.history[:at], *again, *case.history[at:]))


def drop_assistant(case: Case, edit: Edit, world: World) -> Case:
    """Lose a turn of the assistant that is not needed to know what is meant."""
    answers = [i for i, m in enumerate(case.history) if m.role is Role.ASSISTANT]
    if not answers or case.kind in _SETTLED_BY_THE_ASSISTANT:
        return case
    lost = answers[edit.place % len(answers)]
    left = (*case.history[:lost], *case.history[lost + 1 :])
    if not left or not set(_mentioned(case, case.history)) <= set(_mentioned(case, left)):
        return case
    return changed(case, left)


def _mentioned(case: Case, history: Sequence[Message]) -> list[str]:
    """Names of the case that a history or the query says."""
    said = "\n".join((*(m.content for m in history), case.query))
    return [name for name in names_of(case) if name in said]


def fill_window(case: Case, edit: Edit, world: World) -> Case:
    """Put exchanges about nothing first until the prompt just fits, or is one token too long.

    Even sizes fit exactly or as nearly as words allow; odd ones do not.
    """
    if not case.history:
        return case
    pad = PHRASES[case.language].padding
    room = world.left(case)
    if room <= 0:
        return case
    one = room - world.left(changed(case, (*exchange(pad, pad), *case.history)))
    pairs = max(0, room // max(one, 1) - 1)
    padded = changed(case, (*(exchange(pad, pad) * pairs), *case.history))
    longer, left = padded, world.left(padded)
    first, *rest = padded.history
    for words in range(1, 4 * max(left, 1)):
        more = replace(
            padded, history=(Message(first.role, f"{first.content}{' .' * words}"), *rest)
        )
        if world.left(more) < 0:
            return more if edit.size % 2 else longer
        longer = more
    return longer
