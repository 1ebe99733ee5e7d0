"""Whole trainings on a tiny base: what they write, that they repeat, and that they survive."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evalsuite.errors import EvalsuiteError, InvalidInput, TrainingError, TrainingInterrupted
from evalsuite.models import BaseRef, read_adapter
from evalsuite.template import load_template
from evalsuite.training import Recipe, load_recipe
from evalsuite.training.artifact import check_reload
from evalsuite.training.progress import Phase, TrainingProgress
from evalsuite.training.train import train

FILES = [
    "adapter_config.json",
    "adapter_model.safetensors",
    "evalsuite.json",
    "recipe.yaml",
    "training.json",
]


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter_model.safetensors")


def same(left: Path, right: Path) -> bool:
    a, b = weights(left), weights(right)
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", ["lora", "dora", "qlora", "qdora"])
def test_a_training_writes_an_adapter_that_says_where_it_comes_from(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path, name: str
) -> None:
    out = tmp_path / "new" / "adapter"
    result = train(base, quick(name), out, seed=3)
    assert names(out) == FILES
    adapter = read_adapter(out, base)
    assert adapter.config.use_dora == name.endswith("dora")
    provenance = adapter.provenance
    assert provenance is not None
    resolved = load_recipe(out / "recipe.yaml")
    assert provenance.recipe == name
    assert provenance.recipe_digest == resolved.digest
    assert provenance.seed == resolved.seed == 3
    assert provenance.quantization == ("nf4" if name.startswith("q") else "none")
    assert provenance.base_digest == base.digest
    assert provenance.template_fingerprint == load_template(base.path).fingerprint
    record = json.loads((out / "training.json").read_text())
    assert record["inputs"]["data_digest"] == provenance.data_digest
    assert record["environment"]["base_form"] == (
        "dequantised" if name.startswith("q") else "plain"
    )
    assert result.steps == 6
    assert result.validation_loss is not None
    looks = record["validation_curve"]
    assert looks[-1][1] < looks[0][1]


def test_the_same_seed_trains_the_same_bytes_and_another_seed_others(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    for out, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(base, quick("lora", max_steps=3), tmp_path / out, seed=seed)
    digests = [read_adapter(tmp_path / out).digest for out in "abc"]
    assert digests[0] == digests[1] != digests[2]


def test_training_stops_when_patience_is_exhausted_and_keeps_the_best_look(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    def recipe(steps: int) -> Recipe:
        return quick(
            "lora",
            max_steps=steps,
            learning_rate=1.0,
            scheduler="constant",
            warmup=0.0,
            early_stopping={"every": 2, "patience": 2},
        )

    result = train(base, recipe(40), tmp_path / "out")
    assert result.stopped_early
    assert result.best_step < result.steps < 40
    curve = json.loads((tmp_path / "out" / "training.json").read_text())["validation_curve"]
    assert [result.best_step, result.validation_loss] == min(curve, key=lambda look: look[1])
    # At a constant rate, a training that ends at the best step has its weights.
    train(base, recipe(result.best_step), tmp_path / "short")
    assert same(tmp_path / "out", tmp_path / "short")


def test_without_a_validation_split_the_last_weights_are_kept(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    result = train(base, quick("lora", max_steps=4, data__validation=0.0), tmp_path / "out")
    assert result.validation_loss is None
    assert result.best_step == result.steps == 4


def test_progress_is_reported_from_data_to_saving(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    seen: list[TrainingProgress] = []
    train(base, quick("lora"), tmp_path / "out", progress=seen.append)
    phases = list(dict.fromkeys(p.phase for p in seen))
    assert phases == [Phase.DATA, Phase.LOADING, Phase.TRAINING, Phase.SAVING]
    last = [p for p in seen if p.phase is Phase.TRAINING][-1]
    assert (last.step, last.steps) == (6, 6)
    assert last.tokens_per_second is not None
    assert last.tokens_per_second > 0
    assert last.eta_seconds == 0.0
    assert any(p.loss is not None for p in seen)
    assert last.validation_loss is not None


def test_nothing_is_written_to_the_terminal(
    base: BaseRef,
    quick: Callable[..., Recipe],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    train(base, quick("lora", max_steps=2), tmp_path / "out")
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_leaves_a_folder_that_resumes_to_the_same_adapter(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = quick("dora", max_steps=10)
    train(base, recipe, tmp_path / "whole")

    def press(progress: TrainingProgress) -> None:
        if progress.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match="resume"):
        train(base, recipe, tmp_path / "cut", progress=press)
    assert signal.getsignal(signal.SIGINT) is handler
    assert names(tmp_path / "cut") == ["checkpoints"]
    with pytest.raises(TrainingError, match="go on with --resume, or name another"):
        train(base, recipe, tmp_path / "cut")
    steps: list[int] = []
    train(
        base,
        recipe,
        tmp_path / "cut",
        resume=True,
        progress=lambda p: steps.append(p.step) if p.phase is Phase.TRAINING else None,
    )
    assert min(steps) > 5
    assert names(tmp_path / "cut") == FILES
    assert same(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_checkpoint_costs_only_that_checkpoint(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = quick("lora", max_steps=10)
    out = tmp_path / "killed"

    def die(progress: TrainingProgress) -> None:
        if progress.step == 10:
            raise MemoryError

    with pytest.raises(MemoryError):
        train(base, recipe, out, progress=die)
    half = out / "checkpoints" / "checkpoint-10"
    half.mkdir(exist_ok=True)
    (half / "adapter_model.safetensors").write_bytes(b"half")
    (half / "complete").unlink(missing_ok=True)
    with pytest.raises(EvalsuiteError, match="not an adapter"):
        read_adapter(out)
    train(base, recipe, out, resume=True)
    train(base, recipe, tmp_path / "whole")
    assert same(tmp_path / "whole", out)


@pytest.mark.slow
def test_a_kill_while_the_adapter_is_written_loses_nothing(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    def die(progress: TrainingProgress) -> None:
        if progress.phase is Phase.SAVING:
            raise MemoryError

    recipe = quick("lora", max_steps=4)
    with pytest.raises(MemoryError):
        train(base, recipe, tmp_path / "killed", progress=die)
    result = train(base, recipe, tmp_path / "killed", resume=True)
    assert result.steps == 4
    train(base, recipe, tmp_path / "whole")
    assert same(tmp_path / "whole", tmp_path / "killed")


def test_a_full_disk_is_an_error_with_a_next_step_and_no_adapter(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(progress: TrainingProgress) -> None:
        if progress.step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))

    try:
        with pytest.raises(TrainingError, match="free some space"):
            train(base, quick("lora"), out, progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not out.exists()


def test_a_resumed_training_must_be_the_same_training(
    base: BaseRef,
    other_base: BaseRef,
    quick: Callable[..., Recipe],
    tmp_path: Path,
) -> None:
    def press(progress: TrainingProgress) -> None:
        if progress.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    out = tmp_path / "out"
    with pytest.raises(TrainingInterrupted):
        train(base, quick("lora"), out, progress=press)
    for other, recipe, seed, said in (
        (base, quick("lora", learning_rate=0.5), None, "recipe_digest"),
        (base, quick("lora"), 9, "seed"),
        (other_base, quick("lora"), None, "base_digest"),
    ):
        with pytest.raises(TrainingError, match=f"differs from this one.*{said}"):
            train(other, recipe, out, seed=seed, resume=True)
    train(base, quick("lora"), out, resume=True)
    assert names(out) == FILES


def test_a_training_that_fails_before_its_first_step_leaves_nothing_behind(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"
    with pytest.raises(InvalidInput, match="no sample is left"):
        train(base, quick("lora", max_length=32), out)
    assert not out.parent.exists()


def test_a_diverging_training_is_stopped_and_says_what_to_change(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = quick("lora", learning_rate=10.0, warmup=0.0, max_steps=30, scheduler="constant",
                   alpha=4096, r=1)  # fmt: skip
    try:
        train(base, recipe, tmp_path / "out")
    except TrainingError as error:
        assert "lower learning_rate" in str(error)  # noqa: PT017 - it may survive, see below
    else:
        # A normalised model may outlive any rate; then its weights are finite.
        assert all(w.isfinite().all() for w in weights(tmp_path / "out").values())


def test_own_data_are_learned_from(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"Say {i}"},
                      {"role": "assistant", "content": f"{i}!"}]}
        for i in range(40)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    recipe = quick("lora", data__samples=0, data__files=[str(path)])
    result = train(base, recipe, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "training.json").read_text())
    assert result.samples == record["data"]["train"] == 40 - record["data"]["validation"]
    assert record["data"]["groups"] == {"own/messages": record["data"]["train"]}


def test_gradient_checkpointing_changes_memory_but_not_the_adapter(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    for name, on in (("off", False), ("on", True)):
        train(base, quick("lora", max_steps=3, gradient_checkpointing=on), tmp_path / name)
    off, on_ = weights(tmp_path / "off"), weights(tmp_path / "on")
    assert all(torch.allclose(off[k], on_[k], atol=1e-5) for k in off)


def test_an_adapter_that_was_saved_wrong_does_not_pass_its_reload(
    base: BaseRef, quick: Callable[..., Recipe], tmp_path: Path
) -> None:
    from evalsuite.training.artifact import save_adapter
    from evalsuite.training.loading import attach_adapter, load_base
    from evalsuite.training.quiet import quiet
    from evalsuite.training.recipe import Quantization

    with quiet():
        loaded = load_base(base.path, Quantization.NONE, torch.float32)
        model = attach_adapter(loaded, quick("dora").for_base("nano"), base.name)
    ids = torch.tensor([[3, 4, 5]], device=loaded.device)
    save_adapter(model, tmp_path)
    check_reload(model, tmp_path, ids)
    tensors = weights(tmp_path)
    changed = {k: v + 0.1 if "magnitude" in k else v for k, v in tensors.items()}
    save_file(changed, tmp_path / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError, match="does not give the logits"):
        check_reload(model, tmp_path, ids)
