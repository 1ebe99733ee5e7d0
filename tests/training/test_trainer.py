"""The Trainer against a small float32 loop that does nothing clever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from evalsuite.errors import TrainingError
from evalsuite.models import BaseRef
from evalsuite.training import Recipe
from evalsuite.training.batches import plan
from evalsuite.training.callbacks import Guard, check_gradients
from evalsuite.training.loading import attach_adapter, load_base
from evalsuite.training.prepare import IGNORED, Encoded
from evalsuite.training.quiet import quiet
from evalsuite.training.recipe import Quantization
from evalsuite.training.trainer import PlannedBatches, build_trainer

CPU = torch.device("cpu")


def samples(n: int = 24) -> tuple[Encoded, ...]:
    """Rows of many lengths, of which very different shares are learned."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for index in range(n):
        length = 8 + 7 * index % 90
        ids = torch.randint(3, 600, (length,), generator=generator).tolist()
        learned = 1 + index % 6
        labels = [IGNORED] * (length - learned) + ids[-learned:]
        made.append(Encoded(tuple(ids), tuple(labels)))
    return tuple(made)


class KeptGradients(TrainerCallback):
    """Keeps the gradients of the last step."""

    def __init__(self) -> None:
        self.found: dict[str, torch.Tensor] = {}

    def on_pre_optimizer_step(self, *_: Any, model: Any = None, **__: Any) -> None:
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        self.found = {n: p.grad.clone() for n, p in named}


def planned(recipe: Recipe, rows: tuple[Encoded, ...]) -> PlannedBatches:
    batches = plan(
        [len(s.ids) for s in rows],
        budget=recipe.batch_tokens,
        accumulation=recipe.accumulation,
        seed=recipe.seed,
        max_steps=recipe.max_steps,
    )
    return PlannedBatches(rows, batches, pad_id=0)


def fresh(base: BaseRef, recipe: Recipe) -> Any:
    with quiet():
        loaded = load_base(base.path, Quantization.NONE, torch.float32, device=CPU)
        torch.manual_seed(0)
        return attach_adapter(loaded, recipe, base.name)


def adapter(model: Any) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}


def plain_loop(model: Any, recipe: Recipe, batches: PlannedBatches) -> dict[str, torch.Tensor]:
    """One row at a time, no padding: loss summed over learned tokens, divided by their number."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=0.0)
    model.train()
    for start in range(0, len(batches.plan), recipe.accumulation):
        rows = [
            batches.samples[i]
            for batch in batches.plan[start : start + recipe.accumulation]
            for i in batch.indices
        ]
        count = sum(row.learned for row in rows)
        for row in rows:
            logits = model(input_ids=torch.tensor([row.ids])).logits[0, :-1].double()
            nats = torch.nn.functional.cross_entropy(
                logits, torch.tensor(row.labels[1:]), ignore_index=IGNORED, reduction="sum"
            )
            torch.autograd.backward(nats / count)
        torch.nn.utils.clip_grad_norm_(parameters, recipe.clip)
        optimizer.step()
        optimizer.zero_grad()
    return adapter(model)


@pytest.mark.parametrize("accumulation", [1, 3])
def test_the_trainer_takes_the_steps_of_a_plain_loop(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path, accumulation: int
) -> None:
    recipe = quick(
        "lora",
        accumulation=accumulation,
        max_steps=3,
        batch_tokens=256,
        max_length=256,
        scheduler="constant",
        warmup=0.0,
        clip=0.5,
        learning_rate=1e-3,
    ).for_base("nano")
    batches = planned(recipe, samples())
    expected = plain_loop(fresh(base, recipe), recipe, batches)
    model = fresh(base, recipe)
    start = adapter(model)
    build_trainer(model, recipe, batches, None, tmp_path, [Guard()]).train()
    for name, value in adapter(model).items():
        moved = (expected[name] - start[name]).norm()
        assert moved > 0, name
        assert (value - expected[name]).norm() / moved < 2e-3, name


def test_accumulation_gives_the_same_gradient_as_one_large_batch(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    rows = tuple(
        Encoded((5,) * 60, (IGNORED,) * (59 - i % 9) + (7,) * (1 + i % 9)) for i in range(32)
    )

    def gradients(budget: int, accumulation: int) -> dict[str, torch.Tensor]:
        recipe = quick(
            "lora", batch_tokens=budget, accumulation=accumulation, max_steps=1, clip=1e3
        ).for_base("nano")
        model, seen = fresh(base, recipe), KeptGradients()
        build_trainer(model, recipe, planned(recipe, rows), None, tmp_path, [seen]).train()
        return seen.found

    accumulated, at_once = gradients(512, 4), gradients(2048, 1)
    for name, gradient in accumulated.items():
        assert torch.allclose(gradient, at_once[name], atol=1e-6), name
    assert len(accumulated) == 28


def test_the_validation_loss_is_the_mean_over_learned_tokens(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = quick("lora").for_base("nano")
    rows, model = samples(), fresh(base, recipe)
    batches = planned(recipe, rows)
    once = PlannedBatches(rows, plan([len(s.ids) for s in rows], budget=256, accumulation=1,
                                     seed=0, epochs=1), pad_id=0)  # fmt: skip
    trainer = build_trainer(model, recipe, batches, once, tmp_path, [])
    nats = 0.0
    with torch.inference_mode():
        for row in rows:
            logits = model(input_ids=torch.tensor([row.ids])).logits[0, :-1].double()
            nats += float(
                torch.nn.functional.cross_entropy(
                    logits, torch.tensor(row.labels[1:]), ignore_index=IGNORED, reduction="sum"
                )
            )
    expected = nats / sum(row.learned for row in rows)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, rel=1e-5)


def anchored(rows: tuple[Encoded, ...]) -> tuple[Encoded, ...]:
    """The same rows, every other one to be predicted as the base does."""
    return tuple(
        Encoded(row.ids, (IGNORED,) * len(row.ids), anchor=True) if index % 2 else row
        for index, row in enumerate(rows)
    )


def moved(base: BaseRef, recipe: Recipe) -> Any:
    """An adapter that has left its base, as none has at its beginning."""
    model = fresh(base, recipe)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and "lora_B" in name:
                parameter.normal_(std=0.05)
    return model


def losses(model: Any, rows: tuple[Encoded, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean loss of learned tokens, and mean divergence from the base of anchored ones."""
    nats, apart = torch.zeros(()), torch.zeros(())
    for row in rows:
        ids = torch.tensor([row.ids])
        logits = model(input_ids=ids).logits[0, :-1]
        if row.anchor:
            with torch.no_grad(), model.disable_adapter():
                wanted = model(input_ids=ids).logits[0, :-1].softmax(-1)
            given = logits.log_softmax(-1)
            apart = apart + (wanted * (wanted.log() - given)).sum()
        else:
            nats = nats + torch.nn.functional.cross_entropy(
                logits, torch.tensor(row.labels[1:]), ignore_index=IGNORED, reduction="sum"
            )
    tokens = sum(len(row.ids) - 1 for row in rows if row.anchor)
    return nats / sum(row.learned for row in rows), apart / tokens


def test_anchors_add_their_divergence_from_the_base(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = quick(
        "lora", batch_tokens=8192, max_steps=1, clip=1e3, anchor_weight=3.0, accumulation=1
    ).for_base("nano")
    rows, seen = anchored(samples()), KeptGradients()
    model = moved(base, recipe)
    every = plan([len(s.ids) for s in rows], budget=8192, accumulation=1, seed=0, epochs=1)
    batches = PlannedBatches(rows, every, pad_id=0)
    assert len(every) == 1
    build_trainer(model, recipe, batches, None, tmp_path, [seen]).train()
    again = moved(base, recipe)
    again.train()
    learned, apart = losses(again, rows)
    torch.autograd.backward(learned + 3.0 * apart)
    assert float(apart.detach()) > 0.001
    for name, gradient in adapter_gradients(again).items():
        assert torch.allclose(gradient, seen.found[name], rtol=1e-3, atol=1e-6), name


def adapter_gradients(model: Any) -> dict[str, torch.Tensor]:
    return {n: p.grad for n, p in model.named_parameters() if p.requires_grad}


def test_the_validation_loss_counts_anchors_with_their_weight(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = quick("lora", anchor_weight=2.0).for_base("nano")
    rows, model = anchored(samples()), moved(base, recipe)
    every = plan([len(s.ids) for s in rows], budget=256, accumulation=1, seed=0, epochs=1)
    once = PlannedBatches(rows, every, pad_id=0)
    trainer = build_trainer(model, recipe, planned(recipe, rows), once, tmp_path, [])
    model.eval()
    with torch.no_grad():
        learned, apart = map(float, losses(model, rows))
    found = trainer.evaluate()
    assert found["eval_divergence"] == pytest.approx(apart, rel=1e-4)
    assert found["eval_loss"] == pytest.approx(learned + 2 * apart, rel=1e-4)


def test_a_step_of_anchors_alone_has_a_loss(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = quick("lora", max_steps=2).for_base("nano")
    rows = tuple(row for row in anchored(samples()) if row.anchor)
    model = moved(base, recipe)
    trainer = build_trainer(model, recipe, planned(recipe, rows), None, tmp_path, [Guard()])
    trainer.train()
    assert all(0 < e["loss"] < 10 for e in trainer.state.log_history if "loss" in e)


def test_padding_changes_no_logit_of_a_real_token(
    base: BaseRef, quick: Callable[..., Recipe]
) -> None:
    recipe = quick("lora").for_base("nano")
    rows, model = samples(), fresh(base, recipe).eval()
    batches = planned(recipe, rows)
    with torch.inference_mode():
        for at in range(3):
            logits = model(input_ids=batches[at]["input_ids"]).logits
            for place, index in enumerate(batches.plan[at].indices):
                ids = rows[index].ids
                alone = model(input_ids=torch.tensor([ids])).logits[0]
                assert torch.allclose(logits[place, : len(ids)], alone, atol=1e-4)


def test_empty_rows_of_a_batch_are_not_learned() -> None:
    from evalsuite.training.batches import Batch

    row = Encoded((5, 6, 7), (IGNORED, 6, 7))
    item = PlannedBatches([row], [Batch((0,), rows=3, width=32)], pad_id=1)[0]
    assert item["input_ids"].shape == item["labels"].shape == (3, 32)
    assert int(item["labels"].ne(IGNORED).sum()) == 2
    assert item["input_ids"][0, :3].tolist() == [5, 6, 7]
    assert set(item["input_ids"][1:].flatten().tolist()) == {1}


def test_a_parameter_without_a_gradient_is_named() -> None:
    model = torch.nn.Linear(2, 2)
    model(torch.ones(1, 2)).sum().backward()
    check_gradients(model, fresh=True)
    model.bias.grad = None
    with pytest.raises(TrainingError, match="bias"):
        check_gradients(model, fresh=True)
    with pytest.raises(TrainingError, match="any parameter"):
        check_gradients(torch.nn.Identity(), fresh=True)


def test_a_dead_b_matrix_is_named_at_a_fresh_start_only() -> None:
    model = torch.nn.ModuleDict({"lora_B": torch.nn.Linear(2, 1, bias=False)})
    model["lora_B"].weight.grad = torch.zeros(1, 2)
    check_gradients(model, fresh=False)
    with pytest.raises(TrainingError, match=r"lora_B\.weight"):
        check_gradients(model, fresh=True)


@pytest.mark.parametrize("key", ["loss", "eval_loss"])
def test_a_loss_that_is_no_number_stops_the_training(key: str) -> None:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    guard, state, control = Guard(), TrainerState(global_step=7), TrainerControl()
    settings = TrainingArguments(report_to="none", use_cpu=True)
    guard.on_log(settings, state, control, logs={key: 1.5})
    with pytest.raises(TrainingError, match=r"step 7.*lower learning_rate"):
        guard.on_log(settings, state, control, logs={key: float("nan")})
