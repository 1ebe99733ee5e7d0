"""Operators on what a reference could be mistaken for."""

from __future__ import annotations

from evalsuite.cases import Case, Kind, Language
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import LEXICONS, can_lure, is_personal
from evalsuite.strategies.attack import Edit, World
from evalsuite.strategies.operators.editing import (
    COUNTING,
    changed,
    ends_answered,
    exchange,
    intruder,
    near_name,
)
from evalsuite.strategies.operators.phrases import PHRASES


def set_trap(case: Case, edit: Edit, world: World) -> Case:
    """Name something last and rule it out in the same breath: the latest is not what is meant."""
    if not ends_answered(case) or case.kind in COUNTING:
        return case
    rng = edit.rng
    name = intruder(case, rng, world)
    asked, answered = rng.choice(PHRASES[case.language].set_aside)
    return changed(case, (*case.history, *exchange(asked.format(name=name), answered)), (name,))


def confuse_names(case: Case, edit: Edit, world: World) -> Case:
    """Speak first of something whose name is one letter or character apart."""
    if not case.history or not case.expect.must_name:
        return case
    rng = edit.rng
    near = near_name(case.expect.must_name[0], case, rng, world)
    asked, answered = rng.choice(PHRASES[case.language].set_aside)
    return changed(case, (*exchange(asked.format(name=near), answered), *case.history), (near,))


def mismatch(case: Case, edit: Edit, world: World) -> Case:
    """Speak last of what the pronoun cannot mean: a person where a thing is meant, or a thing."""
    if not ends_answered(case) or case.kind in (*COUNTING, Kind.PLURAL, Kind.STANDALONE):
        return case
    rng, phrases = edit.rng, PHRASES[case.language]
    meant_is_person = any(map(is_personal, case.expect.must_name[:1]))
    if not meant_is_person and not _says_it(case):
        return case
    name = intruder(case, rng, world, person=not meant_is_person)
    asked, answered = rng.choice(phrases.things if meant_is_person else phrases.persons)
    return changed(case, (*case.history, *exchange(asked.format(name=name), answered)), (name,))


def _says_it(case: Case) -> bool:
    """Whether the query refers to a thing by a pronoun: only then a person is no antecedent."""
    thing = LEXICONS[case.language].thing
    if case.language is Language.ZH:
        return thing.subject in case.query
    words = "".join(c if c.isalpha() else " " for c in case.query.casefold()).split()
    return bool({thing.subject, thing.object, thing.possessive} & set(words))


def correct(case: Case, edit: Edit, world: World) -> Case:
    """Correct oneself one to four times, always towards what is meant."""
    meant = case.expect.must_name
    if not ends_answered(case) or not meant or case.kind in COUNTING:
        return case
    rng, phrases = edit.rng, PHRASES[case.language]
    said = LEXICONS[case.language].conjunction.join(meant)
    for _ in range(1 + edit.size):
        name = intruder(case, rng, world)
        asked, answered = (
            text.format(name=name, meant=said) for text in rng.choice(phrases.corrections)
        )
        case = changed(case, (*case.history, *exchange(asked, answered)), (name,))
    return case


def imitate_demonstration(case: Case, edit: Edit, world: World) -> Case:
    """Give the case up for one whose history is a demonstration's own, with other names."""
    own = imitable(world.demonstrations.get(case.language, ()))
    if not own:
        return case
    rng = edit.rng
    imitated = own[edit.place % len(own)]
    avoid = world.names(case.language)
    return world.grammar.lure(rng, imitated, world.split, "drawn", "", avoid)


def imitable(shown: tuple[Demonstration, ...]) -> tuple[Demonstration, ...]:
    """Demonstrations of which a lure can be made: they resolve a reference to one thing."""
    return tuple(d for d in shown if can_lure(d))
