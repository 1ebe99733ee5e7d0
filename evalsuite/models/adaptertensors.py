"""The tensors of an adapter against its configuration and its base: names, parts, ranks, shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from evalsuite.errors import BaseMismatch, UnsafeAdapter
from evalsuite.files.safetensors import FLOATS, Tensor
from evalsuite.models.adapterconfig import AdapterConfig

_KEY = re.compile(
    r"base_model\.model\.(?P<module>[A-Za-z0-9_.]+?)"
    r"\.(?P<part>lora_A\.weight|lora_B\.weight|lora_magnitude_vector)\Z"
)


def check_tensors(path: Path, tensors: tuple[Tensor, ...], config: AdapterConfig) -> None:
    """Raise UnsafeAdapter unless the tensors are those that the configuration promises.

    Args:
        path: file of the weights.
        tensors: what its header names.
        config: of the adapter.
    """
    modules: dict[str, set[str]] = {}
    for tensor in tensors:
        match = _KEY.match(tensor.name)
        if match is None or not config.targets(match["module"]):
            raise UnsafeAdapter(
                f"{str(path)!r}: tensor {tensor.name!r} belongs to none of target_modules="
                f"{sorted(config.target_modules)}; only LoRA and DoRA weights of those are read"
            )
        modules.setdefault(match["module"], set()).add(match["part"])
        _check_rank(path, tensor, match["part"], config.rank_of(match["module"]))
    if not modules:
        raise UnsafeAdapter(f"{str(path)!r} holds no weights; train the adapter again")
    due = {"lora_A.weight", "lora_B.weight"}
    if config.use_dora:
        due.add("lora_magnitude_vector")
    for module, parts in modules.items():
        if parts != due:
            raise UnsafeAdapter(
                f"{str(path)!r}: module {module!r} has {sorted(parts)}, but use_dora="
                f"{config.use_dora} calls for {sorted(due)}; save the adapter again"
            )


def _check_rank(path: Path, tensor: Tensor, part: str, rank: int) -> None:
    axis = {"lora_A.weight": 0, "lora_B.weight": 1}.get(part)
    fits = len(tensor.shape) == (1 if axis is None else 2) and min(tensor.shape) > 0
    if not fits or (axis is not None and tensor.shape[axis] != rank):
        raise UnsafeAdapter(
            f"{str(path)!r}: tensor {tensor.name!r} has shape {list(tensor.shape)}, which is not "
            f"that of a {part} of rank {rank}; the configuration and the weights do not belong "
            "together"
        )
    if tensor.dtype not in FLOATS:
        raise UnsafeAdapter(
            f"{str(path)!r}: tensor {tensor.name!r} is {tensor.dtype}; use one of {sorted(FLOATS)}"
        )


def check_shapes(
    folder: Path,
    tensors: tuple[Tensor, ...],
    base: str,
    matrices: Mapping[str, tuple[int, ...]],
) -> None:
    """Raise BaseMismatch for the first tensor that fits no matrix of the base.

    Args:
        folder: of the adapter.
        tensors: of the adapter.
        base: what the base is called.
        matrices: shape of each tensor of the base, by name.
    """
    for tensor in tensors:
        match = _KEY.match(tensor.name)
        shape = matrices.get(f"{match['module']}.weight") if match else None
        if match is None or shape is None or len(shape) != 2:
            continue
        axis = 1 if match["part"] == "lora_A.weight" else 0
        width = tensor.shape[1 if axis else 0]
        if width != shape[axis]:
            raise BaseMismatch(
                f"adapter {str(folder)!r} does not fit base {base!r}: {tensor.name!r} has "
                f"shape {list(tensor.shape)}, the base's matrix has {list(shape)}; give the base "
                "it was trained on"
            )
