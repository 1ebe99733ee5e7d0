"""Putting an adapter on a model, taking it off again, and merging it.

peft makes the places and loads the tensors; what it passes over in silence is asked here. Every
tensor of the file must have found a place, and every place a tensor. Whole matrices that the file
holds (a resized vocabulary, biases) are put in as peft would. A matrix that two modules share is
untied before anything is merged into one of them.
"""

from __future__ import annotations

import re
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from safetensors.torch import load
from transformers import PreTrainedModel

from evalsuite.engines.transformers_vocabulary import resize, spare_copies, vocabulary_tensors
from evalsuite.errors import AdapterUnfit
from evalsuite.models import CONFIG_FILE, AdapterRef, OpenedAdapter

if TYPE_CHECKING:
    from peft import PeftModelForCausalLM

PREFIX: Final = "base_model.model."
"""What peft writes before the name that a module has in the base."""
SECONDS: Final = 2.0
"""For all names of a model against one pattern: an honest one takes milliseconds."""
_ALL_LINEAR: Final = "all-linear"
_COPIED: Final = (
    "r", "lora_alpha", "use_dora", "use_rslora", "fan_in_fan_out", "rank_pattern", "alpha_pattern",
    "bias", "lora_bias", "ensure_weight_tying", "layers_to_transform", "layers_pattern",
    "modules_to_save", "trainable_token_indices", "target_parameters",
)  # fmt: skip
_CALLED: Final = re.compile(r"\.lora_[A-Za-z_]+\.(?P<called>(?!weight\b|bias\b)[^.]+)")
"""``lora_A.default.weight``: a tensor as it is called in a model, with the adapter's name."""
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Attachment:
    """An adapter on a model, unmerged."""

    peft: PeftModelForCausalLM
    replaced: Mapping[str, tuple[torch.nn.Parameter, torch.Tensor]]
    """Parameters of the base whose values the file holds anew, with the values they had."""

    @contextmanager
    def detached(self) -> Iterator[None]:
        """Switch the adapter off, and give back to the base what was its own."""
        now = {name: weight.data for name, (weight, _) in self.replaced.items()}
        try:
            for weight, before in self.replaced.values():
                weight.data = before
            with _quiet(), self.peft.disable_adapter():
                yield
        finally:
            for name, (weight, _) in self.replaced.items():
                weight.data = now[name]

    def merged(self) -> PreTrainedModel:
        """Merge the adapter and return the model without it; the attachment is used up."""
        _untie_adapted(self.peft)
        _give_biases(self.peft)
        with _quiet():
            model: PreTrainedModel = self.peft.merge_and_unload(safe_merge=True)
        ends = (model.get_input_embeddings(), model.get_output_embeddings())
        if ends[1] is not None and ends[0].weight is not ends[1].weight:
            # Else a folder that it is saved to would be tied again when it is loaded.
            model.config.tie_word_embeddings = False
        return model


def put_on(model: PreTrainedModel, opened: OpenedAdapter) -> Attachment:
    """Put an adapter on a model.

    Configuration and weights are those that were checked, not what the folder holds now.

    Raises:
        AdapterUnfit: names or shapes differ, or a pattern cannot be matched.
    """
    with _quiet():
        from peft import LoraConfig, PeftModelForCausalLM, get_peft_model_state_dict
        from peft.utils import set_peft_model_state_dict

        adapter, weights = opened.ref, load(opened.weights)
        vocabulary = vocabulary_tensors(model, weights)
        before = _parameters(model)
        resize(model, adapter, weights)
        config = LoraConfig(**_peft_fields(adapter, model))
        peft = PeftModelForCausalLM(model, config, autocast_adapter_dtype=False)
        places = get_peft_model_state_dict(peft, save_embedding_layers=False)
        matrices = {name: end for name, end in vocabulary.items() if name not in places}
        spare = spare_copies(vocabulary, places, weights)
        own = {n: tensor for n, tensor in weights.items() if n not in matrices and n not in spare}
        _check_places(adapter, places, own)
        replaced = _resized(peft, before, set(vocabulary.values())) | _replaced(peft, before, own)
        replaced |= _put_in(peft, before, {matrices[name]: weights[name] for name in matrices})
        result: Any = set_peft_model_state_dict(peft, own)
    # Keys of the base are always missing there: an adapter's file holds its own only.
    lost = {name for name in result.missing_keys if ".lora_" in name}
    _check_names(adapter, lost, set(result.unexpected_keys))
    return Attachment(peft, replaced)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _parameters(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What each parameter of the base holds; the same tensors, not copies."""
    return {name: weight.data for name, weight in model.named_parameters(remove_duplicate=False)}


def _peft_fields(adapter: AdapterRef, model: PreTrainedModel) -> dict[str, Any]:
    config = adapter.config
    fields = {name: _plain(getattr(config, name)) for name in _COPIED}
    fields["target_modules"] = _modules(adapter, "target_modules", model)
    fields["exclude_modules"] = _modules(adapter, "exclude_modules", model)
    return {**fields, "task_type": "CAUSAL_LM", "inference_mode": True}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _modules(adapter: AdapterRef, key: str, model: PreTrainedModel) -> list[str] | str | None:
    """The modules that a key of the configuration means; a pattern becomes the list of them."""
    value: tuple[str, ...] | str | None = getattr(adapter.config, key)
    if value is None or value == _ALL_LINEAR:
        return value
    names = [name for name, _ in model.named_modules() if name]
    if isinstance(value, tuple):
        found = [n for n in names if any(n == one or n.endswith(f".{one}") for one in value)]
    else:
        found = _matching(adapter, key, value, names)
    if key == "target_modules" and not adapter.config.target_parameters:
        _require_targets(adapter, found, names)
    return list(value) if isinstance(value, tuple) else found


def _require_targets(adapter: AdapterRef, found: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a configuration by which nothing of the base would be adapted; peft says less."""
    config = adapter.config
    file = str(adapter.path / CONFIG_FILE)
    if not config.target_modules:
        raise AdapterUnfit(
            f"{file}: target_modules={_plain(config.target_modules)!r} names nothing to adapt; "
            "restore the file that was saved with the weights"
        )
    if not found:
        like = next(name for name in reversed(names) if name.count(".") > 1)
        raise AdapterUnfit(
            f"{file}: target_modules={_plain(config.target_modules)!r} matches no module of the "
            f"base, whose modules are called like {like!r}; give the base that it was trained on"
        )
    chosen = config.layers_to_transform
    wanted = {chosen} if isinstance(chosen, int) else set(chosen or ())
    there = {int(part) for name in found for part in name.split(".") if part.isdigit()}
    if wanted and there and not wanted & there:
        raise AdapterUnfit(
            f"{file}: layers_to_transform={sorted(wanted)} lie beyond the base's layers "
            f"{min(there)} to {max(there)}; give the base that it was trained on"
        )


def _matching(adapter: AdapterRef, key: str, pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a regular expression matches whole, as peft matches them, within seconds."""
    import regex

    until = time.monotonic() + SECONDS

    def left() -> float:
        return max(0.01, until - time.monotonic())

    try:
        matcher = regex.compile(pattern)
        return [name for name in names if matcher.fullmatch(name, timeout=left())]
    except TimeoutError:
        why = f"takes longer than {SECONDS:g} seconds to match the names of the base's modules"
    except regex.error as problem:
        why = f"is no regular expression ({problem})"
    raise AdapterUnfit(
        f"adapter {str(adapter.path)!r}: {key}={pattern[:80]!r} {why}; write the list of module "
        "names in its place"
    )


def _check_places(adapter: AdapterRef, places: Tensors, weights: Tensors) -> None:
    _check_names(adapter, places.keys() - weights.keys(), weights.keys() - places.keys())
    for name, place in places.items():
        if place.shape != weights[name].shape:
            raise AdapterUnfit(
                f"adapter {str(adapter.path)!r} does not fit its base: {name!r} has shape "
                f"{list(weights[name].shape)}, its place {list(place.shape)}; give the base it "
                "was trained on"
            )


def _check_names(adapter: AdapterRef, missing: set[str], unexpected: set[str]) -> None:
    if not missing and not unexpected:
        return
    raise AdapterUnfit(
        f"adapter {str(adapter.path)!r} does not load cleanly: {len(missing)} weights missing"
        f"{_such(missing)}, {len(unexpected)} without a place in the base"
        f"{_such(unexpected)}; {_remedy(missing, unexpected)}"
    )


def _such(names: set[str]) -> str:
    """One of some names; more would push the remedy out of sight where a sentence is cut."""
    return f" (such as {min(names)!r})" if names else ""


def _remedy(missing: set[str], unexpected: set[str]) -> str:
    """Say what may have happened, by how the two sets of names differ."""
    if missing and unexpected:
        here, there = min(unexpected), min(missing)
        called = _called(missing, unexpected)
        if called:
            return (
                f"their names hold what the adapter was called in training, {called!r}, which "
                "peft leaves out when it saves; save it with peft's save_pretrained"
            )
        if not any(name.startswith(PREFIX) for name in unexpected):
            return f"names must begin with {PREFIX!r}, as peft writes them; save it with peft"
        if {_tail(name) for name in unexpected} == {_tail(name) for name in missing}:
            return (
                f"they stand under {_head(here)!r} where the base has {_head(there)!r}: it was "
                "made for another class of model; give the base it was trained on, or rename them"
            )
    if unexpected and not missing:
        return (
            "its adapter_config.json does not announce them, so that no server would load them; "
            "restore the file that was saved with them"
        )
    if missing and not unexpected:
        return "the file was cut or saved in part; save the adapter again"
    return "give the base it was trained on"


def _called(missing: set[str], unexpected: set[str]) -> str:
    """The name of an adapter that stands in all its tensors' names, as in a state dict of a model.

    Empty where the names differ in anything else.
    """
    inner = {match["called"] for name in unexpected for match in _CALLED.finditer(name)}
    if len(inner) != 1:
        return ""
    called = inner.pop()
    shorter = {name.replace(f".{called}", "") for name in unexpected}
    # A magnitude or an embedding's matrix is saved without its last part.
    found = {name if name in missing else name.removesuffix(".weight") for name in shorter}
    return called if found == missing else ""


def _tail(name: str) -> str:
    """A name from its number of a layer on."""
    parts = name.split(".")
    return ".".join(parts[next((i for i, p in enumerate(parts) if p.isdigit()), 0) :])


def _head(name: str) -> str:
    return name.removesuffix(_tail(name))


def _replaced(
    peft: torch.nn.Module, before: Tensors, own: Tensors
) -> dict[str, tuple[torch.nn.Parameter, torch.Tensor]]:
    """The base's own parameters (biases) that lie in the file and will be overwritten."""
    base = {name: place for name, place in peft.named_parameters() if name in own}
    found = {}
    for name, place in base.items():
        plain = name.removeprefix(PREFIX).replace(".base_layer", "")
        if plain in before and not torch.equal(place.data, own[name].to(place.dtype)):
            found[plain] = (place, before[plain])
            place.data = place.data.clone()  # it is written in place
    return found


def _put_in(
    peft: torch.nn.Module, before: Tensors, given: Mapping[str, torch.Tensor]
) -> dict[str, tuple[torch.nn.Parameter, torch.Tensor]]:
    """Put whole matrices of the vocabulary in; those that are the base's own change nothing."""
    layers: dict[str, Any] = {}
    for module in given:
        layers[module] = layer = _bare(peft.get_submodule(PREFIX + module))
        for other in layers:
            shared = layers[other].weight is layer.weight and other != module
            if shared and not torch.equal(given[other], given[module]):
                # Tied in the base, trained apart: from here on each has its own.
                layer.weight = torch.nn.Parameter(layer.weight.data, requires_grad=False)
    replaced = {}
    for module, layer in layers.items():
        value = given[module].to(layer.weight.dtype)
        if not torch.equal(layer.weight.data, value):
            layer.weight.data = value
            replaced[f"{module}.weight"] = (layer.weight, before[f"{module}.weight"])
    return replaced


def _bare(layer: Any) -> Any:
    """The base's own module inside the places that peft made."""
    for wrapped in ("token_adapter", "base_layer", "original_module"):
        layer = getattr(layer, wrapped, layer)
    return layer


def _resized(
    peft: torch.nn.Module, before: Tensors, modules: Iterable[str]
) -> dict[str, tuple[torch.nn.Parameter, torch.Tensor]]:
    """The matrices of the base that were given more rows, so that the adapter's own fit."""
    found = {}
    for module in modules:
        layer = _bare(peft.get_submodule(PREFIX + module))
        was = before[f"{module}.weight"]
        if layer.weight.shape != was.shape:
            found[f"{module}.weight"] = (layer.weight, was)
    return found


def _untie_adapted(peft: torch.nn.Module) -> None:
    """Give each of several modules that share a matrix its own, where one of them is adapted."""
    from peft.tuners.lora import LoraLayer

    holders: dict[int, list[tuple[Any, bool]]] = defaultdict(list)
    layers = {id(m.get_base_layer()) for m in peft.modules() if isinstance(m, LoraLayer)}
    for module in peft.modules():
        weight = module._parameters.get("weight")
        if weight is not None:
            holders[id(weight)].append((module, id(module) in layers))
    for sharing in holders.values():
        if any(adapted for _, adapted in sharing):
            for module, _ in sharing[1:]:
                module.weight = torch.nn.Parameter(module.weight.data.clone(), requires_grad=False)


def _give_biases(peft: torch.nn.Module) -> None:
    """Give layers without a bias one of zeros, where the adapter brings a bias to add to it."""
    from peft.tuners.lora import LoraLayer

    for layer in peft.modules():
        if isinstance(layer, LoraLayer) and any(layer.lora_bias.values()):
            base: Any = layer.get_base_layer()
            if getattr(base, "bias", None) is None:
                zeros = base.weight.new_zeros(base.weight.shape[0])
                base.bias = torch.nn.Parameter(zeros, requires_grad=False)
