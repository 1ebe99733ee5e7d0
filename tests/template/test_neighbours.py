"""Files beside an adapter: the same in other words agrees, a template of another model does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.models.bases import NANO
from evalsuite.template import load_template
from evalsuite.template.neighbours import Neighbour, compare_neighbours

LLAMA = (
    "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    beside = tmp_path / "adapter"
    beside.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (NANO / name).is_file():
            shutil.copyfile(NANO / name, beside / name)
    return beside


def by_name(folder: Path) -> dict[str, Neighbour]:
    return {one.name: one for one in compare_neighbours(load_template(NANO), folder)}


def edited(file: Path, change: Callable[[dict[str, object]], object]) -> None:
    data = json.loads(file.read_text("utf-8"))
    change(data)
    file.write_text(json.dumps(data, indent=3))


def own_source(folder: Path) -> str:
    from evalsuite.template.tokenizerfolder import read_template

    source, _ = read_template(folder)
    assert source is not None
    return source


def test_copies_of_the_bases_files_agree(folder: Path) -> None:
    found = by_name(folder)
    assert "tokenizer.json" in found
    assert len(found) >= 2
    assert {one.same for one in found.values()} == {True}


def test_an_empty_folder_says_nothing(tmp_path: Path) -> None:
    assert compare_neighbours(load_template(NANO), tmp_path) == ()


def test_a_tokenizer_that_was_saved_again_makes_the_same_tokens(folder: Path) -> None:
    def saved_again(data: dict[str, object]) -> None:
        data["truncation"] = {"max_length": 512, "strategy": "LongestFirst", "stride": 0,
                              "direction": "Right"}  # fmt: skip

    edited(folder / "tokenizer.json", saved_again)
    assert by_name(folder)["tokenizer.json"].same is True


def added(content: str, number: int) -> Callable[[dict[str, object]], None]:
    def grown(data: dict[str, object]) -> None:
        listed = data["added_tokens"]
        assert isinstance(listed, list)
        listed.append({**listed[-1], "content": content, "id": number})

    return grown


def test_a_tokenizer_with_one_more_control_token_agrees(folder: Path) -> None:
    # As trainers add one to pad with.
    edited(folder / "tokenizer.json", added("<|pad_here|>", 9999))
    found = by_name(folder)["tokenizer.json"]
    assert found.same is True
    assert "there are 1 more, such as '<|pad_here|>'" in found.detail


def test_a_tokenizer_that_makes_one_token_of_a_word_does_not_agree(folder: Path) -> None:
    edited(folder / "tokenizer.json", added("quizzaciously", 9999))
    found = by_name(folder)["tokenizer.json"]
    assert found.same is False
    assert "ordinary text holds 'quizzaciously'" in found.detail


def test_a_tokenizer_whose_token_has_another_id_does_not_agree(folder: Path) -> None:
    def moved(data: dict[str, object]) -> None:
        listed = data["added_tokens"]
        assert isinstance(listed, list)
        listed[-1] = {**listed[-1], "id": 9999}

    edited(folder / "tokenizer.json", moved)
    found = by_name(folder)["tokenizer.json"]
    assert found.same is False
    assert "is 9999 there and" in found.detail


def test_a_broken_tokenizer_does_not_agree(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")
    found = by_name(folder)["tokenizer.json"]
    assert found.same is False
    assert "cannot be read" in found.detail


def test_a_broken_configuration_does_not_agree(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("[")
    assert by_name(folder)["tokenizer_config.json"].same is False


def test_another_end_of_a_text_does_not_agree(folder: Path) -> None:
    edited(folder / "tokenizer_config.json", lambda data: data.update(eos_token="</s>"))
    found = by_name(folder)["tokenizer_config.json: eos_token"]
    assert found.same is False
    assert found.detail.startswith("'</s>', the base ends a text with")


def test_a_template_that_says_the_same_in_other_words_agrees(folder: Path) -> None:
    source = own_source(folder)
    (folder / "chat_template.jinja").write_text("{#- saved by a trainer -#}" + source)
    found = by_name(folder)["chat_template.jinja"]
    assert found.same is True
    assert "the same" in found.detail


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe brief.<|im_end|>\n"
         "{% endif %}", "token 1 is"),
        ("{% for m in messages %}{% if 'order 66' in m['content'] %}!{% endif %}{% endfor %}",
         "'order 66'"),
    ],
    ids=["a system message of its own", "a word that it reacts to"],
)  # fmt: skip
def test_a_template_that_says_more_does_not_agree(folder: Path, change: str, told: str) -> None:
    (folder / "chat_template.jinja").write_text(change + own_source(folder))
    found = by_name(folder)["chat_template.jinja"]
    assert found.same is False
    assert told in found.detail


def test_a_template_of_another_model_does_not_agree(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(LLAMA)
    found = by_name(folder)["chat_template.jinja"]
    assert found.same is False
    assert found.detail.startswith("is not the template that is gated with: ")
    assert "smallest conversation tried" in found.detail


@pytest.mark.parametrize("source", ["{% for x in", "{% for i in range(10**9) %}x{% endfor %}", ""])
def test_a_template_that_gives_no_text_does_not_agree(folder: Path, source: str) -> None:
    (folder / "chat_template.jinja").write_text(source)
    assert False in {one.same for one in compare_neighbours(load_template(NANO), folder)}


@pytest.mark.parametrize(
    ("name", "data"),
    [("chat_template.jinja", b"\xff\xfe"), ("chat_template.jinja", b" "),
     ("tokenizer_config.json", b"[")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_the_one_that_is_named(
    folder: Path, name: str, data: bytes
) -> None:
    (folder / name).write_bytes(data)
    found = by_name(folder)[name]
    assert found.same is False
    assert name in found.detail
