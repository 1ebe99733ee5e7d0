"""A tiny random Qwen2 model with a byte tokenizer, and adapters with random weights for it."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from architecture_zoo import write_tokenizer

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.models import (
    AdapterRef,
    BaseRef,
    Provenance,
    read_adapter,
    resolve_base,
    write_provenance,
)
from evalsuite.template import ChatTemplate, load_template

TARGETS = ("q_proj", "v_proj", "gate_proj", "down_proj")


def write_model(folder: Path, seed: int = 0) -> None:
    """Write a tiny Qwen2 with random weights, large enough to make answers vary."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    vocab_size = write_tokenizer(folder)
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=vocab_size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.3,
        eos_token_id=vocab_size - 1,
        pad_token_id=vocab_size - 3,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    # A random model never chooses one given token, so some letters end an answer too.
    stops = [vocab_size - 1, vocab_size - 3, *range(40, 64)]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": stops}))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> BaseRef:
    folder = tmp_path_factory.mktemp("base")
    write_model(folder)
    return resolve_base(folder)


@pytest.fixture(scope="session")
def template(base: BaseRef) -> ChatTemplate:
    return load_template(base.path)


def provenance(base: BaseRef, **changes: Any) -> Provenance:
    fields: dict[str, Any] = {
        "recipe": "test",
        "recipe_digest": "0" * 64,
        "base_name": base.name,
        "base_digest": base.digest,
        "data_digest": "1" * 64,
        "template_fingerprint": "2" * 64,
        "seed": 7,
        "evalsuite_version": "0",
    }
    return Provenance(**{**fields, **changes})


MakeAdapter = Callable[..., AdapterRef]


@pytest.fixture(scope="session")
def make_adapter(base: BaseRef, tmp_path_factory: pytest.TempPathFactory) -> MakeAdapter:
    """Return a function that writes a random adapter with peft and reads it back."""

    def make(*, scale: float = 0.2, seed: int = 1, quantization: str = "none", **lora: Any) -> Any:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        folder = tmp_path_factory.mktemp("adapter")
        model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
        settings = {"r": 4, "lora_alpha": 8, "target_modules": list(TARGETS), **lora}
        with warnings.catch_warnings():
            # peft asks the library for an attribute that it deprecates.
            warnings.simplefilter("ignore", FutureWarning)
            adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
        torch.manual_seed(seed)
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=scale)
            elif "magnitude" in name:
                weight.data *= 1 + scale * torch.rand_like(weight)
        adapted.save_pretrained(str(folder))
        write_provenance(folder, provenance(base, quantization=quantization))
        return read_adapter(folder, base)

    return make


@pytest.fixture(scope="session")
def dora(make_adapter: MakeAdapter) -> AdapterRef:
    return make_adapter(use_dora=True)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    def copy(folder: Path) -> Path:
        target = tmp_path / f"copy-{folder.name}"
        shutil.copytree(folder, target)
        return target

    return copy


@pytest.fixture(scope="session")
def panel(template: ChatTemplate) -> list[tuple[int, ...]]:
    """Prompts of many lengths: under two long shared prefixes, a short one, and none."""
    systems = [
        "Rewrite the last question so that it stands alone. Name what it refers to. " * 2,
        "请把最后一个问题改写成不依赖上下文的问题。只输出改写后的问题。" * 2,
        "Go.",
        None,
    ]
    users = ["How long is it?" + " really" * (i * i % 13) for i in range(11)] + ["它多长？", "x"]
    chats = [
        Conversation(
            (*((Message(Role.SYSTEM, system),) if system else ()), Message(Role.USER, user))
        )
        for system in systems
        for user in users
    ]
    return [template.prompt(conversation) for conversation in chats]
