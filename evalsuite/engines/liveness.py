"""What an engine reports about an adapter before anybody believes a score: is it really there?

Most useless evaluations in the field measured the base model, because an adapter that does not
load is skipped with a warning. The report is plain data, so it can be cached like an output.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, Protocol, Self, runtime_checkable


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
    SAME_VOCABULARY = "same_vocabulary"
    """The ids of the base's tokenizer mean in its folder what they mean to the base."""

    @property
    def needs_provenance(self) -> bool:
        """Whether only an adapter that records its training can be asked."""
        return self is LivenessCheck.BASE_AS_RECORDED


OF_MODELS: Final = (
    LivenessCheck.LOAD_RESULT_CLEAN,
    LivenessCheck.WEIGHTS_FINITE,
    LivenessCheck.LOGITS_DIFFER,
    LivenessCheck.SAME_VOCABULARY,
)
"""What a whole model can be asked."""
OF_ADAPTERS: Final = tuple(c for c in LivenessCheck if c is not LivenessCheck.SAME_VOCABULARY)
"""What an adapter can be asked, which has no vocabulary."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question about an adapter, or about a whole model."""

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

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; :meth:`from_json` is the inverse."""
        checks = [{**asdict(check), "name": check.name.value} for check in self.checks]
        return {"adapter": self.adapter, "checks": checks}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Build a report from what :meth:`to_json` returned.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        if not isinstance(value, dict) or not isinstance(value["checks"], list):
            raise TypeError("an object with a list of checks")
        return cls(str(value["adapter"]), tuple(map(_check, value["checks"])))


def _check(value: object) -> Check:
    if not isinstance(value, dict) or set(value) != {"name", "ok", "detail"}:
        raise TypeError("a check with exactly a name, ok and a detail")
    ok: object = value["ok"]
    if ok is not None and not isinstance(ok, bool):
        raise TypeError("a check that is true, false or null")
    return Check(LivenessCheck(value["name"]), ok, str(value["detail"]))


@runtime_checkable
class ChecksLiveness(Protocol):
    """An engine that can tell whether an adapter is at work."""

    def liveness(self, adapter: str) -> LivenessReport:
        """Examine the adapter with this digest.

        Raises:
            EngineError: the engine does not hold such an adapter.
        """
