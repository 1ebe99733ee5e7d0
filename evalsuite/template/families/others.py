"""Phi-3, Alpaca and DeepSeek-V3."""

from __future__ import annotations

from evalsuite.template.tokenizerfolder import Prefix
from evalsuite.template.wire import Wire

PHI_3 = Wire(
    name="phi-3",
    source="Phi-3-mini-4k-instruct, tokenizer_config.json",
    system="«<|system|>»\n{}«<|end|>»\n",
    user="«<|user|>»\n{}«<|end|>»\n",
    assistant="«<|assistant|>»\n⟦{}«<|end|>»⟧\n",
    end="«<|endoftext|>»",
    pad=("<|endoftext|>",),
    sentencepiece=True,
    prefix=Prefix.ALWAYS,
    swallows=True,
)
ALPACA = Wire(
    name="alpaca",
    source="github.com/tatsu-lab/stanford_alpaca, train.py; the system message is the instruction",
    begin=(
        "«<s>»Below is an instruction that describes a task, paired with an input that provides "
        "further context. Write a response that appropriately completes the request.\n\n"
    ),
    begin_bare=(
        "«<s>»Below is an instruction that describes a task. Write a response that appropriately "
        "completes the request.\n\n"
    ),
    user="### Instruction:\n{}\n\n### Response:",
    first_user="### Instruction:\n{system}\n\n### Input:\n{}\n\n### Response:",
    assistant="⟦{}«</s>»⟧\n\n",
    bos="<s>",
    delimiters=("### Instruction:", "### Input:", "### Response:"),
    pad=("<pad>", "<unk>"),
    sentencepiece=True,
    prefix=Prefix.ALWAYS,
    variant=True,
)
DEEPSEEK_V3 = Wire(
    name="deepseek-v3",
    source="DeepSeek-V3, tokenizer_config.json",
    begin="«<｜begin▁of▁sentence｜>»",
    user="«<｜User｜>»{}«<｜Assistant｜>»",
    first_user="{system}«<｜User｜>»{}«<｜Assistant｜>»",
    assistant="⟦{}«<｜end▁of▁sentence｜>»⟧",
    bos="<｜begin▁of▁sentence｜>",
    pad=("<｜▁pad▁｜>",),
)
