"""The recipes of nano's pretraining: what is drawn at which step, and how it is learned.

What mattered when they were tuned is in docs/nano.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalsuite.errors import InvalidInput
from evalsuite.nano.curriculum import CARELESS, COPYING, REFINED, RESOLVING, Mix


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps that draw from one mix."""

    steps: int
    mix: Mix


PHASES = (Phase(700, COPYING), Phase(2600, RESOLVING), Phase(1300, CARELESS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining:
    """The recipe; the defaults begin from random weights, :data:`REFINING` with a model."""

    hidden: int = 256
    layers: int = 4
    heads: int = 4
    intermediate: int = 768
    context: int = 2048
    rope_base: float = 1000.0
    phases: tuple[Phase, ...] = PHASES
    tokens_per_step: int = 4096
    warmup: int = 50
    """Steps of linear warm-up."""
    decay_share: float = 0.45
    """Of all steps, at their end: linear decay to almost nothing."""
    muon_rate: float = 0.01
    adamw_rate: float = 3e-3
    prompt_weight: float = 0.2
    seed: int = 1

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def scaled(self, scale: float) -> Pretraining:
        """The same recipe with ``scale`` times the steps in each phase.

        Raises:
            InvalidInput: ``scale`` is not above 0.
        """
        if not scale > 0:
            raise InvalidInput(f"scale={scale} must be above 0; 1 is the whole recipe")
        phases = (replace(p, steps=max(1, round(p.steps * scale))) for p in self.phases)
        return replace(self, phases=tuple(phases))

    def mix(self, step: int) -> Mix:
        """What is drawn at a step."""
        for phase in self.phases:
            if step < phase.steps:
                return phase.mix
            step -= phase.steps
        return self.phases[-1].mix


REFINING = Pretraining(
    phases=(Phase(2000, REFINED), Phase(250, replace(REFINED, careless=0.7))),
    tokens_per_step=8192,
    warmup=30,
    decay_share=0.85,
    muon_rate=0.008,
    adamw_rate=2e-3,
    prompt_weight=0.0,
    seed=11,
)
"""The second round, from the weights of the first: answers alone are learned, and the rate falls
from the beginning. It made the shipped weights."""


def schedule(step: int, recipe: Pretraining) -> float:
    """The share of the full learning rate at a step."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    falling = (recipe.steps - step) / max(1.0, recipe.steps * recipe.decay_share)
    return min(1.0, max(0.02, falling))
