"""Verdicts: what a gate decided, with everything a person needs to contest it.

:meth:`Verdict.to_json` and :meth:`Verdict.from_json` are an inverse pair; so are
:func:`dump_verdicts` and :func:`load_verdicts` for the content of ``verdicts.json``.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from evalsuite.errors import InvalidInput, RunError
from evalsuite.files.jsonl import first_fault
from evalsuite.gates.part import Part, parse_part


class Gate(StrEnum):
    """The gates, in the order in which they are judged."""

    LIVENESS = "liveness"
    """The adapter loads cleanly, changes the model, and can be taken off again."""
    TEMPLATE_ROUND_TRIP = "template_round_trip"
    """Conversations survive the chat template unchanged."""
    EXAMPLE_LEAKAGE = "example_leakage"
    """Nothing of the prompt's demonstrations gets into an answer."""
    PRONOUN_RESOLUTION = "pronoun_resolution"
    """References are resolved to the right antecedent."""
    FORGETTING = "forgetting"
    """What the base model could do, the candidate still can."""
    REGRESSION = "regression"
    """What the champion does, the candidate does no worse."""


class Status(StrEnum):
    """What a gate, a part of a gate or a whole run decided."""

    PASSED = "passed"
    """Proof of no harm: the upper bound of the loss lies within the limit."""
    FAILED = "failed"
    """Proof of harm: the lower bound of the loss lies beyond the limit."""
    INCONCLUSIVE = "inconclusive"
    """Neither: too few cases, or a measurement that is missing."""


class Tier(StrEnum):
    """Whether a verdict decides about the release."""

    BLOCKING = "blocking"
    """Only a pass lets the candidate through."""
    ADVISORY = "advisory"
    """Run and shown, never decisive."""
    WAIVED = "waived"
    """Did not pass, and a named person let it through; shown wherever the verdict is."""


class Quantity(StrEnum):
    """What a part of a gate measures, and so what its numbers mean."""

    RATE = "rate"
    """A share of cases."""
    DIFFERENCE = "difference"
    """Candidate minus baseline, in shares of the same cases."""
    NATS = "nats"
    """Candidate minus baseline, in nats per token."""
    WORDS = "words"
    """Candidate minus baseline, in shares of the words of a text."""
    CENSUS = "census"
    """A share of a fixed list; nothing is estimated."""


_SEVERITY = {Status.PASSED: 0, Status.INCONCLUSIVE: 1, Status.FAILED: 2}
_NUMBERS = ("value", "lower", "upper", "limit", "smallest_detectable", "effective_n", "spread")
_R = TypeVar("_R", bound="_File | Verdict | SliceVerdict")
_CLOSED = ConfigDict(extra="forbid", strict=True)
Count = Annotated[int, Field(ge=0)]


def worst(statuses: Collection[Status]) -> Status:
    """Return the worst of ``statuses``; nothing to judge is INCONCLUSIVE."""
    return max(statuses, key=_SEVERITY.__getitem__, default=Status.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceVerdict:
    """The decision about one part of a gate: a criterion, a kind, a language, a golden set.

    Raises:
        InvalidInput: a number that is not finite, or no reason.
    """

    __pydantic_config__ = _CLOSED

    name: str
    """Unique within the gate, such as ``literal`` or ``language/zh``; :attr:`part` reads it."""
    status: Status
    value: float | None
    """The loss: a failure rate, or candidate minus baseline; None: not measured."""
    lower: float | None
    upper: float | None
    limit: float
    """The largest loss that is accepted."""
    n: Count
    clusters: Count
    method: str
    reason: str
    """One sentence for a person who releases models."""
    tier: Tier = Tier.BLOCKING
    smallest_detectable: float | None = None
    """The smallest true loss beyond the limit (rates), or difference, that would have shown."""
    by_value: bool = False
    """Whether the policy asks for the measured value only, not for its bound."""
    quantity: Quantity = Quantity.CENSUS
    effective_n: float | None = None
    """How many independent cases the panel is worth; None where nothing is estimated."""
    spread: float | None = None
    """Standard deviation of one case; of a difference, the root of the share that differs."""

    def __post_init__(self) -> None:
        _check(self.name, self)

    @property
    def part(self) -> Part | None:
        """What it is about; None: its name says nothing to this evalsuite."""
        return parse_part(self.name)

    @property
    def urgency(self) -> tuple[int, float]:
        """Orders parts: the worse status first, then the part closest to its limit."""
        if self.value is None or self.upper is None:
            return _SEVERITY[self.status], math.inf
        if self.limit == 0:
            return _SEVERITY[self.status], math.inf if self.upper > 0 else 0.0
        return _SEVERITY[self.status], (self.value if self.by_value else self.upper) / self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A gate's decision; its numbers are those of the part that binds.

    Raises:
        InvalidInput: a number that is not finite, or no reason.
    """

    __pydantic_config__ = _CLOSED

    gate: str
    status: Status
    value: float | None
    lower: float | None
    upper: float | None
    limit: float | None
    n: Count
    clusters: Count
    method: str
    reason: str
    tier: Tier = Tier.BLOCKING
    slices: tuple[SliceVerdict, ...] = ()
    """Every part, blocking ones first in order of urgency."""
    smallest_detectable: float | None = None

    def __post_init__(self) -> None:
        _check(self.gate, self)

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data; :meth:`from_json` reads it back."""
        return dataclasses.asdict(self) | {"slices": [dataclasses.asdict(s) for s in self.slices]}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Verdict:
        """Read what :meth:`to_json` wrote.

        Raises:
            RunError: missing or unknown keys, wrong types, an unknown status or tier.
        """
        return _read(_verdict(), data, "verdict")


def _check(owner: str, record: SliceVerdict | Verdict) -> None:
    for name in _NUMBERS:
        number = getattr(record, name, None)
        if number is not None and not math.isfinite(number):
            raise InvalidInput(f"{owner}: {name}={number} is not a finite number; use None")
    if not record.reason.strip():
        raise InvalidInput(f"{owner}: the reason is empty; say in one sentence why")


def overall(verdicts: Sequence[Verdict], required: Collection[str]) -> Status:
    """Return the status of a whole run.

    FAILED if any blocking verdict failed; else INCONCLUSIVE if one is inconclusive, if a required
    gate has no blocking verdict, or if nothing blocking was judged at all; else PASSED.

    Args:
        verdicts: of all gates that were judged.
        required: gates that the policy demands; :attr:`Policy.required`.
    """
    blocking = [verdict for verdict in verdicts if verdict.tier is Tier.BLOCKING]
    status = worst([verdict.status for verdict in blocking])
    waived = [verdict for verdict in verdicts if verdict.tier is Tier.WAIVED]
    missing = set(required) - {verdict.gate for verdict in (*blocking, *waived)}
    return worst([status, Status.INCONCLUSIVE]) if missing else status


def dump_verdicts(verdicts: Sequence[Verdict], required: Collection[str]) -> dict[str, object]:
    """Return the content of ``verdicts.json``."""
    return {
        "status": overall(verdicts, required).value,
        "verdicts": [verdict.to_json() for verdict in verdicts],
    }


@dataclass(frozen=True, slots=True)
class _File:
    """The content of ``verdicts.json``."""

    __pydantic_config__ = _CLOSED

    status: Status
    verdicts: tuple[Verdict, ...]


def load_verdicts(data: object) -> tuple[Status, tuple[Verdict, ...]]:
    """Read what :func:`dump_verdicts` returned.

    Raises:
        RunError: not that shape, or a status that the verdicts contradict.
    """
    file = _read(_file(), data, "verdicts.json")
    if worst([file.status, overall(file.verdicts, ())]) is not file.status:
        raise RunError(
            f"verdicts.json: status={file.status.value!r} is better than its verdicts allow"
        )
    return file.status, file.verdicts


@cache
def _verdict() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)


@cache
def _file() -> TypeAdapter[_File]:
    return TypeAdapter(_File)


def _read(adapter: TypeAdapter[_R], data: object, place: str) -> _R:
    """Build a record from JSON data with exactly its keys and types."""
    try:
        record = adapter.validate_json(json.dumps(data))
    except ValidationError as problem:
        raise RunError(f"{place}: {first_fault(problem, 'the whole')}") from None
    except InvalidInput as problem:
        raise RunError(f"{place}: {problem}") from None
    _require_keys(record, data, place)
    return record


def _require_keys(record: _File | Verdict | SliceVerdict, data: object, place: str) -> None:
    """Refuse what was left out, although it has a default: no version leaves a number out."""
    given = data if isinstance(data, Mapping) else {}
    for field in dataclasses.fields(record):
        if field.name not in given:
            raise RunError(f"{place}: {field.name}: Field required")
    if isinstance(record, _File):
        for index, verdict in enumerate(record.verdicts):
            _require_keys(verdict, given["verdicts"][index], f"{place}: verdicts.{index}")
    elif isinstance(record, Verdict):
        for index, part in enumerate(record.slices):
            _require_keys(part, given["slices"][index], f"{place}: slices.{index}")
