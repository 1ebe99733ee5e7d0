"""Recipes: everything that decides what an adapter becomes, in one small YAML file.

A recipe is right for every base: values that a base of another size needs differently stand
under ``base_overrides``, and :meth:`Recipe.for_base` folds them in. The recipe that really ran
is written beside the adapter, so a candidate can be made again from its folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, model_validator

from evalsuite.cases import Kind, Language, WorldName
from evalsuite.cases.schema import Languages
from evalsuite.files.closedschema import Closed, json_schema
from evalsuite.files.wording import Wording
from evalsuite.prompts import FORMATS

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)]
ModuleName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class Method(StrEnum):
    """How the adapter changes a weight matrix."""

    LORA = "lora"
    """W + scale * B A."""
    DORA = "dora"
    """Weight-decomposed LoRA (arXiv:2402.09353): direction as LoRA, magnitude trained apart."""


class Quantization(StrEnum):
    """How the frozen base is stored while the adapter learns."""

    NONE = "none"
    """As the base's files hold it."""
    NF4 = "nf4"
    """Four-bit NormalFloat with double quantisation (arXiv:2305.14314)."""


class Scheduler(StrEnum):
    """What the learning rate does after its warm-up."""

    LINEAR = "linear"
    COSINE = "cosine"
    CONSTANT = "constant"


class Precision(StrEnum):
    """The arithmetic of the frozen base; adapter weights are float32 in every case."""

    AUTO = "auto"
    """bf16 where the processor computes it in hardware, else fp32."""
    BF16 = "bf16"
    FP32 = "fp32"


class CorruptionKind(StrEnum):
    """A defect planted into training data, to make mutants that a gate has to catch."""

    PASTE_DEMONSTRATION = "paste_demonstration"
    """The target gets an entity of one of the prompt's demonstrations."""
    DROP_ASSISTANT_TURNS = "drop_assistant_turns"
    """The history loses every assistant turn; the target stays."""
    INSERT_ENTITY = "insert_entity"
    """The target of a sample that must stay unchanged gets an entity of its history."""


class _Closed(Closed):
    # As a person writes them on a command line, where quotes are the shell's.
    wording = Wording(unknown="{path}: unknown key{hint}", near="; did you mean {near}?")


class Corruption(_Closed):
    """One planted defect."""

    kind: CorruptionKind
    share: Share = 1.0
    """Of the samples to which the defect can be applied."""


class EarlyStopping(_Closed):
    """When to look at the validation loss, and when to give up."""

    every: int = Field(default=25, ge=1)
    """Optimizer steps between two looks; a checkpoint is written at each."""
    patience: int = Field(default=4, ge=1)
    """Looks without improvement after which training stops. The best look is what is kept."""


class DataRecipe(_Closed):
    """What the adapter sees."""

    samples: int = Field(default=4000, ge=0, le=10_000_000)
    """Query-rewriting samples drawn from the scenario grammar's training split."""
    replay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    """Share of general-skill samples in the drawn mix; what keeps the base's skills alive."""
    anchors: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of general conversations among the drawn samples on which the adapter has to predict as
    its base does: their loss is the divergence from the base, and their words are not learned."""
    framed: Share = 0.0
    """Share of the rewriting samples that ask in random words around the reference, so that copying
    what was asked is learned instead of the grammar's own sentences."""
    languages: Languages = tuple(Language)
    """Of what is drawn; a base may know one only."""
    world: WorldName = WorldName.NANO
    """What rewriting samples and their demonstrations talk about (docs/natural.md)."""
    kinds: dict[Kind, Weight] = Field(default={})
    """Relative frequency of the kinds named here; a kind that is not named has 1.0."""
    demonstrations: int = Field(default=4, ge=0, le=4)
    """Largest number of demonstrations in a prompt; each sample draws its own."""
    formats: dict[str, Weight] = Field(default={"xml": 1.0})
    """Relative frequency of the prompt formats."""
    files: tuple[str, ...] = ()
    """Own data beside the drawn samples: case YAML (files, folders) or JSONL of messages."""
    validation: Annotated[float, Field(ge=0.0, le=0.5)] = 0.05
    """Share of the samples held back, by whole clusters, to measure the validation loss."""
    corruptions: tuple[Corruption, ...] = ()
    """Planted defects; empty in every recipe that is not a mutant."""

    @model_validator(mode="after")
    def _something_to_learn(self) -> Self:
        if self.replay + self.anchors >= 1.0:
            raise ValueError(
                f"replay={self.replay} and anchors={self.anchors} leave no share for rewriting; "
                "their sum must be below 1"
            )
        if not self.samples and not self.files:
            raise ValueError("there is nothing to learn from; give samples, files or both")
        unknown = set(self.formats) - set(FORMATS)
        if unknown:
            raise ValueError(f"formats={sorted(unknown)} are unknown; use {', '.join(FORMATS)}")
        if not sum(self.formats.values()) > 0:
            raise ValueError("formats needs at least one format with a weight above 0")
        return self


class Recipe(_Closed):
    """One way of making an adapter."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    description: str = ""
    method: Method
    quantization: Quantization = Quantization.NONE
    r: int = Field(default=16, ge=1, le=1024)
    alpha: int = Field(default=32, ge=1, le=4096)
    """The change is scaled by ``alpha / r``."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    target_modules: tuple[ModuleName, ...] = Field(
        default=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
        min_length=1,
    )
    """Plain names of linear layers; never a pattern."""
    learning_rate: float = Field(default=2e-4, gt=0, le=10)
    scheduler: Scheduler = Scheduler.LINEAR
    warmup: Share = 0.05
    """Share of all steps over which the rate rises from 0."""
    epochs: float | None = Field(default=None, gt=0, le=1000)
    max_steps: int | None = Field(default=None, ge=1, le=10_000_000)
    """Optimizer steps; exactly one of ``epochs`` and ``max_steps`` is given."""
    batch_tokens: int = Field(default=2048, ge=32, le=1 << 20)
    """Token budget (rows times padded width) of one forward pass."""
    accumulation: int = Field(default=1, ge=1, le=1024)
    """Forward passes that make up one optimizer step."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    anchor_weight: float = Field(default=1.0, gt=0, le=1000)
    """What a nat of divergence from the base, a token of ``data.anchors``, counts against a nat of
    loss, a learned token."""
    max_length: int = Field(default=1024, ge=32, le=1 << 20)
    """Longest sample in tokens; longer ones lose whole turns or are dropped, never the answer."""
    gradient_checkpointing: bool = False
    precision: Precision = Precision.AUTO
    early_stopping: EarlyStopping = EarlyStopping()
    seed: int = Field(default=0, ge=0, lt=1 << 32)
    data: DataRecipe = DataRecipe()
    base_overrides: dict[str, dict[str, object]] = Field(default={})
    """Values by the base's name (``nano`` for any base of that kind); ``default`` holds for every
    base that is not named."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.base_overrides:
            return self  # judged when it is resolved
        if (self.epochs is None) == (self.max_steps is None):
            raise ValueError("give exactly one of epochs and max_steps, the other one as null")
        if self.max_length > self.batch_tokens:
            raise ValueError(
                f"max_length={self.max_length} exceeds batch_tokens={self.batch_tokens}; "
                "one sample must fit into a batch"
            )
        return self

    def for_base(self, base_name: str) -> Recipe:
        """Return the recipe that holds for one base: its overrides folded in, none left.

        A resolved recipe resolves to itself.
        """
        chosen = self.base_overrides.get(base_name, self.base_overrides.get("default", {}))
        plain = self.model_dump(mode="json", exclude={"base_overrides"})
        return Recipe.model_validate(merged(plain, chosen))

    def dump(self) -> str:
        """Return YAML that :func:`load_recipe` reads back to an equal recipe."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    @property
    def digest(self) -> str:
        """SHA-256 over every value; of own data files only the names, their content has its own."""
        plain = self.model_dump(mode="json")
        plain["data"]["files"] = [Path(f).name for f in self.data.files]
        if self.data.languages == tuple(Language):
            del plain["data"]["languages"]  # so that recipes of before keep their digests
        if self.data.world is WorldName.NANO:
            del plain["data"]["world"]
        if not self.data.anchors:
            del plain["data"]["anchors"], plain["anchor_weight"]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def merged(plain: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return ``plain`` with ``changes`` laid over it, mapping by mapping.

    One of ``epochs`` and ``max_steps`` replaces the other.
    """
    result = dict(plain)
    for key, value in changes.items():
        old = result.get(key)
        deeper = isinstance(old, dict) and isinstance(value, Mapping) and key in _SECTIONS
        result[key] = merged(old, value) if deeper else value  # type: ignore[arg-type]
    for given, other in (("epochs", "max_steps"), ("max_steps", "epochs")):
        if changes.get(given) is not None and other not in changes and other in plain:
            result[other] = None
    return result


# Other mappings (kinds, formats) are values: an override replaces them whole.
_SECTIONS = frozenset({"data", "early_stopping"})


def recipe_schema() -> dict[str, object]:
    """Return the JSON Schema of a recipe's file, as editors use it.

    A file that extends another recipe may leave out whatever that one says.
    """
    schema = json_schema(Recipe, "evalsuite recipe")
    extends = {"type": "string", "description": "Name or file of the recipe that this one changes."}
    return schema | {
        "properties": {"extends": extends, **schema["properties"]},
        "required": ["name"],
        "anyOf": [{"required": ["method"]}, {"required": ["extends"]}],
    }
