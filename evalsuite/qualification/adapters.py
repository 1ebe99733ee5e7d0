"""Mutants of the adapter layer: real adapter folders with one thing wrong, run by a real engine.

They show what only a look at the adapter itself can see: one that changes nothing, one that has
lost a part on the way, one that was trained with another chat template.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from evalsuite.errors import AdapterUnfit, InvalidInput
from evalsuite.gates import Gate, Quantity, Status, judge, worst
from evalsuite.models import CONFIG_FILE, PROVENANCE_FILE, WEIGHTS_FILE
from evalsuite.pipeline import GateRequest, observe
from evalsuite.qualification.nulls import Null
from evalsuite.qualification.trials import Outcome, outcome

if TYPE_CHECKING:
    import torch

Tensors: TypeAlias = "dict[str, torch.Tensor]"
_PAIRED = (Quantity.DIFFERENCE, Quantity.NATS, Quantity.WORDS)


@dataclass(frozen=True, slots=True)
class AdapterMutant:
    """One way to break an adapter folder."""

    name: str
    gate: Gate
    """The gate that must block it."""
    description: str
    weights: Callable[[Tensors], Tensors] = dict
    """Makes the broken tensors of the good ones."""
    files: Callable[[Mapping[str, Path]], None] = lambda _: None
    """Changes the other files in place, by their names."""


def _lose_module(tensors: Tensors) -> Tensors:
    """Without the tensors of the first module, as after a broken copy."""
    lost = min(name for name in tensors if ".lora_" in name).rpartition(".lora_")[0]
    return {name: value for name, value in tensors.items() if not name.startswith(f"{lost}.lora_")}


def _untrain(tensors: Tensors) -> Tensors:
    """As before the first step: B is zero, and nothing else is left of DoRA."""
    return {
        name: value * 0 if ".lora_B" in name else value
        for name, value in tensors.items()
        if "lora_magnitude_vector" not in name
    }


def _plain_lora(files: Mapping[str, Path]) -> None:
    _change(files[CONFIG_FILE], use_dora=False)


def _other_template(files: Mapping[str, Path]) -> None:
    _change(files[PROVENANCE_FILE], template_fingerprint="0" * 64)


def _change(path: Path, **values: object) -> None:
    data = json.loads(path.read_text("utf-8")) | values
    path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


ADAPTER_MUTANTS: tuple[AdapterMutant, ...] = (
    AdapterMutant("untrained", Gate.LIVENESS, "changes nothing: B = 0", _untrain, _plain_lora),
    AdapterMutant("lost-module", Gate.LIVENESS, "has lost the tensors of one module", _lose_module),
    AdapterMutant(
        "other-template",
        Gate.TEMPLATE_ROUND_TRIP,
        "was trained with another chat template",
        files=_other_template,
    ),
)
"""Every mutant of the adapter layer."""


def untrained_null(request: GateRequest) -> Null:
    """Judge an adapter that changes nothing by the comparisons with the base alone.

    It is as good as the base, whatever that is worth by absolute limits: for paired parts a null.
    """
    [untrained] = [mutant for mutant in ADAPTER_MUTANTS if mutant.weights is _untrain]
    with broken_adapter(untrained, request.adapter) as folder:
        observed = observe(replace(request, adapter=folder), ask_dead=True)
    found = {
        Gate(verdict.gate): worst([part.status for part in parts])
        for verdict in judge(observed.policy, observed.measured.evidence)
        if (
            parts := [p for p in verdict.slices if p.quantity in _PAIRED and p.tier is verdict.tier]
        )
    }
    judged = Outcome(
        worst(found.values()),
        frozenset(gate for gate, status in found.items() if status is not Status.PASSED),
        frozenset(gate for gate, status in found.items() if status is Status.FAILED),
    )
    return Null("untrained, paired parts", request.seed or 0, judged)


@contextmanager
def broken_adapter(mutant: AdapterMutant, adapter: Path) -> Iterator[Path]:
    """Yield a folder with the broken adapter; it is gone afterwards."""
    from safetensors.torch import load_file, save_file  # numpy knows no bfloat16

    with tempfile.TemporaryDirectory(prefix=f"evalsuite-{mutant.name}-") as name:
        folder = Path(name) / adapter.name
        folder.mkdir()
        names = (CONFIG_FILE, WEIGHTS_FILE, PROVENANCE_FILE)
        absent = [n for n in names if not (adapter / n).is_file()]
        if absent:
            raise InvalidInput(
                f"adapter {str(adapter)!r} has no {', '.join(absent)}: qualify one that "
                "evalsuite trained, or leave out --layers adapter"
            )
        files = {n: Path(shutil.copyfile(adapter / n, folder / n)) for n in names}
        tensors = mutant.weights(load_file(files[WEIGHTS_FILE]))
        save_file(tensors, files[WEIGHTS_FILE], metadata={"format": "pt"})
        mutant.files(files)
        yield folder


def adapter_outcome(mutant: AdapterMutant, request: GateRequest) -> Outcome:
    """Gate one broken adapter and return who blocked it.

    Everything is asked, also of an adapter that is dead: else nobody could tell whether another
    gate would have noticed. Only one that cannot be loaded at all is not.

    Raises:
        EvalsuiteError: it could not be gated at all.
    """
    with broken_adapter(mutant, request.adapter) as folder:
        broken = replace(request, adapter=folder)
        try:
            observed = observe(broken, ask_dead=True)
        except AdapterUnfit:
            observed = observe(broken)
        return outcome(observed.policy, observed.measured.evidence)
