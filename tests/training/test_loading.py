"""NF4 held in four bits and NF4 dequantised once are the same function, and train alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from evalsuite.errors import InvalidRecipe, ModelError
from evalsuite.models import BaseRef
from evalsuite.training import Recipe
from evalsuite.training.loading import (
    Form,
    attach_adapter,
    load_base,
    pick_dtype,
)
from evalsuite.training.quiet import quiet
from evalsuite.training.recipe import Precision, Quantization

CPU = torch.device("cpu")
IDS = torch.arange(3, 3 + 48).reshape(2, 24)


def adapted(
    base: BaseRef, recipe: Recipe, form: Form, dtype: torch.dtype = torch.float32
) -> torch.nn.Module:
    with quiet():
        loaded = load_base(base.path, recipe.quantization, dtype, device=CPU, form=form)
        torch.manual_seed(0)
        model = attach_adapter(loaded, recipe, base.name)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.05, generator=generator)
    return model


def loss_and_gradients(model: Any) -> tuple[float, dict[str, torch.Tensor]]:
    model.train()
    loss = model(input_ids=IDS, labels=IDS).loss
    loss.backward()
    return float(loss.detach()), {n: p.grad for n, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["qlora", "qdora"])
def test_four_bits_and_dequantised_weights_give_the_same_loss_and_gradients(
    base: BaseRef, quick: Callable[..., Recipe], name: str, dtype: torch.dtype
) -> None:
    recipe = quick(name).for_base("nano")
    packed, plain = (adapted(base, recipe, f, dtype) for f in (Form.LINEAR4BIT, Form.DEQUANTISED))
    assert any("Linear4bit" in type(m).__name__ for m in packed.modules())
    assert not any("4bit" in type(m).__name__ for m in plain.modules())
    (loss_a, grads_a), (loss_b, grads_b) = map(loss_and_gradients, (packed, plain))
    # In bf16 peft adds the adapter's product before or after rounding it.
    tolerance = 1e-5 if dtype is torch.float32 else 5e-2
    assert loss_a == pytest.approx(loss_b, rel=tolerance)
    assert grads_a.keys() == grads_b.keys()
    for key, gradient in grads_a.items():
        scale = gradient.norm() + 1e-12
        assert (gradient - grads_b[key]).norm() / scale < tolerance, key


def test_dequantised_weights_differ_from_the_base_by_the_quantisation_error(base: BaseRef) -> None:
    with quiet():
        full = load_base(base.path, Quantization.NONE, torch.float32, device=CPU).model
        nf4 = load_base(base.path, Quantization.NF4, torch.float32, device=CPU).model
    error = (full.model.layers[0].mlp.up_proj.weight - nf4.model.layers[0].mlp.up_proj.weight).std()
    assert 0.01 < error / full.model.layers[0].mlp.up_proj.weight.std() < 0.2
    assert torch.equal(full.model.embed_tokens.weight, nf4.model.embed_tokens.weight)


def test_four_bits_survive_a_forward_pass_in_eval_mode(
    base: BaseRef, quick: Callable[..., Recipe]
) -> None:
    model: Any = adapted(base, quick("qdora").for_base("nano"), Form.LINEAR4BIT, torch.bfloat16)
    before, _ = loss_and_gradients(model)
    model.eval()
    with torch.inference_mode():
        model(input_ids=IDS)
    model.zero_grad()
    after, gradients = loss_and_gradients(model)
    assert after == before
    assert all(g is not None and g.isfinite().all() for g in gradients.values())


@pytest.mark.parametrize("name", ["lora", "dora"])
def test_a_fresh_adapter_is_float32_and_changes_nothing(
    base: BaseRef, quick: Callable[..., Recipe], name: str
) -> None:
    recipe = quick(name).for_base("nano")
    with quiet(), torch.inference_mode():
        loaded = load_base(base.path, Quantization.NONE, torch.float32, device=CPU)
        before = loaded.model(input_ids=IDS).logits
        model = attach_adapter(loaded, recipe, "a name")
        after = model(input_ids=IDS).logits
    assert torch.allclose(before, after, atol=1e-5)
    trainable = [p for p in model.parameters() if p.requires_grad]
    assert all(p.dtype is torch.float32 for p in trainable)
    assert len(trainable) == 2 * 7 * (2 if name == "lora" else 3)
    assert model.peft_config["default"].base_model_name_or_path == "a name"


@pytest.mark.parametrize("modules", [["query"], ["q_proj", "lm_head"], ["layers"]])
def test_target_modules_that_are_no_linear_layers_are_refused_with_the_list(
    base: BaseRef, quick: Callable[..., Recipe], modules: list[str]
) -> None:
    recipe = quick("lora", target_modules=modules).for_base("nano")
    with quiet():
        loaded = load_base(base.path, Quantization.NONE, torch.float32, device=CPU)
    with pytest.raises(InvalidRecipe, match="down_proj, gate_proj"):
        attach_adapter(loaded, recipe, base.name)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Any) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_base(tmp_path, Quantization.NONE, torch.float32, device=CPU)


def test_precision_follows_the_recipe() -> None:
    assert pick_dtype(Precision.FP32, CPU) is torch.float32
    assert pick_dtype(Precision.BF16, CPU) is torch.bfloat16
    assert pick_dtype(Precision.AUTO, CPU) in (torch.float32, torch.bfloat16)
