"""Asking a model one prompt at a time, as the library itself would.

The slow way, for models and rows that share no batch: the library's own ``generate``, with the
choice of each token made here, and one plain forward pass for what is scored.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor

from evalsuite.engines.planning import Item
from evalsuite.engines.transformers_decoding import Answer, Model, choose, drawn, room_of
from evalsuite.engines.transformers_positions import context_of, forget_lengths


class _Chooser(LogitsProcessor):
    """Chooses every token and leaves no choice to the library."""

    def __init__(self, item: Item) -> None:
        self.temperature = item.sampling.temperature
        self.draws = drawn([item])[0] if self.temperature else None
        self.logprobs: list[float] = []

    def __call__(self, _: torch.LongTensor, scores: torch.FloatTensor) -> Any:
        step = len(self.logprobs)
        uniforms = None if self.draws is None else self.draws[step : step + 1].to(scores.device)
        ids, logprobs = choose(scores, self.temperature, uniforms)
        self.logprobs += logprobs.tolist()
        return torch.full_like(scores, float("-inf")).scatter(1, ids[:, None], 0.0)


@torch.inference_mode()
def answer_alone(item: Item, model: Model, stops: frozenset[int]) -> Answer:
    """Answer one item; see :func:`.transformers_decoding.generate` and ``score``."""
    forget_lengths(model)
    try:
        return _scored(item, model) if item.target else _generated(item, model, stops)
    finally:
        forget_lengths(model)


def _scored(item: Item, model: Model) -> Answer:
    target = item.target or ()
    kept = {"logits_to_keep": len(target)}
    given = kept if "logits_to_keep" in signature(model.forward).parameters else {}
    ids = torch.tensor([item.inputs], device=model.device)
    logits = model(input_ids=ids, use_cache=False, **given).logits[0, -len(target) :]
    chosen = torch.tensor(target, device=logits.device)
    log_probs = logits.float().log_softmax(-1).gather(1, chosen[:, None])[:, 0]
    return Answer(list(target), log_probs.tolist())


def _generated(item: Item, model: Model, stops: frozenset[int]) -> Answer:
    chooser = _Chooser(item)
    ids = torch.tensor([item.prompt], device=model.device)
    room = room_of(item, context_of(model.config))
    generator: Any = model
    # What the folder recommends (a penalty, another temperature) is no part of what is measured.
    generator.generation_config = GenerationConfig()
    wanted = GenerationConfig(
        max_new_tokens=room, do_sample=False, eos_token_id=sorted(stops), pad_token_id=min(stops)
    )
    tokens = generator.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        generation_config=wanted,
        logits_processor=[chooser],
    )[0, len(item.prompt) :].tolist()
    stopped = tokens[-1] in stops
    return Answer(tokens[:-1] if stopped else tokens, chooser.logprobs, stopped)
