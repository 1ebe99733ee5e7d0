"""What an engine reports about an adapter before anybody believes a score: is it really there?

Most useless evaluations in the field measured the base model, because an adapter that does not
load is skipped with a warning. The report is plain data, so it can be cached like an output.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, Self, runtime_checkable

from evalsuite.generation import Engine


class LivenessCheck(StrEnum):
    """The questions about an adapter, in the order in which they are asked."""

    LOAD_RESULT_CLEAN = "load_result_clean"
    """Every weight of the file found its place, and every place a weight."""
    BASE_AS_RECORDED = "base_as_recorded"
    """It was trained on this base, by its provenance."""
    WEIGHTS_FINITE = "weights_finite"
    """The merged weights are numbers."""
    LOGITS_DIFFER = "logits_differ"
    """It moves some logit."""
    DETACHING_RESTORES_BASE = "detaching_restores_base"
    """Switched off, it leaves the base's logits bit by bit."""
    MERGE_FAITHFUL = "merge_faithful"
    """Merging moves no logit by more than rounding does."""

    @property
    def needs_provenance(self) -> bool:
        """Whether only an adapter that records its training can be asked."""
        return self is LivenessCheck.BASE_AS_RECORDED


@dataclass(frozen=True, slots=True)
class Check:
    """One question about an adapter."""

    name: LivenessCheck
    ok: bool | None
    """None when it could not be answered; the detail says why."""
    detail: str


@dataclass(frozen=True, slots=True)
class LivenessReport:
    """All checks of one adapter, in the order in which they were made."""

    adapter: str
    """Digest of the adapter."""
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check was answered with yes."""
        return all(check.ok is True for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks answered with no."""
        return tuple(check for check in self.checks if check.ok is False)

    @property
    def unanswered(self) -> tuple[Check, ...]:
        """The checks that could not be made."""
        return tuple(check for check in self.checks if check.ok is None)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; :meth:`from_json` is the inverse."""
        checks = [{**asdict(check), "name": check.name.value} for check in self.checks]
        return {"adapter": self.adapter, "checks": checks}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Build a report from what :meth:`to_json` returned.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        checks = (
            Check(LivenessCheck(check["name"]), check["ok"], check["detail"])
            for check in value["checks"]
        )
        return cls(str(value["adapter"]), tuple(checks))


@runtime_checkable
class ChecksLiveness(Protocol):
    """An engine that can tell whether an adapter is at work."""

    def liveness(self, adapter: str) -> LivenessReport:
        """Examine the adapter with this digest.

        Raises:
            EngineError: the engine does not hold such an adapter.
        """


@runtime_checkable
class LivingEngine(Engine, ChecksLiveness, Protocol):
    """An engine that answers requests and examines its adapters."""
