"""What an adapter says of its base in names: what agrees, what contradicts, what says nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.models import AdapterConfig, AdapterRef, BaseRef
from evalsuite.models.basenames import compare_class, compare_name

HUB = "Qwen/Qwen2.5-3B-Instruct"


def base_called(name: str, path: Path, **config: Any) -> BaseRef:
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    return BaseRef(name=name, path=path, digest="a" * 64, tokenizer_digest="b" * 64)


def adapter_of(name: str | None, **settings: Any) -> AdapterRef:
    config = AdapterConfig(peft_type="LORA", r=4, base_model_name_or_path=name, **settings)
    return AdapterRef(path=Path(), digest="c" * 64, config=config, provenance=None)


@pytest.mark.parametrize(
    ("recorded", "asked", "folder", "agree"),
    [
        (HUB, HUB, "x", True),
        (HUB, f"{HUB}@v1", "x", True),
        (HUB, f"{HUB}#qwen2", "x", True),
        (HUB.lower(), HUB, "x", True),
        (f"/data/models/{HUB.split('/')[1]}/", HUB, "x", True),
        (r"C:\models\Qwen2.5-3B-Instruct", HUB, "x", True),
        (HUB, "models/Qwen2.5-3B-Instruct", "Qwen2.5-3B-Instruct", True),
        (f"unsloth/{HUB.split('/')[1]}", HUB, "x", True),
        ("unsloth/Qwen2.5-3B-Instruct-bnb-4bit", HUB, "x", False),
        ("unsloth/Qwen2.5-3B-Instruct-unsloth-bnb-4bit", HUB, "x", False),
        ("Qwen/Qwen2.5-3B-Instruct-GPTQ-Int4", HUB, "x", False),
        (HUB, f"{HUB}-AWQ", "x", False),
        ("meta-llama/Llama-3.2-3B-Instruct", HUB, "x", False),
        ("Qwen/Qwen2.5-3B", HUB, "x", False),
        ("Qwen/Qwen2.5-3B", "m/Qwen2.5-3B-Instruct", "Qwen2.5-3B-Instruct", False),
        ("meta-llama/Llama-3.2-3B", "./base", "base", None),
        ("/root/output/checkpoint-900", HUB, "x", None),
        (HUB, "nano", "weights", False),
        ("nano", "nano", "weights", True),
        ("/somewhere/evalsuite/nano/weights", "nano", "weights", True),
        ("/root/output/checkpoint-900", "nano", "weights", None),
        ("smollm2", "smollm2", "smollm2-b179c9523d0e", True),
        ("/x/models/smollm2-b179c9523d0e", "smollm2", "smollm2-b179c9523d0e", True),
        ("HuggingFaceTB/SmolLM2-360M-Instruct", "smollm2", "smollm2-b179c9523d0e", False),
    ],
)
def test_a_recorded_name_agrees_contradicts_or_says_nothing(
    recorded: str, asked: str, folder: str, agree: bool | None, tmp_path: Path
) -> None:
    base = base_called(asked, tmp_path / folder)
    if "#" in asked:
        base = BaseRef(
            asked, base.path, base.digest, base.tokenizer_digest, family=asked.split("#")[1]
        )
    found = compare_name(adapter_of(recorded), base)
    assert found is not None
    assert found[0] is agree
    assert recorded in found[1].replace("\\\\", "\\")


def test_the_makers_smollm2_is_the_packages_with_other_weights(tmp_path: Path) -> None:
    base = base_called("smollm2", tmp_path / "smollm2-b179c9523d0e")
    found = compare_name(adapter_of("HuggingFaceTB/SmolLM2-135M-Instruct"), base)
    assert found is not None
    assert found[0] is False
    assert "stored in another way (unquantised)" in found[1]
    assert "another model" not in found[1]


def test_a_folder_of_the_hubs_cache_has_the_name_of_its_repository(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--Qwen--Qwen2.5-3B-Instruct" / "snapshots" / ("a" * 40)
    base = base_called(str(snapshot), snapshot)
    assert compare_name(adapter_of(HUB), base) == (True, repr(HUB))
    found = compare_name(adapter_of("meta-llama/Llama-3.2-3B"), base)
    assert found is not None
    assert found[0] is False


def test_a_base_may_say_its_own_name(tmp_path: Path) -> None:
    base = base_called("./base", tmp_path / "base", _name_or_path=HUB)
    found = compare_name(adapter_of("meta-llama/Llama-3.2-3B"), base)
    assert found is not None
    assert found[0] is False


@pytest.mark.parametrize("name", [None, ""])
def test_no_name_is_no_contradiction(name: str | None, tmp_path: Path) -> None:
    assert compare_name(adapter_of(name), base_called("nano", tmp_path)) is None


@given(st.text(max_size=60))
def test_any_name_is_compared_without_an_error(name: str) -> None:
    base = BaseRef(HUB, Path("nowhere"), "a" * 64, "b" * 64)
    compare_name(adapter_of(name), base)


@pytest.mark.parametrize(
    ("mapping", "architectures", "agree"),
    [
        ({"base_model_class": "Qwen2ForCausalLM"}, ["Qwen2ForCausalLM"], True),
        ({"base_model_class": "LlamaForCausalLM"}, ["Qwen2ForCausalLM"], False),
        ({"base_model_class": "LlamaForCausalLM"}, None, None),
        ({"base_model_class": None}, ["Qwen2ForCausalLM"], None),
        (None, ["Qwen2ForCausalLM"], None),
    ],
)
def test_a_recorded_class_is_that_of_the_base(
    mapping: dict[str, Any] | None, architectures: list[str] | None, agree: bool, tmp_path: Path
) -> None:
    base = base_called("x", tmp_path, architectures=architectures)
    found = compare_class(adapter_of(None, auto_mapping=mapping), base)
    assert (found and found[0]) is agree
