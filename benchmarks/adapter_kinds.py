"""Which kinds of adapters that peft writes are gated, and how exactly they are merged.

    python benchmarks/adapter_kinds.py [--only NAME ...]

For every kind a folder is written by peft itself for a tiny random model, with random weights in
place of trained ones. What is gated is compared with peft's own forward pass over the folder, in
standard deviations of the base's logits: merged as a gate does it, and unmerged. What is refused is
told with its sentence. Exit status 1 when a kind is not treated as this file says, or a difference
is above the bound.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from figures import RESULTS, ROOT

from evalsuite.engines.numerics import Device, Dtype, Numerics
from evalsuite.errors import ModelError
from evalsuite.models import AdapterRef, BaseRef, read_adapter, resolve_base

BOUND: Final = 5e-5
PAGE: Final = ROOT / "docs" / "adapters.md"
BEGIN, END = "<!-- kinds -->\n", "\n<!-- /kinds -->"
VOCABULARY, GROWN = 300, 307
FP32 = Numerics(Device.CPU, Dtype.FLOAT32)
PROBES = ((1, 2, 3, 4, 5), (9, 8, 7, 3, 4, 20), (33, 3, 41))
_LLAMA = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
    "initializer_range": 0.3,
}  # fmt: skip
_EXPERTS = {"moe_intermediate_size": 16, "num_experts": 4, "num_experts_per_tok": 2, "head_dim": 8}
_CONV1D = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128,
           "initializer_range": 0.3, "bos_token_id": 0, "eos_token_id": 0}  # fmt: skip
BASES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "tied": ("Qwen2", {**_LLAMA, "tie_word_embeddings": True}),
    "untied": ("Llama", {**_LLAMA, "tie_word_embeddings": False}),
    "wide": ("Qwen2", {**_LLAMA, "hidden_size": 48, "tie_word_embeddings": True}),
    "experts": ("Qwen3Moe", {**_LLAMA, **_EXPERTS, "tie_word_embeddings": False}),
    "conv1d": ("GPT2", _CONV1D),
}
"""Tiny models by name: the class in transformers, and what its configuration says."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to train an adapter."""

    name: str
    settings: Mapping[str, Any]
    """What ``LoraConfig`` is given; of another method: what its own configuration is given."""
    bases: tuple[str, ...] = ("tied", "untied")
    gated: bool = True
    method: str = "LoraConfig"
    grown: bool = False
    """Whether the vocabulary was resized before training."""
    stated: Mapping[str, Any] = field(default_factory=dict)
    """What adapter_config.json says besides, where making it takes data that no test has."""


_Q = {"target_modules": ["q_proj", "down_proj"]}
_TO_SAVE = "modules_to_save"
KINDS: Final = (
    Kind("LoRA", _Q),
    Kind("DoRA", {**_Q, "use_dora": True}),
    Kind("rsLoRA", {**_Q, "use_rslora": True}),
    Kind("task_type missing (auto_mapping)", {**_Q, "task_type": None}),
    Kind("regex as target_modules", {"target_modules": r".*\.(q|v)_proj"}),
    Kind("regex as exclude_modules", {**_Q, "exclude_modules": r".*\.0\..*q_proj"}),
    Kind("all-linear", {"target_modules": "all-linear"}),
    Kind("rank_pattern, alpha_pattern", {**_Q, "rank_pattern": {"q_proj": 2},
                                         "alpha_pattern": {"^model.layers.1.mlp.down_proj": 3}}),
    Kind("layers_to_transform", {**_Q, "layers_to_transform": [1]}),
    Kind("init eva", _Q, stated={"init_lora_weights": "eva", "eva_config": {"rho": 2.0}}),
    Kind("init mica", _Q, stated={"init_lora_weights": "mica"}),
    Kind("modules_to_save: head", {**_Q, _TO_SAVE: ["lm_head"]}),
    Kind("modules_to_save: embedding", {**_Q, _TO_SAVE: ["embed_tokens"]}),
    Kind("modules_to_save: both ends", {**_Q, _TO_SAVE: ["embed_tokens", "lm_head"]}),
    Kind("modules_to_save: norms", {**_Q, _TO_SAVE: ["norm", "input_layernorm"]}),
    Kind("modules_to_save, ensure_weight_tying",
         {**_Q, _TO_SAVE: ["embed_tokens"], "ensure_weight_tying": True}),
    Kind("trainable_token_indices", {**_Q, "trainable_token_indices": [3, 4]}),
    Kind("trainable_token_indices by name",
         {**_Q, "trainable_token_indices": {"embed_tokens": [3, 4]}}),
    Kind("bias all", {**_Q, "bias": "all"}),
    Kind("bias lora_only", {**_Q, "bias": "lora_only"}),
    Kind("lora_bias", {**_Q, "lora_bias": True}),
    Kind("LoRA on the embedding", {"target_modules": ["q_proj", "embed_tokens"]}),
    Kind("LoRA on the head", {"target_modules": ["q_proj", "lm_head"]}),
    Kind("LoRA on both ends", {"target_modules": ["q_proj", "embed_tokens", "lm_head"]}),
    Kind("LoRA on both ends, ensure_weight_tying",
         {"target_modules": ["q_proj", "embed_tokens"], "ensure_weight_tying": True}),
    Kind("DoRA on the embedding", {"target_modules": ["embed_tokens"], "use_dora": True}),
    Kind("DoRA on the head", {"target_modules": ["q_proj", "lm_head"], "use_dora": True}),
    Kind("target_parameters", {**_Q, "target_parameters": ["mlp.gate_proj.weight"]}),
    Kind("target_parameters of experts", bases=("experts",),
         settings={"target_modules": ["q_proj"],
                   "target_parameters": ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]}),
    Kind("Conv1D (fan_in_fan_out)", {"target_modules": ["c_attn"], "fan_in_fan_out": True},
         bases=("conv1d",)),
    Kind("resized vocabulary", _Q, grown=True),
    Kind("resized vocabulary, modules_to_save",
         {**_Q, _TO_SAVE: ["embed_tokens", "lm_head"]}, grown=True),
    Kind("resized vocabulary, LoRA on both ends",
         {"target_modules": ["q_proj", "embed_tokens", "lm_head"]}, grown=True),
    Kind("resized vocabulary, LoRA on the embedding", grown=True, bases=("tied",),
         settings={"target_modules": ["q_proj", "embed_tokens"]}),
    Kind("resized vocabulary, rows of one end only", grown=True, bases=("untied",), gated=False,
         settings={"target_modules": ["q_proj", "embed_tokens"]}),
    Kind("resized vocabulary, new rows as trainable_token_indices", grown=True,
         settings={**_Q, "trainable_token_indices": [VOCABULARY, VOCABULARY + 1]}),
    Kind("init pissa", {**_Q, "init_lora_weights": "pissa"}, gated=False),
    Kind("init olora", {**_Q, "init_lora_weights": "olora"}, gated=False),
    Kind("init corda", _Q, stated={"init_lora_weights": "corda"}, gated=False),
    Kind("init loftq", _Q, stated={"init_lora_weights": "loftq"}, gated=False),
    Kind("init lora_ga", _Q, stated={"init_lora_weights": "lora_ga"}, gated=False),
    Kind("aLoRA", {**_Q, "alora_invocation_tokens": [3, 4]}, gated=False),
    Kind("Arrow", _Q, stated={"arrow_config": {"top_k": 2}}, gated=False),
    Kind("KaSA", _Q, stated={"kasa_config": {"beta": 1e-4}}, gated=False),
    Kind("MonteCLoRA", _Q, stated={"monteclora_config": {"n": 2}}, gated=False),
    Kind("QA-LoRA", _Q, stated={"use_qalora": True}, gated=False),
    Kind("BD-LoRA", _Q, stated={"use_bdlora": {"nblocks": 2}}, gated=False),
    Kind("layer_replication", _Q, stated={"layer_replication": [[0, 2], [0, 2]]}, gated=False),
    Kind("IA3", {"target_modules": ["k_proj", "down_proj"],
                 "feedforward_modules": ["down_proj"]}, method="IA3Config", gated=False),
    Kind("VeRA", {"target_modules": ["q_proj"]}, method="VeraConfig", gated=False),
    Kind("prompt tuning", {"num_virtual_tokens": 4}, method="PromptTuningConfig", gated=False),
    Kind("trainable tokens alone", {"token_indices": [3, 4], "target_modules": ["embed_tokens"]},
         method="TrainableTokensConfig", gated=False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one kind on one base."""

    kind: str
    base: str
    sentence: str | None
    """Of the refusal; None where it is gated."""
    merged: float | None = None
    """Largest difference from peft's own forward pass, in deviations of the base's logits."""
    unmerged: float | None = None


@cache
def base_of(name: str, folder: Path) -> BaseRef:
    """Write a tiny random model, once for each folder, and resolve it."""
    import torch
    import transformers

    path = folder / name
    family, settings = BASES[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**settings)
    _model_class(family)(config).save_pretrained(path)
    (path / "tokenizer.json").write_text("{}")
    return resolve_base(path)


def _model_class(family: str) -> Any:
    import transformers

    name = "GPT2LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM"
    return getattr(transformers, name)


def loaded(base: BaseRef, *, grown: bool) -> Any:
    """The base in fp32, with a resized vocabulary where training had one."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    if grown:
        torch.manual_seed(5)
        model.resize_token_embeddings(GROWN, mean_resizing=False)
    return model.eval()


def write(kind: Kind, base: BaseRef, folder: Path) -> Path:
    """Write an adapter of a kind with peft, its trainable weights moved at random."""
    import peft
    import torch

    settings = {"task_type": "CAUSAL_LM", **kind.settings}
    if kind.method == "LoraConfig":
        settings = {"r": 4, "lora_alpha": 8, **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        config = getattr(peft, kind.method)(**settings)
        model = peft.get_peft_model(loaded(base, grown=kind.grown), config)
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data += 0.2 * torch.randn_like(weight)
        model.save_pretrained(str(folder))
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **kind.stated}))
    return folder


def logits(model: Any) -> Any:
    """Logits of every position of every probe, one below the other."""
    import torch

    with torch.inference_mode():
        return torch.cat([model(input_ids=torch.tensor([ids])).logits[0] for ids in PROBES])


def of_peft(kind: Kind, base: BaseRef, folder: Path) -> Any:
    """Logits by peft's own loader and forward pass."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(loaded(base, grown=kind.grown), str(folder))
    return logits(model.eval())


def differences(kind: Kind, base: BaseRef, adapter: AdapterRef) -> tuple[float, float]:
    """Largest difference of our merged and unmerged logits from peft's, in deviations."""
    from evalsuite.engines.transformers_loading import load_candidate

    due = of_peft(kind, base, adapter.path)
    unit = logits(loaded(base, grown=False)).std()
    merged, unmerged = (
        float((logits(load_candidate(base, adapter, numerics)[0]) - due).abs().max() / unit)
        for numerics in (FP32, replace(FP32, merged=False))
    )
    return merged, unmerged


def outcome(kind: Kind, name: str, folder: Path) -> Outcome:
    """Write an adapter, read it as a gate does, and measure it where it is read."""
    from evalsuite.engines.transformers_loading import load_candidate

    base = base_of(name, folder)
    place = folder / f"{name}-{KINDS.index(kind)}"
    try:
        adapter = read_adapter(write(kind, base, place), base)
        load_candidate(base, adapter, FP32)
    except ModelError as problem:
        return Outcome(kind.name, name, str(problem).replace(f"{place}", "ADAPTER"))
    return Outcome(kind.name, name, None, *differences(kind, base, adapter))


def table(found: list[Outcome]) -> str:
    """One Markdown row for each kind: the largest difference over its bases, or its sentence."""
    rows = ["| kind | is | merged differs by |", "|---|---|---|"]
    for name in dict.fromkeys(one.kind for one in found):
        those = [one for one in found if one.kind == name]
        said = dict.fromkeys(_told(one.sentence) for one in those if one.sentence)
        worst = max((one.merged or 0.0 for one in those), default=0.0)
        rows.append(
            f"| {name} | refused: {'; '.join(said)} | |"
            if said
            else f"| {name} | gated | {worst:.1e} |"
        )
    return "\n".join(rows)


def _told(sentence: str) -> str:
    """A sentence without the file that it is about."""
    return sentence.partition(".json:1: ")[2] or sentence.partition("ADAPTER' ")[2] or sentence


def document(rows: str) -> None:
    """Write the table into its page."""
    text = PAGE.read_text("utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END.strip())[2]
    PAGE.write_text(f"{before}{BEGIN}{rows}{END}{after}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="*", default=[], help="names of kinds; all others are left")
    parser.add_argument("--out", type=Path, default=RESULTS / "adapter_kinds.json")
    asked = parser.parse_args()
    wanted = [kind for kind in KINDS if not asked.only or kind.name in asked.only]
    with tempfile.TemporaryDirectory() as scratch:
        found = [outcome(k, name, Path(scratch).resolve()) for k in wanted for name in k.bases]
    print(table(found))
    gated = {kind.name: kind.gated for kind in KINDS}
    odd = [one.kind for one in found if (one.sentence is None) is not gated[one.kind]]
    worst = max((one.merged or 0.0 for one in found), default=0.0)
    print(f"treated otherwise than expected: {odd or 'none'}; largest difference {worst:.1e}")
    if not asked.only:
        rows = [{n: getattr(one, n) for n in one.__slots__} for one in found]
        asked.out.write_text(json.dumps({"bound": BOUND, "kinds": rows}, indent=1) + "\n", "utf-8")
        document(table(found))
    return int(bool(odd) or worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
