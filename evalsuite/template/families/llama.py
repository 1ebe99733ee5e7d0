"""Llama 2, 3 and 3.2, and Vicuna, which was tuned from the first of them."""

from __future__ import annotations

from evalsuite.template.tokenizerfolder import Prefix
from evalsuite.template.wire import Wire

_USER = "«<|start_header_id|>»user«<|end_header_id|>»\n\n{}«<|eot_id|>»"
_ANSWER = "«<|start_header_id|>»assistant«<|end_header_id|>»\n\n⟦{}«<|eot_id|>»⟧"
_SYSTEM = "«<|start_header_id|>»system«<|end_header_id|>»\n\n"
_PAD = ("<|finetune_right_pad_id|>", "<|end_of_text|>")
# Numbers in groups of three digits.
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# What Meta's template writes where nobody gives it a date.
_DATES = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"

LLAMA_2 = Wire(
    name="llama-2",
    source="github.com/meta-llama/llama, llama/generation.py",
    user="«<s>»[INST] {} [/INST]",
    first_user="«<s>»[INST] <<SYS>>\n{system}\n<</SYS>>\n\n{} [/INST]",
    assistant="⟦ {} «</s>»⟧",
    bos="<s>",
    strips=True,
    delimiters=("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    pad=("<pad>", "<unk>"),
    sentencepiece=True,
    prefix=Prefix.ALWAYS,
    variant=True,
)
LLAMA_3 = Wire(
    name="llama-3",
    source="github.com/meta-llama/llama3, llama/tokenizer.py, ChatFormat",
    begin="«<|begin_of_text|>»",
    system=_SYSTEM + "{}«<|eot_id|>»",
    user=_USER,
    assistant=_ANSWER,
    bos="<|begin_of_text|>",
    strips=True,
    pad=_PAD,
    pattern=_WORDS,
)
LLAMA_3_2 = Wire(
    name="llama-3.2",
    source="Llama-3.2-3B-Instruct, tokenizer_config.json",
    begin="«<|begin_of_text|>»",
    begin_bare=f"«<|begin_of_text|>»{_SYSTEM}{_DATES}«<|eot_id|>»",
    system=f"{_SYSTEM}{_DATES}{{}}«<|eot_id|>»",
    user=_USER,
    assistant=_ANSWER,
    bos="<|begin_of_text|>",
    strips=True,
    pad=_PAD,
    pattern=_WORDS,
    variant=True,
)
VICUNA = Wire(
    name="vicuna",
    source="github.com/lm-sys/FastChat, conversation.py, vicuna_v1.1",
    begin="«<s>»",
    begin_bare=(
        "«<s>»A chat between a curious user and an artificial intelligence assistant. The "
        "assistant gives helpful, detailed, and polite answers to the user's questions. "
    ),
    user="USER: {} ASSISTANT:",
    first_user="{system} USER: {} ASSISTANT:",
    assistant="⟦ {}«</s>»⟧",
    bos="<s>",
    strips=True,
    delimiters=("USER:", "ASSISTANT:"),
    pad=("<unk>",),
    sentencepiece=True,
    prefix=Prefix.ALWAYS,
    variant=True,
)
