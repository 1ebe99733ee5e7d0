"""Whole models in the engine: their answers, and proof that they are what they are said to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evalsuite.engines.liveness import OF_MODELS, LivenessCheck
from evalsuite.engines.numerics import resolve_numerics
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.errors import ModelError
from evalsuite.generation import Request, Sampling
from evalsuite.models import AdapterRef, BaseRef, ModelRef, read_model
from evalsuite.training.export import export_merged
from tests.engines.conftest import MakeAdapter

Found = dict[LivenessCheck, bool | None]


@pytest.fixture(scope="module")
def adapter(make_adapter: MakeAdapter) -> AdapterRef:
    return make_adapter(seed=3)


@pytest.fixture
def merged(base: BaseRef, adapter: AdapterRef, tmp_path: Path) -> Path:
    return export_merged(base, adapter, tmp_path / "merged", dtype="fp32")


def examined(base: BaseRef, model: ModelRef) -> tuple[Found, str]:
    report = TransformersEngine(base, [model]).liveness(model.digest)
    assert tuple(check.name for check in report.checks) == OF_MODELS
    told = "; ".join(check.detail for check in report.checks if check.ok is not True)
    return {check.name: check.ok for check in report.checks}, told


def changed(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, {"format": "pt"})


def test_a_merged_model_answers_as_its_adapter_does(
    base: BaseRef, adapter: AdapterRef, merged: Path, panel: list[tuple[int, ...]]
) -> None:
    model = read_model(merged, base)
    engine = TransformersEngine(base, [adapter, model], resolve_numerics("float32", "cpu"))
    sampling = Sampling(max_tokens=12)
    asked = [
        [Request(prompt=ids, sampling=sampling, adapter=who) for ids in panel]
        for who in (None, adapter.digest, model.digest)
    ]
    # Mixed in one call: rows of three models share each batch's plan.
    outputs = engine.infer([request for three in zip(*asked, strict=True) for request in three])
    bare, beside, whole = outputs[0::3], outputs[1::3], outputs[2::3]
    assert [output.ids for output in whole] == [output.ids for output in beside]
    assert [output.ids for output in whole] != [output.ids for output in bare]


def test_a_merged_model_is_alive(base: BaseRef, merged: Path) -> None:
    found, _ = examined(base, read_model(merged, base))
    assert set(found.values()) == {True}


def test_a_copy_of_the_base_is_not_alive(base: BaseRef, copied: Callable[[Path], Path]) -> None:
    found, told = examined(base, read_model(copied(base.path), base))
    assert found[LivenessCheck.LOGITS_DIFFER] is False
    assert "required above" in told


def test_weights_without_a_place_are_told(base: BaseRef, merged: Path) -> None:
    name = "model.layers.0.self_attn.q_proj.lora_A.default.weight"
    changed(merged, lambda weights: weights.update({name: torch.zeros(4, 32)}))
    found, told = examined(base, read_model(merged, base))
    assert found[LivenessCheck.LOAD_RESULT_CLEAN] is False
    assert name in told
    assert "merge_and_unload()" in told


def test_a_place_without_a_weight_is_told(base: BaseRef, merged: Path) -> None:
    changed(merged, lambda weights: weights.pop("model.layers.1.mlp.up_proj.weight"))
    found, told = examined(base, read_model(merged, base))
    assert found[LivenessCheck.LOAD_RESULT_CLEAN] is False
    assert found[LivenessCheck.LOGITS_DIFFER] is None
    assert "lacks weights, such as model.layers.1.mlp.up_proj.weight" in told


def test_weights_that_are_no_numbers_are_told(base: BaseRef, merged: Path) -> None:
    changed(merged, lambda weights: weights["model.norm.weight"].fill_(float("nan")))
    found, told = examined(base, read_model(merged, base))
    assert found[LivenessCheck.WEIGHTS_FINITE] is False
    assert "model.norm.weight holds NaN" in told


def _edit_tokenizer(folder: Path, edit: Callable[[dict[str, object]], object]) -> None:
    document = json.loads((folder / "tokenizer.json").read_text())
    edit(document)
    (folder / "tokenizer.json").write_text(json.dumps(document))


def test_other_ids_are_a_contradiction_that_nobody_can_settle(base: BaseRef, merged: Path) -> None:
    def swap(document: dict[str, object]) -> None:
        vocab = document["model"]["vocab"]  # type: ignore[index]
        vocab["A"], vocab["B"] = vocab["B"], vocab["A"]

    _edit_tokenizer(merged, swap)
    found, told = examined(base, read_model(merged, base))
    assert found[LivenessCheck.SAME_VOCABULARY] is None
    assert found[LivenessCheck.LOGITS_DIFFER] is True
    assert "2 of the base's" in told
    assert "'A' is" in told


def test_a_further_token_is_told_and_no_contradiction(base: BaseRef, merged: Path) -> None:
    def add(document: dict[str, object]) -> None:
        tokens = document["added_tokens"]
        assert isinstance(tokens, list)
        tokens.append({**tokens[0], "id": tokens[-1]["id"] + 1, "content": "<pad>"})

    _edit_tokenizer(merged, add)
    model = read_model(merged, base)
    report = TransformersEngine(base, [model]).liveness(model.digest)
    assert report.ok
    assert "1 more, such as '<pad>'" in report.checks[-1].detail


def test_fewer_rows_than_ids_are_not_asked(base: BaseRef, merged: Path) -> None:
    told = json.loads((merged / "config.json").read_text())
    (merged / "config.json").write_text(json.dumps({**told, "vocab_size": 100}))
    changed(
        merged,
        lambda w: w.update(
            {"model.embed_tokens.weight": w["model.embed_tokens.weight"][:100].clone()}
        ),
    )
    found, detail = examined(base, read_model(merged, base))
    assert found[LivenessCheck.SAME_VOCABULARY] is False
    assert found[LivenessCheck.LOAD_RESULT_CLEAN] is None
    assert "vocab_size=100" in detail


def test_a_model_stops_on_what_its_own_folder_says(base: BaseRef, merged: Path) -> None:
    engine = TransformersEngine(base, [read_model(merged, base)])
    (merged / "generation_config.json").write_text('{"eos_token_id": [7]}')
    own = read_model(merged, base)
    stopping = TransformersEngine(base, [own])
    assert stopping._stops[own.digest] == {7, engine.template.stop_id}
    assert stopping._stops[None] == engine._stops[None]


def test_a_model_that_changed_since_it_was_read_is_refused(base: BaseRef, merged: Path) -> None:
    model = read_model(merged, base)
    (merged / "generation_config.json").write_text("{}")
    engine = TransformersEngine(base, [model])
    with pytest.raises(ModelError, match="changed since it was read"):
        engine.infer([Request(prompt=(1, 2), adapter=model.digest)])
