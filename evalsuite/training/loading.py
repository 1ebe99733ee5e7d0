"""Loading a base model for training or merging, in the arithmetic that the recipe asks for.

NF4 has two forms here. On CUDA the base stays in four bits (``Linear4bit``). On a CPU, whose
four-bit kernels dequantise the whole matrix at every use, the base is quantised and dequantised
once and training runs on the result: the same function of the same rounded weights, without the
kernels. ``tests/training/test_loading.py`` holds loss and gradients of the two forms together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from evalsuite.errors import InvalidRecipe, MissingDependency, ModelError, TrainingError
from evalsuite.training.quiet import quiet
from evalsuite.training.recipe import Method, Precision, Quantization, Recipe

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import BitsAndBytesConfig


class Form(StrEnum):
    """How the frozen matrices are held while the adapter learns."""

    PLAIN = "plain"
    """As the base's files hold them."""
    LINEAR4BIT = "linear4bit"
    """Four bits in memory, dequantised by the kernel at each use."""
    DEQUANTISED = "dequantised"
    """Quantised to four bits and dequantised once, after loading."""


@dataclass(frozen=True, slots=True)
class LoadedBase:
    """A base model in memory, frozen."""

    model: PreTrainedModel
    device: torch.device
    dtype: torch.dtype
    form: Form


def pick_device() -> torch.device:
    """Return CUDA when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def pick_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the arithmetic of the frozen base on a device."""
    if precision is Precision.AUTO:
        fast = (
            torch.cuda.is_bf16_supported(including_emulation=False)
            if device.type == "cuda"
            else _cpu_computes_bf16()
        )
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if precision is Precision.BF16 else torch.float32


def load_base(
    path: Path,
    quantization: Quantization,
    dtype: torch.dtype,
    *,
    device: torch.device | None = None,
    form: Form | None = None,
) -> LoadedBase:
    """Load a model folder, offline, from safetensors, without running code from it.

    Args:
        path: the model folder.
        quantization: none or nf4.
        dtype: of the weights, and of the arithmetic on four-bit weights.
        device: default: CUDA when there is one.
        form: how NF4 is held; default: four bits on CUDA, dequantised on a CPU.

    Raises:
        ModelError: transformers cannot read the folder.
        MissingDependency: nf4 without bitsandbytes.
    """
    device = device or pick_device()
    if quantization is Quantization.NONE:
        return LoadedBase(_load(path, dtype, device, None), device, dtype, Form.PLAIN)
    form = form or (Form.LINEAR4BIT if device.type == "cuda" else Form.DEQUANTISED)
    model = _load(path, dtype, device, _nf4_config(dtype))
    keep_four_bits_intact(model)
    if form is Form.DEQUANTISED:
        with quiet():
            model = model.dequantize()
        # Left behind by dequantize(); peft and the Trainer believe it.
        model.is_loaded_in_4bit = False
    model.requires_grad_(requires_grad=False)
    return LoadedBase(model, device, dtype, form)


def keep_four_bits_intact(model: torch.nn.Module) -> None:
    """Switch off the repacking of four-bit weights for AVX512-BF16.

    It happens in place at the first forward pass in eval mode; afterwards dequantising the
    weights, which DoRA does at every step, gives garbage.
    """
    modules: Iterator[Any] = model.modules()
    for module in modules:
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def attach_adapter(base: LoadedBase, recipe: Recipe, base_name: str) -> PeftModel:
    """Return the peft model with a fresh adapter: float32, a no-op until trained.

    Raises:
        InvalidRecipe: ``target_modules`` names no linear layer of this model.
    """
    from peft import LoraConfig, get_peft_model

    _check_targets(base.model, recipe)
    if recipe.gradient_checkpointing:
        _checkpoint_activations(base.model)
    config = LoraConfig(
        r=recipe.r,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(recipe.target_modules),
        use_dora=recipe.method is Method.DORA,
        bias="none",
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base.model, config, autocast_adapter_dtype=True)
    # A label for people; the base is pinned by digest, and a local path is nobody's business.
    model.peft_config["default"].base_model_name_or_path = base_name
    return model


def _cpu_computes_bf16() -> bool:
    supported = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return bool(supported)


def _load(
    path: Path,
    dtype: torch.dtype,
    device: torch.device,
    quantization: BitsAndBytesConfig | None,
) -> PreTrainedModel:
    with quiet():
        try:
            model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                str(path),
                dtype=dtype,
                device_map={"": device},
                quantization_config=quantization,
                attn_implementation="sdpa",
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"base model {str(path)!r} cannot be loaded: {error}") from error
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"base model {str(path)!r} does not fit into memory ({error}); free some, or use a "
                "recipe with nf4"
            ) from error
    model.config.use_cache = False
    model.requires_grad_(requires_grad=False)
    return model


def _nf4_config(dtype: torch.dtype) -> BitsAndBytesConfig:
    try:
        with quiet():
            import bitsandbytes  # noqa: F401 - asked for here, where the hint can be given
    except ImportError:
        raise MissingDependency("bitsandbytes", "quantization", "a recipe with nf4") from None
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _checkpoint_activations(model: PreTrainedModel) -> None:
    """Keep one activation per block and compute the rest again: more time, far less memory."""
    new_name = getattr(model, "activation_checkpointing_enable", None)
    (new_name or model.gradient_checkpointing_enable)({"use_reentrant": False})


def _check_targets(model: torch.nn.Module, recipe: Recipe) -> None:
    linear = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    missing = [m for m in recipe.target_modules if m not in linear or m == "lm_head"]
    if missing:
        raise InvalidRecipe(
            f"target_modules={missing} are no linear layers of this base; "
            f"use some of: {', '.join(sorted(linear - {'lm_head'}))}"
        )
