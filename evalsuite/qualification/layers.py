"""The layers of mutants that need a real adapter each: broken folders, blended weights, poison."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalsuite.errors import InvalidInput
from evalsuite.gates import Gate, Status
from evalsuite.models import AdapterRef, BaseRef
from evalsuite.pipeline import GateRequest, observe
from evalsuite.qualification.adapters import ADAPTER_MUTANTS, adapter_outcome
from evalsuite.qualification.interpolation import blend, check_blendable
from evalsuite.qualification.mutants import MUTANTS
from evalsuite.qualification.organisms import HABITS, Habit, Organism, grown
from evalsuite.qualification.record import Counted, once
from evalsuite.qualification.trials import Outcome, Tell, outcome

OUTPUT, ADAPTER, WEIGHTS, TRAINING = "output", "adapter", "weights", "training"
LAYERS = (OUTPUT, ADAPTER, WEIGHTS, TRAINING)
"""Corrupted answers, broken adapter folders, blended weights, trainings on poisoned data."""
BLENDS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the bad adapter's weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The good candidate, and what mutants of it are made from."""

    gate: GateRequest
    base: BaseRef
    adapter: AdapterRef
    organisms: Path
    """Folder of trained adapters."""
    seeds: tuple[int, ...]
    """Panels to judge each mutant on."""
    seed: int
    """Of the trainings."""
    blended_with: AdapterRef | None = None
    """The good end of blends, where any are asked for; see :func:`blend_end`."""

    def grown(self, organism: Organism) -> AdapterRef:
        """The organism's adapter, trained now unless it is there."""
        return grown(organism, self.base, self.organisms, self.gate.prompt)

    def outcomes(self, adapter: Path) -> tuple[Outcome, ...]:
        """Judge an adapter on every panel; all of it is asked, so that every gate has its say."""
        measured = (
            observe(replace(self.gate, adapter=adapter, seed=seed), ask_dead=True)
            for seed in self.seeds
        )
        return tuple(outcome(observed.policy, observed.measured.evidence) for observed in measured)


Wanted = Callable[[str, Gate], bool]
"""Whether a mutant of this name and gate is asked for."""


def broken_adapters(subject: Subject, wanted: Wanted, tell: Tell) -> Iterator[Counted]:
    """Judge every way to break an adapter folder, once."""
    chosen = [m for m in ADAPTER_MUTANTS if wanted(m.name, m.gate)]
    for number, mutant in enumerate(chosen):
        tell(mutant.name, number, len(chosen))
        found = adapter_outcome(mutant, replace(subject.gate, seed=subject.seeds[0]))
        yield once(mutant.name, ADAPTER, mutant.gate, found)


def blends(subject: Subject, wanted: Wanted, tell: Tell) -> Iterator[Counted]:
    """Judge weights on the way from a good candidate to each bad one.

    Raises:
        InvalidInput: the good end, where it is not the candidate itself, passes on no panel.
    """
    chosen = [h for h in HABITS if wanted(weights_name(h), h.gate)]
    if not chosen:
        return
    good = subject.blended_with or blend_end(subject)
    if good.digest != subject.adapter.digest:
        subject = _clean(subject, good)
    for number, habit in enumerate(chosen):
        tell(weights_name(habit), number, len(chosen))
        bad = subject.grown(Organism(habit.recipe, subject.seed))
        for share in BLENDS:
            with tempfile.TemporaryDirectory(prefix="evalsuite-blend-") as scratch:
                folder = blend(good, bad, share, Path(scratch) / "blend")
                found = subject.outcomes(folder)
            yield Counted(weights_name(habit), WEIGHTS, habit.gate, share, found)


def poisoned(subject: Subject, wanted: Wanted, tell: Tell) -> Iterator[Counted]:
    """Judge organisms trained on data of which a share is poisoned."""
    chosen = [h for h in HABITS if wanted(training_name(h), h.gate)]
    for number, habit in enumerate(chosen):
        tell(training_name(habit), number, len(chosen))
        for share, organism in _organisms(habit, subject):
            adapter = subject.grown(organism)
            found = subject.outcomes(adapter.path)
            yield Counted(
                training_name(habit), TRAINING, habit.gate, share, found, bool(habit.shares)
            )


def weights_name(habit: Habit) -> str:
    """Name of a habit's mutant in the layer of weights."""
    return f"blended-{habit.name}"


def training_name(habit: Habit) -> str:
    """Name of a habit's mutant in the layer of trainings."""
    return f"trained-{habit.name}"


def mutants_of(layer: str) -> dict[str, Gate]:
    """Every mutant of a layer, with the gate that must block it."""
    every = {
        OUTPUT: {mutant.name: mutant.gate for mutant in MUTANTS},
        ADAPTER: {mutant.name: mutant.gate for mutant in ADAPTER_MUTANTS},
        WEIGHTS: {weights_name(habit): habit.gate for habit in HABITS},
        TRAINING: {training_name(habit): habit.gate for habit in HABITS},
    }
    return every[layer]


def blend_end(subject: Subject) -> AdapterRef:
    """Return the good end of blends: the candidate, or else one of the recipe ``lora``.

    A candidate that is no plain LoRA, or sits on other modules than the bad adapters, cannot be
    blended with them.
    """
    try:
        check_blendable(subject.adapter)
    except InvalidInput:
        return _plain(subject)
    bad = Organism(HABITS[0].recipe, subject.seed).resolved(subject.base)
    same = set(subject.adapter.config.target_modules or ()) == set(bad.target_modules)
    return subject.adapter if same else _plain(subject)


def _organisms(habit: Habit, subject: Subject) -> Iterator[tuple[float, Organism]]:
    for share in habit.shares:
        yield share, Organism(habit.recipe, subject.seed, share)
    whole = Organism(habit.recipe, subject.seed)
    corruptions = whole.resolved(subject.base).data.corruptions
    yield (corruptions[0].share if corruptions else 1.0), whole


def _plain(subject: Subject) -> AdapterRef:
    return subject.grown(Organism("lora", subject.seed))


def _clean(subject: Subject, good: AdapterRef) -> Subject:
    """The subject with those panels on which another good adapter passes too."""
    found = subject.outcomes(good.path)
    passed = zip(subject.seeds, found, strict=True)
    seeds = tuple(seed for seed, outcome in passed if outcome.status is Status.PASSED)
    if not seeds:
        raise InvalidInput(
            f"{good.path} passes on none of the panels {subject.seeds}, so blends with it would "
            "show nothing; leave out --layers weights, or take more --panels"
        )
    return replace(subject, seeds=seeds)
