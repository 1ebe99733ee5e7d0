"""What watches a training: guards against learning nothing, checkpoints, signals, progress."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from types import FrameType

import torch

from evalsuite.errors import TrainingError
from evalsuite.training.folder import COMPLETE
from evalsuite.training.progress import Phase, ProgressCallback, TrainingProgress
from evalsuite.training.quiet import quiet_imports

with quiet_imports():
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

Logs = dict[str, float]


class Guard(TrainerCallback):
    """Stops a training that does not learn: no gradient at the first step, or a loss of NaN."""

    def __init__(self) -> None:
        self._checked = False

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: torch.nn.Module | None = None,
        **_: object,
    ) -> None:
        """Check the gradients of the first step that this process makes."""
        del args, control
        if not self._checked:
            self._checked = True
            assert model is not None  # the Trainer always passes it
            check_gradients(model, fresh=state.global_step == 0)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Logs | None = None,
        **_: object,
    ) -> None:
        """Refuse a loss that is no number."""
        del args, control
        for key in ("loss", "eval_loss"):
            value = (logs or {}).get(key)
            if value is not None and not math.isfinite(value):
                raise TrainingError(
                    f"step {state.global_step}: {key}={value}; training diverged, "
                    "try a lower learning_rate or more warmup"
                )


def check_gradients(model: torch.nn.Module, *, fresh: bool) -> None:
    """Assert that every trainable parameter takes part in the loss.

    At a fresh start B is zero, so A's gradient is zero too and only B must have one that is not.

    Raises:
        TrainingError: naming the parameters.
    """
    trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
    missing = [n for n, p in trainable.items() if p.grad is None]
    if missing or not trainable:
        raise TrainingError(f"no gradient reached {missing or 'any parameter'}; check the recipe")
    if fresh:
        gradients = {n: p.grad for n, p in trainable.items() if p.grad is not None}
        dead = [n for n, gradient in gradients.items() if "lora_B" in n and not gradient.any()]
        if dead:
            raise TrainingError(f"the gradient of {dead} is zero; their layers would not learn")


class Checkpoints(TrainerCallback):
    """Looks at the last step too, marks checkpoints as complete, stops when asked to."""

    def __init__(self) -> None:
        self.interrupted = False

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Ask for a last look, or for a checkpoint and an end."""
        if state.global_step >= state.max_steps and args.eval_strategy != "no":
            control.should_evaluate = True
        if self.interrupted:
            control.should_save = True
            control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Mark the checkpoint that was just written."""
        del control
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        (folder / COMPLETE).touch()

    @contextmanager
    def catching_signals(self) -> Iterator[None]:
        """Turn the first Ctrl-C or SIGTERM into a stop after the step; the second one is abrupt."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.interrupted = True
            for one, handler in before.items():
                signal.signal(one, handler)

        for one in before:
            signal.signal(one, stop)
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


class Reporter(TrainerCallback):
    """Turns the Trainer's log into progress reports."""

    def __init__(self, tokens: Sequence[int], per_step: int, report: ProgressCallback) -> None:
        seen = list(accumulate(tokens))
        self.tokens_at = [0, *seen[per_step - 1 :: per_step]]
        """Tokens seen after each optimizer step."""
        self._report = report
        self._started = (0.0, 0)
        self._validation: float | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Start the clock, where a resumed run begins."""
        del args, control
        self._started = (time.monotonic(), state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Logs | None = None,
        **_: object,
    ) -> None:
        """Report a loss or a validation loss."""
        del args, control
        logs = logs or {}
        self._validation = logs.get("eval_loss", self._validation)
        if "loss" not in logs and "eval_loss" not in logs:
            return
        start, first = self._started
        elapsed = max(1e-9, time.monotonic() - start)
        done = max(1, state.global_step - first)
        tokens = self.tokens_at[state.global_step] - self.tokens_at[first]
        self._report(
            TrainingProgress(
                phase=Phase.TRAINING,
                step=state.global_step,
                steps=state.max_steps,
                loss=logs.get("loss"),
                validation_loss=self._validation,
                tokens_per_second=tokens / elapsed,
                eta_seconds=elapsed / done * (state.max_steps - state.global_step),
            )
        )
