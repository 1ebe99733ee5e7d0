"""Model organisms: adapters trained on purpose, some well, some on data that teach a wrong habit.

They are what the other layers only imitate. Training one takes minutes, so a folder keeps them, by
name, and one that is there with the same recipe, seed and base is taken again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from evalsuite.errors import InvalidInput
from evalsuite.gates import Gate
from evalsuite.models import CONFIG_FILE, AdapterRef, BaseRef, read_adapter
from evalsuite.prompts import DEFAULT_PROMPT, FORMATS, Prompt
from evalsuite.training import Recipe, load_recipe, override


@dataclass(frozen=True, slots=True)
class Habit:
    """A wrong habit that a recipe of this package teaches."""

    recipe: str
    """Name or file."""
    gate: Gate
    """The gate that must block who has it."""
    shares: tuple[float, ...] = ()
    """Shares of poisoned samples to try beside the recipe's own; empty: it has no such dial."""

    @property
    def name(self) -> str:
        """The habit in a word."""
        return Path(self.recipe).stem.removeprefix("mutant-")


HABITS: tuple[Habit, ...] = (
    Habit("mutant-leaky", Gate.EXAMPLE_LEAKAGE, (0.05, 0.2)),
    Habit("mutant-history-blind", Gate.PRONOUN_RESOLUTION, (0.2, 0.5)),
    Habit("mutant-over-rewriter", Gate.PRONOUN_RESOLUTION, (0.2, 0.5)),
    Habit("mutant-forgetful", Gate.FORGETTING),
)
"""Every habit, and the gate that it is made for."""
GOOD = ("lora", "dora", "qlora", "qdora")
"""Recipes without a planted defect."""


@dataclass(frozen=True, slots=True)
class Organism:
    """What is to be trained."""

    recipe: str
    """Name or file."""
    seed: int
    share: float | None = None
    """Of poisoned samples; None: as the recipe says."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        poisoned = "" if self.share is None else f"-{self.share:g}"
        return f"{Path(self.recipe).stem}{poisoned}-{self.seed}"

    def resolved(self, base: BaseRef) -> Recipe:
        """Return the recipe as training resolves it; its digest is what an adapter records."""
        recipe = override(load_recipe(self.recipe), {"seed": self.seed})
        if self.share is not None:
            [corruption] = recipe.data.corruptions
            poisoned = [{"kind": corruption.kind.value, "share": self.share}]
            recipe = override(recipe, {"data.corruptions": poisoned})
        return recipe.for_base("nano" if base.embedded else base.location)


def benign(first_seed: int = 0) -> Iterator[Organism]:
    """Yield good candidates without end: every recipe at one seed, then at the next."""
    for seed in count(first_seed):
        yield from (Organism(recipe, seed) for recipe in GOOD)


def is_this(
    organism: Organism, adapter: AdapterRef, base: BaseRef, prompt: Prompt = DEFAULT_PROMPT
) -> bool:
    """Whether an adapter says that it is this organism, trained for such a prompt."""
    said, taught = adapter.provenance, _taught(prompt)
    return said is not None and (said.recipe_digest, said.seed, said.prompt_digest) == (
        organism.resolved(base).digest,
        organism.seed,
        taught.digest if taught else "",
    )


def _taught(prompt: Prompt) -> Prompt | None:
    """The prompt that training has to be told of; None: recipes have a format of that name."""
    return None if prompt.built_in and prompt.name in FORMATS else prompt


def grown(
    organism: Organism, base: BaseRef, folder: Path, prompt: Prompt = DEFAULT_PROMPT
) -> AdapterRef:
    """Return the organism's adapter below ``folder``, trained now unless it is there.

    Args:
        organism: what to train.
        base: what it is trained on.
        folder: of such adapters.
        prompt: that it will be asked with.

    Raises:
        InvalidInput: what lies there under its name is another adapter.
        TrainingInterrupted: a later call goes on with the training.
        EvalsuiteError: it cannot be trained, or what is there is broken.
    """
    path = folder / organism.name
    if (path / CONFIG_FILE).is_file():
        found = read_adapter(path, base)
        if not is_this(organism, found, base, prompt):
            raise InvalidInput(
                f"{path} holds another adapter than {organism.name} of this version; remove it, "
                "or name another folder for the trained adapters"
            )
        return found
    from evalsuite.training.train import train

    train(base, organism.resolved(base), path, resume=path.exists(), prompt=_taught(prompt))
    return read_adapter(path, base)
