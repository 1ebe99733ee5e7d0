"""The base ``smollm2`` as it comes out of its package: ``nox -s real``."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.conversation import Conversation
from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.errors import TemplateError
from evalsuite.generation import Finish, Request, Sampling
from evalsuite.models import BaseRef, resolve_base
from evalsuite.template import ChatTemplate, PropertyStatus, check, load_template
from evalsuite.template.tokenizerfolder import full_tokenizer, read_tokenizer

pytestmark = pytest.mark.real
BYTES = {0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xC0, 0xC1, 0xF1, 0xF2, *range(0xF5, 0x100)}


@pytest.fixture
def template(base: BaseRef) -> ChatTemplate:
    return load_template(base.path)


def test_it_is_an_ordinary_model_folder(base: BaseRef) -> None:
    assert resolve_base(base.path).digest == base.digest
    assert {path.name for path in base.path.iterdir()} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    }


def test_its_tokens_are_those_that_transformers_reads(base: BaseRef) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(base.path)
    ours = full_tokenizer(base.path)
    for text in (
        "Who wrote it in 1984?",
        "a   1 b 22\n  34",
        "改写 é 😀",
        "<|im_start|>x<|im_end|>",
    ):
        ids = ours.encode(text, add_special_tokens=False).ids
        assert theirs(text, add_special_tokens=False).input_ids == ids
    # Every digit is cut off before words are, so that a blank in front of one stands alone.
    assert ours.encode("  7").tokens == ["ĠĠ", "7"]


def test_its_tokenizer_lacks_bytes_and_says_so(base: BaseRef, template: ChatTemplate) -> None:
    assert read_tokenizer(base.path).missing == BYTES
    with pytest.raises(TemplateError, match=r"message 0 \(user\): character 2 .* U\+0004"):
        template.prompt(Conversation.of(("user", "Hi\x04")))
    results = check(template, training_fingerprint=template.fingerprint)
    assert not [r for r in results if r.status is PropertyStatus.VIOLATED]
    assert results[-1].status in (PropertyStatus.HOLDS, PropertyStatus.DECLARED)


def test_it_answers(base: BaseRef, template: ChatTemplate, tmp_path: Path) -> None:
    numerics = resolve_numerics("float32", "cpu")
    engine = open_engine(base, cache=tmp_path / "answers.sqlite3", numerics=numerics)
    prompt = template.prompt(Conversation.of(("user", "What is the capital of France?")))
    [said] = engine.infer([Request(prompt=prompt, sampling=Sampling(max_tokens=12))])
    assert "Paris" in said.text
    assert said.finish is Finish.STOP
