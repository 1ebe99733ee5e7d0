"""Texts that differ most from each other: each the middle of a group of like ones.

Texts are compared by runs of two and three characters, weighted by how rare they are, which asks
for no word list and works in both languages. Groups are found deterministically: first each text
that is least like those chosen before it (Gonzalez 1985), then, so that no oddity stands for a
group, the member of each group that is most like the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RUNS = (2, 3)
_ROUNDS = 5
"""Groups hardly move after two."""


def diverse(texts: Sequence[str], n: int, start: int = 0) -> list[tuple[int, int]]:
    """Return the positions of ``n`` texts that differ, and how many each stands for, largest first.

    Args:
        texts: to choose from; with no more than ``n`` of them, all are returned.
        n: how many to choose, at least 1.
        start: position of the text to begin with.
    """
    if len(texts) <= n:
        return [(at, 1) for at in range(len(texts))]
    vectors = _vectors(texts)
    chosen = _spread(vectors, n, start % len(texts))
    groups = _grouped(vectors, chosen)
    for _ in range(_ROUNDS):
        middles = [_middle(vectors, np.flatnonzero(groups == at)) for at in range(n)]
        if middles == chosen:
            break
        chosen, groups = middles, _grouped(vectors, middles)
    sizes = np.bincount(groups, minlength=n)
    return sorted(
        ((at, int(size)) for at, size in zip(chosen, sizes, strict=True)),
        key=lambda one: (-one[1], one[0]),
    )


def _vectors(texts: Sequence[str]) -> Any:
    """Unit vectors of the texts' runs, as a sparse matrix of shape ``[texts, runs]``."""
    from scipy.sparse import csr_array

    counts = [Counter(_runs(text)) for text in texts]
    known: dict[str, int] = {}
    holding: Counter[str] = Counter()
    for one in counts:
        holding.update(one.keys())
        for run in one:
            known.setdefault(run, len(known))
    rows, columns, values = [], [], []
    for at, one in enumerate(counts):
        weights = {r: k * np.log((1 + len(texts)) / (1 + holding[r])) for r, k in one.items()}
        # A run that every text has says nothing; a text of nothing else is like no other.
        length = float(np.sqrt(sum(w * w for w in weights.values()))) or 1.0
        rows += [at] * len(weights)
        columns += [known[run] for run in weights]
        values += [weight / length for weight in weights.values()]
    return csr_array((values, (rows, columns)), shape=(len(texts), max(1, len(known))))


def _runs(text: str) -> list[str]:
    spaced = f" {' '.join(text.casefold().split())} "
    return [spaced[i : i + k] for k in _RUNS for i in range(len(spaced) - k + 1)]


def _likeness(vectors: Any, at: int) -> NDArray[np.float64]:
    """How like each text is to one of them, 0 to 1."""
    found: NDArray[np.float64] = np.asarray((vectors @ vectors[[at], :].T).todense()).ravel()
    return found


def _spread(vectors: Any, n: int, start: int) -> list[int]:
    chosen = [start]
    nearest = _likeness(vectors, start)
    nearest[start] = np.inf
    while len(chosen) < n:
        at = int(np.argmin(nearest))
        chosen.append(at)
        nearest = np.maximum(nearest, _likeness(vectors, at))
        nearest[at] = np.inf
    return chosen


def _grouped(vectors: Any, chosen: Sequence[int]) -> NDArray[np.intp]:
    """The group of each text: that of the chosen one that it is most like."""
    likeness = np.stack([_likeness(vectors, at) for at in chosen])
    groups: NDArray[np.intp] = np.argmax(likeness, axis=0)
    # A chosen text is its own group's, also where it equals another.
    groups[list(chosen)] = np.arange(len(chosen))
    return groups


def _middle(vectors: Any, members: NDArray[np.intp]) -> int:
    """The member that is most like all of its group."""
    inside = vectors[members, :]
    total = np.asarray(inside.sum(axis=0)).ravel()
    return int(members[int(np.argmax(inside @ total))])
