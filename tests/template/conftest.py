"""Tokenizer folders for the tests: a sound one, and a writer of damaged ones."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.template import ChatTemplate, load_template
from tests.template.tiny_tokenizer import CHATML, WriteFolder, train_tokenizer


@pytest.fixture(scope="session")
def trained() -> dict[str, Any]:
    return train_tokenizer()


@pytest.fixture
def document(trained: dict[str, Any]) -> dict[str, Any]:
    """``tokenizer.json`` as a dictionary that a test may damage."""
    return copy.deepcopy(trained)


@pytest.fixture
def write_folder(tmp_path: Path, document: dict[str, Any]) -> WriteFolder:
    """Writes a tokenizer folder; every file can be replaced, or left out with None."""

    def write(
        tokenizer: dict[str, Any] | str | None = None,
        *,
        jinja: str | None = CHATML,
        config: dict[str, Any] | None = None,
        generation: dict[str, Any] | None = None,
    ) -> Path:
        folder = tmp_path / "tokenizer"
        folder.mkdir(exist_ok=True)
        content = document if tokenizer is None else tokenizer
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "tokenizer.json").write_text(text, "utf-8")
        config = config or {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
        (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
        if jinja is not None:
            (folder / "chat_template.jinja").write_text(jinja, "utf-8")
        if generation is not None:
            (folder / "generation_config.json").write_text(json.dumps(generation), "utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, trained: dict[str, Any]) -> Path:
    """A sound tokenizer folder; do not change it."""
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "tokenizer.json").write_text(json.dumps(trained), "utf-8")
    config = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    (folder / "chat_template.jinja").write_text(CHATML, "utf-8")
    return folder


@pytest.fixture(scope="session")
def template(folder: Path) -> ChatTemplate:
    return load_template(folder)
