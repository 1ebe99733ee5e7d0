"""Loading base models and adapters, with proof that what was asked for is what was loaded.

Adapters are merged into a pristine fp32 copy of their base and cast afterwards: unmerging rounds,
unmerged DoRA costs four times as much, and a merged model has no hooks that could stay behind. An
adapter trained on a 4-bit base is merged into the base as those four bits represent it.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from evalsuite.engines.numerics import Device, Dtype, Numerics
from evalsuite.engines.transformers_adapters import Attachment, put_on
from evalsuite.engines.transformers_decoding import Model
from evalsuite.engines.transformers_quantised import as_plain, loading_options
from evalsuite.errors import AdapterUnfit, EngineError, MissingDependency, ModelError
from evalsuite.models import AdapterRef, BaseRef, OpenedAdapter, open_adapter
from evalsuite.models.quantised import quantisation_of

# Weights that share a scale, as QLoRA quantises (arXiv:2305.14314).
NF4_BLOCK: Final = 64
Prompts = tuple[tuple[int, ...], ...]
_M = TypeVar("_M", bound=torch.nn.Module)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured in fp32 while an adapter was attached.

    Values are differences of logits in units of the standard deviation of the base's own, so that
    they mean the same for every model.
    """

    change: float
    """Largest difference that the adapter makes on the probe prompts."""
    detached_exactly: bool
    """Whether switching the adapter off gave the base's logits bit by bit."""
    merge_error: float
    """Largest difference between merged and unmerged."""
    replaced: tuple[str, ...] = ()
    """Weights of the base itself that the adapter's file holds anew."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars and notes about absent extras of the libraries off the terminal."""
    bars = transformers_logging.is_progress_bar_enabled()
    notes = logging.getLogger("bitsandbytes")
    level = notes.level
    transformers_logging.disable_progress_bar()
    notes.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        notes.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()


def load_base(base: BaseRef, numerics: Numerics) -> PreTrainedModel:
    """Load a base model, every weight of it from its own files.

    Raises:
        EngineError, ModelError: as :func:`load_whole`.
    """
    return load_whole(base, numerics, called="base model")[0]


def load_whole(
    base: BaseRef, numerics: Numerics, *, called: str
) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """Load a model, and say which weights of its files found no place in it.

    Args:
        base: The model: a base, or a candidate's own folder.
        numerics: Where and in what number format.
        called: What it is to the person who reads an error.

    Raises:
        EngineError: the device is absent or too small, or a file cannot be read now.
        ModelError: weights are missing or do not fit the configuration, or somebody changed them.
    """
    _require(numerics)
    dtype = getattr(torch, numerics.dtype)
    try:
        stored = quantisation_of(base.path)
        with enough_memory(f"{called} {base.name!r}"), _quiet():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                base.path,
                dtype=dtype,
                local_files_only=True,
                # A folder may come from anywhere: neither its Python nor a pickle of it is run.
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                **loading_options(base, stored),
            )
            model: PreTrainedModel = as_plain(loaded[0], stored, dtype)
    except (ValueError, KeyError, RuntimeError) as problem:
        raise ModelError(f"{called} {base.name!r} does not load: {problem}") from problem
    except OSError as problem:
        raise EngineError(f"{called} {base.name!r} cannot be read: {problem}") from problem
    if base.files is not None:
        base.files.require_same()
    info = loaded[1]
    wrong = sorted(map(str, [*info["missing_keys"], *info["mismatched_keys"]]))
    if wrong:
        raise ModelError(
            f"{called} {base.name!r} lacks weights, such as {wrong[0]}; fetch it again"
        )
    _check_architecture(base, model)
    return _frozen(_moved(model, numerics.place)), tuple(sorted(map(str, info["unexpected_keys"])))


@contextmanager
def enough_memory(what: str) -> Iterator[None]:
    """Turn a lack of memory into an EngineError: it says nothing about a model or an adapter."""
    try:
        yield
    except (RuntimeError, MemoryError) as problem:
        if not out_of_memory(problem):
            raise
        raise EngineError(
            f"{what} does not fit into memory ({problem}); free some, take the device cpu, or a "
            "machine that holds base and candidate side by side"
        ) from None


def out_of_memory(problem: BaseException) -> bool:
    """Whether an exception tells of a lack of memory, wherever it was lacking."""
    # torch reports a lack of memory on a processor as a plain RuntimeError.
    said = str(problem).lower()
    return isinstance(problem, MemoryError | torch.OutOfMemoryError) or (
        "out of memory" in said or "can't allocate memory" in said
    )


def _moved(model: _M, place: str) -> _M:
    with enough_memory(f"a model of {sum(p.nbytes for p in model.parameters()):,} bytes"):
        return model.to(place)


def _require(numerics: Numerics) -> None:
    if numerics.device is not Device.CUDA:
        return
    if not torch.cuda.is_available():
        raise EngineError(
            f"device={numerics.place!r}: this torch sees no CUDA device; install a CUDA build of "
            "torch, or take the device cpu"
        )
    if (count := torch.cuda.device_count()) <= (numerics.index or 0):
        raise EngineError(
            f"device={numerics.place!r}: this torch sees {count} CUDA devices, numbered from 0"
        )


def _check_architecture(base: BaseRef, model: PreTrainedModel) -> None:
    if getattr(model.config, "quantization_config", None):
        raise EngineError(
            f"base model {base.name!r} has quantised weights; this engine needs the unquantised "
            "checkpoint"
        )


def load_candidate(
    base: BaseRef, adapter: AdapterRef, numerics: Numerics, probes: Prompts = ()
) -> tuple[PreTrainedModel, Evidence | None]:
    """Load a base, put an adapter on it in fp32, cast the result and move it to its device.

    Merging happens in main memory: beside a resident base, an fp32 copy of 3 billion parameters
    does not fit on a GPU of 24 GB, and what it takes there is not given back at once.

    Args:
        base: The base to load a fresh copy of.
        adapter: The adapter; its files are checked against its digest once more.
        numerics: Where and in what format the model will run, and whether merged.
        probes: Prompts to measure the adapter's effect on; none, or unmerged: no evidence.

    Raises:
        ModelError: the files changed, or the base does not load.
        AdapterUnfit: the adapter does not load cleanly into this base.
        EngineError: it cannot be done on this machine, now.
    """
    opened = open_adapter(adapter.path, base)
    if opened.ref.digest != adapter.digest:
        raise ModelError(f"adapter {str(adapter.path)!r} changed since it was read; read it again")
    _require(numerics)
    model = load_base(base, Numerics(Device.CPU, Dtype.FLOAT32))
    if adapter.provenance is not None and adapter.provenance.quantization == "nf4":
        round_trip_nf4(model)
    before = logits_of(model, probes)
    attached = attach(model, opened)
    if not numerics.merged:
        bare = attached.peft.get_base_model()
        assert isinstance(bare, PreTrainedModel)
        return ready(bare, numerics), None
    after = logits_of(attached.peft, probes)
    with attached.detached():
        detached = logits_of(attached.peft, probes)
    replaced = tuple(attached.replaced)
    merged = _merged(adapter, attached)
    evidence = None
    if probes:
        unit = float(torch.stack(before).std())
        evidence = Evidence(
            change=distance(after, before) / unit,
            detached_exactly=all(map(torch.equal, detached, before)),
            merge_error=distance(logits_of(merged, probes), after) / unit,
            replaced=replaced,
        )
    return ready(merged, numerics), evidence


def _merged(adapter: AdapterRef, attached: Attachment) -> PreTrainedModel:
    with enough_memory(f"adapter {str(adapter.path)!r}, merged"):
        try:
            return _frozen(attached.merged())
        except (ValueError, RuntimeError, NotImplementedError) as problem:
            if out_of_memory(problem):
                raise
            raise AdapterUnfit(
                f"adapter {str(adapter.path)!r} cannot be merged: {problem}"
            ) from problem


def ready(model: PreTrainedModel, numerics: Numerics) -> PreTrainedModel:
    """Cast a model that was made in float32, and move it to where it runs."""
    cast(model, getattr(torch, numerics.dtype))
    return _frozen(_moved(model, numerics.place))


def _frozen(model: _M) -> _M:
    model.eval()
    model.requires_grad_(False)
    return model


def cast(model: Model, dtype: torch.dtype) -> None:
    """Cast every weight and buffer to what it would be, had the model been loaded in ``dtype``.

    ``model.to(dtype)`` would round the frequencies of the rotary embedding too, which a loaded
    model keeps in fp32: in bf16 the phase is off by half a radian at 500 tokens. And a router or a
    sink that the library never rounds would be rounded in a candidate and not in its base.
    """
    formats = _formats(model, dtype)
    kept = tuple(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    for weights, default in ((model.named_parameters(), dtype), (model.named_buffers(), None)):
        for name, weight in weights:
            found = formats.get(name.replace(".base_layer", ""), default)
            if any(part in name for part in kept) and ".lora_" not in name:
                found = torch.float32
            if weight.is_floating_point() and found is not None:
                weight.data = weight.data.to(found)


def _formats(model: Model, dtype: torch.dtype) -> dict[str, torch.dtype]:
    """The number formats of a model of this configuration that is made in ``dtype``, by name.

    Empty where the library cannot make one without memory for it.
    """
    with suppress(RuntimeError, NotImplementedError, ValueError, TypeError), torch.device("meta"):
        made = AutoModelForCausalLM.from_config(model.config, dtype=dtype)
        tensors = (*made.named_parameters(), *made.named_buffers())
        return {name: tensor.dtype for name, tensor in tensors}
    return {}


def attach(model: PreTrainedModel, adapter: OpenedAdapter) -> Attachment:
    """Put an adapter on a model, unmerged; see :func:`.transformers_adapters.put_on`.

    Raises:
        AdapterUnfit: names or shapes differ.
        EngineError: there is not enough memory.
    """
    named = f"adapter {str(adapter.ref.path)!r}"
    with enough_memory(named), _quiet():
        try:
            attached = put_on(model, adapter)
        except (ValueError, RuntimeError, LookupError, TypeError, AttributeError) as problem:
            if out_of_memory(problem):
                raise
            raise AdapterUnfit(f"{named} does not fit its base: {problem}") from problem
    _frozen(attached.peft)
    return attached


@torch.inference_mode()
def round_trip_nf4(model: PreTrainedModel) -> None:
    """Replace the linear weights by what 4-bit NormalFloat with double quantisation keeps of them.

    The output layer stays, as in training (arXiv:2305.14314).

    Raises:
        MissingDependency: bitsandbytes is not installed.
    """
    try:
        with _quiet():
            from bitsandbytes import functional
    except ImportError:
        raise MissingDependency(
            "bitsandbytes", "quantization", "an adapter trained on a 4-bit base"
        ) from None
    output = model.get_output_embeddings()
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module is not output:
            packed, state = functional.quantize_4bit(
                module.weight.data.contiguous(),
                blocksize=NF4_BLOCK,
                compress_statistics=True,
                quant_type="nf4",
            )
            module.weight.data = functional.dequantize_4bit(packed, state).to(module.weight.dtype)


@torch.inference_mode()
def logits_of(model: Model, probes: Prompts) -> list[torch.Tensor]:
    """Return what a model makes of the last position of each prompt: (vocabulary,), in float32."""
    return [
        model(input_ids=torch.tensor([list(p)], device=model.device), use_cache=False)
        .logits[0, -1]
        .float()
        for p in probes
    ]


def distance(left: list[torch.Tensor], right: list[torch.Tensor]) -> float:
    """Return the largest difference of two numbers in one place."""
    # A resized vocabulary has more tokens than its base; what both have is compared.
    pairs = [(a[: len(b)], b[: len(a)]) for a, b in zip(left, right, strict=True)]
    return max(float((a - b).abs().max()) for a, b in pairs)
