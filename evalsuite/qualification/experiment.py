"""One qualification, from a good candidate to its record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalsuite.errors import InvalidInput
from evalsuite.gates import Gate
from evalsuite.models import read_adapter
from evalsuite.qualification.layers import (
    ADAPTER,
    LAYERS,
    OUTPUT,
    TRAINING,
    WEIGHTS,
    Subject,
    blends,
    broken_adapters,
    names,
    poisoned,
)
from evalsuite.qualification.mutants import BY_NAME, MUTANTS, Mutant
from evalsuite.qualification.nulls import RETRAINED, NullBank, judge_nulls, null_key, null_requests
from evalsuite.qualification.organisms import benign, grown
from evalsuite.qualification.record import Counted, Qualification, counted, references
from evalsuite.qualification.trials import SEVERITIES, Tell, trials
from evalsuite.run import GateRequest, State
from evalsuite.run.inputs import Inputs, resolve

BANK = "nulls.jsonl"
_APART = 1_000_000
"""Between the panel seeds of the candidate and those of its retrainings, however many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualifyRequest:
    """What a person asks of ``evalsuite qualify``."""

    gate: GateRequest
    """A candidate without a known defect, and how it is gated; ``out`` is not written."""
    out: Path
    gates: tuple[Gate, ...] = tuple(Gate)
    """Which gates' mutants to try."""
    layers: tuple[str, ...] = (OUTPUT,)
    mutants: tuple[str, ...] = ()
    """Only these; empty: all of the gates above."""
    repeats: int = 20
    """Candidates for each mutant and severity."""
    panels: int = 3
    """Measured panels that the mutants are spread over."""
    nulls: int = 3
    """Null runs of the candidate in all, these panels among them."""
    retrained: int = 0
    """Further nulls: good candidates of other recipes and seeds, trained here, a panel each."""
    organisms: Path | None = None
    """Folder of adapters that are trained here; None: ``adapters`` below ``out``."""
    severities: tuple[float, ...] = SEVERITIES
    seed: int = 0


def qualify(
    request: QualifyRequest, *, tell: Tell = lambda _what, _done, _total: None
) -> Qualification:
    """Judge nulls and mutants of the output layer, and return what the gates made of them.

    Raises:
        InvalidInput: unknown mutants, or numbers that make no qualification.
        EvalsuiteError: the candidate cannot be gated.
    """
    chosen = _chosen(request)
    began = time.monotonic()
    inputs = resolve(request.gate)
    subject = _subject(request, inputs)
    states: list[State] = []
    nulls = judge_nulls(
        [*_spread(request), *_retrained(request, subject, tell)],
        NullBank(request.out / BANK),
        key_of=lambda asked: _null_key(asked, inputs),
        keep=states.append,
        kept=request.panels if chosen else 0,
        tell=tell,
    )
    found = trials(
        states,
        chosen,
        repeats=request.repeats,
        seed=request.seed,
        severities=request.severities,
        tell=tell,
    )
    rows = (*counted(found, OUTPUT), *_real(request, subject, tell))
    return Qualification(
        subject={
            "adapter": str(inputs.adapter.path),
            "adapter_digest": inputs.adapter.digest,
            "base": inputs.base.name,
            "base_digest": inputs.base.digest,
            "policy": inputs.policy.name,
            "policy_digest": inputs.policy.digest,
            "cases_digest": inputs.cases_digest,
            "seed": request.seed,
            "panels": request.panels,
            "repeats": request.repeats,
        },
        nulls=tuple(nulls),
        rows=rows,
        references=references(chosen),
        seconds=time.monotonic() - began,
    )


def _subject(request: QualifyRequest, inputs: Inputs) -> Subject:
    return Subject(
        gate=request.gate,
        base=inputs.base,
        adapter=inputs.adapter,
        organisms=request.organisms or request.out / "adapters",
        seeds=tuple(request.seed + number for number in range(request.panels)),
        seed=request.seed,
    )


def _null_key(asked: GateRequest, inputs: Inputs) -> str:
    return null_key(
        asked,
        read_adapter(asked.adapter).digest,
        inputs.base.digest,
        inputs.base.tokenizer_digest,
        inputs.policy.digest,
        inputs.circumstances,
    )


def _real(request: QualifyRequest, subject: Subject, tell: Tell) -> Iterator[Counted]:
    """Mutants of the layers that need a real adapter each."""

    def wanted(name: str, gate: Gate) -> bool:
        return gate in request.gates and (not request.mutants or name in request.mutants)

    makers = {ADAPTER: broken_adapters, WEIGHTS: blends, TRAINING: poisoned}
    for layer, rows in makers.items():
        if layer in request.layers:
            yield from rows(subject, wanted, tell)


def _retrained(
    request: QualifyRequest, subject: Subject, tell: Tell
) -> Iterator[tuple[str, GateRequest]]:
    """Good candidates of other recipes and seeds, each on a panel that no other null sees."""
    for number, organism in enumerate(benign(request.retrained, request.seed)):
        tell(organism.name, number, request.retrained)
        adapter = grown(organism, subject.base, subject.organisms)
        yield RETRAINED, replace(request.gate, adapter=adapter.path, seed=request.seed + _APART + number)


def _spread(request: QualifyRequest) -> list[tuple[str, GateRequest]]:
    """The nulls to judge: plain panels for the mutants first, then fresh ones and variations."""
    plain = [
        ("fresh panel", replace(request.gate, seed=request.seed + index))
        for index in range(min(request.panels, request.nulls))
    ]
    more = null_requests(
        request.gate, request.nulls - len(plain), first_seed=request.seed + len(plain)
    )
    return [*plain, *more]


def _chosen(request: QualifyRequest) -> tuple[Mutant, ...]:
    every = [*BY_NAME, *names()]
    unknown = sorted(set(request.mutants) - {*every, "none"})
    if unknown:
        raise InvalidInput(f"mutants={unknown} are unknown; use none, or any of {', '.join(every)}")
    wrong = sorted(set(request.layers) - set(LAYERS))
    if wrong or not request.layers:
        raise InvalidInput(f"layers={wrong} are unknown; use any of {', '.join(LAYERS)}")
    if request.retrained < 0:
        raise InvalidInput(f"retrained={request.retrained} must not be negative")
    for name, value in (("repeats", request.repeats), ("panels", request.panels)):
        if value < 1:
            raise InvalidInput(f"{name}={value} must be at least 1")
    if request.nulls < request.panels:
        raise InvalidInput(
            f"nulls={request.nulls} must be at least panels={request.panels}: every panel that "
            "mutants are planted in is a null itself"
        )
    if not request.severities or not all(0 < s <= 1 for s in request.severities):
        raise InvalidInput(f"severities={request.severities} must be shares above 0 and up to 1")
    if "none" in request.mutants or OUTPUT not in request.layers:
        return ()
    return tuple(
        mutant
        for mutant in MUTANTS
        if mutant.gate in request.gates and (not request.mutants or mutant.name in request.mutants)
    )
