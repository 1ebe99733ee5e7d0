"""Qwen2.5 and Qwen3: ChatML with a default system message, and with thoughts."""

from __future__ import annotations

from evalsuite.template.wire import Trim, Wire

_SYSTEM = "«<|im_start|>»system\n{}«<|im_end|>»\n"
_USER = "«<|im_start|>»user\n{}«<|im_end|>»\n"
_ANSWER = "«<|im_start|>»assistant\n⟦{}«<|im_end|>»⟧\n"
_TOOLS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
# The newest answer stands behind a thought, and loses the line breaks in front of it.
_TRIMS = (("newest", Trim("\n", "")),)
_SOURCE = "Qwen3-4B, tokenizer_config.json"

QWEN_2_5 = Wire(
    name="qwen2.5",
    source="Qwen2.5-3B-Instruct, tokenizer_config.json",
    begin_bare=(
        "«<|im_start|>»system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        "«<|im_end|>»\n"
    ),
    system=_SYSTEM,
    user=_USER,
    assistant=_ANSWER,
    nfc=True,
    pad=("<|endoftext|>",),
    others=_TOOLS,
    variant=True,
)
THINKING = Wire(
    name="qwen3",
    source=_SOURCE,
    system=_SYSTEM,
    user=_USER,
    assistant=_ANSWER,
    newest="«<|im_start|>»assistant\n⟦«<think>»\n\n«</think>»\n\n{}«<|im_end|>»⟧\n",
    trims=_TRIMS,
    nfc=True,
    pad=("<|endoftext|>",),
    others=_TOOLS,
    variant=True,
)
NOT_THINKING = Wire(
    name="qwen3-no-thinking",
    source=_SOURCE,
    system=_SYSTEM,
    user=_USER,
    assistant=_ANSWER,
    newest="«<|im_start|>»assistant\n«<think>»\n\n«</think>»\n\n⟦{}«<|im_end|>»⟧\n",
    trims=_TRIMS,
    nfc=True,
    pad=("<|endoftext|>",),
    others=_TOOLS,
    arguments=(("enable_thinking", False),),
    by_name=True,
)
