"""A tiny random Qwen2 model with a tokenizer trained here, and recipes that finish in a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalsuite.models import BaseRef, resolve_base
from evalsuite.prompts import build
from evalsuite.scenarios import sample_panel
from evalsuite.template import ChatTemplate, load_template
from evalsuite.training import Recipe, load_recipe

CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
QUICK: dict[str, object] = {
    "learning_rate": 3e-2,
    "max_steps": 6,
    "batch_tokens": 512,
    "max_length": 512,
    "r": 4,
    "alpha": 8,
    "precision": "fp32",
    "gradient_checkpointing": False,
    "accumulation": 1,
    "dropout": 0.0,
    "early_stopping": {"every": 3, "patience": 5},
    "data.samples": 30,
    "data.replay": 0.3,
    "data.demonstrations": 0,
    "data.validation": 0.2,
}


def write_tokenizer(folder: Path) -> int:
    """Train a small byte-level tokenizer on prompts; return its number of ids."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    cases = sample_panel(0, 60, "train").cases
    texts = [m.content for case in cases for m in build(case).messages]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(c, special=True, normalized=False) for c in CONTROLS])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    return int(tokenizer.get_vocab_size())


def write_model(folder: Path, seed: int) -> None:
    """Write a random Qwen2 of some hundred thousand weights."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from evalsuite.training.quiet import quiet

    vocab_size = write_tokenizer(folder)
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=vocab_size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.12,
    )
    with quiet():
        Qwen2ForCausalLM(config).save_pretrained(folder)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> BaseRef:
    folder = tmp_path_factory.mktemp("base")
    write_model(folder, seed=0)
    return resolve_base(folder)


@pytest.fixture(scope="session")
def other_base(tmp_path_factory: pytest.TempPathFactory) -> BaseRef:
    folder = tmp_path_factory.mktemp("other")
    write_model(folder, seed=1)
    return resolve_base(folder)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> ChatTemplate:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return load_template(folder)


@pytest.fixture
def quick() -> Callable[..., Recipe]:
    """Load a shipped recipe, cut down to a second; takes further overrides."""

    def load(name: str = "lora", **overrides: Any) -> Recipe:
        dotted = {key.replace("__", "."): value for key, value in overrides.items()}
        return load_recipe(name, {**QUICK, **dotted})

    return load
