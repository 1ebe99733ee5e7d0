"""The closed schemas of the two JSON files in an adapter folder.

``adapter_config.json`` is written by peft and can ask its reader for much: a pattern that hangs, a
rank that fills the memory, another base to fetch, classes to import. Every field that peft saves is
named here, and those that reach beyond plain LoRA and DoRA may only hold their harmless default.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field

from evalsuite.errors import ModelError, UnsafeAdapter
from evalsuite.files.closedschema import Closed, parse_closed_json
from evalsuite.files.wording import Wording

CONFIG_FILE: Final = "adapter_config.json"
MAX_RANK: Final = 1024
_PLAIN = re.compile(r"[A-Za-z0-9_.]{1,256}\Z")
# Their weights are shared: merging into one would change the other.
_TIED: Final = frozenset({"lm_head", "embed_tokens"})


def _plain(name: str) -> str:
    if not _PLAIN.match(name):
        raise ValueError("only plain module names of A-Z a-z 0-9 _ . are read, never patterns")
    return name


def _adaptable(name: str) -> str:
    if name.rpartition(".")[2] in _TIED:
        raise ValueError("adapting the embedding or output layer is not supported; leave it out")
    return name


PlainName = Annotated[str, AfterValidator(_plain)]
Target = Annotated[str, AfterValidator(_plain), AfterValidator(_adaptable)]
Rank = Annotated[int, Field(ge=1, le=MAX_RANK)]
Alpha = Annotated[float, Field(gt=0, le=65536, allow_inf_nan=False)]
Layer = Annotated[int, Field(ge=0, le=4096)]
Text = Annotated[str, Field(max_length=4096)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


_HINTS: Final = {
    "r": f"the rank must lie between 1 and {MAX_RANK}",
    "rank_pattern": f"ranks must lie between 1 and {MAX_RANK}",
    "target_modules": "give a list of plain module names; a text is a pattern, which can hang",
    "exclude_modules": "give a list of plain module names; a text is a pattern, which can hang",
    "auto_mapping": "it imports code; only null is accepted",
    "bias": "only 'none' is accepted: other values rewrite weights of the base",
    "init_lora_weights": "this method rewrites the base weights; convert it to a plain LoRA first",
    "modules_to_save": "whole modules beside the adapter are not supported; only null is accepted",
    "peft_type": "only LORA (LoRA, DoRA, rsLoRA) is supported",
}


class _Closed(Closed):
    model_config = ConfigDict(strict=True)
    wording = Wording(
        unknown="the key {key!r} is unknown; remove it, or save the adapter with a known version",
        missing="the key {key!r} is missing",
        value="{path}={repr}: {message}",
        broken="{path}={repr}: {message}",
        choice="{path}={repr}: {message}{near}",
        shape="the file is refused: {message}",
        hints=_HINTS,
    )


class AdapterConfig(_Closed):
    """``adapter_config.json`` of a LoRA or DoRA adapter, as peft saves it.

    Fields typed ``None`` (or with one literal) belong to methods that rewrite the base, import
    code or add other weights; peft's default is the only value accepted for them.
    """

    peft_type: Literal["LORA"]
    r: Rank
    target_modules: Annotated[tuple[Target, ...], Field(min_length=1, max_length=512)]
    lora_alpha: Alpha = 8
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    use_dora: bool = False
    use_rslora: bool = False
    fan_in_fan_out: bool = False
    exclude_modules: tuple[PlainName, ...] | None = None
    layers_to_transform: Layer | tuple[Layer, ...] | None = None
    layers_pattern: PlainName | tuple[PlainName, ...] | None = None
    rank_pattern: dict[PlainName, Rank] = Field(default={})
    alpha_pattern: dict[PlainName, Alpha] = Field(default={})
    task_type: Literal["CAUSAL_LM"] | None = None
    inference_mode: bool = True
    init_lora_weights: bool | Literal["gaussian", "orthogonal"] = True
    bias: Literal["none"] = "none"
    base_model_name_or_path: Text | None = None
    """Text for people; never followed."""
    revision: Text | None = None
    peft_version: Text | None = None
    auto_mapping: None = None
    modules_to_save: None = None
    layer_replication: None = None
    target_parameters: None = None
    trainable_token_indices: None = None
    alora_invocation_tokens: None = None
    arrow_config: None = None
    corda_config: None = None
    eva_config: None = None
    kasa_config: None = None
    lora_ga_config: None = None
    monteclora_config: None = None
    velora_config: None = None
    megatron_config: None = None
    megatron_core: Literal["megatron.core"] | None = None
    loftq_config: Annotated[dict[str, Any], Field(max_length=0)] | None = None
    lora_bias: Literal[False] = False
    use_qalora: Literal[False] = False
    qalora_group_size: Annotated[int, Field(ge=1, le=65536)] = 16
    use_bdlora: Literal[False] | None = None
    ensure_weight_tying: Literal[False] = False

    def targets(self, module: str) -> bool:
        """Say whether a module's dotted name is one of ``target_modules`` or ends with one."""
        return any(module == t or module.endswith(f".{t}") for t in self.target_modules)

    def rank_of(self, module: str) -> int:
        """Return the rank that ``rank_pattern``, or else ``r``, gives to a module."""
        for name, rank in self.rank_pattern.items():
            if module == name or module.endswith(f".{name}"):
                return rank
        return self.r


class Provenance(_Closed):
    """``evalsuite.json``: what an adapter was made from and how; written by training."""

    recipe: Text
    recipe_digest: Hex
    base_name: Text
    base_digest: Hex
    data_digest: Hex
    template_fingerprint: Hex
    template_tokens: Annotated[tuple[Text, ...], Field(strict=False, max_length=4096)] = ()
    """The render of a fixed conversation in training, token by token; a fingerprint only says that
    serving differs, this says where."""
    quantization: Literal["none", "nf4"] = "none"
    """How the base was stored while the adapter learned; ``nf4`` includes double quantisation."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    evalsuite_version: Text
    lineage: Text = ""
    """Attempts at the same goal share a lineage; empty when training was not told."""
    prompt: Text = ""
    """Name of the prompt that every rewrite was asked with; empty: evalsuite's own."""
    prompt_digest: Text = ""
    """SHA-256 of that prompt."""


def parse_config(path: Path, data: bytes) -> AdapterConfig:
    """Read the bytes of an ``adapter_config.json``; ``path`` is for the message.

    Raises:
        UnsafeAdapter: anything but a plain LoRA or DoRA configuration within the limits.
    """
    return parse_closed_json(AdapterConfig, data, str(path), error=UnsafeAdapter)


def parse_provenance(path: Path, data: bytes) -> Provenance:
    """Read the bytes of an ``evalsuite.json``; ``path`` is for the message.

    Raises:
        ModelError: it is not what training writes.
    """
    return parse_closed_json(Provenance, data, str(path), error=ModelError)
