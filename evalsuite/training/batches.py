"""Batches of few fixed shapes, planned for the whole training beforehand.

Matrix libraries prepare a kernel for every shape they meet, so free shapes cost most of the time
on a CPU and fragment memory on a GPU. Rows are padded to a few widths and grouped by length; each
width has its own fixed number of rows, so that rows times width stays within one token budget.

The plan is a plain list made before the first step. Resuming at step n is taking the list from
there: no sampler has to be replayed.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

_STEP = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """Which samples go into one forward pass, and its shape."""

    indices: tuple[int, ...]
    """At most ``rows`` of them; the rest of the rows is padding that is not learned."""
    rows: int
    width: int


def padded_width(length: int) -> int:
    """Return the width for a row of ``length`` tokens: a multiple of 32, few of them per doubling.

    Short rows are padded by up to 31 tokens, long ones by up to a quarter.
    """
    blocks = -(-max(1, length) // _STEP)
    grain = 1 << max(0, blocks.bit_length() - 3)
    return -(-blocks // grain) * grain * _STEP


def one_pass(lengths: Sequence[int], *, budget: int, rng: random.Random) -> list[Batch]:
    """Put every sample into exactly one batch, in random order.

    Samples that do not fill a batch of their width move up to the next wider one, so at most one
    batch has empty rows.
    """
    by_width: dict[int, list[int]] = defaultdict(list)
    for index, length in enumerate(lengths):
        by_width[padded_width(length)].append(index)
    batches: list[Batch] = []
    left: list[int] = []
    for width in sorted(by_width):
        rows = max(1, budget // width)
        waiting = by_width[width]
        rng.shuffle(waiting)
        waiting = left + waiting
        full = len(waiting) // rows * rows
        batches += [
            Batch(tuple(waiting[at : at + rows]), rows, width) for at in range(0, full, rows)
        ]
        left = waiting[full:]
    if left:
        # The last width seen is the widest, so everything left fits into it.
        batches.append(Batch(tuple(left), rows, width))
    rng.shuffle(batches)
    return batches


def plan(
    lengths: Sequence[int],
    *,
    budget: int,
    accumulation: int,
    seed: int,
    epochs: float | None = None,
    max_steps: int | None = None,
) -> list[Batch]:
    """Return the batches of a whole training, ``accumulation`` of them for each optimizer step.

    Exactly one of ``epochs`` and ``max_steps`` is given. Each pass over the samples is shuffled
    anew; the length is a multiple of ``accumulation`` and at least one step.
    """
    rng = random.Random(f"batches/{seed}")  # noqa: S311 - sampling, not security
    batches = one_pass(lengths, budget=budget, rng=rng)
    wanted = max_steps or max(1, round((epochs or 1.0) * len(batches) / accumulation))
    while len(batches) < wanted * accumulation:
        batches += one_pass(lengths, budget=budget, rng=rng)
    return batches[: wanted * accumulation]
