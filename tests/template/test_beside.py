"""A candidate's own tokenizer and template beside its base's."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.models import BaseRef
from evalsuite.template import ChatTemplate, load_template
from evalsuite.template.beside import same_vocabulary, same_words


@pytest.fixture(scope="module")
def template(nano: BaseRef) -> ChatTemplate:
    return load_template(nano.path)


@pytest.fixture
def own(nano: BaseRef, tmp_path: Path) -> Path:
    return Path(shutil.copytree(nano.path, tmp_path / "own"))


def test_a_copy_agrees(template: ChatTemplate, nano: BaseRef, own: Path) -> None:
    words = same_words(template, own)
    assert words.agrees
    assert "conversations" in words.detail
    assert same_vocabulary(nano.path, own).agrees


def test_the_same_template_in_another_file_agrees(template: ChatTemplate, own: Path) -> None:
    source = (own / "chat_template.jinja").read_text()
    (own / "chat_template.jinja").unlink()
    config = json.loads((own / "tokenizer_config.json").read_text())
    (own / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": source}))
    assert same_words(template, own).agrees


def test_a_tokenizer_that_was_saved_again_agrees(template: ChatTemplate, own: Path) -> None:
    document = json.loads((own / "tokenizer.json").read_text())
    document["padding"] = None
    (own / "tokenizer.json").write_text(json.dumps(document, indent=3))
    assert same_words(template, own).agrees


def _no_template(own: Path) -> None:
    (own / "chat_template.jinja").unlink()


def _says_more(own: Path) -> None:
    path = own / "chat_template.jinja"
    path.write_text(path.read_text().replace("<|im_start|>assistant", "<|im_start|>assistant: "))


def _stops_elsewhere(own: Path) -> None:
    (own / "generation_config.json").write_text('{"eos_token_id": [3]}')


def _stops_on_nothing(own: Path) -> None:
    (own / "generation_config.json").write_text('{"eos_token_id": []}')


def _unsaid(own: Path) -> None:
    """As a server reads it: config.json is not asked where there is the other file."""
    (own / "generation_config.json").write_text('{"do_sample": false}')
    config = json.loads((own / "config.json").read_text()) if (own / "config.json").exists() else {}
    (own / "config.json").write_text(json.dumps({**config, "eos_token_id": 3402}))


def _unsaid_anywhere(own: Path) -> None:
    (own / "generation_config.json").unlink()
    for name, key in (("config.json", "eos_token_id"), ("tokenizer_config.json", "eos_token")):
        told = json.loads((own / name).read_text()) if (own / name).exists() else {}
        (own / name).write_text(json.dumps({**told, key: None}))


def _swapped(own: Path) -> None:
    document = json.loads((own / "tokenizer.json").read_text())
    vocab = document["model"]["vocab"]
    vocab["a"], vocab["b"] = vocab["b"], vocab["a"]
    (own / "tokenizer.json").write_text(json.dumps(document))


CONTRADICTIONS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no template": (_no_template, "copy the base's chat_template.jinja into it"),
    "another template": (_says_more, "something else of a conversation"),
    "another stop": (_stops_elsewhere, r"stops on \[3\]; set eos_token_id to"),
    "no stop": (_stops_on_nothing, r"eos_token_id=\[\] must be the id of a token"),
    "a stop that is not said": (_unsaid, r"nothing says what generation stops on .* set eos_tok"),
    "a stop that nothing says": (_unsaid_anywhere, r"nobody knows where an answer ends"),
    "other ids": (_swapped, r"token \d+ is .* there and .* here"),
}


@pytest.mark.parametrize(("change", "told"), CONTRADICTIONS.values(), ids=list(CONTRADICTIONS))
def test_a_contradiction_is_told(
    template: ChatTemplate, own: Path, change: Callable[[Path], object], told: str
) -> None:
    change(own)
    found = same_words(template, own)
    assert not found.agrees
    assert re.search(told, found.detail), found.detail
