"""Which requests run together: shared prefixes, lengths and few shapes. Pure arithmetic on ids.

Four rules shape every plan. The same prompts for base and candidate are planned once and run as
the same batches, because low-precision arithmetic depends on the batch. A prefix shared by many
prompts is computed once per cluster of prompts. Prompts are read in chunks of one cluster and one
width, and continued together in batches as large as the memory allows. And shapes repeat: suffixes
are padded to multiples of ``STRIDE``, because kernels are prepared per shape.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

from evalsuite.generation import Request, Sampling

STRIDE: Final = 32
"""Suffixes are padded to multiples of this: few shapes, and at most 31 positions of padding a row;
a choice."""
MIN_PREFIX: Final = 16
"""Tokens from which a shared prefix is worth a pass of its own; a choice. A chat template alone
opens every prompt with a few tokens that are the same."""


@dataclass(frozen=True, slots=True)
class Item:
    """One distinct piece of work, for every adapter that asked for it."""

    prompt: tuple[int, ...]
    target: tuple[int, ...] | None
    sampling: Sampling
    indices: tuple[tuple[str | None, tuple[int, ...]], ...]
    """Per adapter, the positions of the requests that this item answers."""

    @property
    def adapters(self) -> tuple[str | None, ...]:
        """Who asked, in a fixed order: the base first."""
        return tuple(adapter for adapter, _ in self.indices)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Tokens that are fed to the model; the last target token is only predicted."""
        return self.prompt + self.target[:-1] if self.target else self.prompt

    @property
    def new_tokens(self) -> int:
        """Tokens that may be generated; 0 when a target is scored."""
        return self.sampling.max_tokens if self.target is None else 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items whose prompts are read in one pass: a common prefix, one padded width after it."""

    items: tuple[Item, ...]
    prefix: tuple[int, ...]
    width: int
    """Padded length of what follows the prefix."""

    @property
    def length(self) -> int:
        """Positions that each row takes."""
        return len(self.prefix) + self.width


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks of one kind, longest first, that are continued together."""

    chunks: tuple[Chunk, ...]
    alone: bool = False
    """Whether this is one prompt that is asked as it stands: no padding, no company, no prefix."""

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, in the order of the chunks."""
        return tuple(item for chunk in self.chunks for item in chunk.items)

    @property
    def adapters(self) -> tuple[str | None, ...]:
        """Every model that runs this batch."""
        return self.chunks[0].items[0].adapters

    @property
    def scoring(self) -> bool:
        """Whether the batch is scored instead of continued."""
        return self.chunks[0].items[0].target is not None

    @property
    def length(self) -> int:
        """Positions that the prompts take, padded to the longest chunk."""
        return max(chunk.length for chunk in self.chunks)

    @property
    def footprint(self) -> int:
        """Cached tokens at the end: rows times (prompt + new tokens)."""
        return len(self.items) * (self.length + self.chunks[0].items[0].new_tokens)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a model keeps of every token it read, and how much of it one batch may hold."""

    budget: int
    """Bytes."""
    layers: tuple[tuple[int, int], ...]
    """Of each layer that keeps keys and values: how many positions a token attends to, and the
    bytes of one."""

    def rows(self, length: int, new: int) -> int:
        """Return how many rows of a prompt and of what follows it fit."""
        row = sum((min(length, window - 1) + new) * size for window, size in self.layers)
        return self.budget // max(1, row)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one batch may hold, and what a pass is worth."""

    tokens: int
    """Cached tokens over all rows."""
    logits: int = 2**27
    """Values in the distributions of a scored chunk: 256 MiB in bfloat16, 512 MiB in float32."""
    rows: int = 1024
    """A choice, for prompts so short that the tokens would allow any number of rows."""
    reading: int = 4096
    """Prompt tokens that one pass reads, over all rows; more would only fall out of the caches."""
    launch: int = 64
    """Tokens that are cheaper than one more pass."""
    memory: Memory | None = None
    """What the cached tokens take; None: not known, or left to whoever chose ``tokens``."""
    steady: int = sys.maxsize
    """Tokens, prompt and answer together, up to which a row's answer cannot depend on the length
    of another; a row that may grow longer is asked alone."""

    def fitting(self, length: int, new: int) -> int:
        """Return how many rows of ``length`` tokens and ``new`` ones fit, at least one."""
        rows = min(self.rows, self.tokens // (length + new))
        if self.memory is not None:
            rows = min(rows, self.memory.rows(length, new))
        return max(1, rows)

    def alone(self, item: Item) -> bool:
        """Whether an item shares no batch."""
        return len(item.inputs) + item.new_tokens > self.steady

    @property
    def cluster(self) -> int:
        """Tokens that a further cluster must save: it reads its prefix and its rows apart."""
        return 2 * self.launch

    def halved(self, batch: Batch) -> Limits:
        """Return limits under which ``batch`` would have been half as large."""
        rows = max(1, len(batch.items) // 2)
        return replace(self, tokens=max(1, min(self.tokens, batch.footprint) // 2), rows=rows)


def items_of(requests: Sequence[Request]) -> list[Item]:
    """Merge requests that differ only in their adapter, or in nothing.

    Settings that cannot change the answer (the seed of a greedy request, the sampling of a scored
    one) are ignored.
    """
    found: dict[tuple[object, ...], dict[str | None, list[int]]] = {}
    for index, request in enumerate(requests):
        key = (request.prompt, request.target, effective_sampling(request))
        found.setdefault(key, {}).setdefault(request.adapter, []).append(index)
    items = []
    for (prompt, target, sampling), wanted in found.items():
        by_adapter = sorted(wanted.items(), key=lambda pair: pair[0] or "")
        indices = tuple((adapter, tuple(places)) for adapter, places in by_adapter)
        items.append(Item(prompt, target, sampling, indices))  # type: ignore[arg-type]
    return items


def effective_sampling(request: Request) -> Sampling:
    """Return the sampling of a request without what cannot change its answer."""
    if request.target is not None:
        return Sampling(max_tokens=1)
    if request.sampling.temperature == 0:
        return Sampling(max_tokens=request.sampling.max_tokens)
    return request.sampling


def plan(items: Iterable[Item], limits: Limits, vocab_size: int) -> list[Batch]:
    """Arrange items in batches.

    Each item occurs once. Batches depend on prompts, targets, sampling and on which adapters ask
    for the same item, never on what an adapter is or on the order of the items. The longest prompts
    of a kind come first, so that memory runs out at once or never.
    """
    groups: dict[tuple[object, ...], list[Item]] = {}
    single: list[Item] = []
    for item in items:
        if limits.alone(item):
            single.append(item)
            continue
        key = (item.target is not None, _sampling_key(item.sampling), str(item.adapters))
        groups.setdefault(key, []).append(item)
    together = [
        batch
        for _, group in sorted(groups.items())
        for batch in _packed(_chunks(group, limits, vocab_size), limits)
    ]
    single.sort(key=lambda i: (-len(i.inputs), i.prompt, i.target or (), _sampling_key(i.sampling)))
    return together + [Batch((Chunk((i,), (), len(i.inputs)),), alone=True) for i in single]


def _sampling_key(sampling: Sampling) -> tuple[float, ...]:
    return (sampling.max_tokens, sampling.temperature, sampling.seed)


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Return the number of leading ids that two sequences share."""
    shortest = min(len(left), len(right))
    if left[:shortest] == right[:shortest]:
        return shortest
    return next(i for i in range(shortest) if left[i] != right[i])


def clustered(items: Sequence[Item], cost: int) -> list[tuple[tuple[int, ...], list[Item]]]:
    """Split items into clusters that share a prefix worth computing once.

    Sorted by their ids, prompts with a common prefix are neighbours, and the prefixes form a tree
    of intervals. The tree is walked from the deepest prefix up; an interval becomes a cluster when
    that saves more than ``cost`` tokens over leaving its prompts to the next shorter one.

    Returns:
        Pairs of prefix and members. A prefix is empty or at least ``MIN_PREFIX`` long, and always
        shorter than every prompt of its cluster.
    """
    ordered = sorted(items, key=lambda i: (i.prompt, i.target or ()))
    # The last prompt token is never shared: its logits are what the answer starts from.
    heads = [item.prompt[:-1] for item in ordered]
    shared = [common_prefix(a, b) for a, b in pairwise(heads)]
    free = [True] * len(ordered)
    clusters = []
    for depth, above, low, high in _intervals(shared):
        members = [i for i in range(low, high) if free[i]]
        if depth < MIN_PREFIX or len(members) < 2:
            continue
        floor = above if above >= MIN_PREFIX else 0
        saved = len(members) * (depth - floor) - depth
        # With nothing to fall back on, any saving will do.
        if saved > (cost if floor or len(members) < len(ordered) else 0):
            clusters.append((heads[members[0]][:depth], [ordered[i] for i in members]))
            for i in members:
                free[i] = False
    rest = [item for item, is_free in zip(ordered, free, strict=True) if is_free]
    return [*clusters, ((), rest)] if rest else clusters


def _intervals(shared: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (depth, depth of the parent, first, last + 1) of every prefix interval, deepest first.

    ``shared[i]`` is the length of the prefix that neighbours ``i`` and ``i + 1`` have in common.
    """
    stack: list[tuple[int, int]] = []
    for i, depth in enumerate([*shared, -1]):
        low = i
        while stack and stack[-1][0] > depth:
            deepest, low = stack.pop()
            above = max(depth, stack[-1][0] if stack else 0, 0)
            yield deepest, above, low, i + 1
        if not stack or stack[-1][0] < depth:
            stack.append((depth, low))


def _padded(length: int) -> int:
    return -(-length // STRIDE) * STRIDE


def _chunks(group: Sequence[Item], limits: Limits, vocab_size: int) -> list[Chunk]:
    chunks = []
    for prefix, members in clustered(group, limits.cluster):
        for width, items in _by_width(members, len(prefix), limits.launch):
            rows = min(limits.fitting(len(prefix) + width, 0), limits.reading // width)
            if items[0].target is not None:
                longest = max(len(item.target or ()) for item in items)
                rows = min(rows, limits.logits // (longest * vocab_size))
            rows = max(1, rows)
            chunks += [
                Chunk(tuple(items[i : i + rows]), prefix, width) for i in range(0, len(items), rows)
            ]
    return sorted(chunks, key=lambda c: (-c.length, c.prefix))


def _by_width(
    members: Sequence[Item], prefix: int, launch: int
) -> Iterator[tuple[int, list[Item]]]:
    """Split a cluster by padded width; narrow items join wider ones when that pads little."""
    ordered = sorted(members, key=lambda i: (-len(i.inputs), i.prompt, i.target or ()))
    width, items = 0, list[Item]()
    for narrower, same in groupby(ordered, key=lambda i: _padded(len(i.inputs) - prefix)):
        joining = list(same)
        if items and (width - narrower) * len(joining) > launch:
            yield width, items
            items = []
        width = width if items else narrower
        items = [*items, *joining]
    yield width, items


def _packed(chunks: Sequence[Chunk], limits: Limits) -> Iterator[Batch]:
    """Fill batches with chunks in order; a chunk that fits only in part is divided."""
    waiting = list(reversed(chunks))
    batch: list[Chunk] = []
    room = 0
    while waiting:
        chunk = waiting.pop()
        if not batch:
            room = limits.fitting(chunk.length, chunk.items[0].new_tokens)
        batch.append(replace(chunk, items=chunk.items[:room]))
        if len(chunk.items) > room:
            waiting.append(replace(chunk, items=chunk.items[room:]))
        room -= len(batch[-1].items)
        if room == 0 or not waiting:
            yield Batch(tuple(batch))
            batch = []
