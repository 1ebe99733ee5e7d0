"""Verdicts: what a gate decided, with everything a person needs to contest it.

:meth:`Verdict.to_json` and :meth:`Verdict.from_json` are an inverse pair; so are
:func:`dump_verdicts` and :func:`load_verdicts` for the content of ``verdicts.json``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from evalsuite.errors import InvalidInput, RunError
from evalsuite.gates.partnames import Part, parse_part


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
    CENSUS = "census"
    """A share of a fixed list; nothing is estimated."""


_SEVERITY = {Status.PASSED: 0, Status.INCONCLUSIVE: 1, Status.FAILED: 2}
_NUMBERS = ("value", "lower", "upper", "limit", "smallest_detectable", "effective_n", "spread")
_R = TypeVar("_R", "SliceVerdict", "Verdict")


def worst(statuses: Collection[Status]) -> Status:
    """Return the worst of ``statuses``; nothing to judge is INCONCLUSIVE."""
    return max(statuses, key=_SEVERITY.__getitem__, default=Status.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceVerdict:
    """The decision about one part of a gate: a criterion, a kind, a language, a golden set.

    Raises:
        InvalidInput: a number that is not finite, or no reason.
    """

    name: str
    """Unique within the gate, such as ``literal`` or ``language/zh``; :attr:`part` reads it."""
    status: Status
    value: float | None
    """The loss: a failure rate, or candidate minus baseline; None: not measured."""
    lower: float | None
    upper: float | None
    limit: float
    """The largest loss that is accepted."""
    n: int
    clusters: int
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

    gate: str
    status: Status
    value: float | None
    lower: float | None
    upper: float | None
    limit: float | None
    n: int
    clusters: int
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
        given = dict(data) if isinstance(data, Mapping) else {}
        slices = given.get("slices", [])
        if not isinstance(slices, list):
            raise RunError(f"verdict: slices={slices!r} must be a list")
        parts = tuple(_read(SliceVerdict, part) for part in slices)
        return dataclasses.replace(_read(Verdict, given | {"slices": []}), slices=parts)


def _check(owner: str, record: SliceVerdict | Verdict) -> None:
    for name in _NUMBERS:
        number = getattr(record, name, None)
        if number is not None and not math.isfinite(number):
            raise InvalidInput(f"{owner}: {name}={number} is not a finite number; use None")
    if not record.reason.strip():
        raise InvalidInput(f"{owner}: the reason is empty; say in one sentence why")


def _read(kind: type[_R], data: object) -> _R:
    """Build a record from JSON data with exactly its keys and types."""
    names = [field.name for field in dataclasses.fields(kind)]
    if not isinstance(data, Mapping) or set(data) != set(names):
        held = sorted(data) if isinstance(data, Mapping) else data
        raise RunError(f"verdict: has {held!r} where the keys {sorted(names)!r} belong")
    values = dict(data)
    for name, value in values.items():
        if not _fits(name, value):
            raise RunError(f"verdict: {name}={value!r} has the wrong type")
    try:
        values |= {"status": Status(values["status"]), "tier": Tier(values["tier"])}
        if "quantity" in values:
            values["quantity"] = Quantity(values["quantity"])
        return kind(**values | ({"slices": ()} if "slices" in values else {}))
    except (ValueError, InvalidInput) as error:
        raise RunError(f"verdict: {error}") from None


def _fits(name: str, value: object) -> bool:
    if name in _NUMBERS:
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    if name == "by_value":
        return isinstance(value, bool)
    if name in ("n", "clusters"):
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, list if name == "slices" else str)


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


def load_verdicts(data: object) -> tuple[Status, tuple[Verdict, ...]]:
    """Read what :func:`dump_verdicts` returned.

    Raises:
        RunError: not that shape, or a status that the verdicts contradict.
    """
    if not isinstance(data, Mapping) or set(data) != {"status", "verdicts"}:
        raise RunError("verdicts.json must hold exactly the keys 'status' and 'verdicts'")
    verdicts = tuple(Verdict.from_json(verdict) for verdict in data["verdicts"])
    if data["status"] not in list(Status):
        raise RunError(f"verdicts.json: status={data['status']!r} must be one of {list(Status)}")
    status = Status(data["status"])
    if worst([status, overall(verdicts, ())]) is not status:
        raise RunError(f"verdicts.json: status={status.value!r} is better than its verdicts allow")
    return status, verdicts
