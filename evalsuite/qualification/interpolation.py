"""Weights between a good adapter and one with a wrong habit: ΔW = (1 - λ) ΔW_good + λ ΔW_bad.

Two LoRA adapters side by side are one of the sum of their ranks, so every λ is exact
(arXiv:2106.09685: ΔW = scale · B A). DoRA is not linear in its parts and cannot be blended so.
"""

from __future__ import annotations

import json
from pathlib import Path

from evalsuite.errors import InvalidInput
from evalsuite.models import CONFIG_FILE, PROVENANCE_FILE, WEIGHTS_FILE, AdapterRef


def blend(good: AdapterRef, bad: AdapterRef, share: float, folder: Path) -> Path:
    """Write the adapter with ``share`` of the bad one's weights into ``folder`` and return it.

    Args:
        good: a LoRA adapter.
        bad: another of the same base, on the same modules.
        share: λ, from 0 (the good one) to 1 (the bad one).
        folder: to make; its parent is there.

    Raises:
        InvalidInput: the adapters cannot be blended, and why.
    """
    import torch
    from safetensors.torch import load_file, save_file

    for adapter in (good, bad):
        check_blendable(adapter)
    ours, theirs = (load_file(adapter.path / WEIGHTS_FILE) for adapter in (good, bad))
    if set(ours) != set(theirs):
        only = sorted(set(ours) ^ set(theirs))
        raise InvalidInput(
            f"{good.path} and {bad.path} adapt different modules, such as {only[0]}; train both "
            "with the same target_modules"
        )
    blended = {}
    for name in ours:
        if ".lora_A" in name:
            blended[name] = torch.cat([ours[name].float(), theirs[name].float()])
        else:
            left = ours[name].float() * ((1 - share) * _scale(good))
            right = theirs[name].float() * (share * _scale(bad))
            blended[name] = torch.cat([left, right], dim=1)
    rank = good.config.r + bad.config.r
    folder.mkdir()
    save_file(blended, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    # The scale is in B already: alpha equal to the rank makes it 1.
    _write(folder / CONFIG_FILE, good, r=rank, lora_alpha=rank, use_rslora=False)
    _write(folder / PROVENANCE_FILE, good, recipe=f"blend of {bad.path.name}", lineage="")
    return folder


def check_blendable(adapter: AdapterRef) -> None:
    """Refuse what is no plain LoRA with its provenance.

    Raises:
        InvalidInput: it is not.
    """
    config = adapter.config
    quantized = adapter.provenance is None or adapter.provenance.quantization != "none"
    plain = config.is_matrices_only and not (
        config.use_dora or config.rank_pattern or config.alpha_pattern
    )
    if quantized or not plain:
        raise InvalidInput(
            f"adapter {str(adapter.path)!r} cannot be blended: that takes plain LoRA of one rank, "
            "trained by evalsuite on an unquantised base (recipe lora)"
        )


def _scale(adapter: AdapterRef) -> float:
    config = adapter.config
    divisor = config.r**0.5 if config.use_rslora else config.r
    return float(config.lora_alpha / divisor)


def _write(path: Path, good: AdapterRef, **values: object) -> None:
    data = json.loads((good.path / path.name).read_text("utf-8")) | values
    path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
