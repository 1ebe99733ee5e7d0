"""Tiny random models of every architecture that the engine must answer exactly for.

Each is built from its own configuration class with small numbers, a window of 16 tokens where it
has one, and weights large enough to make answers vary. Tests and `benchmarks/architectures.py` ask
the same models the same prompts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

CONTROLS: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WINDOW: Final = 16
VOCABULARY: Final = 256 + len(CONTROLS)
SMALL: Final[Mapping[str, Any]] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
    "sliding_window": WINDOW,
    "attention_chunk_size": WINDOW,
    "pad_token_id": 256,
    "bos_token_id": 257,
    "eos_token_id": 258,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "n_routed_experts": 4,
    "n_group": 1,
    "topk_group": 1,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 16,
}
"""What a configuration takes of this is what it has a field for."""
STOPS: Final = (256, 258, *range(32, 96))
"""A random model never chooses one given token, so some letters end an answer too."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """One tiny model."""

    name: str
    kind: str
    """The configuration's ``model_type``."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    shares: bool = True
    """Whether its prompts may share prefixes and batches."""
    seed: int = 0
    """Of its weights: one by which not every answer ends at once."""


def _rope(kind: str, **settings: Any) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **settings}}


_LONG: Final = _rope(
    "longrope",
    short_factor=[1.0, 1.1, 1.2, 1.3],
    long_factor=[1.5, 2.0, 3.0, 4.0],
    original_max_position_embeddings=72,
)
_FULL_THEN_WINDOW: Final = {"layer_types": ["full_attention", "sliding_attention"]}
_WINDOW_THEN_FULL: Final[dict[str, Any]] = {"layer_types": ["sliding_attention", "full_attention"]}
_LATENT: Final = {"first_k_dense_replace": 1, "num_key_value_heads": 4}
_NO_WINDOW: Final = {"sliding_window": None}
_WIDE_HEADS: Final = {"head_dim": 16}

NAMED: Final = (
    Specimen("llama", "llama"),
    Specimen("llama, tied head", "llama", {"tie_word_embeddings": True}),
    Specimen("llama, head_dim 16", "llama", _WIDE_HEADS),
    Specimen("llama, linear rope", "llama", _rope("linear", factor=4.0)),
    Specimen("llama, dynamic rope", "llama", _rope("dynamic", factor=4.0)),
    Specimen(
        "llama, dynamic rope, past its length",
        "llama",
        {**_rope("dynamic", factor=4.0), "max_position_embeddings": 72},
    ),
    Specimen(
        "llama, yarn",
        "llama",
        _rope("yarn", factor=4.0, original_max_position_embeddings=64),
    ),
    Specimen(
        "llama, llama3 rope",
        "llama",
        _rope(
            "llama3",
            factor=8.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=64,
        ),
    ),
    Specimen("qwen2", "qwen2", {"tie_word_embeddings": True}),
    Specimen(
        "qwen2, use_sliding_window",
        "qwen2",
        {"use_sliding_window": True, "max_window_layers": 1},
    ),
    Specimen("qwen3", "qwen3", _WIDE_HEADS),
    Specimen("qwen3_moe", "qwen3_moe", {**_WIDE_HEADS, "decoder_sparse_step": 1}),
    Specimen("gemma", "gemma", _WIDE_HEADS),
    Specimen("gemma2", "gemma2", {**_WIDE_HEADS, "attn_logit_softcapping": 5.0}),
    Specimen("gemma3_text", "gemma3_text", {**_WIDE_HEADS, **_WINDOW_THEN_FULL}),
    Specimen(
        "gemma3, with its eyes",
        "gemma3",
        {
            "text_config": {**_WIDE_HEADS, **_WINDOW_THEN_FULL},
            "vision_config": {
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "image_size": 28,
                "patch_size": 14,
            },
            "mm_tokens_per_image": 4,
            "image_token_index": 255,
            "boi_token_index": 254,
            "eoi_token_index": 253,
        },
    ),
    Specimen(
        "gemma3n_text",
        "gemma3n_text",
        {
            "num_hidden_layers": 4,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "num_kv_shared_layers": 2,
            "intermediate_size": [48] * 4,
            "activation_sparsity_pattern": [0.0] * 4,
            "vocab_size_per_layer_input": VOCABULARY,
            "hidden_size_per_layer_input": 8,
            "laurel_rank": 4,
        },
    ),
    Specimen("gemma4_text", "gemma4_text", _WINDOW_THEN_FULL),
    Specimen("mistral, window", "mistral"),
    Specimen("mistral, no window", "mistral", _NO_WINDOW),
    Specimen("phi3, window", "phi3"),
    Specimen(
        "phi3, longrope",
        "phi3",
        {**_LONG, **_NO_WINDOW, "original_max_position_embeddings": 72},
    ),
    Specimen("phi", "phi"),
    Specimen("stablelm", "stablelm"),
    Specimen("gpt_neox", "gpt_neox"),
    Specimen("olmo2", "olmo2"),
    Specimen("granite", "granite", {"logits_scaling": 2.0, "attention_multiplier": 0.5}),
    Specimen("cohere", "cohere"),
    Specimen("cohere2", "cohere2", _WINDOW_THEN_FULL),
    Specimen("falcon", "falcon", {"multi_query": False, "new_decoder_architecture": True}),
    Specimen("falcon, alibi", "falcon", {"alibi": True, "multi_query": True}),
    Specimen("gpt2", "gpt2"),
    Specimen("mixtral, window", "mixtral"),
    Specimen("deepseek_v2", "deepseek_v2", _LATENT),
    Specimen("deepseek_v3", "deepseek_v3", _LATENT),
    Specimen("llama4_text", "llama4_text", {**_WIDE_HEADS, "attn_temperature_tuning": True}),
    Specimen("gpt_oss", "gpt_oss", {**_WIDE_HEADS, **_WINDOW_THEN_FULL}),
    Specimen("smollm3", "smollm3"),
    Specimen("bloom", "bloom"),
    Specimen(
        "lfm2",
        "lfm2",
        {"layer_types": ["conv", "full_attention"], "full_attn_idxs": None},
        shares=False,
    ),
    Specimen("mamba", "mamba", shares=False),
    Specimen(
        "qwen3_next",
        "qwen3_next",
        {"layer_types": ["linear_attention", "full_attention"], **_WIDE_HEADS},
        shares=False,
    ),
)
"""What people fine-tune, and each way in which models differ."""


def _others(*kinds: str, shares: bool = True, **changes: Any) -> tuple[Specimen, ...]:
    return tuple(Specimen(kind, kind, changes, shares) for kind in kinds)


_MIXED: Final = {"layer_types": ["linear_attention", "full_attention"]}
_MAMBA: Final = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_n_groups": 1}
OTHERS: Final = (
    *_others("afmoe", "apertus", "arcee", "aria_text", "beam", "biogpt", "bitnet", "cohere2_moe"),
    *_others("ctrl", "diffllama", "doge", "ernie4_5", "ernie4_5_moe", "exaone4", "exaone_moe"),
    *_others("flex_olmo", "flint", "glm", "glm4", "glm4_moe", "gpt_bigcode", "granite_swa"),
    *_others("granitemoe", "granitemoe_swa", "granitemoeshared", "hy_v3", "hyperclovax"),
    *_others("internlm3", "iquestcoder", "jais2", "jetmoe", "kolibri1", "laguna", "mellum"),
    *_others("mimo_v2_flash", "minimax_m2", "minimax_m3_vl_text", "ministral3", "mpt", "nanochat"),
    *_others("nemotron", "olmo", "olmo3", "olmoe", "opt", "persimmon", "phimoe", "qwen2_moe"),
    *_others("seed_oss", "solar_open", "starcoder2", "vaultgemma"),
    *_others("xglm", init_std=0.3),
    *_others("axk1", "glm4_moe_lite", "minicpm3", "youtu", num_key_value_heads=4),
    *_others("codegen", "gptj", rotary_dim=8),
    *_others("helium", "hunyuan_v1_dense", "hunyuan_v1_moe", "ministral", head_dim=8),
    *_others("hy_v4", "openai-gpt", "falcon_h1", "falcon_mamba", "rwkv", shares=False),
    *_others("axk2", "deepseek_v32", "glm_moe_dsa", shares=False, num_key_value_heads=4),
    *_others("olmo_hybrid", "qwen3_5_text", "qwen3_5_moe_text", "minimax", shares=False, **_MIXED),
    *_others("lfm3", shares=False, layer_types=["conv", "full_attention"]),
    *_others("bailing_hybrid", "kimi_linear", shares=False, **_MIXED, num_key_value_heads=4),
    *_others("jamba", shares=False, attn_layer_period=2, attn_layer_offset=1),
    *_others("recurrent_gemma", shares=False, block_types=["recurrent", "attention"]),
    *_others("inkling_text", "nemotron_h", shares=False),
    *_others("granitemoehybrid", shares=False, layer_types=["mamba", "attention"], **_MAMBA),
    *_others("bamba", shares=False, attn_layer_indices=[1], **_MAMBA),
    *_others("mamba2", shares=False, num_heads=4, head_dim=16, expand=2, n_groups=1),
    *_others("lfm2_moe", shares=False, layer_types=["conv", "full_attention"], num_dense_layers=1),
    *_others("gpt_neo", attention_types=[[["global", "local"], 1]], window_size=WINDOW),
    *_others("cwm", "modernbert-decoder", **_WINDOW_THEN_FULL),
    Specimen("deepseek_v4", "deepseek_v4", shares=False, seed=2),
)
"""Whatever else the library builds from its configuration."""

SPECIMENS: Final = (*NAMED, *OTHERS)
"""All of them."""


def write_tokenizer(folder: Path) -> int:
    """Write a byte-level tokenizer without merges; return its number of ids."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(c, special=True, normalized=False) for c in CONTROLS])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return int(tokenizer.get_vocab_size())


def config_of(specimen: Specimen) -> Any:
    """Return the specimen's configuration."""
    from transformers import CONFIG_MAPPING

    made = CONFIG_MAPPING[specimen.kind]
    if "text_config" in specimen.changes:
        # A model that also sees takes the numbers where its text is described.
        text = {**SMALL, **specimen.changes["text_config"]}
        return made(**{**specimen.changes, "text_config": text})
    known = made()
    small = {name: value for name, value in SMALL.items() if hasattr(known, name)}
    return made(**{**small, **specimen.changes})


def write_specimen(folder: Path, specimen: Specimen) -> Path:
    """Write a model's folder, with random weights."""
    import torch
    from transformers import AutoModelForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    torch.manual_seed(specimen.seed)
    model = AutoModelForCausalLM.from_config(config_of(specimen))
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": list(STOPS)}))
    return folder


def prompts(count: int = 10, seed: int = 0) -> list[tuple[int, ...]]:
    """Return prompts of 5 to 110 tokens: most under one of two prefixes, longer than a window."""
    rng = random.Random(seed)
    prefixes = [rng.choices(range(64, 256), k=n) for n in (34, 61)]
    found = [
        (*prefixes[i % 2], *rng.choices(range(64, 256), k=rng.choice([1, 2, 7, 20, 33, 49])))
        for i in range(count - 2)
    ]
    return [*found, tuple(rng.choices(range(256), k=5)), tuple(rng.choices(range(256), k=90))]
