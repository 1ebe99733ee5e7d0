"""Training: from a base, a recipe and a folder to an adapter that a gate can judge.

The steps are those of :func:`train`, in order: samples, their ids and labels, the frozen base, the
planned batches, the Trainer, the folder. Nothing here knows what will be measured.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from evalsuite import __version__
from evalsuite.cases import Wanted
from evalsuite.errors import InvalidPrompt, TrainingError, TrainingInterrupted
from evalsuite.files.storage import storage_errors
from evalsuite.models import BaseRef, Provenance, read_adapter, write_provenance
from evalsuite.prompts import Prompt, require_prefill
from evalsuite.template import ChatTemplate, load_template
from evalsuite.training.artifact import check_reload, save_adapter
from evalsuite.training.batches import plan
from evalsuite.training.callbacks import Checkpoints, Guard, Reporter
from evalsuite.training.folder import (
    Inputs,
    claimed,
    latest_checkpoint,
    publish,
    remember,
)
from evalsuite.training.loading import (
    LoadedBase,
    attach_adapter,
    load_base,
    pick_device,
    pick_dtype,
)
from evalsuite.training.prepare import Dropped, Encoded, Prepared, prepare
from evalsuite.training.progress import Phase, ProgressCallback, TrainingProgress, TrainResult
from evalsuite.training.quiet import quiet
from evalsuite.training.recipe import Recipe
from evalsuite.training.recipefile import load_recipe, override
from evalsuite.training.samples import draw_samples
from evalsuite.training.trainer import AdapterTrainer, PlannedBatches, build_trainer
from evalsuite.training.userdata import load_own, source_of

if TYPE_CHECKING:
    from peft import PeftModel

_LISTED = 100
_PROBE_ROWS = 4


def train(
    base: BaseRef,
    recipe: Recipe | str | Path,
    out: str | Path,
    *,
    seed: int | None = None,
    resume: bool = False,
    prompt: Prompt | None = None,
    progress: ProgressCallback | None = None,
) -> TrainResult:
    """Train an adapter and write its folder.

    Args:
        base: the model to adapt; it is not changed.
        recipe: a recipe, its name, or its file. Overrides: :func:`evalsuite.training.override`.
        out: a folder that does not exist or is empty; or, with ``resume``, an unfinished one.
        seed: replaces the recipe's: of the data, their order and the adapter's beginning.
        resume: go on from the last checkpoint in ``out``, when there is one.
        prompt: asks for every rewrite, as it will be served; None: the built-in ones, in the
            recipe's formats.
        progress: is told how far training is; raise nothing from it.

    Returns:
        The finished training; the adapter is at ``out``.

    Raises:
        InvalidInput: a wrong recipe or wrong data.
        TrainingInterrupted: Ctrl-C or SIGTERM; ``out`` can be resumed.
        TrainingError: ``out`` cannot be used, or training made no adapter.
    """
    started = time.monotonic()
    report = progress or _silent
    recipe = _resolved(recipe, base, seed)
    out = Path(out)
    with claimed(out, resume=resume) as checkpoints, quiet():
        report(TrainingProgress(phase=Phase.DATA))
        template = load_template(base.path, family=base.family)
        if prompt is not None:
            _require_rewriting(prompt)
            require_prefill(prompt, template)
        data = _prepare(recipe, template, prompt)
        inputs = _inputs(recipe, base, template, data, prompt)
        remember(checkpoints, inputs)
        report(TrainingProgress(phase=Phase.LOADING))
        run = _begin(base, recipe, data, template, checkpoints, report)
        with storage_errors(out, TrainingError):
            run.fit(latest_checkpoint(checkpoints), out)
            report(TrainingProgress(phase=Phase.SAVING, step=run.step, steps=run.step))
            result = run.result(out, time.monotonic() - started)
            staged = _stage(run, result, inputs, base, checkpoints)
        publish(staged, out)
    return result


def _require_rewriting(prompt: Prompt) -> None:
    if prompt.wanted is not Wanted.REWRITE:
        raise InvalidPrompt(
            f"prompt {prompt.name!r} says asks: {prompt.wanted}, and recipes draw rewrites; "
            "train with one that says asks: rewrite, or on files of your own (data.files)"
        )


def _resolved(recipe: Recipe | str | Path, base: BaseRef, seed: int | None) -> Recipe:
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    if seed is not None:
        recipe = override(recipe, {"seed": seed})
    return recipe.for_base("nano" if base.embedded else base.location)


def _prepare(recipe: Recipe, template: ChatTemplate, prompt: Prompt | None) -> Prepared:
    samples = (
        *draw_samples(recipe.data, recipe.seed, prompt),
        *load_own(recipe.data, recipe.seed, prompt),
    )
    return prepare(
        samples,
        template,
        max_length=recipe.max_length,
        validation=recipe.data.validation,
        seed=recipe.seed,
    )


def _inputs(
    recipe: Recipe,
    base: BaseRef,
    template: ChatTemplate,
    data: Prepared,
    prompt: Prompt | None,
) -> Inputs:
    return Inputs(
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        base_name=base.name,
        base_digest=base.digest,
        tokenizer_digest=base.tokenizer_digest,
        template_fingerprint=template.fingerprint,
        data_digest=data.digest,
        seed=recipe.seed,
        prompt="" if prompt is None else prompt.name,
        prompt_digest="" if prompt is None else prompt.digest,
    )


@dataclass(slots=True)
class _Run:
    """One training in progress."""

    recipe: Recipe
    data: Prepared
    base: LoadedBase
    template: ChatTemplate
    model: PeftModel
    batches: PlannedBatches
    trainer: AdapterTrainer
    checkpoints: Checkpoints
    reporter: Reporter

    @property
    def step(self) -> int:
        return int(self.trainer.state.global_step)

    def fit(self, checkpoint: Path | None, out: Path) -> None:
        with self.checkpoints.catching_signals():
            try:
                self.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            except torch.OutOfMemoryError as error:
                raise TrainingError(
                    f"batch_tokens={self.recipe.batch_tokens} does not fit into memory; halve it "
                    f"and double accumulation, or set gradient_checkpointing ({error})"
                ) from None
            except RuntimeError as error:
                # What torch makes of a full disk while it writes a checkpoint.
                if "inline_container" not in str(error):
                    raise
                raise TrainingError(
                    f"a checkpoint in {out} cannot be written; free some space and go on with "
                    "--resume"
                ) from error
        if self.checkpoints.interrupted:
            raise TrainingInterrupted(
                f"training stopped at step {self.step} of {self.trainer.state.max_steps}; its "
                f"checkpoint is kept: run the same command again (evalsuite train: with --resume), "
                f"or remove {out}"
            )

    def result(self, out: Path, seconds: float) -> TrainResult:
        state = self.trainer.state
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        return TrainResult(
            adapter=out,
            steps=self.step,
            best_step=state.best_global_step or self.step,
            train_loss=losses[-1],
            validation_loss=state.best_metric,
            stopped_early=self.step < state.max_steps,
            tokens=self.reporter.tokens_at[self.step],
            seconds=seconds,
            samples=len(self.data.train),
            dropped=len(self.data.dropped),
        )


def _begin(
    base: BaseRef,
    recipe: Recipe,
    data: Prepared,
    template: ChatTemplate,
    checkpoints: Path,
    report: ProgressCallback,
) -> _Run:
    device = pick_device()
    loaded = load_base(
        base.path, recipe.quantization, pick_dtype(recipe.precision, device), device=device
    )
    # The adapter's beginning: A is drawn, B is zero.
    torch.manual_seed(recipe.seed)
    model = attach_adapter(loaded, recipe, base.location)
    batches = _planned(data.train, recipe, template)
    validation = _validation(data.validation, recipe, template)
    tokens = [batches.tokens(i) for i in range(len(batches))]
    callbacks = (Guard(), Checkpoints(), Reporter(tokens, recipe.accumulation, report))
    trainer = build_trainer(model, recipe, batches, validation, checkpoints, callbacks)
    return _Run(recipe, data, loaded, template, model, batches, trainer, callbacks[1], callbacks[2])


def _planned(
    samples: tuple[Encoded, ...], recipe: Recipe, template: ChatTemplate
) -> PlannedBatches:
    batches = plan(
        [len(s.ids) for s in samples],
        budget=recipe.batch_tokens,
        accumulation=recipe.accumulation,
        seed=recipe.seed,
        epochs=recipe.epochs,
        max_steps=recipe.max_steps,
    )
    return PlannedBatches(samples, batches, template.pad_id)


def _validation(
    samples: tuple[Encoded, ...], recipe: Recipe, template: ChatTemplate
) -> PlannedBatches | None:
    if not any(s.learned or s.anchor for s in samples):
        return None
    batches = plan(
        [len(s.ids) for s in samples],
        budget=recipe.batch_tokens,
        accumulation=1,
        seed=recipe.seed,
        epochs=1.0,
    )
    return PlannedBatches(samples, batches, template.pad_id)


def _stage(
    run: _Run, result: TrainResult, inputs: Inputs, base: BaseRef, checkpoints: Path
) -> Path:
    """Write every file of the adapter folder beside the checkpoints and read the adapter back."""
    staged = checkpoints / "final"
    staged.mkdir(exist_ok=True)
    save_adapter(run.model, staged)
    (staged / "recipe.yaml").write_text(run.recipe.dump(), encoding="utf-8")
    record = _record(run, result, inputs)
    (staged / "training.json").write_text(
        json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    write_provenance(
        staged,
        Provenance(
            recipe=run.recipe.name,
            recipe_digest=inputs.recipe_digest,
            base_name=base.name,
            base_digest=base.digest,
            data_digest=inputs.data_digest,
            template_fingerprint=inputs.template_fingerprint,
            template_tokens=run.template.canonical_tokens,
            quantization=run.recipe.quantization.value,
            seed=run.recipe.seed,
            evalsuite_version=__version__,
            lineage=source_of(run.recipe.data),
            prompt=inputs.prompt,
            prompt_digest=inputs.prompt_digest,
        ),
    )
    read_adapter(staged, base)
    check_reload(run.model, staged, _probe(run))
    return staged


def _probe(run: _Run) -> torch.Tensor:
    ids: torch.Tensor = run.batches[0]["input_ids"]
    return ids[:_PROBE_ROWS].to(run.base.device)


def _record(run: _Run, result: TrainResult, inputs: Inputs) -> dict[str, object]:
    history = run.trainer.state.log_history
    return {
        "inputs": dataclasses.asdict(inputs),
        "result": {**dataclasses.asdict(result), "adapter": result.adapter.name},
        "curve": [[e["step"], e["loss"]] for e in history if "loss" in e],
        "validation_curve": [[e["step"], e["eval_loss"]] for e in history if "eval_loss" in e],
        "data": {
            "train": len(run.data.train),
            "validation": len(run.data.validation),
            "groups": run.data.groups,
            "dropped": _listed(run.data.dropped),
            "truncated": _listed(run.data.truncated),
        },
        "environment": _environment(run.base),
    }


def _listed(items: tuple[Dropped, ...]) -> dict[str, object]:
    first = [{"source": i.source, "reason": i.reason} for i in items[:_LISTED]]
    return {"count": len(items), "first": first}


def _environment(base: LoadedBase) -> dict[str, object]:
    import peft
    import transformers

    return {
        "evalsuite": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
        "device": str(base.device),
        "threads": torch.get_num_threads(),
        "dtype": str(base.dtype).removeprefix("torch."),
        "base_form": base.form.value,
    }


def _silent(report: TrainingProgress) -> None:
    del report
