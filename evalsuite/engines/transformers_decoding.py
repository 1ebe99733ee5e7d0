"""Running one batch through one model: reading prompts, greedy or seeded decoding, scoring.

Rows are laid out ``[padding][prompt]`` with explicit positions, so that every row ends in the same
column, no token's position depends on the padding, and a window counts columns as it would count
positions. Of a shared prefix a row takes as many tokens as fit before the columns that are read;
where its own suffix is shorter than the others', the end of the prefix is read again in place of
padding. Chunks of different lengths are read one by one, then moved to the right end of one cache
and continued together. In fp32 the answers are those of single ``generate`` calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Final, TypeAlias

import torch

from evalsuite.engines.planning import Batch, Chunk, Item
from evalsuite.engines.transformers_cache import BufferedCache, KeyValues, layer_windows
from evalsuite.engines.transformers_positions import context_of

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

Model: TypeAlias = "PreTrainedModel | PeftModel"
"""A causal language model, as it is or with an adapter on it."""

# Batches shrink to powers of two up to here and to multiples of it beyond: kernels are prepared per
# shape, so there should be few.
_EXACT_ROWS: Final = 8


@dataclass(slots=True)
class Answer:
    """What one row produced."""

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one pass reads."""

    ids: torch.Tensor
    """(rows, columns)"""
    mask: torch.Tensor
    """(rows, all columns so far): 0 where there is padding."""
    positions: torch.Tensor
    """(rows, columns)"""


class Prefixes:
    """Keys and values of shared prefixes under one model; never lent to another."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.windows = layer_windows(model.config)
        self.context = context_of(model.config)
        # Models without positions of their own (ALiBi) count what the mask leaves of a row.
        self._placed = "position_ids" in signature(model.forward).parameters
        self._known: dict[tuple[int, ...], list[KeyValues]] = {}

    def keep(self, prefixes: set[tuple[int, ...]]) -> None:
        """Forget all prefixes but these."""
        self._known = {p: known for p, known in self._known.items() if p in prefixes}

    def read(self, prefix: tuple[int, ...]) -> list[KeyValues]:
        """Return each layer's keys and values, of one row, all columns of them; an empty list for
        no prefix.
        """
        if prefix and prefix not in self._known:
            cache = BufferedCache(self.windows, 1, len(prefix))
            ids = torch.tensor([list(prefix)], device=self.model.device)
            places = torch.arange(len(prefix), device=self.model.device)
            self.forward(Tokens(ids, torch.ones_like(ids), places[None]), cache)
            self._known[prefix] = cache.contents()
        return self._known.get(prefix, [])

    def forward(self, tokens: Tokens, cache: BufferedCache, keep: int = 1) -> torch.Tensor:
        """Read tokens; return the last ``keep`` logits, (rows, keep, vocabulary)."""
        logits: torch.Tensor = self.model(
            input_ids=tokens.ids,
            attention_mask=tokens.mask,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
            **({"position_ids": tokens.positions} if self._placed else {}),
        ).logits
        return logits


@torch.inference_mode()
def score(batch: Batch, prefixes: Prefixes) -> list[Answer]:
    """Return the log-probabilities of every item's target, in nats."""
    return [answer for chunk in batch.chunks for answer in _scored(chunk, prefixes)]


def _scored(chunk: Chunk, prefixes: Prefixes) -> list[Answer]:
    targets = [item.target or () for item in chunk.items]
    keep = max(map(len, targets))
    logits = Reading(chunk, prefixes).run(keep)
    answers = []
    for row, target in enumerate(targets):
        ids = torch.tensor(target, device=logits.device)
        # Row by row: all rows in fp32 would need twice the memory of the logits again.
        log_probs = logits[row, keep - len(target) :].float().log_softmax(-1)
        answers.append(Answer(list(target), log_probs.gather(1, ids[:, None])[:, 0].tolist()))
    return answers


@torch.inference_mode()
def generate(batch: Batch, prefixes: Prefixes, stops: frozenset[int]) -> list[Answer]:
    """Continue every item until a stop token or its number of tokens.

    A stop token's log-probability is recorded last; the token itself is not.
    """
    items = batch.items
    temperature = items[0].sampling.temperature
    room = [room_of(item, prefixes.context) for item in items]
    answers = [Answer() for _ in items]
    alive = list(range(len(items)))
    draws = drawn(items) if temperature else None
    rows = Rows(batch, prefixes, new=max(room))
    logits = rows.first_logits
    for step in range(max(room)):
        uniforms = None if draws is None else draws[alive, step].to(logits.device)
        ids, logprobs = choose(logits, temperature, uniforms)
        chosen = list(zip(alive, ids.tolist(), logprobs.tolist(), strict=True))
        running = _record(answers, chosen, room, stops)
        if not running:
            break
        # Dropping rows copies the whole cache, so it waits until that saves more than it costs.
        if len(running) <= len(alive) // 2:
            kept = _kept(alive, set(running))
            rows.keep(kept)
            alive = [alive[k] for k in kept]
            ids = ids[torch.tensor(kept, device=ids.device)]
        logits = rows.forward(ids)
    return answers


def room_of(item: Item, context: int) -> int:
    """Return how many tokens an answer may have."""
    return min(item.sampling.max_tokens, context - len(item.prompt))


def _record(
    answers: list[Answer],
    chosen: list[tuple[int, int, float]],
    room: list[int],
    stops: frozenset[int],
) -> list[int]:
    """Append one token to every row that still runs; return the rows that run on."""
    running = []
    for row, token, logprob in chosen:
        answer = answers[row]
        if answer.stopped or len(answer.ids) >= room[row]:
            continue
        answer.logprobs.append(logprob)
        if token in stops:
            answer.stopped = True
            continue
        answer.ids.append(token)
        if len(answer.ids) < room[row]:
            running.append(row)
    return running


def _kept(alive: list[int], running: set[int]) -> list[int]:
    """Choose the places to keep: all that run, filled up to one of few batch sizes."""
    places = [k for k, row in enumerate(alive) if row in running]
    if len(places) <= _EXACT_ROWS:
        size = 1 << (len(places) - 1).bit_length()
    else:
        size = -(-len(places) // _EXACT_ROWS) * _EXACT_ROWS
    spare = [k for k, row in enumerate(alive) if row not in running]
    return sorted(places + spare[: size - len(places)])


class Reading:
    """One pass over the prompts of a chunk."""

    def __init__(self, chunk: Chunk, prefixes: Prefixes) -> None:
        self.prefixes = prefixes
        start, device = len(chunk.prefix), prefixes.model.device
        pads = [chunk.length - len(item.inputs) for item in chunk.items]
        rows = [[0] * pad + list(i.inputs) for pad, i in zip(pads, chunk.items, strict=True)]
        columns = torch.arange(chunk.length)
        padding = torch.tensor(pads)
        self.tokens = Tokens(
            ids=torch.tensor([row[start:] for row in rows], device=device),
            mask=(columns >= padding[:, None]).long().to(device),
            positions=(columns[start:] - padding[:, None]).clamp(min=0).to(device),
        )
        self.cache = BufferedCache(prefixes.windows, len(rows), chunk.length, begun=start)
        if chunk.prefix:
            self.cache.place_shared(prefixes.read(chunk.prefix), padding.to(device))

    def run(self, keep: int) -> torch.Tensor:
        """Return the logits of the last ``keep`` positions, (rows, keep, vocabulary)."""
        return self.prefixes.forward(self.tokens, self.cache, keep)


class Rows:
    """The rows of a batch while they are continued: mask, positions and cache."""

    def __init__(self, batch: Batch, prefixes: Prefixes, *, new: int) -> None:
        self.prefixes = prefixes
        device = prefixes.model.device
        self.length = batch.length
        rows = len(batch.items)
        capacity = self.length + new
        self.cache = BufferedCache(prefixes.windows, rows, capacity, begun=self.length)
        self.mask = torch.zeros(rows, capacity, dtype=torch.long, device=device)
        self.mask[:, self.length :] = 1
        self.next = torch.tensor([len(i.inputs) for i in batch.items], device=device)
        self.first_logits = torch.cat(list(self._read(batch.chunks)))

    def _read(self, chunks: Sequence[Chunk]) -> Iterator[torch.Tensor]:
        row = 0
        for chunk in chunks:
            reading = Reading(chunk, self.prefixes)
            yield reading.run(1)[:, -1]
            end = row + len(chunk.items)
            self.mask[row:end, self.length - chunk.length : self.length] = reading.tokens.mask
            self.cache.place(reading.cache.contents(), row, self.length)
            row = end

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Run one more token per row; return the logits after it, (rows, vocabulary)."""
        self.length += 1
        tokens = Tokens(ids[:, None], self.mask[:, : self.length], self.next[:, None])
        logits = self.prefixes.forward(tokens, self.cache)
        self.next = self.next + 1
        return logits[:, -1]

    def keep(self, places: list[int]) -> None:
        """Drop all rows but these."""
        index = torch.tensor(places, device=self.mask.device)
        self.mask = self.mask[index]
        self.next = self.next[index]
        self.cache.batch_select_indices(index)


def choose(
    logits: torch.Tensor, temperature: float, uniforms: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose one token per row; return ids and their log-probabilities at temperature 1."""
    logits = logits.float()
    if uniforms is None:
        ids = logits.argmax(-1)
    else:
        # In double: rounding that is summed over a whole vocabulary would move draws.
        cumulative = (logits.double() / temperature).softmax(-1).cumsum(-1)
        # The last sum may fall short of 1, and a draw beyond it would find no token.
        cumulative /= cumulative[:, -1:].clone()
        ids = torch.searchsorted(cumulative, uniforms[:, None], right=True)[:, 0]
        ids = ids.clamp(max=logits.shape[-1] - 1)
    chosen = logits.gather(1, ids[:, None])[:, 0]
    return ids, chosen - logits.logsumexp(-1)


def drawn(items: Sequence[Item]) -> torch.Tensor:
    """Return uniform numbers (rows, tokens) that depend on each item's content alone.

    The adapter takes no part: base and candidate draw the same numbers.
    """
    return torch.stack(
        [torch.rand(i.sampling.max_tokens, generator=_generator(i)).double() for i in items]
    )


def _generator(item: Item) -> torch.Generator:
    content = json.dumps([item.prompt, item.sampling.seed, item.sampling.temperature])
    digest = hashlib.sha256(content.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
