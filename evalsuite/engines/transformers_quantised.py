"""Quantised models as plain ones: the numbers that their bits stand for.

bitsandbytes is loaded and turned back afterwards, before anything runs: on processors with
AVX512-BF16 one forward pass repacks its weights in place, and what is read back then is garbage.
The other methods are turned back by transformers while it loads, to bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from transformers import AutoConfig, PreTrainedModel

from evalsuite.models import BaseRef
from evalsuite.models.quantised import Quantisation

_AFTERWARDS: Final = "bitsandbytes"


def loading_options(base: BaseRef, stored: Quantisation | None) -> Mapping[str, Any]:
    """Return what ``from_pretrained`` has to be told to make weights plain while it loads."""
    if stored is None or stored.method == _AFTERWARDS:
        return {}
    config = AutoConfig.from_pretrained(base.path, local_files_only=True, trust_remote_code=False)
    config.quantization_config = {**config.quantization_config, "dequantize": True}
    return {"config": config}


def as_plain(
    model: PreTrainedModel, stored: Quantisation | None, dtype: torch.dtype
) -> PreTrainedModel:
    """Return the model with plain weights of one number format, and no trace of how it was stored.

    Raises:
        ValueError: a weight is still packed.
    """
    if stored is None:
        return model
    if stored.method == _AFTERWARDS:
        plain: Any = model
        model = plain.dequantize(dtype)
    for name, weight in model.named_parameters():
        if not weight.is_floating_point() or weight.dtype.itemsize < 2:
            raise ValueError(
                f"{name} is still {str(weight.dtype).removeprefix('torch.')} after its "
                f"{stored.told} were read"
            )
        weight.data = weight.data.to(dtype)
    if getattr(model.config, "quantization_config", None) is not None:
        del model.config.quantization_config
    return model
