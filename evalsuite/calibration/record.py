"""What a calibration found, as its JSON holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from evalsuite.calibration.limits import Proposal
from evalsuite.calibration.probes import Ability


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The reference asked again in a way that must not matter."""

    variation: str
    answers: int
    changed: int
    """Answers to rewriting cases that differ from those of the first time."""
    rates: Mapping[str, tuple[float, float]]
    """Of each measure: what it was, and what it is."""
    failed: tuple[str, ...] = ()
    """Gates that call it FAILED by the proposed policy: false alarms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a planted defect does at its worst, and how much of it is needed to be blocked."""

    mutant: str
    gate: str
    measure: str
    effect: float
    """How much it moves the measure when it hits every answer that it can."""
    theta95: float | None
    """Severity that the proposed panel blocks 19 times out of 20; None: not even all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was measured, and what follows."""

    subject: Mapping[str, object]
    abilities: tuple[Ability, ...]
    kinds: Mapping[str, tuple[float, float]]
    """Share of wrong rewrites of the reference and of its base, by kind."""
    noise: tuple[Noise, ...]
    proposals: tuple[Proposal, ...]
    sights: tuple[Sight, ...]
    minutes: Mapping[str, float]
    """That each gate takes at the proposed panels, on this machine."""
    problems: tuple[str, ...]
    """Why nothing is proposed; empty: something is."""
    policy: str
    """What the file of the proposed policy says; '' where nothing is proposed."""
    seconds: float

    def to_json(self) -> dict[str, object]:
        """The content of ``calibration.json``."""
        plain = asdict(self)
        return {key: value for key, value in plain.items() if key != "policy"} | {
            "proposed": bool(self.policy)
        }
