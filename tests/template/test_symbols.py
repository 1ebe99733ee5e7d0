"""Vocabularies that lack bytes: the message that needs one is refused, never the model."""

from __future__ import annotations

import copy
import json
import re
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from evalsuite.conversation import Conversation
from evalsuite.errors import TemplateError
from evalsuite.template import (
    FAMILIES,
    ChatTemplate,
    PropertyStatus,
    WireTemplate,
    check,
    load_template,
)
from evalsuite.template.adversarial import adversarial_conversations
from evalsuite.template.properties import r4_parse_back, r7_no_silent_drop
from evalsuite.template.sampletokenizers import write_sample_tokenizer
from evalsuite.template.symbols import BYTE_SYMBOLS, EVERY_BYTE, ORDINARY, Symbols
from evalsuite.template.tokenizerfolder import TokenizerFiles, read_tokenizer
from tests.template.defects import Prove
from tests.template.tiny_tokenizer import WriteFolder

RARE = frozenset({0x04, 0x06, 0x13, 0xC0, 0xF1, 0xF5, 0xFF})
UTF8 = sorted({byte for char in EVERY_BYTE for byte in char.encode()})


def without(document: dict[str, Any], missing: Collection[int]) -> dict[str, Any]:
    """A byte-level tokenizer whose vocabulary lacks some bytes, and what was made of them."""
    changed = copy.deepcopy(document)
    gone = {BYTE_SYMBOLS[byte] for byte in missing}
    model = changed["model"]
    kept = [token for token in model["vocab"] if gone.isdisjoint(token)]
    # The library numbers added tokens from the size of the vocabulary on.
    model["vocab"] = {token: number for number, token in enumerate(kept)}
    for number, token in enumerate(changed["added_tokens"], start=len(kept)):
        token["id"] = number
    model["merges"] = [m for m in model["merges"] if gone.isdisjoint("".join(m))]
    return changed


def test_the_symbols_are_those_of_the_library() -> None:
    assert set(BYTE_SYMBOLS) == set(pre_tokenizers.ByteLevel.alphabet())
    shown = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for char in EVERY_BYTE:
        [(told, _)] = shown.pre_tokenize_str(char)
        assert told == "".join(BYTE_SYMBOLS[byte] for byte in char.encode())


def test_every_byte_of_utf8_stands_in_the_adversarial_set() -> None:
    said = "".join(m.content for c in adversarial_conversations(()) for m in c.messages)
    assert {*range(0x80), *range(0x80, 0xC0), *range(0xC2, 0xF5)} == set(UTF8)
    assert set(UTF8) <= set(said.encode())


def test_what_is_missing_is_exactly_what_has_no_symbol(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    assert read_tokenizer(write_folder()).missing == frozenset()
    assert read_tokenizer(write_folder(without(document, RARE))).missing == RARE


def test_a_message_with_a_missing_byte_is_refused_by_its_character(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    template = load_template(write_folder(without(document, RARE)))
    said = Conversation.of(("user", "fine"), ("assistant", "not\x04fine"), ("user", "fine"))
    for carry in (template.render, template.prompt, lambda c: template.truncate(c, 999)):
        with pytest.raises(TemplateError) as caught:
            carry(said)
        told = str(caught.value)
        assert told.startswith("message 1 (assistant): character 3 of the text is U+0004 ('\\x04')")
        assert "no symbol for its byte 0x04" in told
        assert told.endswith("remove it")
    with pytest.raises(TemplateError, match="character 1 of the text is U\\+40000"):
        template.encode("x\U00040000")
    assert template.refusal(said) is not None
    whole = Conversation.of(("user", "fine \x05 é 😀"))
    assert template.parse(template.prompt(whole)) == whole


def test_a_vocabulary_without_rare_bytes_keeps_every_property(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    lacking = load_template(write_folder(without(document, RARE)))
    results = check(lacking, training_fingerprint=lacking.fingerprint)
    sound = {PropertyStatus.HOLDS, PropertyStatus.DECLARED}
    assert {result.status for result in results} <= sound, results


def test_what_a_vocabulary_lacks_is_refused_and_counted(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    tried = adversarial_conversations(())
    counts = []
    for missing in (frozenset[int](), RARE):
        template = load_template(write_folder(without(document, missing)))
        result = r7_no_silent_drop(template, tried)
        assert result.status is PropertyStatus.HOLDS
        counts.append(int(result.detail.split()[0]))
    # U+0004, U+0006, U+0013 and U+40000; no text holds 0xC0, 0xF5 or 0xFF.
    assert counts[1] == counts[0] + 4


class Silent(WireTemplate):
    """Loses what it has no symbols for, and says nothing."""

    def __init__(self, files: TokenizerFiles) -> None:
        super().__init__(FAMILIES["chatml"], replace(files, symbols=Symbols()))


class SaysSo(Silent):
    """Says that it refuses such a message, and takes it all the same."""

    def __init__(self, files: TokenizerFiles) -> None:
        super().__init__(files)
        self._honest = WireTemplate(FAMILIES["chatml"], files)

    def refusal(self, conversation: Conversation) -> str | None:
        return self._honest.refusal(conversation)

    def _require_carried(self, conversation: Conversation) -> None:
        pass


@pytest.mark.parametrize(
    ("defect", "prove"), [(Silent, r4_parse_back), (SaysSo, r7_no_silent_drop)]
)
def test_a_silent_loss_is_a_violation(
    document: dict[str, Any], write_folder: WriteFolder, defect: type[Silent], prove: Prove
) -> None:
    template = defect(read_tokenizer(write_folder(without(document, {0x04}))))
    result = prove(template, adversarial_conversations(()))
    assert result.status is PropertyStatus.VIOLATED
    assert "\\x04" in result.detail


@settings(max_examples=60)
@given(
    missing=st.sets(
        st.sampled_from([b for b in range(256) if chr(b) not in ORDINARY]), min_size=1, max_size=9
    ),
    text=st.text(
        st.sampled_from(EVERY_BYTE + "e\u0301a\u0308\u1112\u1161\u2126"), min_size=1, max_size=12
    ),
)
def test_a_text_is_refused_exactly_when_something_of_it_would_be_lost(
    trained: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    missing: set[int],
    text: str,
) -> None:
    folder = tmp_path_factory.mktemp("lacking")
    (folder / "tokenizer.json").write_text(json.dumps(without(trained, missing)), "utf-8")
    files = read_tokenizer(folder)
    ids = files.encoder.encode(text, add_special_tokens=False).ids
    back = files.encoder.decode(ids, skip_special_tokens=False)
    assert (files.lost(text) is None) is (back == unicodedata.normalize("NFC", text))
    kept = files.symbols.kept(text)
    assert files.lost(kept) is None
    if files.lost(text) is None:
        assert kept in (text, unicodedata.normalize("NFC", text))


def test_the_place_is_that_of_the_character_in_the_message(
    document: dict[str, Any], write_folder: WriteFolder
) -> None:
    lacking = read_tokenizer(write_folder(without(document, {0xC3, 0xCC})))
    told = lacking.lost("x\u0301") or ""
    assert "character 1 of the text is U+0301" in told
    # The tokenizer composes first, and what it composes may be what it lacks.
    assert "is U+00E9" in (lacking.lost("cafe\u0301") or "")
    assert re.match(
        "character 5 of the text is a lone surrogate", lacking.lost("five \ud800") or ""
    )


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """A tokenizer of characters that lacks three of the bytes to fall back on."""
    folder = write_sample_tokenizer(FAMILIES["llama-2"], tmp_path / "llama")
    document = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    for byte in ("<0xE6>", "<0x04>", "<0xF0>"):
        del document["model"]["vocab"][byte]
    (folder / "tokenizer.json").write_text(json.dumps(document), "utf-8")
    return folder


def test_a_character_of_the_vocabulary_needs_no_bytes(spoken: Path) -> None:
    template: ChatTemplate = load_template(spoken, family="llama-2")
    files = read_tokenizer(spoken)
    assert files.missing == {0xE6, 0x04, 0xF0}
    # Both begin with 0xE6; only the first was learned.
    assert "改".encode()[0] == "有".encode()[0] == 0xE6
    carried = Conversation.of(("user", "改 é 好"))
    assert template.parse(template.prompt(carried)) == carried
    for text, name in (("有", "U\\+6709"), ("\x04", "U\\+0004"), ("😀", "U\\+1F600")):
        with pytest.raises(TemplateError, match=f"message 0 \\(user\\): character 2 .* is {name}"):
            template.prompt(Conversation.of(("user", f"改 {text}x")))


def test_a_fingerprint_does_not_need_every_character(spoken: Path) -> None:
    assert len(load_template(spoken, family="llama-2").fingerprint) == 64
