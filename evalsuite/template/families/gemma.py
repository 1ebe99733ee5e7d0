"""Gemma 2 and 3."""

from __future__ import annotations

from evalsuite.template.wire import STRIPPED, Wire

_USER = "«<start_of_turn>»user\n{}«<end_of_turn>»\n"
_ANSWER = "«<start_of_turn>»model\n⟦{}«<end_of_turn>»⟧\n"

GEMMA_2 = Wire(
    name="gemma-2",
    source="gemma-2-2b-it, tokenizer_config.json",
    begin="«<bos>»",
    user=_USER,
    assistant=_ANSWER,
    bos="<bos>",
    strips=True,
    pad=("<pad>",),
    sentencepiece=True,
    texts=("\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁"),
    variant=True,
)
GEMMA_3 = Wire(
    name="gemma-3",
    source="gemma-3-1b-it, chat_template.json",
    begin="«<bos>»",
    user=_USER,
    first_user="«<start_of_turn>»user\n{system}\n\n{}«<end_of_turn>»\n",
    assistant=_ANSWER,
    bos="<bos>",
    # The system message keeps its ends.
    trims=(("user", STRIPPED), ("assistant", STRIPPED)),
    pad=("<pad>",),
    sentencepiece=True,
    texts=("\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁"),
)
