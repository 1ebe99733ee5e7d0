"""How far a model's positions reach, and from where on they depend on how long a text is.

Most models turn position 7 into the same numbers whatever follows. Two kinds of scaling do not:
``dynamic`` takes another base, and ``longrope`` another set of factors, once the longest row of a
batch is longer than what the model was trained on. Such rows are asked alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from transformers import PreTrainedConfig

from evalsuite.engines.transformers_cache import UNLIMITED


def context_of(config: PreTrainedConfig) -> int:
    """Return how many tokens prompt and answer may have; :data:`UNLIMITED` where nothing says so.

    A scaling that stretches the context is applied where the stated length is that before it:
    ``dynamic`` always, ``yarn`` where the makers left it so (as Qwen's instructions do).
    """
    text = config.get_text_config(decoder=True)
    stated = getattr(text, "max_position_embeddings", None)
    if not isinstance(stated, int) or stated < 1:
        return UNLIMITED
    reached = [stated]
    for scaling in _scalings(text):
        factor = float(scaling.get("factor") or 1)
        if "dynamic" in scaling["rope_type"]:
            reached.append(int(stated * factor))
        elif scaling["rope_type"] == "yarn":
            reached.append(int((_original(text, scaling) or 0) * factor))
    return max(reached)


def steady_until(config: PreTrainedConfig) -> int:
    """Return the number of tokens up to which no position depends on the length of a text."""
    text = config.get_text_config(decoder=True)
    limits = [UNLIMITED]
    for scaling in _scalings(text):
        if "dynamic" in scaling["rope_type"]:
            limits.append(int(text.max_position_embeddings))
        elif scaling["rope_type"] == "longrope":
            limits.append(_original(text, scaling) or int(text.max_position_embeddings))
    return min(limits)


def forget_lengths(model: torch.nn.Module) -> None:
    """Undo what a long text left behind: ``dynamic`` keeps the base of the longest so far."""
    for module in model.modules():
        longest = getattr(module, "original_max_seq_len", None)
        if longest is None:
            continue
        names = [name for name in vars(module) if name.endswith("original_inv_freq")]
        names += [name for name, _ in module.named_buffers(recurse=False)]
        for name in names:
            if not name.endswith("original_inv_freq"):
                continue
            start = name.removesuffix("original_inv_freq")
            frequencies = getattr(module, f"{start}inv_freq", None)
            if isinstance(frequencies, torch.Tensor):
                original = getattr(module, name).to(frequencies.device).clone()
                module.register_buffer(f"{start}inv_freq", original, persistent=False)
                setattr(module, f"{start}max_seq_len_cached", longest)


def _scalings(text: PreTrainedConfig) -> Iterator[dict[str, Any]]:
    """The scalings of a configuration: one, or one for each type of layer."""
    stated = getattr(text, "rope_parameters", None) or {}
    for found in (stated, *(one for one in stated.values() if isinstance(one, dict))):
        if isinstance(found.get("rope_type"), str):
            yield found


def _original(text: PreTrainedConfig, scaling: dict[str, Any]) -> int | None:
    name = "original_max_position_embeddings"
    found = scaling.get(name) or getattr(text, name, None)
    return int(found) if found else None
