"""The adapter's files: written with nothing else beside them, and read back before they count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from evalsuite.errors import TrainingError
from evalsuite.training.folder import ADAPTER_CONFIG, ADAPTER_WEIGHTS

if TYPE_CHECKING:
    from peft import PeftModel


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write the active adapter's weights and configuration, and nothing else."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    # Through Python, so that a full disk is an OSError like any other.
    (folder / ADAPTER_WEIGHTS).write_bytes(save(tensors, metadata={"format": "pt"}))
    config = {**model.peft_config["default"].to_dict(), "inference_mode": True}
    # peft keeps the names as a set; sorted, the same training writes the same bytes.
    config["target_modules"] = sorted(config["target_modules"])
    text = json.dumps(config, indent=2, sort_keys=True)
    (folder / ADAPTER_CONFIG).write_text(text + "\n", encoding="utf-8")


def check_reload(model: PeftModel, folder: Path, ids: torch.Tensor) -> None:
    """Assert that the saved adapter gives the very logits of the trained one.

    Raises:
        TrainingError: it does not.
    """
    model.eval()
    with torch.inference_mode():
        trained = model(input_ids=ids).logits
    loaded = model.load_adapter(str(folder), adapter_name="reloaded")
    model.set_adapter("reloaded")
    with torch.inference_mode():
        reloaded = model(input_ids=ids).logits
    model.set_adapter("default")
    model.delete_adapter("reloaded")
    if loaded.unexpected_keys or not torch.equal(trained, reloaded):
        raise TrainingError(
            f"the adapter saved in {folder} does not give the logits of the trained one; "
            "peft changed how it saves; install a version this package names"
        )
