"""Mistral's tokenizers, version by version; Zephyr, which was tuned from the first model."""

from __future__ import annotations

from evalsuite.template.tokenizerfolder import Prefix
from evalsuite.template.wire import Wire

_SOURCE = "github.com/mistralai/mistral-common, tokens/tokenizers/instruct.py"

# Tekken's words begin where small letters end.
_WORDS = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

MISTRAL_V1 = Wire(
    name="mistral-v1",
    source=_SOURCE,
    begin="«<s>»",
    user="[INST] {} [/INST]",
    first_user="[INST] {system}\n\n{} [/INST]",
    assistant="⟦ {}«</s>»⟧",
    bos="<s>",
    delimiters=("[INST]", "[/INST]"),
    pad=("<pad>", "<unk>"),
    sentencepiece=True,
    prefix=Prefix.ALWAYS,
    variant=True,
)
MISTRAL_V3 = Wire(
    name="mistral-v3",
    source=_SOURCE,
    begin="«<s>»",
    user="«[INST]» {}«[/INST]»",
    last_user="«[INST]» {system}\n\n{}«[/INST]»",
    assistant="⟦ {}«</s>»⟧",
    bos="<s>",
    pad=("<pad>", "<unk>"),
    sentencepiece=True,
    prefix=Prefix.FIRST,
)
MISTRAL_V3_TEKKEN = Wire(
    name="mistral-v3-tekken",
    source=_SOURCE,
    begin="«<s>»",
    user="«[INST]»{}«[/INST]»",
    last_user="«[INST]»{system}\n\n{}«[/INST]»",
    assistant="⟦{}«</s>»⟧",
    bos="<s>",
    pad=("<pad>", "<unk>"),
    pattern=_WORDS,
)
MISTRAL_V7 = Wire(
    name="mistral-v7",
    source=_SOURCE,
    begin="«<s>»",
    system="«[SYSTEM_PROMPT]» {}«[/SYSTEM_PROMPT]»",
    user="«[INST]» {}«[/INST]»",
    assistant="⟦ {}«</s>»⟧",
    bos="<s>",
    pad=("<pad>", "<unk>"),
    sentencepiece=True,
    prefix=Prefix.FIRST,
)
ZEPHYR = Wire(
    name="zephyr",
    source="zephyr-7b-beta, tokenizer_config.json",
    system="<|system|>\n{}«</s>»\n",
    user="<|user|>\n{}«</s>»\n",
    assistant="<|assistant|>\n⟦{}«</s>»⟧\n",
    pad=("<pad>", "<unk>"),
    sentencepiece=True,
    prefix=Prefix.ALWAYS,
    variant=True,
)
