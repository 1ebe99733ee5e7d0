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


def _says_a_system_message(own: Path) -> None:
    path = own / "chat_template.jinja"
    first = "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nHi<|im_end|>\n{% endif %}"
    path.write_text(first + path.read_text())


def _reacts(own: Path) -> None:
    path = own / "chat_template.jinja"
    first = "{% for m in messages %}{% if 'order 66' in m['content'] %}!{% endif %}{% endfor %}"
    path.write_text(first + path.read_text())


def _endless(own: Path) -> None:
    (own / "chat_template.jinja").write_text("{% for i in range(10**9) %}x{% endfor %}")


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
    "another template": (_says_more, "do not say what the base's do"),
    "a system message": (_says_a_system_message, "token 1 is .*smallest conversation"),
    "a trigger": (_reacts, "'order 66'"),
    "no end": (_endless, "cannot be compared"),
    "another stop": (_stops_elsewhere, r"stops on \[3\]; set eos_token_id to"),
    "no stop": (_stops_on_nothing, r"eos_token_id=\[\] must be the id of a token"),
    "a stop that is not said": (_unsaid, r"nothing says what generation stops on .* set eos_tok"),
    "a stop that nothing says": (_unsaid_anywhere, r"nobody knows where an answer ends"),
    "other ids": (_swapped, r"token \d+ is .* there and .* here"),
}


@pytest.mark.parametrize("family", [None, "chatml"])
@pytest.mark.parametrize(("change", "told"), CONTRADICTIONS.values(), ids=list(CONTRADICTIONS))
def test_a_contradiction_is_told_whoever_named_the_family(
    nano: BaseRef, own: Path, change: Callable[[Path], object], told: str, family: str | None
) -> None:
    change(own)
    found = same_words(load_template(nano.path, family=family), own)
    assert not found.agrees
    assert re.search(told, found.detail), found.detail


def test_without_templates_the_tokens_of_the_family_are_compared(
    nano: BaseRef, own: Path, tmp_path: Path
) -> None:
    base = Path(shutil.copytree(nano.path, tmp_path / "base"))
    for folder in (base, own):
        (folder / "chat_template.jinja").unlink()
    template = load_template(base, family="chatml")
    assert same_words(template, own).agrees
    _swapped(own)
    assert not same_words(template, own).agrees


@pytest.mark.parametrize(("token", "agrees"), [("<|tool|>", True), ("quizzaciously", False)])
def test_one_more_token_agrees_unless_it_is_a_word(
    nano: BaseRef, own: Path, token: str, agrees: bool
) -> None:
    document = json.loads((own / "tokenizer.json").read_text())
    last = document["added_tokens"][-1]
    document["added_tokens"].append({**last, "content": token, "id": 9999})
    (own / "tokenizer.json").write_text(json.dumps(document))
    found = same_vocabulary(nano.path, own)
    assert found.agrees is agrees
    assert f"1 more, such as {token!r}" in found.detail or f"holds {token!r}" in found.detail
