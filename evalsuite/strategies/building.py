"""From an attack to its case, and to what the prompt shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalsuite.cases import Case, Kind
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import sample_skills, seeded
from evalsuite.strategies.attack import Attack, Edit, World
from evalsuite.strategies.operators import applied

_OF_REWRITES = ("lookalike", "window")
"""Operators that only mean something where a rewrite is asked for."""


@dataclass(frozen=True, slots=True)
class Built:
    """An attack carried out."""

    case: Case
    used: tuple[Edit, ...]
    """The edits that changed something, in the order in which they were made."""
    shown: tuple[Demonstration, ...]
    """What the prompt shows, in order."""


def build_attack(attack: Attack, world: World) -> Built:
    """Carry an attack out; the same numbers give the same case.

    Args:
        attack: what to do.
        world: what it may use; of its demonstrations the attack says which are shown.
    """
    shown = shown_by(attack, world)
    seen = replace(world, demonstrations={attack.language: shown})
    case = _harmless(attack, seen)
    edits = attack.edits
    if attack.skill:
        case = _asking_for_a_skill(attack, case)
        edits = tuple(edit for edit in edits if edit.operator not in _OF_REWRITES)
    case, used = applied(case, edits, seen)
    return Built(case, used, shown)


def _harmless(attack: Attack, world: World) -> Case:
    available = world.grammar.templates(attack.language, attack.kind, world.split)
    return available[attack.template % len(available)].case(
        seeded("attack", attack.seed), "drawn", avoid=world.names(attack.language)
    )


def _asking_for_a_skill(attack: Attack, talk: Case) -> Case:
    """A chat that ends with an instruction, after some talk or after none."""
    (item,) = sample_skills(attack.seed, 1, languages=(attack.language,), skills=(attack.skill,))
    return Case(
        id="drawn",
        language=attack.language,
        kind=Kind.STANDALONE,
        cluster=f"skills/{item.cluster}",
        history=talk.history if attack.template % 2 else (),
        query=item.prompt,
        expect=item.expectation,
    )


def shown_by(attack: Attack, world: World) -> tuple[Demonstration, ...]:
    """The demonstrations that the attack's prompt shows, in its order."""
    chosen = world.demonstrations.get(attack.language, ())[: attack.shown]
    return permuted(chosen, attack.order)


def permuted(shown: Sequence[Demonstration], order: int) -> tuple[Demonstration, ...]:
    """Put demonstrations into one of their orders; 0 leaves them as they are."""
    if order == 0:
        return tuple(shown)
    return tuple(seeded("order", order).sample(tuple(shown), len(shown)))
