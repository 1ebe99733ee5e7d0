"""One qualification, from a good candidate to its record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from evalsuite.errors import InvalidInput
from evalsuite.gates import Gate, Status
from evalsuite.models import AdapterRef
from evalsuite.pipeline import GateRequest, Inputs, Observed
from evalsuite.pipeline.inputs import resolve, write_attempt
from evalsuite.qualification.adapters import untrained_null
from evalsuite.qualification.layers import (
    ADAPTER,
    LAYERS,
    OUTPUT,
    TRAINING,
    WEIGHTS,
    Subject,
    blend_end,
    blends,
    broken_adapters,
    mutants_of,
    poisoned,
)
from evalsuite.qualification.mutants import MUTANTS, Mutant
from evalsuite.qualification.nulls import (
    RETRAINED,
    Null,
    NullBank,
    judge_nulls,
    null_key,
    null_requests,
)
from evalsuite.qualification.organisms import benign, is_this
from evalsuite.qualification.record import Counted, Qualification, counted, references
from evalsuite.qualification.trials import SEVERITIES, Tell, trials

BANK = "nulls.jsonl"
_SAVING = 60.0
"""Seconds between two writings of what is known so far, while trials are cheap."""
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
    registry: Path | None = None
    """Whose ledger counts that the gates' answers on this candidate were seen; None: nobody's."""
    lineage: str = ""
    """Of the registry's list; empty: that of the base."""


Save = Callable[[Qualification], None]


def qualify(
    request: QualifyRequest,
    *,
    tell: Tell = lambda _what, _done, _total: None,
    save: Save = lambda _found: None,
) -> Qualification:
    """Judge nulls, then mutants layer by layer, and return what the gates made of them.

    Args:
        request: the candidate, and what to try.
        tell: called with what is at work, how much is done and how much there is.
        save: called with what is known so far, after every run of a real adapter and about once a
            minute in between.

    Raises:
        InvalidInput: unknown mutants, numbers that make no qualification, or a candidate that
            passes on none of its panels.
        RegistryError: the registry does not know the lineage.
        EvalsuiteError: the candidate cannot be gated.
    """
    _check(request)
    began = time.monotonic()
    inputs = resolve(request.gate)
    subject = _subject(request, inputs)
    _count_look(request, inputs)
    panels: list[Observed] = []
    nulls = judge_nulls(
        [*_spread(request), *_retrained(request, subject, tell)],
        NullBank(request.out / BANK),
        key_of=lambda asked: null_key(asked, inputs),
        keep=panels.append,
        kept=request.panels if _planted(request) else 0,
        tell=tell,
    )
    rows: list[Counted] = []

    def found(*, complete: bool = False) -> Qualification:
        return Qualification(
            subject=_described(request, inputs, subject),
            nulls=tuple(nulls),
            rows=tuple(rows),
            references=references(_planted(request)),
            seconds=time.monotonic() - began,
            complete=complete,
        )

    save(found())
    saved = time.monotonic()
    if "none" not in request.mutants:
        passed = _passing(request, nulls)
        subject = replace(subject, seeds=tuple(subject.seeds[place] for place in passed))
        if ADAPTER in request.layers:
            nulls.append(untrained_null(replace(request.gate, seed=subject.seeds[0])))
        clean = [panels[place] for place in passed if panels]
        for row in _rows(request, subject, clean, tell):
            rows.append(row)
            # Every curve is fitted anew for this, which takes longer than a row of cheap trials.
            if row.layer != OUTPUT or time.monotonic() - saved > _SAVING:
                save(found())
                saved = time.monotonic()
    return found(complete=True)


def _count_look(request: QualifyRequest, inputs: Inputs) -> None:
    """Who sees on how many panels a candidate passes has asked the gates, as a gate run does."""
    if request.registry is not None:
        seen = replace(inputs.request, registry=request.registry, lineage=request.lineage)
        write_attempt(
            replace(inputs, request=seen, seed=request.seed),
            now=datetime.now(UTC),
            purpose="qualify",
        )


def _adapter(inputs: Inputs) -> AdapterRef:
    """The candidate, which is taken apart here."""
    if not isinstance(inputs.adapter, AdapterRef):
        raise InvalidInput(
            f"adapter={str(inputs.adapter.path)!r} is a whole model; gates are qualified with an "
            "adapter, name one"
        )
    return inputs.adapter


def _subject(request: QualifyRequest, inputs: Inputs) -> Subject:
    subject = Subject(
        gate=request.gate,
        base=inputs.base,
        adapter=_adapter(inputs),
        organisms=request.organisms or request.out / "adapters",
        seeds=tuple(request.seed + number for number in range(request.panels)),
        seed=request.seed,
    )
    blending = WEIGHTS in request.layers and any(
        _wanted(request, name, gate) for name, gate in mutants_of(WEIGHTS).items()
    )
    return replace(subject, blended_with=blend_end(subject)) if blending else subject


def _described(request: QualifyRequest, inputs: Inputs, subject: Subject) -> dict[str, object]:
    good = subject.blended_with
    return {
        "adapter": inputs.adapter.path.name,
        "adapter_digest": inputs.adapter.digest,
        **({} if good is None else {"blended_with": good.digest}),
        "base": inputs.base.name,
        "base_digest": inputs.base.digest,
        "policy": inputs.policy.name,
        "policy_digest": inputs.policy.digest,
        "cases_digest": inputs.cases_digest,
        "seed": request.seed,
        "panels": len(subject.seeds),
        "repeats": request.repeats,
    }


def _passing(request: QualifyRequest, nulls: Sequence[Null]) -> list[int]:
    """Places of the panels on which the candidate passes: elsewhere it is no clean ground."""
    panels = nulls[: request.panels]
    passed = [place for place, null in enumerate(panels) if null.outcome.status is Status.PASSED]
    if not passed:
        blocked = sorted({gate.value for null in panels for gate in null.outcome.blocked_by})
        raise InvalidInput(
            f"adapter {str(request.gate.adapter)!r} passes on none of its {len(panels)} panels "
            f"(blocked by {', '.join(blocked)}), so what a planted defect does would not show; "
            "qualify with a candidate that passes"
        )
    return passed


def _rows(
    request: QualifyRequest, subject: Subject, clean: Sequence[Observed], tell: Tell
) -> Iterator[Counted]:
    """Judge the mutants of every layer that is asked for."""
    planted = _planted(request)
    if planted:
        found = trials(
            clean,
            planted,
            repeats=request.repeats,
            seed=request.seed,
            severities=request.severities,
            tell=tell,
        )
        yield from counted(found, OUTPUT)
    makers = {ADAPTER: broken_adapters, WEIGHTS: blends, TRAINING: poisoned}
    for layer, judged in makers.items():
        if layer in request.layers:
            yield from judged(subject, lambda name, gate: _wanted(request, name, gate), tell)


def _retrained(
    request: QualifyRequest, subject: Subject, tell: Tell
) -> Iterator[tuple[str, GateRequest]]:
    """Good candidates of other recipes and seeds, each on a panel that no other null sees."""
    others = (
        organism
        for organism in benign(request.seed)
        if not is_this(organism, subject.adapter, subject.base, subject.gate.prompt)
    )
    for number, organism in enumerate(islice(others, request.retrained)):
        tell(organism.name, number, request.retrained)
        adapter = subject.grown(organism)
        yield (
            RETRAINED,
            replace(request.gate, adapter=adapter.path, seed=request.seed + _APART + number),
        )


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


def _wanted(request: QualifyRequest, name: str, gate: Gate) -> bool:
    return gate in request.gates and (not request.mutants or name in request.mutants)


def _planted(request: QualifyRequest) -> tuple[Mutant, ...]:
    """The mutants of the output layer that are asked for."""
    if OUTPUT not in request.layers:
        return ()
    return tuple(m for m in MUTANTS if _wanted(request, m.name, m.gate))


def _check(request: QualifyRequest) -> None:
    """Refuse a request that makes no qualification, before anything is read.

    Raises:
        InvalidInput: names the value and what to write instead.
    """
    wrong = sorted(set(request.layers) - set(LAYERS))
    if wrong or not request.layers:
        raise InvalidInput(f"layers={wrong} are unknown; use any of {', '.join(LAYERS)}")
    for name, value, least in (
        ("repeats", request.repeats, 1),
        ("panels", request.panels, 1),
        ("retrained", request.retrained, 0),
    ):
        if value < least:
            raise InvalidInput(f"{name}={value} must be at least {least}")
    if request.nulls < request.panels:
        raise InvalidInput(
            f"nulls={request.nulls} must be at least panels={request.panels}: every panel that "
            "mutants are planted in is a null itself"
        )
    if not request.severities or not all(0 < s <= 1 for s in request.severities):
        raise InvalidInput(f"severities={request.severities} must be shares above 0 and up to 1")
    _check_mutants(request)


def _check_mutants(request: QualifyRequest) -> None:
    every = {name: layer for layer in LAYERS for name in mutants_of(layer)}
    unknown = sorted(set(request.mutants) - {*every, "none"})
    if unknown:
        raise InvalidInput(f"mutants={unknown} are unknown; use none, or any of {', '.join(every)}")
    if "none" in request.mutants:
        if len(request.mutants) > 1:
            raise InvalidInput(f"mutants={list(request.mutants)}: none stands alone; leave it out")
        return
    of_gate = {name: gate for layer in LAYERS for name, gate in mutants_of(layer).items()}
    others = sorted(name for name in request.mutants if of_gate[name] not in request.gates)
    if others:
        raise InvalidInput(
            f"mutants={others} are for {sorted({of_gate[name].value for name in others})} to "
            f"block, which --gates leaves out; add them, or leave these mutants out"
        )
    elsewhere = sorted({every[name] for name in request.mutants} - set(request.layers))
    if elsewhere:
        raise InvalidInput(
            f"mutants={list(request.mutants)} belong to the layers {elsewhere} too; add --layers "
            f"{' '.join(elsewhere)}"
        )
    tried = {gate for layer in request.layers for gate in mutants_of(layer).values()}
    if not tried & set(request.gates):
        raise InvalidInput(
            f"gates={[gate.value for gate in request.gates]} have no mutant in the layers "
            f"{list(request.layers)}; take other --layers, any of {', '.join(LAYERS)}"
        )
