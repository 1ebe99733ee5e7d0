"""The thin layer over ``transformers.Trainer``: planned batches and an exact validation loss.

The training step itself is the Trainer's, with its ``num_items_in_batch``: a loss is the sum over
learned tokens divided by their number over the whole accumulated step, however samples fall into
batches. Nothing here reports anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch.utils.data import DataLoader

from evalsuite.training.artifact import save_adapter
from evalsuite.training.batches import Batch
from evalsuite.training.prepare import IGNORED, Encoded
from evalsuite.training.quiet import quiet_imports
from evalsuite.training.recipe import Recipe, Scheduler

with quiet_imports():
    from transformers import (
        EarlyStoppingCallback,
        PrinterCallback,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

if TYPE_CHECKING:
    from peft import PeftModel

Loader: TypeAlias = "DataLoader[dict[str, torch.Tensor]]"
_REPORT_EVERY = 5
_SCHEDULERS = {
    Scheduler.LINEAR: "linear",
    Scheduler.COSINE: "cosine",
    Scheduler.CONSTANT: "constant_with_warmup",
}


class PlannedBatches(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """A plan and its samples as tensors; item i is the i-th forward pass."""

    def __init__(self, samples: Sequence[Encoded], plan: Sequence[Batch], pad_id: int) -> None:
        self.samples = samples
        self.plan = plan
        self._pad = pad_id

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """Return ``input_ids``, ``labels`` and ``anchored``, each of shape (rows, width).

        ``anchored`` is 1 at tokens that are to be predicted as the base predicts them.
        There is no attention mask: rows are padded on the right and attention looks only to the
        left, so no real token ever sees padding, and the fast causal kernels stay usable.
        """
        batch = self.plan[index]
        ids = torch.full((batch.rows, batch.width), self._pad, dtype=torch.long)
        labels = torch.full((batch.rows, batch.width), IGNORED, dtype=torch.long)
        anchored = torch.zeros((batch.rows, batch.width), dtype=torch.bool)
        for row, at in enumerate(batch.indices):
            sample = self.samples[at]
            ids[row, : len(sample.ids)] = torch.tensor(sample.ids)
            labels[row, : len(sample.labels)] = torch.tensor(sample.labels)
            anchored[row, : len(sample.ids)] = sample.anchor
        return {"input_ids": ids, "labels": labels, "anchored": anchored}

    def tokens(self, index: int) -> int:
        """Tokens of samples in one forward pass, without padding."""
        return sum(len(self.samples[at].ids) for at in self.plan[index].indices)


@dataclass(frozen=True, slots=True)
class _Losses:
    """Sums over one batch, in nats."""

    learned: torch.Tensor
    learned_tokens: int
    apart: torch.Tensor
    """Divergence of the adapter from its base over the anchored tokens."""
    anchored_tokens: int


class AdapterTrainer(Trainer):
    """A Trainer that takes planned batches in order and saves the adapter alone.

    Rows that are anchored add the divergence of the adapter from its base, the mean over their
    tokens in each forward pass (Kullback and Leibler, base against adapter).
    """

    model: PeftModel
    anchor_weight = 1.0

    def get_train_dataloader(self) -> Loader:
        """Return the plan in order; resuming skips its beginning."""
        return _loader(self.train_dataset)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: object = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Return the mean loss over all learned tokens of the validation split."""
        del ignore_keys
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        self.model.eval()
        total, count, apart, anchored = 0.0, 0, 0.0, 0
        for batch in _loader(dataset):
            inputs = self._prepare_inputs(batch)
            with torch.inference_mode(), self.compute_loss_context_manager():
                losses = self._losses(inputs)
            total += float(losses.learned)
            apart += float(losses.apart)
            count += losses.learned_tokens
            anchored += losses.anchored_tokens
        metrics = {
            f"{metric_key_prefix}_loss": total / max(1, count)
            + self.anchor_weight * apart / max(1, anchored)
        }
        if anchored:
            metrics[f"{metric_key_prefix}_divergence"] = apart / anchored
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the loss of the learned tokens and, where rows are anchored, their divergence."""
        del model
        losses = self._losses(inputs)
        # A step may consist of anchors alone; its sum over learned tokens is 0 then.
        items = 1 if num_items_in_batch is None else max(1, int(num_items_in_batch))
        loss = losses.learned / items
        if losses.anchored_tokens:
            passes = self.args.gradient_accumulation_steps
            loss = loss + self.anchor_weight * losses.apart / (losses.anchored_tokens * passes)
        return (loss, {"loss": loss}) if return_outputs else loss

    def _losses(self, inputs: Mapping[str, torch.Tensor]) -> _Losses:
        """Sum the losses of one batch: ``input_ids``, ``labels``, ``anchored``, (rows, width)."""
        ids, labels, kept = inputs["input_ids"], inputs["labels"], inputs["anchored"]
        learned = labels[:, 1:].ne(IGNORED)
        follows = kept[:, 1:]
        wanted = learned | follows
        logits = self._predictions(ids, wanted)
        # Both parts in the order in which ``wanted`` picks positions.
        learned_rows, anchored_rows = learned[wanted], follows[wanted]
        total = torch.nn.functional.cross_entropy(
            logits[learned_rows].float(), labels[:, 1:][learned], reduction="sum"
        )
        apart = torch.zeros((), device=ids.device)
        if follows.any():
            rows = kept.any(dim=1)
            with torch.no_grad(), self.model.disable_adapter():
                base = self._predictions(ids[rows], follows[rows])
            apart = torch.nn.functional.kl_div(
                logits[anchored_rows].float().log_softmax(dim=-1),
                base.float().log_softmax(dim=-1),
                reduction="sum",
                log_target=True,
            )
        return _Losses(total, int(learned.sum()), apart, int(follows.sum()))

    def _predictions(self, ids: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Return logits for chosen tokens only: a prompt's own are most of all, and nobody learns
        them, while a large vocabulary makes them the largest tensor of the step.

        Args:
            ids: the batch, of shape (rows, width).
            wanted: of shape (rows, width - 1); at ``[r, t]`` whether the token ``t + 1`` of row
                ``r`` is to be predicted.

        Returns:
            Logits of shape (sum of ``wanted``, vocabulary), row by row.
        """
        # The prediction for a token stands one place before it.
        places = torch.nn.functional.pad(wanted, (0, 1))
        head = self.model.get_output_embeddings()
        hook = head.register_forward_pre_hook(lambda _, args: (args[0][places],))
        try:
            logits: torch.Tensor = self.model(input_ids=ids).logits
        finally:
            hook.remove()
        return logits

    def floating_point_ops(self, inputs: object) -> int:
        """Return 0: the count walks every parameter at every step and nobody reads it."""
        del inputs
        return 0

    def _save(self, output_dir: str | None = None, state_dict: object = None) -> None:
        # The inherited method also pickles the training arguments.
        del state_dict
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_adapter(self.model, folder)


def _loader(dataset: Any) -> Loader:
    # One item is one whole batch; the collator only takes it out of its list.
    return DataLoader(dataset, batch_size=1, shuffle=False, collate_fn=_only)


def _only(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return items[0]


def build_trainer(
    model: PeftModel,
    recipe: Recipe,
    train: PlannedBatches,
    validation: PlannedBatches | None,
    folder: Path,
    callbacks: Sequence[TrainerCallback],
) -> AdapterTrainer:
    """Return the trainer of a resolved recipe; checkpoints go to ``folder``."""
    callbacks = list(callbacks)
    if validation is not None:
        callbacks.append(EarlyStoppingCallback(recipe.early_stopping.patience))
    trainer = AdapterTrainer(
        model=model,
        args=_arguments(
            recipe,
            folder,
            steps=len(train) // recipe.accumulation,
            validated=validation is not None,
            autocast=model.get_input_embeddings().weight.dtype == torch.bfloat16,
        ),
        train_dataset=train,
        eval_dataset=validation,
        callbacks=callbacks,
    )
    trainer.anchor_weight = recipe.anchor_weight
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(
    recipe: Recipe, folder: Path, *, steps: int, validated: bool, autocast: bool
) -> TrainingArguments:
    on_cuda = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=_SCHEDULERS[recipe.scheduler],
        warmup_steps=round(recipe.warmup * steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.clip,
        optim="adamw_torch",
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=not on_cuda,
        # Over a bf16 base the float32 adapter computes in bf16 too.
        bf16=autocast,
        eval_strategy="steps" if validated else "no",
        eval_steps=recipe.early_stopping.every,
        save_strategy="steps",
        save_steps=recipe.early_stopping.every,
        save_total_limit=2,
        load_best_model_at_end=validated,
        metric_for_best_model="eval_loss" if validated else None,
        greater_is_better=False if validated else None,
        logging_strategy="steps",
        logging_steps=_REPORT_EVERY,
        logging_first_step=True,
        # A NaN must reach the guard.
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=on_cuda,
        disable_tqdm=True,
        report_to="none",
        log_level="error",
    )
