"""Small tokenizers with the settings of the makers', for checking a family without its model.

None of the real tokenizers may be shipped, and none is needed: what a template depends on are the
normaliser, the pre-tokenizer, the decoder and which control tokens there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer

from evalsuite.template.notation import Control, parse_block
from evalsuite.template.tokenizerfolder import Prefix
from evalsuite.template.wire import Wire

# Qwen2.5's; a family whose tokenizers cut words otherwise brings its own.
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_UNKNOWN = "<unk>"
_TEXTS = (
    "system user assistant model Which is faster, A or B? How is its memory?",
    "[INST] [/INST] <<SYS>> <</SYS>> ### Instruction: ### Input: ### Response: USER: ASSISTANT:",
    "改写最后的问题。哪个更快？它的内存怎么样？",
    "a\n\nb\n\nIt's 3.14, isn't it?",
) * 3


def write_sample_tokenizer(wire: Wire, folder: Path) -> Path:
    """Write a tokenizer folder of a family and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    document = json.loads(
        _document(wire.sentencepiece, wire.prefix, wire.nfc, wire.pattern or _PATTERN)
    )
    tokenizer = Tokenizer.from_str(json.dumps(document))
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False, rstrip=wire.swallows)
            for token in (*wire.controls, *wire.pad, *wire.others)
        ]
    )
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in wire.texts])
    tokenizer.save(str(folder / "tokenizer.json"))
    last = [piece.text for piece in parse_block(wire.end) if isinstance(piece, Control)]
    config: dict[str, object] = {"eos_token": (last or [wire.stop])[-1]}
    if wire.pad:
        config["pad_token"] = wire.pad[0]
    if wire.bos is not None:
        config["bos_token"] = wire.bos
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    stops = [tokenizer.token_to_id(token) for token in (wire.stop, *last)]
    generation = json.dumps({"eos_token_id": stops}) + "\n"
    (folder / "generation_config.json").write_text(generation, "utf-8")
    return folder


def write_tokenizer(
    folder: Path, tokens: Sequence[str], template: str, config: Mapping[str, object]
) -> Path:
    """Write a byte-level tokenizer folder with some control tokens and a chat template.

    Args:
        folder: to be written.
        tokens: control tokens.
        template: a Jinja program.
        config: of ``tokenizer_config.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_str(_document(False, Prefix.NEVER, False, _PATTERN))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in tokens])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    return folder


@cache
def _document(sentencepiece: bool, prefix: Prefix, nfc: bool, pattern: str) -> str:
    return (_sentencepiece(prefix) if sentencepiece else _bytelevel(nfc, pattern)).to_str()


def _bytelevel(nfc: bool, pattern: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(tokenizer, BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False))
    return tokenizer


def _sentencepiece(prefix: Prefix) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token=_UNKNOWN))
    blanks = normalizers.Replace(" ", "▁")
    spoken = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if prefix is Prefix.ALWAYS:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), blanks])
        tokenizer.decoder = decoders.Sequence([*spoken, decoders.Strip(" ", 1, 0)])
    elif prefix is Prefix.FIRST:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Sequence([*spoken, decoders.Strip(" ", 1, 0)])
    else:
        tokenizer.normalizer, tokenizer.decoder = blanks, decoders.Sequence(spoken)
    spelled = [_UNKNOWN, *(f"<0x{byte:02X}>" for byte in range(256))]
    learner = Tokenizer(models.BPE())
    prepended = normalizers.Sequence([normalizers.Prepend("▁"), blanks])
    learner.normalizer = prepended
    # No piece of SentencePiece's holds a line break and something else.
    lines = pre_tokenizers.Split(Regex(r"\n+"), "isolated")
    words = pre_tokenizers.Metaspace(prepend_scheme="never")
    learner.pre_tokenizer = pre_tokenizers.Sequence([lines, words])
    _train(learner, BpeTrainer(vocab_size=260, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    tokens = [*spelled, *sorted(learned["vocab"], key=learned["vocab"].__getitem__)]
    tokenizer.model = models.BPE(
        vocab={token: number for number, token in enumerate(dict.fromkeys(tokens))},
        merges=[tuple(merge) for merge in learned["merges"]],
        byte_fallback=True,
        fuse_unk=True,
        unk_token=_UNKNOWN,
    )
    return tokenizer


def _train(tokenizer: Tokenizer, trainer: BpeTrainer) -> None:
    tokenizer.train_from_iterator(_TEXTS, trainer)
