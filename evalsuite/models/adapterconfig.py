"""The closed schemas of the two JSON files in an adapter folder.

``adapter_config.json`` is written by peft and can ask its reader for much: a pattern that hangs, a
rank that fills the memory, another base to fetch, classes to import. Every field that peft saves is
named here. What attaches to the base that is gated is read; what rewrites that base, or is at work
on some tokens only, is refused by :mod:`.adapterrefusals` with one sentence each. Nothing is
imported, followed or matched here: a pattern is text until the engine matches it within a time
limit.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from evalsuite.errors import ModelError, UnsafeAdapter
from evalsuite.files.closedschema import Closed, parse_closed_json
from evalsuite.files.wording import Wording
from evalsuite.models.adapterrefusals import Start, checked_kind, refused

CONFIG_FILE: Final = "adapter_config.json"
MAX_RANK: Final = 1024
MAX_NAMES: Final = 4096
"""Module names in one list: an adapter may name each matrix of each layer."""
MAX_PATTERN: Final = 4096
_PLAIN = re.compile(r"[A-Za-z0-9_.]{1,256}\Z")
_ANCHORED = re.compile(r"\^?[A-Za-z0-9_.]{1,256}\$?\Z")
_TOP: Final = 2**24
"""Above every token id."""
_MAX_IDS: Final = 2**16
_MAX_LAYER: Final = 4096


def _anchored(name: str) -> str:
    if not _ANCHORED.match(name):
        raise ValueError("only module names of A-Z a-z 0-9 _ . are read here, never patterns")
    return name


def _names_or_pattern(value: object) -> tuple[str, ...] | str | None:
    """Read what peft writes as a list of names, or as one regular expression."""
    if isinstance(value, str) and value and len(value) <= MAX_PATTERN:
        return value
    return _names(value)


def _names(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) > MAX_NAMES:
        raise ValueError(f"give a list of at most {MAX_NAMES} module names")
    for place, name in enumerate(value):
        if not isinstance(name, str) or not _PLAIN.match(name):
            raise ValueError(
                f"entry {place} is {str(name)[:60]!r}; a list holds plain module names of "
                "A-Z a-z 0-9 _ . and no patterns"
            )
    return tuple(value)


def _name_or_names(value: object) -> tuple[str, ...] | None:
    return _names([value] if isinstance(value, str) else value)


def _token_ids(value: object) -> tuple[int, ...] | dict[str, tuple[int, ...]] | None:
    """Read the rows of an embedding that were trained, alone or by the embedding's name."""
    if value is None:
        return None
    if not isinstance(value, dict):
        return _ids(value)
    if not all(map(_PLAIN.match, value)):
        raise ValueError(f"the embeddings {sorted(value)} are no plain module names")
    return {name: _ids(ids) for name, ids in value.items()}


def _ids(value: object) -> tuple[int, ...]:
    listed = isinstance(value, list | tuple) and 0 < len(value) <= _MAX_IDS
    if not isinstance(value, list | tuple) or not listed or not all(map(_is_id, value)):
        raise ValueError(
            "give a list of token ids, or a mapping of an embedding's name to such a list"
        )
    return tuple(value)


def _layers(value: object) -> tuple[int, ...] | None:
    listed = [value] if type(value) is int else value
    if listed is None:
        return None
    if not isinstance(listed, list | tuple) or not all(map(_is_layer, listed)):
        raise ValueError(f"give numbers of layers from 0 to {_MAX_LAYER}")
    return tuple(listed)


def _is_layer(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_LAYER


def _is_id(value: object) -> bool:
    return type(value) is int and 0 <= value < _TOP


def _unknown(value: object) -> None:
    if value is not None and value is not False:
        raise PydanticCustomError("extra_forbidden", "unknown")


PatternKey = Annotated[str, AfterValidator(_anchored)]
Names = Annotated[tuple[str, ...] | None, PlainValidator(_names)]
NamesOrPattern = Annotated[tuple[str, ...] | str | None, PlainValidator(_names_or_pattern)]
TokenIds = Annotated[
    tuple[int, ...] | dict[str, tuple[int, ...]] | None, PlainValidator(_token_ids)
]
Rank = Annotated[int, Field(ge=1, le=MAX_RANK)]
Alpha = Annotated[float, Field(gt=0, le=65536, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=4096)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Note = Annotated[dict[str, Any], Field(max_length=64)]
"""Settings that were at work in training alone; kept, and never used."""

_HINTS: Final = {
    "r": f"the rank must lie between 1 and {MAX_RANK}",
    "rank_pattern": f"ranks must lie between 1 and {MAX_RANK}",
    "bias": "peft knows none, all and lora_only",
    "task_type": "only adapters of a causal language model answer questions",
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


class _Method(_Closed):
    """The one key that says of which method a folder is; asked first, since all others follow."""

    model_config = ConfigDict(extra="ignore")

    peft_type: Annotated[Literal["LORA"], PlainValidator(checked_kind)]


class AdapterConfig(_Closed):
    """``adapter_config.json`` of a LoRA or DoRA adapter, as peft saves it.

    A key that is unknown here and null or false says that a newer peft did not do something, and
    is passed over.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[None, PlainValidator(_unknown)]]

    peft_type: Annotated[Literal["LORA"], PlainValidator(checked_kind)]
    r: Rank
    target_modules: NamesOrPattern = None
    """Names, one regular expression, or ``all-linear``; None with ``target_parameters`` alone."""
    lora_alpha: Alpha = 8
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    use_dora: bool = False
    use_rslora: bool = False
    fan_in_fan_out: bool = False
    exclude_modules: NamesOrPattern = None
    layers_to_transform: Annotated[tuple[int, ...] | None, PlainValidator(_layers)] = None
    layers_pattern: Annotated[tuple[str, ...] | None, PlainValidator(_name_or_names)] = None
    rank_pattern: dict[PatternKey, Rank] = Field(default={})
    alpha_pattern: dict[PatternKey, Alpha] = Field(default={})
    task_type: Literal["CAUSAL_LM"] | None = None
    inference_mode: bool = True
    init_lora_weights: Start = True
    bias: Literal["none", "all", "lora_only"] = "none"
    lora_bias: bool = False
    modules_to_save: Names = None
    """Modules that were trained as a whole; the file holds them."""
    trainable_token_indices: TokenIds = None
    target_parameters: Names = None
    ensure_weight_tying: bool = False
    """Whether matrices that the base shares are adapted together."""
    base_model_name_or_path: Text | None = None
    """Text for people; never followed."""
    revision: Text | None = None
    peft_version: Text | None = None
    auto_mapping: Note | None = None
    """The class and module of the trained base, as text: peft writes it where no task type was
    given. Nothing is imported by it."""
    eva_config: Note | None = None
    corda_config: Note | None = None
    lora_ga_config: Note | None = None
    loftq_config: Note | None = None
    velora_config: Note | None = None
    """How activations were stored in training; what is computed is plain LoRA."""
    megatron_core: Text | None = None
    qalora_group_size: Annotated[int, Field(ge=1, le=65536)] = 16
    alora_invocation_tokens: Annotated[None, refused("alora_invocation_tokens")] = None
    arrow_config: Annotated[None, refused("arrow_config")] = None
    kasa_config: Annotated[None, refused("kasa_config")] = None
    layer_replication: Annotated[None, refused("layer_replication")] = None
    megatron_config: Annotated[None, refused("megatron_config")] = None
    monteclora_config: Annotated[None, refused("monteclora_config")] = None
    use_bdlora: Annotated[None, refused("use_bdlora")] = None
    use_qalora: Annotated[None, refused("use_qalora")] = None

    def rank_of(self, module: str) -> int:
        """Return the rank that ``rank_pattern``, or else ``r``, gives to a module."""
        for key, rank in self.rank_pattern.items():
            name = key.removeprefix("^").removesuffix("$")
            whole = key.startswith("^")
            if module == name or (not whole and module.endswith(f".{name}")):
                return rank
        return self.r

    def adapts_parameter_of(self, module: str) -> bool:
        """Whether a bare parameter of this module is adapted, whose rank counts its experts."""
        owners = (name.rpartition(".")[0] for name in self.target_parameters or ())
        return any(module == owner or module.endswith(f".{owner}") for owner in owners)

    @property
    def is_matrices_only(self) -> bool:
        """Whether nothing but low-rank matrices of linear layers is trained."""
        beside = (self.modules_to_save, self.trainable_token_indices, self.target_parameters)
        return not any(beside) and self.bias == "none" and not self.lora_bias


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
        UnsafeAdapter: another method than LoRA and DoRA, one that cannot be gated, a value out of
            the limits.
    """
    if b'"peft_type"' in data:
        parse_closed_json(_Method, data, str(path), error=UnsafeAdapter)
    return parse_closed_json(AdapterConfig, data, str(path), error=UnsafeAdapter)


def parse_provenance(path: Path, data: bytes) -> Provenance:
    """Read the bytes of an ``evalsuite.json``; ``path`` is for the message.

    Raises:
        ModelError: it is not what training writes.
    """
    return parse_closed_json(Provenance, data, str(path), error=ModelError)
