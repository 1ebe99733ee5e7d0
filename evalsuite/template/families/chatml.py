"""ChatML as it is, without a word of its own."""

from __future__ import annotations

from evalsuite.template.wire import Wire

CHATML = Wire(
    name="chatml",
    source="github.com/openai/openai-python, chatml.md",
    system="«<|im_start|>»system\n{}«<|im_end|>»\n",
    user="«<|im_start|>»user\n{}«<|im_end|>»\n",
    assistant="«<|im_start|>»assistant\n⟦{}«<|im_end|>»⟧\n",
    nfc=True,
    pad=("<|endoftext|>",),
)
