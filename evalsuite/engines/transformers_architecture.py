"""What a model allows: whether its prompts may share prefixes and batches, decided and proven.

The decision is the model's own: the layers of its cache and the scaling of its positions. That it
holds is shown once, on the loaded weights: two prompts of unlike length under a shared prefix,
continued by ids that are fixed beforehand, must give the logits of plain forward passes. A model
of which this is not true is asked one prompt at a time, and the engine says so.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
from transformers import PreTrainedConfig

from evalsuite.engines.planning import Batch, Chunk, Item
from evalsuite.engines.transformers_cache import Uncuttable
from evalsuite.engines.transformers_decoding import Model, Prefixes, Rows
from evalsuite.engines.transformers_loading import out_of_memory
from evalsuite.engines.transformers_positions import context_of, forget_lengths, steady_until
from evalsuite.generation import Sampling

TOLERANCE: Final = {torch.float32: 1e-3}
"""How far any logit may lie from that of a plain pass, in standard deviations of the latter. In
float32 right models stay below 1e-4 (mostly 2e-5), and padding that is seen moves logits by 1."""
LOOSE: Final = 0.15
"""The same for formats that round more, as a root mean square over a row: there right models stay
below 0.07, and padding that is seen moves logits by 0.24 and more (nano, SmolLM2)."""
_WINDOW: Final = 8
"""What windows are narrowed to, so that short prompts reach beyond them."""
_PREFIX, _SUFFIXES, _STEPS = 20, (2, 13), 3


@dataclass(frozen=True, slots=True)
class Architecture:
    """What of a loaded model decides how its prompts are asked."""

    context: int
    """Tokens that prompt and answer may have together."""
    steady: int
    """Tokens up to which a row may share a batch; 0: none may."""
    layers: tuple[tuple[int, int], ...]
    """Of each layer that keeps keys and values: its window, and the bytes of one position."""
    reason: str = ""
    """Why no rows share a batch; empty where they do."""

    @property
    def row(self) -> int:
        """Bytes that the longest row takes."""
        return sum(min(window, self.context) * size for window, size in self.layers)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should know of how it is asked, each a sentence."""
        if self.reason:
            return (
                "one prompt at a time, without shared prefixes, which is slower and changes no "
                f"answer: {self.reason}.",
            )
        if self.steady < self.context:
            return (
                f"one prompt at a time where prompt and answer may pass {self.steady:,} tokens, "
                "since its positions are scaled by the length of a text.",
            )
        return ()


def together(found: Sequence[Architecture]) -> Architecture:
    """How several models are asked the same batches: as the one among them that allows least.

    Args:
        found: at least one; whole models of one kind may differ in windows and in how positions
            are scaled.
    """
    reason = next((one.reason for one in found if one.reason), "")
    costliest = max(found, key=lambda one: one.row)
    return Architecture(
        context=min(one.context for one in found),
        steady=min(one.steady for one in found),
        layers=() if reason else costliest.layers,
        reason=reason,
    )


def examine_architecture(model: Model) -> Architecture:
    """Decide how a model is asked, and prove it on the model.

    Raises:
        RuntimeError, MemoryError: memory ran out.
    """
    config = model.config
    layers: tuple[tuple[int, int], ...] = ()
    reason = ""
    vocab_size = int(config.get_text_config(decoder=True).vocab_size)
    try:
        prefixes = Prefixes(model)
        distance, sizes = _distance(model, vocab_size)
        if distance > TOLERANCE.get(model.dtype, LOOSE):
            reason = f"on trial it moved logits by {distance:.2g} standard deviations"
        held = [window for window in prefixes.windows if window]
        layers = tuple(zip(held, sizes, strict=True))
    except Uncuttable as problem:
        reason = str(problem)
    except Exception as problem:
        if out_of_memory(problem):
            raise
        # A model may refuse in any way it likes what this engine would do with it.
        reason = f"on trial it failed ({type(problem).__name__}: {problem})".splitlines()[0]
    return Architecture(
        context=context_of(config),
        steady=0 if reason else steady_until(config),
        layers=() if reason else layers,
        reason=reason,
    )


@torch.inference_mode()
def _distance(model: Model, vocab_size: int) -> tuple[float, tuple[int, ...]]:
    """Return how far batched logits lie from plain ones, and the bytes of one position by layer."""
    prompts, following = _trial(model.config, vocab_size)
    with _narrowed(model.config):
        forget_lengths(model)
        plain = [
            model(input_ids=torch.tensor([[*p, *f]], device=model.device), use_cache=False)
            .logits[0, -_STEPS - 1 :]
            .float()
            for p, f in zip(prompts, following, strict=True)
        ]
        batched, sizes = _batched(Prefixes(model), prompts, following)
    expected = torch.stack(plain)
    if not bool(torch.isfinite(expected).all()):
        # Weights that are no numbers prove nothing; liveness fails them.
        return 0.0, sizes
    off = (batched - expected) / expected.std()
    if model.dtype in TOLERANCE:
        return float(off.abs().max()), sizes
    return float(off.square().mean((1, 2)).max().sqrt()), sizes


def _batched(
    prefixes: Prefixes, prompts: list[tuple[int, ...]], following: list[tuple[int, ...]]
) -> tuple[torch.Tensor, tuple[int, ...]]:
    """Return logits (rows, steps + 1, vocabulary) along the batched way, and the bytes."""
    sampling = Sampling(max_tokens=_STEPS)
    items = tuple(Item(prompt, None, sampling, ((None, (0,)),)) for prompt in prompts)
    prefix = prompts[0][:_PREFIX]
    width = max(map(len, prompts)) - len(prefix) + 1
    rows = Rows(Batch((Chunk(items, prefix, width),)), prefixes, new=_STEPS)
    logits = [rows.first_logits]
    for step in range(_STEPS):
        ids = torch.tensor([f[step] for f in following], device=prefixes.model.device)
        logits.append(rows.forward(ids))
    return torch.stack(logits, 1).float(), rows.cache.column_bytes


def _trial(
    config: PreTrainedConfig, vocab_size: int
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Prompts with a common prefix, and ids that follow them."""
    special = {v for k, v in config.to_dict().items() if k.endswith("_token_id")}
    text = config.get_text_config(decoder=True).to_dict()
    special |= {v for k, v in text.items() if k.endswith(("_token_id", "_token_index"))}
    ids = [i for i in range(min(vocab_size, 5000)) if i not in special]
    rng = random.Random(0)  # noqa: S311 - a trial, not security
    prefix = tuple(rng.choices(ids, k=_PREFIX))
    prompts = [(*prefix, *rng.choices(ids, k=n)) for n in _SUFFIXES]
    return prompts, [tuple(rng.choices(ids, k=_STEPS)) for _ in prompts]


@contextmanager
def _narrowed(config: PreTrainedConfig) -> Iterator[None]:
    """Let windows be narrow for a while: masks are made from the configuration at each pass."""
    text = config.get_text_config(decoder=True)
    found = {
        name: value
        for name in ("sliding_window", "attention_chunk_size")
        if isinstance(value := getattr(text, name, None), int) and value > _WINDOW
    }
    try:
        for name in found:
            setattr(text, name, _WINDOW)
        yield
    finally:
        for name, value in found.items():
            setattr(text, name, value)
