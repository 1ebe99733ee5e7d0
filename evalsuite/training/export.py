"""Export: an adapter merged into its base, as a model folder that any server can load.

Serving stacks differ in what they do with an unmerged adapter, and some do not know DoRA at all.
The merged folder is an artefact of its own: gate it, not only the adapter it came from.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import PreTrainedModel

from evalsuite.engines.numerics import Device, Dtype, Numerics
from evalsuite.engines.transformers_loading import cast, load_candidate
from evalsuite.errors import TrainingError
from evalsuite.files.storage import storage_errors, sync_folder
from evalsuite.models import TOKENIZER_FILES, AdapterRef, BaseRef
from evalsuite.training.quiet import quiet

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_KEPT = (*TOKENIZER_FILES, "generation_config.json")


def export_merged(
    base: BaseRef, adapter: AdapterRef, out: str | Path, *, dtype: str = "bf16"
) -> Path:
    """Merge ``adapter`` into ``base`` and write a model folder with its tokenizer and template.

    The sum is taken in float32 and rounded once, to ``dtype``. An adapter that was trained on an
    NF4 base is merged into the weights that NF4 stood for, which are those it was trained on.

    Args:
        base: the base that the adapter was made for.
        adapter: from :func:`evalsuite.models.read_adapter` with that base.
        out: a folder that does not exist yet; it appears whole or not at all.
        dtype: of the written weights: fp32, bf16 or fp16.

    Raises:
        TrainingError: ``out`` exists or cannot be written; an unknown ``dtype``.
        ModelError: the adapter changed, or does not load cleanly into this base.

    A merged model that no folder of this architecture can hold is refused: a bias that the
    adapter brought would be left out in silence when the folder is loaded.
    """
    if dtype not in _DTYPES:
        raise TrainingError(f"dtype={dtype!r} is unknown; use one of: {', '.join(_DTYPES)}")
    out = Path(out)
    if out.exists():
        raise TrainingError(f"out={str(out)!r} exists; name a folder that does not")
    with quiet():
        # The very function that a gate measures the adapter with.
        merged, _ = load_candidate(base, adapter, Numerics(Device.CPU, Dtype.FLOAT32))
        cast(merged, _DTYPES[dtype])
        _require_saveable(merged, adapter)
        merged.config.use_cache = True
        with storage_errors(out, TrainingError):
            out.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
                staged = Path(scratch) / "model"
                _write(merged, base, staged)
                staged.rename(out)
                sync_folder(out.parent)
    return out


def _require_saveable(model: PreTrainedModel, adapter: AdapterRef) -> None:
    with torch.device("meta"):
        # Weights of no size: what a folder of this configuration is loaded into.
        plain = type(model)(model.config)
    beyond = sorted(set(model.state_dict()) - set(plain.state_dict()))
    if beyond:
        raise TrainingError(
            f"adapter {str(adapter.path)!r} cannot be exported: merged, it needs {beyond[0]!r}, "
            f"which {type(model).__name__} does not load; serve it beside its base, or train it "
            "without lora_bias"
        )


def _write(model: PreTrainedModel, base: BaseRef, staged: Path) -> None:
    model.save_pretrained(staged)
    for name in _KEPT:
        if (base.path / name).is_file():
            # The base's own bytes: a tokenizer that is saved again is not always the same.
            shutil.copyfile(base.path / name, staged / name)
