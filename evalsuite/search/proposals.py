"""Which histories to try next: fresh ones, and ones bred from the most dangerous so far."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from evalsuite.scenarios import seeded
from evalsuite.strategies import Attack, Edit, Envelope
from evalsuite.strategies.attack import ORDERS, PLACES, SEEDS, SIZES

_T = TypeVar("_T")

BRED = 0.5
"""Share of a round that is bred, once there is something to breed from."""
SHARING = 64
"""Neighbouring attacks, over all languages, that show the same demonstrations."""
SKILLED = 7
"""One fresh attack in so many asks for a general skill."""


def fresh(envelope: Envelope, seed: int, number: int) -> Attack:
    """Draw the attack of that number: operators, languages and kinds take turns.

    Attacks of a language share what their prompts show with their neighbours, because an engine
    reads a common beginning once.

    Args:
        envelope: what may be drawn.
        seed: of the search.
        number: of the attack in the whole search.
    """
    rng = seeded("fresh", seed, number)
    language = _dealt(envelope.languages, seed, "language", number)
    shown, order = _prompt(envelope, seeded("prompt", seed, language, number // SHARING))
    first = Edit(_dealt(envelope.operators, seed, "operator", number), *_three(rng))
    more = tuple(edit(envelope, rng) for _ in range(rng.randrange(envelope.max_edits)))
    asks_for_skill = bool(envelope.skills) and rng.randrange(SKILLED) == 0
    return Attack(
        language=language,
        skill=rng.choice(envelope.skills) if asks_for_skill else "",
        kind=_dealt(envelope.kinds, seed, "kind", number),
        template=rng.randrange(SEEDS),
        seed=rng.randrange(SEEDS),
        edits=(first, *more),
        shown=shown,
        order=order,
    )


def _dealt(items: Sequence[_T], seed: int, deck: str, number: int) -> _T:
    """The card of that number, when each deck is dealt whole, then shuffled and dealt again.

    Decks are shuffled apart, so that no operator meets the same languages and kinds only.
    """
    block, place = divmod(number, len(items))
    return seeded("deck", deck, seed, block).sample(items, len(items))[place]


def _prompt(envelope: Envelope, rng: random.Random) -> tuple[int, int]:
    return rng.randint(0, envelope.max_demonstrations), rng.randrange(ORDERS)


def edit(envelope: Envelope, rng: random.Random) -> Edit:
    """Draw one use of an operator."""
    return Edit(rng.choice(envelope.operators), *_three(rng))


def _three(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(SEEDS), rng.randrange(PLACES), rng.randrange(SIZES)


def bred(envelope: Envelope, rng: random.Random, parents: Sequence[Attack]) -> Attack:
    """Breed an attack from the most dangerous ones: one change, or two of them crossed.

    Args:
        envelope: what may be drawn.
        rng: decides everything.
        parents: the most dangerous first; the first are chosen more often.
    """
    parent = parents[min(rng.randrange(len(parents)), rng.randrange(len(parents)))]
    other = rng.choice(parents)
    edits = parent.edits
    at = rng.randrange(len(edits)) if edits else 0
    some = edits[at : at + 1]
    changes = (
        {"edits": (*edits, edit(envelope, rng))[-envelope.max_edits :]},
        {"edits": (*edits[:at], *edits[at + 1 :])},
        {"edits": (*edits[:at], *(_nearby(rng, one) for one in some), *edits[at + 1 :])},
        {"edits": (*edits[: at + 1], *other.edits)[: envelope.max_edits]},
        {"seed": rng.randrange(SEEDS)},
        {"template": rng.randrange(SEEDS)},
        {"kind": rng.choice(envelope.kinds)},
        {"shown": other.shown, "order": other.order},
    )
    return replace(parent, **rng.choice(changes))


def _nearby(rng: random.Random, one: Edit) -> Edit:
    return rng.choice(
        (
            replace(one, seed=rng.randrange(SEEDS)),
            replace(one, place=rng.randrange(PLACES)),
            replace(one, size=rng.randrange(SIZES)),
        )
    )
