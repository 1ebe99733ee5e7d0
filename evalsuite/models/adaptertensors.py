"""The tensors of an adapter against its configuration and its base: forms, ranks, shapes.

Whether each has a place in the base, and each place a tensor, is asked of the loaded model
(:mod:`evalsuite.engines.transformers_adapters`): an adapter without its places is judged, not
refused. Here is refused what must not, or cannot, be loaded at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import BaseMismatch, UnsafeAdapter
from evalsuite.files.safetensors import FLOATS, Tensor
from evalsuite.models.adapterconfig import AdapterConfig

_KEY = re.compile(
    r"(?:base_model\.model\.)?(?P<module>[A-Za-z0-9_.\-]+?)"
    r"\.(?P<part>lora_A\.weight|lora_B\.weight|lora_B\.bias|lora_magnitude_vector"
    r"|lora_embedding_A|lora_embedding_B|token_adapter\.trainable_tokens_delta)\Z"
)
_WHOLE = re.compile(
    r"base_model\.model\.(?P<module>[A-Za-z0-9_.]+?)(?:(?:\.token_adapter)?\.base_layer)?\.weight\Z"
)
_RANK_AXIS = {
    "lora_A.weight": 0, "lora_B.weight": 1, "lora_embedding_A": 0, "lora_embedding_B": 1,
}  # fmt: skip
_INPUTS = frozenset({"lora_A.weight", "lora_embedding_B"})
"""Parts that are as wide as the columns of the base's matrix; others as its rows."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What a tensor's name says: of which module it is, and which part."""

    module: str
    part: str


def _part_of(name: str) -> _Part | None:
    match = _KEY.match(name)
    return None if match is None else _Part(match["module"], match["part"])


def check_tensors(path: Path, tensors: tuple[Tensor, ...], config: AdapterConfig) -> None:
    """Raise UnsafeAdapter unless the tensors have the form that the configuration promises.

    Args:
        path: file of the weights.
        tensors: what its header names.
        config: of the adapter.
    """
    if not tensors:
        raise UnsafeAdapter(f"{str(path)!r} holds no weights; train the adapter again")
    for tensor in tensors:
        if tensor.dtype not in FLOATS:
            raise UnsafeAdapter(
                f"{str(path)!r}: tensor {tensor.name!r} is {tensor.dtype}; use one of "
                f"{sorted(FLOATS)}"
            )
        found = _part_of(tensor.name)
        if found is not None:
            _check_form(path, tensor, found, config)


def _check_form(path: Path, tensor: Tensor, found: _Part, config: AdapterConfig) -> None:
    axis = _RANK_AXIS.get(found.part)
    flat = found.part in ("lora_magnitude_vector", "lora_B.bias")
    fits = len(tensor.shape) == (1 if flat else 2) and min(tensor.shape) > 0
    module = found.module.removesuffix(".base_layer")
    if axis is not None and fits and not config.adapts_parameter_of(module):
        fits = tensor.shape[axis] == config.rank_of(found.module)
    if not fits:
        raise UnsafeAdapter(
            f"{str(path)!r}: tensor {tensor.name!r} has shape {list(tensor.shape)}, which is not "
            f"that of a {found.part} of rank {config.rank_of(found.module)}; the configuration "
            "and the weights do not belong together"
        )


def check_shapes(
    folder: Path,
    tensors: tuple[Tensor, ...],
    base: str,
    matrices: Mapping[str, tuple[int, ...]],
    *,
    turned: bool = False,
) -> None:
    """Raise BaseMismatch for the first tensor that fits no matrix of the base.

    A module whose whole matrix lies in the file is judged by that: it may have more rows than the
    base's, as that of a resized vocabulary has.

    Args:
        folder: of the adapter.
        tensors: of the adapter.
        base: what the base is called.
        matrices: shape of each tensor of the base, by name.
        turned: whether some matrices of the base stand turned (``fan_in_fan_out``).
    """
    whole = {match["module"]: t for t in tensors if (match := _WHOLE.match(t.name))}
    for module, tensor in whole.items():
        shape = matrices.get(f"{module}.weight")
        if shape is not None and (len(shape) != len(tensor.shape) or shape[1:] != tensor.shape[1:]):
            raise _misfit(folder, base, tensor, shape)
    for tensor in tensors:
        found = _part_of(tensor.name)
        if found is None or found.module in whole or found.part.startswith("token_adapter"):
            continue
        shape = matrices.get(f"{found.module}.weight")
        if shape is None or len(shape) != 2 or len(tensor.shape) > 2:
            continue
        axis = _RANK_AXIS.get(found.part)
        width = tensor.shape[0 if axis is None else 1 - axis]
        due = {shape[1 if found.part in _INPUTS else 0], *(shape if turned else ())}
        if found.part == "lora_magnitude_vector":
            due |= set(shape)  # of an embedding it is as wide as its columns
        if width not in due:
            raise _misfit(folder, base, tensor, shape)


def _misfit(folder: Path, base: str, tensor: Tensor, shape: tuple[int, ...]) -> BaseMismatch:
    return BaseMismatch(
        f"adapter {str(folder)!r} does not fit base {base!r}: {tensor.name!r} has shape "
        f"{list(tensor.shape)}, the base's matrix has {list(shape)}; give the base it was trained "
        "on (after resize_token_embeddings: that model, as it was saved then)"
    )
