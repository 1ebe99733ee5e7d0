"""A GGUF file as a base: converted once, whole, and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import ModelError
from evalsuite.models import BaseRef, resolve_base
from evalsuite.models.quantised import stored_as
from evalsuite.template import load_template

gguf: Any = pytest.importorskip("gguf")
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm", "model.embed_tokens": "token_embd",
    "model.norm": "output_norm", "model.layers": "blk",
}  # fmt: skip


def write_gguf(folder: Path, out: Path) -> Path:
    """Write a Qwen2 as llama.cpp keeps one, matrices in Q8_0."""
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text())
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(out, "qwen2")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    tokens = [*tokenizer["model"]["vocab"], *(t["content"] for t in tokenizer["added_tokens"])]
    plain = len(tokenizer["model"]["vocab"])
    spare = [f"[PAD{n}]" for n in range(config["vocab_size"] - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*tokens, *spare])
    writer.add_token_types([1] * plain + [3] * (len(tokens) - plain) + [5] * len(spare))
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_chat_template(CHATML)
    for name, weight in load_file(folder / "model.safetensors").items():
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        values = weight.float().numpy()
        if weight.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


@pytest.fixture(scope="module")
def file(nano: BaseRef, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(nano.path, tmp_path_factory.mktemp("gguf") / "tiny-Q8_0.gguf")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_file_becomes_a_folder_of_plain_numbers_once(file: Path, nano: BaseRef) -> None:
    import torch
    from safetensors.torch import load_file

    found = resolve_base(file)
    assert stored_as(found.path) == "GGUF, Q8_0"
    ours, theirs = (load_file(one.path / "model.safetensors") for one in (found, nano))
    for name, weight in theirs.items():
        got = ours[name].float()
        assert float((got - weight.float()).norm() / weight.float().norm()) < 0.01, name
        assert ours[name].dtype == torch.bfloat16
    assert load_template(found.path).family == "chatml"
    before = (found.path / "model.safetensors").stat().st_mtime_ns
    assert resolve_base(file) == found
    assert (found.path / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_ends_too_early_is_refused_and_leaves_nothing(
    file: Path, cache: Path, tmp_path: Path, share: float
) -> None:
    half = tmp_path / "half.gguf"
    data = file.read_bytes()
    half.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelError, match=r"cannot be read as a model .*fetch it again"):
        resolve_base(half)
    assert not [path for path in cache.rglob("*") if path.is_dir() and "gguf-" in path.name]


def test_an_architecture_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    writer = gguf.GGUFWriter(path, "nobodys")
    import numpy as np

    writer.add_tensor("token_embd.weight", np.zeros((32, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match=r"cannot be read as a model .*the maker's model folder"):
        resolve_base(path)
