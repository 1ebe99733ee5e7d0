"""What operators are made of: new cases out of old ones, with their truth kept."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from evalsuite.cases import Case, Kind
from evalsuite.conversation import Message, Role
from evalsuite.scenarios import seeded
from evalsuite.strategies.attack import World

# A reference to "the former" counts what was named, so these kinds bear no further mention.
COUNTING = (Kind.ORDINAL,)


def names_of(case: Case) -> tuple[str, ...]:
    """Every name that the case knows, right or wrong."""
    return (*case.expect.must_name, *case.expect.must_not_name)


def changed(case: Case, history: Iterable[Message], unwanted: Iterable[str] = ()) -> Case:
    """Return the case with another history; none of ``unwanted`` may be in an answer."""
    must_not = dict.fromkeys((*case.expect.must_not_name, *unwanted))
    expect = replace(case.expect, must_not_name=tuple(must_not))
    return replace(case, history=tuple(history), expect=expect)


def exchange(asked: str, answered: str) -> tuple[Message, Message]:
    """A user's turn and the assistant's."""
    return Message(Role.USER, asked), Message(Role.ASSISTANT, answered)


def ends_answered(case: Case) -> bool:
    """Whether the history ends with the assistant, so that an exchange may follow."""
    return bool(case.history) and case.history[-1].role is Role.ASSISTANT


def rewritten(case: Case, place: int, change: Callable[[str], str]) -> Case:
    """Return the case with one turn of its history changed; it stays as it is without a history."""
    if not case.history:
        return case
    index = place % len(case.history)
    turn = case.history[index]
    said = change(turn.content)
    if said == turn.content:
        return case
    return changed(
        case, (*case.history[:index], Message(turn.role, said), *case.history[index + 1 :])
    )


def appended(case: Case, place: int, text: str, unwanted: Iterable[str] = ()) -> Case:
    """Return the case with ``text`` at the end of one turn."""
    if not case.history:
        return case
    edited = rewritten(case, place, lambda said: f"{said} {text}")
    return changed(edited, edited.history, unwanted)


def opened_with(case: Case, text: str, unwanted: Iterable[str] = ()) -> Case:
    """Return the case with ``text`` before all that is said: what follows is the latest mention."""
    if not case.history:
        return case
    edited = rewritten(case, 0, lambda said: f"{text} {said}")
    return changed(edited, edited.history, unwanted)


def intruder(case: Case, rng: random.Random, world: World, *, person: bool = False) -> str:
    """Invent a name that neither the case nor a prompt knows."""
    avoid = frozenset(names_of(case)) | world.names(case.language)
    return world.grammar.invent(rng, case.language, world.split, person=person, avoid=avoid)


def about_something_else(case: Case, rng: random.Random, world: World) -> Case:
    """A harmless case of one thing, in the case's language, that shares no name with it."""
    available = world.grammar.templates(case.language, Kind.SINGLE, world.split)
    template = available[rng.randrange(len(available))]
    return template.case(
        rng, "distractor", avoid=frozenset(names_of(case)) | world.names(case.language)
    )


def outside_names(text: str, names: Sequence[str], change: Callable[[str], str]) -> str:
    """Change a text between the names in it, which stay as they are."""
    places = sorted(
        (start, start + len(name))
        for name in names
        for start in _starts(text.casefold(), name.casefold())
    )
    pieces, reached = [], 0
    for start, end in places:
        if start < reached:
            continue
        pieces += [change(text[reached:start]), text[start:end]]
        reached = end
    return "".join((*pieces, change(text[reached:])))


def _starts(text: str, name: str) -> Iterable[int]:
    start = text.find(name)
    while start >= 0:
        yield start
        start = text.find(name, start + 1)


def sealed(case: Case, operators: Sequence[str]) -> Case:
    """Give a finished case an id that is a digest of what it says."""
    said = repr((case.language, [(m.role.value, m.content) for m in case.history], case.query))
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    if not operators:
        return replace(case, id=f"drawn-{digest}", source="strategies")
    cluster = f"adversarial/{case.language}/{case.kind}/{'+'.join(operators)}"
    return replace(case, id=f"adversarial-{digest}", cluster=cluster, source="strategies")


def near_name(name: str, case: Case, rng: random.Random, world: World) -> str:
    """A name that differs from ``name`` in one letter, or in one character of a Chinese name."""
    letters = "".join(sorted({c for shown in _alphabet(case, world) for c in shown}))
    known = {n.casefold() for n in (*names_of(case), *world.names(case.language))}
    while True:
        place = rng.randrange(len(name))
        letter = rng.choice(letters)
        near = name[:place] + (letter.upper() if name[place].isupper() else letter)
        near += name[place + 1 :]
        folded = near.casefold()
        if not any(folded in other or other in folded for other in known):
            return near


def _alphabet(case: Case, world: World) -> Iterable[str]:
    rng = seeded("letters")
    for _ in range(20):
        yield world.grammar.invent(rng, case.language, world.split).casefold()
