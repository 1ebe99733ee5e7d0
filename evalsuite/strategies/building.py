"""From an attack to its case, and to what the prompt shows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalsuite.cases import Case
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import make_case, templates
from evalsuite.strategies.attack import Attack, Edit, World
from evalsuite.strategies.operators import applied


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
    available = templates(attack.language, attack.kind, world.split)
    case = make_case(
        random.Random(f"attack/{attack.seed}"),  # noqa: S311 - sampling, not security
        available[attack.template % len(available)],
        "drawn",
        avoid=seen.names(attack.language),
    )
    case, used = applied(case, attack.edits, seen)
    return Built(case, used, shown)


def shown_by(attack: Attack, world: World) -> tuple[Demonstration, ...]:
    """The demonstrations that the attack's prompt shows, in its order."""
    chosen = world.demonstrations.get(attack.language, ())[: attack.shown]
    return permuted(chosen, attack.order)


def permuted(shown: Sequence[Demonstration], order: int) -> tuple[Demonstration, ...]:
    """Put demonstrations into one of their orders; 0 leaves them as they are."""
    if order == 0:
        return tuple(shown)
    rng = random.Random(f"order/{order}")  # noqa: S311 - sampling, not security
    return tuple(rng.sample(tuple(shown), len(shown)))
