"""Running one batch through one model: reading prompts, greedy or seeded decoding, scoring.

Rows are laid out ``[shared prefix][padding][suffix]`` with explicit positions, so that every row
ends at the same place and a token's position does not depend on the padding. Chunks of different
lengths are read one by one, then moved to the right end of one cache and continued together. In
fp32 the answers are those of single ``generate`` calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import torch

from evalsuite.engines.planning import Batch, Chunk, Item
from evalsuite.engines.transformers_cache import BufferedCache, KeyValues

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


class Prefixes:
    """Keys and values of shared prefixes under one model; never lent to another."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._known: dict[tuple[int, ...], list[KeyValues]] = {}

    def keep(self, prefixes: set[tuple[int, ...]]) -> None:
        """Forget all prefixes but these."""
        self._known = {p: known for p, known in self._known.items() if p in prefixes}

    def read(self, prefix: tuple[int, ...]) -> list[KeyValues]:
        """Return each layer's keys and values, of one row; an empty list for no prefix."""
        if prefix and prefix not in self._known:
            cache = BufferedCache(_layers(self.model), 1, len(prefix))
            ids = torch.tensor([list(prefix)], device=self.model.device)
            self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            self._known[prefix] = cache.contents()
        return self._known.get(prefix, [])


@torch.inference_mode()
def score(batch: Batch, prefixes: Prefixes) -> list[Answer]:
    """Return the log-probabilities of every item's target, in nats."""
    return [answer for chunk in batch.chunks for answer in _scored(chunk, prefixes)]


def _scored(chunk: Chunk, prefixes: Prefixes) -> list[Answer]:
    targets = [item.target or () for item in chunk.items]
    keep = max(map(len, targets))
    logits = _Reading(chunk, prefixes).run(keep)
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
    window = int(prefixes.model.config.max_position_embeddings)
    room = [min(i.sampling.max_tokens, window - len(i.prompt)) for i in items]
    answers = [Answer() for _ in items]
    alive = list(range(len(items)))
    draws = _draws(items) if temperature else None
    rows = _Rows(batch, prefixes, new=max(room))
    logits = rows.first_logits
    for step in range(max(room)):
        uniforms = None if draws is None else draws[alive, step].to(logits.device)
        ids, logprobs = _choose(logits, temperature, uniforms)
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


def _layers(model: Model) -> int:
    return int(model.config.get_text_config(decoder=True).num_hidden_layers)


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


class _Reading:
    """One pass over the prompts of a chunk."""

    def __init__(self, chunk: Chunk, prefixes: Prefixes) -> None:
        self.model = prefixes.model
        start, device = len(chunk.prefix), self.model.device
        suffixes = [item.inputs[start:] for item in chunk.items]
        pads = torch.tensor([chunk.width - len(s) for s in suffixes])
        # On the left, so that the last column holds the last token of every prompt.
        padded = [[0] * (chunk.width - len(s)) + list(s) for s in suffixes]
        columns = torch.arange(chunk.length)
        is_pad = (columns >= start) & (columns < start + pads[:, None])
        self.ids = torch.tensor(padded, device=device)
        self.mask = (~is_pad).long().to(device)
        self.positions = (columns[start:] - pads[:, None]).clamp(min=start).to(device)
        self.cache = BufferedCache(_layers(self.model), len(suffixes), chunk.length)
        if chunk.prefix:
            self.cache.place(prefixes.read(chunk.prefix), 0, start)

    def run(self, keep: int) -> torch.Tensor:
        """Return the logits of the last ``keep`` positions, (rows, keep, vocabulary)."""
        logits: torch.Tensor = self.model(
            input_ids=self.ids,
            attention_mask=self.mask,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=keep,
        ).logits
        return logits


class _Rows:
    """The rows of a batch while they are continued: mask, positions and cache."""

    def __init__(self, batch: Batch, prefixes: Prefixes, *, new: int) -> None:
        self.model = prefixes.model
        self.length = batch.length
        rows = len(batch.items)
        self.cache = BufferedCache(_layers(self.model), rows, self.length + new)
        self.mask = torch.zeros(rows, self.length + new, dtype=torch.long, device=self.model.device)
        self.mask[:, self.length :] = 1
        self.next = torch.tensor([len(i.inputs) for i in batch.items], device=self.model.device)
        self.first_logits = torch.cat(list(self._read(batch.chunks, prefixes)))

    def _read(self, chunks: Sequence[Chunk], prefixes: Prefixes) -> Iterator[torch.Tensor]:
        row = 0
        for chunk in chunks:
            reading = _Reading(chunk, prefixes)
            yield reading.run(1)[:, -1]
            end = row + len(chunk.items)
            self.mask[row:end, self.length - chunk.length : self.length] = reading.mask
            self.cache.place(reading.cache.contents(), row, self.length)
            row = end

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Run one more token per row; return the logits after it, (rows, vocabulary)."""
        self.length += 1
        logits: torch.Tensor = self.model(
            input_ids=ids[:, None],
            attention_mask=self.mask[:, : self.length],
            position_ids=self.next[:, None],
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        self.next = self.next + 1
        return logits[:, -1]

    def keep(self, places: list[int]) -> None:
        """Drop all rows but these."""
        index = torch.tensor(places, device=self.mask.device)
        self.mask = self.mask[index]
        self.next = self.next[index]
        self.cache.batch_select_indices(index)


def _choose(
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


def _draws(items: Sequence[Item]) -> torch.Tensor:
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
