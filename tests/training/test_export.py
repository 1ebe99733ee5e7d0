from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from adapter_kinds import KINDS, base_of, write

from evalsuite.errors import TrainingError
from evalsuite.models import BaseRef, read_adapter, resolve_base
from evalsuite.template import load_template
from evalsuite.training import Recipe
from evalsuite.training.export import export_merged
from evalsuite.training.loading import attach_adapter, load_base
from evalsuite.training.quiet import quiet
from evalsuite.training.train import train

IDS = torch.arange(3, 3 + 48).reshape(2, 24)


@pytest.mark.parametrize("name", ["dora", "qlora"])
def test_a_merged_model_answers_like_the_adapter_on_its_base(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path, name: str
) -> None:
    recipe = quick(name)
    train(base, recipe, tmp_path / "adapter")
    adapter = read_adapter(tmp_path / "adapter", base)
    out = export_merged(base, adapter, tmp_path / "merged", dtype="fp32")
    cpu = torch.device("cpu")
    with quiet(), torch.inference_mode():
        merged = load_base(out, recipe.for_base("x").quantization.NONE, torch.float32, device=cpu)
        resolved = recipe.for_base("nano")
        plain = load_base(base.path, resolved.quantization, torch.float32, device=cpu)
        before = plain.model(input_ids=IDS).logits
        model = attach_adapter(plain, resolved, base.name)
        model.load_adapter(str(adapter.path), adapter_name="trained")
        model.set_adapter("trained")
        model.eval()
        expected = model(input_ids=IDS).logits
        found = merged.model(input_ids=IDS).logits
    assert (expected - before).abs().max() > 1e-2
    assert torch.allclose(found, expected, atol=1e-4)
    reference = resolve_base(out)
    assert reference.tokenizer_digest == base.tokenizer_digest
    assert load_template(out).fingerprint == load_template(base.path).fingerprint
    with pytest.raises(TrainingError, match="exists"):
        export_merged(base, adapter, tmp_path / "merged")
    with pytest.raises(TrainingError, match="use one of: fp32, bf16, fp16"):
        export_merged(base, adapter, tmp_path / "other", dtype="int8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["adapter", "merged"]


def test_a_bias_that_the_architecture_does_not_load_is_not_exported(tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.name == "lora_bias")
    bare, biased = base_of("untied", tmp_path), base_of("tied", tmp_path)
    adapter = read_adapter(write(kind, bare, tmp_path / "adapter"), bare)
    with pytest.raises(TrainingError, match=r"it needs '.*bias', which LlamaForCausalLM does not"):
        export_merged(bare, adapter, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    query = replace(kind, settings={"target_modules": ["q_proj"], "lora_bias": True})
    own = read_adapter(write(query, biased, tmp_path / "own"), biased)
    assert export_merged(biased, own, tmp_path / "merged").is_dir()
