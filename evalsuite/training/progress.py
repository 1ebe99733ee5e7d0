"""What training reports while it runs, and what it returns when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Phase(StrEnum):
    """What is being done."""

    DATA = "data"
    """Drawing, cleaning and encoding samples."""
    LOADING = "loading"
    """Reading the base model."""
    TRAINING = "training"
    SAVING = "saving"
    """Writing and re-reading the adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress:
    """One report; a terminal shows it as one line."""

    phase: Phase
    step: int = 0
    steps: int = 0
    """Optimizer steps in all; 0 before they are known."""
    loss: float | None = None
    """Mean cross entropy of the learned tokens since the last report, in nats."""
    validation_loss: float | None = None
    """At the last look, in nats per learned token."""
    tokens_per_second: float | None = None
    """Tokens of samples, without padding."""
    eta_seconds: float | None = None


ProgressCallback = Callable[[TrainingProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """A finished training."""

    adapter: Path
    """The adapter folder."""
    steps: int
    """Optimizer steps made, over all resumed runs."""
    best_step: int
    """The step whose weights were kept: the lowest validation loss, or the last."""
    train_loss: float
    """Of the last report, in nats per learned token."""
    validation_loss: float | None
    """Of the kept weights; None without a validation split."""
    stopped_early: bool
    tokens: int
    """Tokens of samples seen, without padding, over all resumed runs."""
    seconds: float
    """Of this call, from reading data to the written folder."""
    samples: int
    dropped: int
