"""What a server would apply of generation_config.json, and a gate does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalsuite.models import BaseRef, resolve_base
from evalsuite.models.decoding import decoding_of


def told(folder: Path, text: str | None) -> tuple[str, ...]:
    if text is not None:
        (folder / "generation_config.json").write_text(text)
    return decoding_of(BaseRef("x", folder, "a" * 64, "b" * 64))


def test_what_qwen_ships_is_named(tmp_path: Path) -> None:
    shipped = {
        "bos_token_id": 151643, "pad_token_id": 151643, "do_sample": True,
        "eos_token_id": [151645, 151643], "repetition_penalty": 1.05, "temperature": 0.7,
        "top_p": 0.8, "top_k": 20, "transformers_version": "4.37.0",
    }  # fmt: skip
    assert told(tmp_path, json.dumps(shipped)) == (
        "do_sample=true", "repetition_penalty=1.05", "temperature=0.7", "top_k=20", "top_p=0.8",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"eos_token_id": 3, "temperature": 1.0, "top_k": 0, "repetition_penalty": 1.0}',
        '{"temperature": null, "num_beams": 1, "no_repeat_ngram_size": 0, "do_sample": false}',
    ],
)
def test_what_changes_no_answer_is_not_named(tmp_path: Path, text: str | None) -> None:
    assert told(tmp_path, text) == ()


def test_the_embedded_base_asks_for_nothing() -> None:
    assert decoding_of(resolve_base("nano")) == ()
