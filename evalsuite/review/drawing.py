"""Which answers people read: half that the detectors accepted, half that they accused.

Every stratum is drawn by itself, at random and without replacement, and at least once: so each
answer of the run had a known chance above 0 to be read, and what people say can be weighted back to
all of them. A stratum holds answers of which the detectors said the same, of one kind and one
language, as far as there are rows enough for all of these.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalsuite.errors import InvalidInput
from evalsuite.review.population import Subject

LEAST = 8
"""Rows below which no rate says anything."""
Key = tuple[str, ...]
_LEVELS: tuple[Callable[[Subject], Key], ...] = (
    lambda one: (one.right, one.copied, one.kind, one.language),
    lambda one: (one.right, one.copied, one.kind, ""),
    lambda one: (one.right, one.copied, "", one.language),
    lambda one: (one.right, one.copied, "", ""),
)
"""What a stratum has in common, finest first. What was said always is: a gate is measured apart
from the other only where no stratum mixes what it accused with what it accepted."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The answers of one stratum that people read."""

    key: Key
    """What was said of them (right, copied), kind and language; empty: any."""
    size: int
    """Answers of it in the run."""
    subjects: tuple[Subject, ...]

    @property
    def probability(self) -> float:
        """With which each of its answers was to be drawn."""
        return len(self.subjects) / self.size


def drawn(subjects: Sequence[Subject], n: int, seed: object) -> tuple[Drawn, ...]:
    """Draw ``n`` of the answers; fewer where there are not as many.

    Where one half has too few, the other takes its place.

    Args:
        subjects: all of the run.
        n: rows to read.
        seed: decides the draw, together with the order of ``subjects``.

    Raises:
        InvalidInput: ``n`` is too small for each stratum to be drawn.
    """
    if n < LEAST:
        raise InvalidInput(f"n={n} is too few to say anything; draw at least {LEAST}, 120 is usual")
    rng = random.Random(f"review/{seed}")  # noqa: S311 - sampling, not security
    accused = [one for one in subjects if one.accused]
    accepted = [one for one in subjects if not one.accused]
    halves = min(len(accused), n // 2)
    others = min(len(accepted), n - halves)
    halves = min(len(accused), n - others)
    return (
        *_drawn(accused, halves, rng, allotted_evenly),
        *_drawn(accepted, others, rng, _proportionally),
    )


def _drawn(
    subjects: Sequence[Subject],
    n: int,
    rng: random.Random,
    allot: Callable[[Sequence[int], int], list[int]],
) -> list[Drawn]:
    if not subjects:
        return []
    strata = _strata(subjects, n)
    # Which of several equal strata gets the row that is left over must not follow their names.
    rng.shuffle(strata)
    numbers = allot([len(inside) for _, inside in strata], n)
    return [
        Drawn(key, len(inside), tuple(rng.sample(inside, number)))
        for (key, inside), number in zip(strata, numbers, strict=True)
    ]


def _strata(subjects: Sequence[Subject], n: int) -> list[tuple[Key, list[Subject]]]:
    """The finest strata of which there are no more than rows."""
    for level in _LEVELS:
        found: dict[Key, list[Subject]] = {}
        for one in subjects:
            found.setdefault(level(one), []).append(one)
        if len(found) <= n:
            return sorted(found.items())
    raise InvalidInput(f"n: {n} rows for {len(found)} strata leave some unread; draw more rows")


def allotted_evenly(sizes: Sequence[int], n: int) -> list[int]:
    """Give each stratum as much as the others, as far as it has it, the first ones first."""
    return _filled(sizes, n, lambda _, has: -has)


def _proportionally(sizes: Sequence[int], n: int) -> list[int]:
    """Give each stratum one, and the others by size (Webster's method)."""
    return _filled(sizes, n, lambda size, has: size / (2 * has + 1))


def _filled(sizes: Sequence[int], n: int, claim: Callable[[int, int], float]) -> list[int]:
    """Give each one, as far as it goes, then each further to the highest claim that has more."""
    has = [int(at < n) for at in range(len(sizes))]
    for _ in range(min(n, sum(sizes)) - len(sizes)):
        open_ = [at for at, size in enumerate(sizes) if has[at] < size]
        best = max(open_, key=lambda at: claim(sizes[at], has[at]))
        has[best] += 1
    return has
