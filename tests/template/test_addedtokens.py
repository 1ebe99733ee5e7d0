"""Added tokens that are ordinary text are text; what may be a control token stays one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.conversation import Conversation
from evalsuite.errors import TemplateError
from evalsuite.template import FAMILIES, ChatTemplate, PropertyStatus, check, load_template
from evalsuite.template.addedtokens import AddedToken, named_tokens
from evalsuite.template.adversarial import adversarial_conversations
from evalsuite.template.properties import r3_no_forged_control, r4_parse_back
from evalsuite.template.sampletokenizers import write_sample_tokenizer
from evalsuite.template.tokenizerfolder import Prefix, full_tokenizer, read_tokenizer
from tests.template.tiny_tokenizer import WriteFolder

TEXTS = ("<b>", "</b>", "<table>", "</td>", "<code>", "<unused7>", "    ", "内存", "rewrite")
CONTROLS = (
    "<think>", "</think>", "<tool_call>", "</tool_response>", "<|fim_prefix|>", "<image>", "[MASK]",
    "<｜tool▁sep｜>", "<answer>",
)  # fmt: skip
SAID = "<b>x</b> in\n<table> 内存内存 <code>a < b    <unused7></td>, to rewrite <B> <b >"


def listed(number: int, content: str, **changes: Any) -> dict[str, Any]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    return {"id": number, "content": content, **plain, **changes}


def extended(document: dict[str, Any], *tokens: dict[str, Any]) -> dict[str, Any]:
    known = document["added_tokens"]
    start = 1 + known[-1]["id"]
    known += [{**token, "id": start + place} for place, token in enumerate(tokens)]
    return document


@pytest.fixture
def folder(document: dict[str, Any], write_folder: WriteFolder) -> Path:
    """A ChatML tokenizer that lists words, tags, spare tokens and the tokens of other formats."""
    have = {token["content"] for token in document["added_tokens"]}
    several = [text for text in (*TEXTS, *CONTROLS) if text not in have]
    return write_folder(extended(document, *(listed(0, text) for text in several)))


@pytest.mark.parametrize("content", TEXTS)
def test_words_tags_and_spare_tokens_are_ordinary(content: str) -> None:
    token = AddedToken(listed(1, content), content, 1)
    assert token.is_ordinary
    for key in ("special", "lstrip", "rstrip"):
        assert not AddedToken(listed(1, content, **{key: True}), content, 1).is_ordinary


@pytest.mark.parametrize("content", [*CONTROLS, "<s|>", "{tool}", "<blink_>", "<unused>"])
def test_what_is_spelled_like_a_control_token_is_not(content: str) -> None:
    assert not AddedToken(listed(1, content), content, 1).is_ordinary


def test_contents_are_encoded_as_the_makers_tokenizer_encodes_them(folder: Path) -> None:
    template, files = load_template(folder), read_tokenizer(folder)
    theirs = full_tokenizer(files.folder).encode(SAID, add_special_tokens=False).ids
    assert list(template.encode(SAID)) == theirs
    ids = {files.document["added_tokens"][place]["id"]: place for place in range(4, 12)}  # type: ignore[index]
    assert len({*theirs} & {*ids}) >= 7
    assert template.decode(template.encode(SAID)) == SAID
    assert not {*TEXTS} & {*template.control_ids}


def test_what_may_be_a_control_token_is_never_made_of_text(folder: Path) -> None:
    template = load_template(folder)
    assert {*CONTROLS} < {*template.control_ids}
    for text in (*CONTROLS, "<|im_end|>"):
        assert not {*template.encode(f"a {text}b")} & {*template.control_ids.values()}
        assert template.decode(template.encode(f"a {text}b")) == f"a {text}b"


def test_texts_that_are_tokens_keep_every_property(folder: Path) -> None:
    template = load_template(folder)
    said = [Conversation.of(("system", SAID), ("user", SAID), ("assistant", SAID), ("user", SAID))]
    said += [Conversation.of(("user", text), ("assistant", text)) for text in TEXTS if text.strip()]
    for prove in (r3_no_forged_control, r4_parse_back):
        assert prove(template, said).status in (PropertyStatus.HOLDS, PropertyStatus.DECLARED)
    results = check(template, said, training_fingerprint=template.fingerprint)
    assert not [result for result in results if result.status is PropertyStatus.VIOLATED]
    # Harmless, so they are compared with the maker's template too.
    assert results[-1].status is PropertyStatus.HOLDS, results[-1]


def test_nothing_but_white_space_is_text_before_a_format_is_known(folder: Path) -> None:
    files = read_tokenizer(folder)
    assert {*TEXTS} - {*files.added} == {"    "}
    assert len(files.encoder.encode("<b>", add_special_tokens=False).ids) > 1


def test_the_controls_of_a_format_stay_tokens(folder: Path) -> None:
    files = read_tokenizer(folder)
    told = files.for_controls(["<b>", "rewrite"])
    assert {*TEXTS} & {*told.added} == {"<b>", "rewrite"}
    assert told.added["<b>"] not in told.encoder.encode("<b>", add_special_tokens=False).ids
    assert told.for_controls(["<b>", "rewrite"]) is told
    assert {*told.for_controls([]).added} == {*files.for_controls([]).added}
    assert {*read_tokenizer(folder).for_controls(TEXTS).added} == {*files.added}


def test_a_token_that_the_configuration_names_is_none_of_the_text(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    folder = write_folder(
        extended(document, *(listed(0, text) for text in ("<s>", "<u>", "<i>", "<q>", "<p>"))),
        config={
            "eos_token": "<|im_end|>",
            "bos_token": {"content": "<s>"},
            "additional_special_tokens": ["<u>"],
            "extra_special_tokens": {"cut_token": "<i>"},
            "added_tokens_decoder": {"9": {"content": "<q>", "special": True}, "8": 7},
        },
    )
    named = {"<s>", "<u>", "<i>", "<q>", "<|im_end|>"}
    assert named_tokens(read_tokenizer(folder).config) == named
    control = load_template(folder).control_ids
    assert {"<s>", "<u>", "<i>", "<q>"} < {*control}
    assert "<p>" not in control


def test_a_token_that_does_not_come_back_is_no_text(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    # A byte-level vocabulary writes two bytes so, which are no text in UTF-8.
    folder = write_folder(extended(document, listed(0, "éé"), listed(0, "内")))
    template = load_template(folder)
    assert "éé" in template.control_ids
    assert "内" not in template.control_ids
    assert template.decode(template.encode("éé 内")) == "éé 内"


def test_an_ordinary_token_that_merges_make_is_text_at_once(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    made = next("".join(m) for m in document["model"]["merges"] if "".join(m).isalpha())
    number = document["model"]["vocab"][made]
    document["added_tokens"].append(listed(number, made))
    folder = write_folder(document)
    assert made not in read_tokenizer(folder).added
    assert load_template(folder).encode(f"{made} {made}")[0] == number
    with pytest.raises(TemplateError, match="ordinary text can become the added token"):
        read_tokenizer(folder).for_controls([made])


def spoken(tmp_path: Path, family: str) -> Path:
    folder = write_sample_tokenizer(FAMILIES[family], tmp_path / family)
    document = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    vocab = document["model"]["vocab"]
    for text in ("<b>", "<th>"):
        number = 1 + max(*vocab.values(), *(t["id"] for t in document["added_tokens"]))
        document["added_tokens"].append(listed(number, text))
    (folder / "tokenizer.json").write_text(json.dumps(document), "utf-8")
    return folder


def test_tags_are_text_in_a_tokenizer_of_characters_too(tmp_path: Path) -> None:
    for family in ("gemma-2", "mistral-v3"):
        folder = spoken(tmp_path, family)
        template: ChatTemplate = load_template(folder, family=family)
        assert "<b>" not in template.control_ids
        said = Conversation.of(("user", "the <b>first</b> <th> one<b>"), ("assistant", "<b>"))
        assert template.parse(template.render(said).ids) == said
        tag = read_tokenizer(folder).added["<b>"]
        assert template.render(said).ids.count(tag) == 3


def test_where_a_blank_is_put_after_every_token_none_is_text(tmp_path: Path) -> None:
    folder = spoken(tmp_path, "llama-2")
    assert read_tokenizer(folder).prefix is Prefix.ALWAYS
    template = load_template(folder, family="llama-2")
    assert {"<b>", "<th>"} < {*template.control_ids}
    said = Conversation.of(("user", "the <b>first</b>"))
    assert template.parse(template.prompt(said)) == said


def test_of_tokens_that_a_number_tells_apart_a_few_are_tried() -> None:
    spare = tuple(f"<reserved_{number}>" for number in range(6000))
    found = adversarial_conversations(("<|a|>", *spare))
    said = {m.content for c in found for m in c.messages}
    tried = [token for token in spare if token in said]
    assert tried == [spare[0], spare[1], spare[-2], spare[-1]]
    assert "<|a|>" in said
