"""A GGUF file of a small llama as an ordinary model folder: weights, configuration, tokenizer.

Written by hand from what the file says, so that the same file gives the same bytes on every machine
and with every version of the libraries: an adapter names its base by digest. The weights are what
the quantised numbers stand for, rounded to bfloat16 once. No tensor library is imported.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evalsuite.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ARCHITECTURE: Final = "llama"
_PRE_TOKENIZER: Final = "smollm"
_CONTROL: Final = 3
"""The kind of a token that no text becomes."""
_LAYER: Final = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_WHOLE: Final = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
}
Fields = Mapping[str, Any]


def write_model_folder(gguf: Path, out: Path) -> None:
    """Write a GGUF file as a folder that transformers loads.

    Args:
        gguf: the file; a llama with tied embeddings and SmolLM's tokenizer.
        out: an empty folder.

    Raises:
        ModelError: the file holds another kind of model.
        ImportError: the package gguf is not installed.
        OSError: the folder cannot be written.
    """
    from gguf import GGUFReader

    reader = GGUFReader(gguf)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    found = fields.get("general.architecture"), fields.get("tokenizer.ggml.pre")
    if found != (_ARCHITECTURE, _PRE_TOKENIZER):
        raise ModelError(
            f"{str(gguf)!r} holds the architecture {found[0]!r} with the tokenizer {found[1]!r}; "
            f"only {_ARCHITECTURE!r} with {_PRE_TOKENIZER!r} is converted here"
        )
    config = _config(fields)
    texts = {
        "config.json": _json(config),
        "generation_config.json": _json({key: config[key] for key in _IDS}),
        "tokenizer.json": _json(_tokenizer(fields)),
        "tokenizer_config.json": _json(_tokenizer_config(fields)),
        "chat_template.jinja": fields["tokenizer.chat_template"],
    }
    for name, text in texts.items():
        (out / name).write_bytes(text.encode("utf-8"))
    _write_weights(out / "model.safetensors", reader.tensors, config)


_IDS: Final = ("bos_token_id", "eos_token_id", "pad_token_id")


def _json(value: Fields) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _config(fields: Fields) -> dict[str, Any]:
    """Return ``config.json``, with the sizes that the file says."""
    llama = {
        name.removeprefix("llama."): value
        for name, value in fields.items()
        if name.startswith("llama.")
    }
    heads = llama["attention.head_count"]
    base = float(llama["rope.freq_base"])
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": fields["tokenizer.ggml.bos_token_id"],
        "dtype": "bfloat16",
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "head_dim": llama["embedding_length"] // heads,
        "hidden_act": "silu",
        "hidden_size": llama["embedding_length"],
        "initializer_range": 0.02,
        "intermediate_size": llama["feed_forward_length"],
        "max_position_embeddings": llama["context_length"],
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": llama["block_count"],
        "num_key_value_heads": llama["attention.head_count_kv"],
        "pad_token_id": fields["tokenizer.ggml.padding_token_id"],
        # The file keeps it in single precision.
        "rms_norm_eps": float(f"{llama['attention.layer_norm_rms_epsilon']:.6g}"),
        "rope_parameters": {"rope_theta": base, "rope_type": "default"},
        "rope_theta": base,
        "tie_word_embeddings": True,
        "vocab_size": llama["vocab_size"],
    }


def _tokenizer(fields: Fields) -> dict[str, Any]:
    """Return ``tokenizer.json``.

    SmolLM's tokenizer cuts every digit off before it cuts words. The file says so by a name only,
    and a tokenizer that is made without it has other tokens where blanks stand before a digit.
    """
    tokens = fields["tokenizer.ggml.tokens"]
    kinds = fields["tokenizer.ggml.token_type"]
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
              "use_regex": True}  # fmt: skip
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": token, **plain, "special": True}
            for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
            if kind == _CONTROL
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, bytes_],
        },
        "post_processor": None,
        "decoder": bytes_,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [merge.split(" ", 1) for merge in fields["tokenizer.ggml.merges"]],
        },
    }


def _tokenizer_config(fields: Fields) -> dict[str, Any]:
    names = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    tokens = {
        f"{short}_token": fields["tokenizer.ggml.tokens"][fields[f"tokenizer.ggml.{name}_token_id"]]
        for short, name in names.items()
    }
    return {
        **tokens,
        "clean_up_tokenization_spaces": False,
        "model_max_length": fields["llama.context_length"],
        # The class that takes tokenizer.json as it is; others build parts of it anew.
        "tokenizer_class": "PreTrainedTokenizerFast",
    }


def _write_weights(path: Path, tensors: Sequence[Any], config: Fields) -> None:
    """Write the tensors by the names that transformers has for them, one after the other.

    The format: the length of the header, the header as JSON, and the numbers.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        start, end = end, end + 2 * math.prod(shape)
        header[_name(tensor.name)] = {
            "dtype": "BF16", "shape": shape, "data_offsets": [start, end]
        }  # fmt: skip
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 8)
    with path.open("xb") as stream:
        stream.write(len(told).to_bytes(8, "little") + told)
        for tensor in tensors:
            stream.write(_bfloat16(_values(tensor, config)).tobytes())
        stream.flush()
        os.fsync(stream.fileno())


def _values(tensor: Any, config: Fields) -> NDArray[np.float32]:
    """What the quantised numbers of a tensor stand for."""
    from gguf.quants import dequantize

    values = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
    heads = {
        "self_attn.q_proj": config["num_attention_heads"],
        "self_attn.k_proj": config["num_key_value_heads"],
    }
    return next(
        (_halves(values, count) for part, count in heads.items() if part in _name(tensor.name)),
        values,
    )


def _name(name: str) -> str:
    if name in _WHOLE:
        return _WHOLE[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{_LAYER[part]}.{kind}"


def _halves(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Put the rows of each head in the order in which transformers turns them.

    GGUF has the two numbers that are turned together side by side; transformers has the first of
    each pair in a head's first half, the second in its second.
    """
    rows, columns = values.shape
    pairs = values.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round to bfloat16, to the even neighbour where two are equally near."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
