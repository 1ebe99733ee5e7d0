"""Tokenizer folders that must not be trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalsuite.conversation import Conversation
from evalsuite.errors import TemplateError
from evalsuite.template import FAMILIES, load_template, tokenizerfolder
from evalsuite.template.tokenizerfolder import guarded, read_tokenizer
from tests.template.tiny_tokenizer import WriteFolder


def _drop(document: dict[str, Any], token: str) -> None:
    document["added_tokens"] = [t for t in document["added_tokens"] if t["content"] != token]


def _no_control(document: dict[str, Any]) -> None:
    _drop(document, "<|im_end|>")


def _word_level(document: dict[str, Any]) -> None:
    document["model"] = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}


def _dropout(document: dict[str, Any]) -> None:
    document["model"]["dropout"] = 0.1


def _lowercase(document: dict[str, Any]) -> None:
    document["normalizer"] = {"type": "Lowercase"}


def _prefix_space(document: dict[str, Any]) -> None:
    document["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = True


def _no_decoder(document: dict[str, Any]) -> None:
    document["decoder"] = None


def _missing_letter(document: dict[str, Any]) -> None:
    document["model"]["vocab"].pop("Q")


def _repeated_token(document: dict[str, Any]) -> None:
    document["added_tokens"].append(dict(document["added_tokens"][0], id=9999))


def _repeated_id(document: dict[str, Any]) -> None:
    document["added_tokens"].append(dict(document["added_tokens"][0], content="<|x|>"))


def _token_without_text(document: dict[str, Any]) -> None:
    document["added_tokens"].append({"id": 9999})


def _id_taken_from_the_vocabulary(document: dict[str, Any]) -> None:
    document["added_tokens"][0]["id"] = document["model"]["vocab"]["a"]


def _token_that_text_reaches(document: dict[str, Any]) -> None:
    left, right = document["model"]["merges"][0]
    document["added_tokens"].append(
        dict(document["added_tokens"][0], content=left + right, id=9999)
    )


def _negative_id(document: dict[str, Any]) -> None:
    document["model"]["vocab"]["a"] = -1


def _broken_merges(document: dict[str, Any]) -> None:
    document["model"]["merges"] = [["a"], 7]


def _merge_of_unknown_tokens(document: dict[str, Any]) -> None:
    document["model"]["merges"].append(["zzzz", "qqqq"])


def _broken_regex(document: dict[str, Any]) -> None:
    document["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": "((("}


def _merges_not_a_list(document: dict[str, Any]) -> None:
    document["model"]["merges"] = "a b"


def _added_not_a_list(document: dict[str, Any]) -> None:
    document["added_tokens"] = {"<|im_start|>": 1}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_no_control, "nothing tells where {} ends"),
        (_word_level, "model.type must be 'BPE'"),
        (_dropout, "makes renders random"),
        (_lowercase, "changes text beyond Unicode NFC"),
        (_prefix_space, "changes text"),
        (_no_decoder, "changes text"),
        (_missing_letter, "no symbol for 'Q', without which no ordinary text can be carried"),
        (_repeated_token, "added_tokens[4] repeats"),
        (_repeated_id, "added_tokens[4] repeats"),
        (_token_without_text, "added_tokens[4] needs a content and an id"),
        (_id_taken_from_the_vocabulary, "tokenizer.json"),
        (_token_that_text_reaches, "ordinary text can become the added token"),
        (_negative_id, "model.vocab must map"),
        (_broken_merges, "reading model.merges failed"),
        (_merge_of_unknown_tokens, "loading failed"),
        (_broken_regex, "loading failed"),
        (_merges_not_a_list, "model.merges must be a list"),
        (_added_not_a_list, "added_tokens must be a list"),
    ],
)
def test_a_damaged_tokenizer_is_refused_and_the_file_is_named(
    document: dict[str, Any],
    write_folder: WriteFolder,
    damage: Callable[[dict[str, Any]], None],
    says: str,
) -> None:
    damage(document)
    folder = write_folder(document)
    with pytest.raises(TemplateError, match=re.escape(says)) as caught:
        load_template(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '{"model": 1}', "[" * 100_000])
def test_a_file_that_is_no_tokenizer_is_refused(write_folder: WriteFolder, text: str) -> None:
    with pytest.raises(TemplateError, match=re.escape("tokenizer.json")):
        load_template(write_folder(text))


def test_a_truncated_file_is_refused(write_folder: WriteFolder, document: dict[str, Any]) -> None:
    text = json.dumps(document)
    with pytest.raises(TemplateError, match="not JSON"):
        load_template(write_folder(text[: len(text) // 2]))


@pytest.mark.parametrize("name", ["tokenizer_config.json", "generation_config.json"])
def test_a_truncated_file_beside_it_is_refused_too(write_folder: WriteFolder, name: str) -> None:
    folder = write_folder(generation={"eos_token_id": 320})
    whole = (folder / name).read_text("utf-8")
    (folder / name).write_text(whole[:-1], "utf-8")
    with pytest.raises(TemplateError, match=f"{name}: not JSON: .*; download the file again"):
        load_template(folder)


def test_a_missing_folder_says_what_is_due(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=re.escape("a folder that holds tokenizer.json")):
        load_template(tmp_path / "absent")


def test_a_huge_file_is_not_read(
    write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizerfolder, "_MAX_TOKENIZER_BYTES", 100)
    with pytest.raises(TemplateError, match="at most 100 are read"):
        load_template(write_folder())


def test_a_chat_template_that_is_no_text_or_too_long_is_refused(write_folder: WriteFolder) -> None:
    with pytest.raises(TemplateError, match=r"jinja: the chat template has 300000 characters"):
        load_template(write_folder(jinja="x" * 300_000))
    folder = write_folder(config={"chat_template": 7})
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(TemplateError, match=r"tokenizer_config.json: the chat template is int"):
        load_template(folder)
    folder = write_folder()
    (folder / "chat_template.jinja").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateError, match=re.escape("chat_template.jinja")):
        load_template(folder)


def test_a_panic_of_the_tokenizers_package_becomes_an_error(tmp_path: Path) -> None:
    class PanicException(BaseException):
        pass

    with (
        pytest.raises(TemplateError, match="encoding failed: PanicException: overflow"),
        guarded(tmp_path / "tokenizer.json", "encoding"),
    ):
        raise PanicException("overflow")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, MemoryError])
def test_a_wish_to_stop_passes_through(tmp_path: Path, stop: type[BaseException]) -> None:
    with pytest.raises(stop), guarded(tmp_path, "encoding"):
        raise stop


def test_control_tokens_may_also_stand_in_the_vocabulary(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    for token in document["added_tokens"]:
        document["model"]["vocab"][token["content"]] = token["id"]
    document["model"]["ignore_merges"] = True
    document["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": r"<\|\w+\|>"}
    template = load_template(write_folder(document))
    for token in template.control_ids:
        assert not set(template.encode(token)) & set(template.control_ids.values())


def test_merges_may_be_written_as_lines(
    document: dict[str, Any], write_folder: WriteFolder, folder: Path
) -> None:
    document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
    assert load_template(write_folder(document)).fingerprint == load_template(folder).fingerprint


def test_truncation_and_padding_in_the_file_are_not_used(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    document["truncation"] = {
        "direction": "Right",
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    template = load_template(write_folder(document))
    assert template.decode(template.encode("long text " * 20)) == "long text " * 20


@pytest.mark.parametrize("entry", ["<|im_end|>", {"content": "<|im_end|>", "special": True}])
def test_a_config_may_name_tokens_as_text_or_object(
    write_folder: WriteFolder, entry: object
) -> None:
    template = load_template(write_folder(config={"eos_token": entry, "pad_token": None}))
    assert template.generation_stops == (template.stop_id,)
    assert template.pad_id == template.control_ids["<|endoftext|>"]


@pytest.mark.parametrize("generation", [{}, {"eos_token_id": None}, {"eos_token_id": 7}, None])
@pytest.mark.parametrize("config", [{}, {"eos_token_id": None}, {"eos_token_id": 9}])
def test_generation_stops_on_what_transformers_reads(
    generation: dict[str, Any] | None, config: dict[str, Any], write_folder: WriteFolder
) -> None:
    from transformers import GenerationConfig, PretrainedConfig

    folder = write_folder(generation=generation, config={"x": 1})
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2", **config}))
    if generation is None:
        read = GenerationConfig.from_model_config(PretrainedConfig.from_pretrained(folder))
    else:
        read = GenerationConfig.from_pretrained(folder)
    due = None if read.eos_token_id is None else (read.eos_token_id,)
    assert read_tokenizer(folder).stops == due


def test_without_a_pad_token_the_stop_token_pads(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    _drop(document, "<|endoftext|>")
    template = load_template(write_folder(document, config={"x": 1}))
    assert template.pad_id == template.stop_id


def test_a_template_in_the_config_is_read_from_a_text_or_a_list(write_folder: WriteFolder) -> None:
    for value in ("{{ x }}", [{"name": "default", "template": "{{ x }}"}]):
        folder = write_folder(jinja=None, config={"chat_template": value})
        assert read_tokenizer(folder).chat_template == "{{ x }}"
    other = write_folder(jinja=None, config={"chat_template": [{"name": "tool_use"}]})
    with pytest.raises(TemplateError, match="called tool_use, and none is the default"):
        read_tokenizer(other)


def test_an_empty_template_is_told_so(write_folder: WriteFolder) -> None:
    with pytest.raises(TemplateError, match=r"chat_template\.jinja: the chat template is empty"):
        read_tokenizer(write_folder(jinja=" \n"))


def test_a_folder_needs_only_its_tokenizer(write_folder: WriteFolder) -> None:
    folder = write_folder(jinja=None)
    (folder / "tokenizer_config.json").unlink()
    template = load_template(folder)
    assert template.generation_stops is None
    assert template.prompt(Conversation.of(("user", "Hi")))


def test_a_family_asked_for_by_class_says_which_tokens_it_needs(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    _drop(document, "<|im_start|>")
    with pytest.raises(
        TemplateError, match=r"no added tokens <\|im_start\|>, which the family chatml"
    ):
        load_template(write_folder(document), family="chatml")


def test_every_family_is_listed_under_its_own_name() -> None:
    assert all(name == wire.name for name, wire in FAMILIES.items())
    assert len(FAMILIES) == 18
