"""What a qualification found, as numbers: ``qualification.json``.

:meth:`Qualification.to_json` is the published contract: keys may be added, none goes away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from evalsuite.gates import Gate, Status
from evalsuite.qualification.mixture import Seen
from evalsuite.qualification.mutants import Mutant
from evalsuite.qualification.nulls import Null
from evalsuite.qualification.trials import Outcome, Trial, blocked_by
from evalsuite.statistics import ResponseCurve, Sides, clopper_pearson, response_curve

SOLE = 0.9
"""Share of candidates that a sole killer has to block."""
OTHERS = 0.1
"""Share of them that any other gate may block beside it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """All candidates of one mutant at one severity."""

    mutant: str
    layer: str
    expected: Gate
    severity: float
    outcomes: tuple[Outcome, ...]
    dialled: bool = True
    """Whether the severity could be another."""
    seen: Seen | None = None
    """What each part of a rewrite sees of the mutant, where that was counted."""

    @property
    def runs(self) -> int:
        """Candidates judged."""
        return len(self.outcomes)

    @property
    def blocked(self) -> int:
        """Candidates that did not pass."""
        return sum(found.status is not Status.PASSED for found in self.outcomes)

    @property
    def caught(self) -> int:
        """Candidates that the expected gate blocked."""
        return sum(self.expected in found.blocked_by for found in self.outcomes)

    @property
    def sole_killer(self) -> Gate | None:
        """The gate that blocks these alone: nearly all of them, and no other gate does."""
        counts = blocked_by(self.outcomes)
        if not counts:
            return None
        first, *others = sorted(counts, key=counts.__getitem__, reverse=True)
        alone = counts[first] >= SOLE * self.runs
        return (
            Gate(first)
            if alone and all(counts[gate] <= OTHERS * self.runs for gate in others)
            else None
        )

    def to_json(self) -> dict[str, object]:
        """One row of ``mutants``."""
        return {
            "name": self.mutant,
            "layer": self.layer,
            "severity": self.severity,
            "expected_gate": self.expected.value,
            "runs": self.runs,
            "blocked": self.blocked,
            "blocked_by": blocked_by(self.outcomes),
            "failed": sum(found.status is Status.FAILED for found in self.outcomes),
            "caught_by_expected": self.caught,
            "blocked_interval": _interval(self.blocked, self.runs),
            "caught_interval": _interval(self.caught, self.runs),
        }


def once(name: str, layer: str, expected: Gate, found: Outcome) -> Counted:
    """One candidate that is broken or is not: no severity to dial."""
    return Counted(name, layer, expected, 1.0, (found,), dialled=False)


def counted(trials: Iterable[Trial], layer: str) -> Iterator[Counted]:
    """Gather trials, in order, by mutant and severity, each as soon as it is whole."""
    for (mutant, severity), group in groupby(trials, key=lambda t: (t.mutant, t.severity)):
        same = tuple(group)
        outcomes = tuple(trial.outcome for trial in same)
        yield Counted(mutant.name, layer, mutant.gate, severity, outcomes, seen=same[0].seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """Everything that one qualification measured."""

    subject: Mapping[str, object]
    """Candidate, base, policy and seeds, with their digests."""
    nulls: tuple[Null, ...]
    rows: tuple[Counted, ...]
    references: Mapping[Gate, str]
    """For each gate the mutant whose curve speaks for it."""
    seconds: float = 0.0
    complete: bool = True
    """False while layers are still to come."""

    def curve(self, mutant: str) -> ResponseCurve | None:
        """How the expected gate's blocking grows with the severity of one mutant."""
        rows = self.of(mutant)
        return response_curve(
            [row.severity for row in rows],
            [row.caught for row in rows],
            [row.runs for row in rows],
        )

    def of(self, mutant: str) -> tuple[Counted, ...]:
        """The rows of one mutant, by severity."""
        return tuple(sorted((r for r in self.rows if r.mutant == mutant), key=lambda r: r.severity))

    def theta(self, mutant: str, probability: float) -> float | None:
        """The severity that is blocked with ``probability``; None when nothing tested tells.

        Where everything tested was blocked, the smallest tested severity is the answer.
        """
        rows = self.of(mutant)
        if not rows or not rows[0].dialled:
            return None
        if all(row.caught == row.runs for row in rows):
            return rows[0].severity
        curve = self.curve(mutant)
        found = None if curve is None else curve.severity(probability)
        return found if found is not None and found <= rows[-1].severity else None

    def _shape(self, mutant: str) -> dict[str, float | None]:
        dialled = self.of(mutant)[0].dialled
        curve = self.curve(mutant) if dialled else None
        return {
            "middle": _rounded(curve.middle if curve else None),
            "slope": _rounded(curve.slope if curve else None),
        }

    def _seen(self, mutant: str) -> dict[str, object]:
        """What the parts of a rewrite see; nothing of mutants that are not for them to see."""
        seen = self.of(mutant)[0].seen
        if seen is None:
            return {}
        told = {"answers": seen.answers, "refused": seen.refused, "parts": dict(seen.parts)}
        return {"seen": told}

    def sole_killers(self, gate: Gate) -> tuple[str, ...]:
        """Mutants that, at some severity, only this gate blocks."""
        return tuple(dict.fromkeys(row.mutant for row in self.rows if row.sole_killer is gate))

    def to_json(self) -> dict[str, object]:
        """Return the content of ``qualification.json``."""
        mutants = list(dict.fromkeys(row.mutant for row in self.rows))
        return {
            "version": 1,
            "subject": dict(self.subject),
            "nulls": _nulls_json(self.nulls),
            "mutants": [row.to_json() for row in self.rows],
            "curves": [
                {
                    "mutant": name,
                    "gate": self.of(name)[0].expected.value,
                    **self._shape(name),
                    "theta50": _rounded(self.theta(name, 0.5)),
                    "theta95": _rounded(self.theta(name, 0.95)),
                    **self._seen(name),
                }
                for name in mutants
            ],
            "gates": [
                {
                    "gate": gate.value,
                    "sole_killer_of": list(self.sole_killers(gate)),
                    "reference": self.references.get(gate),
                    "theta95": _rounded(self.theta(self.references.get(gate, ""), 0.95)),
                }
                for gate in Gate
            ],
            "seconds": round(self.seconds, 1),
            "complete": self.complete,
        }


def alarms(nulls: Sequence[Null], status: Status) -> int:
    """Count the nulls that ended in ``status``."""
    return sum(null.outcome.status is status for null in nulls)


def _nulls_json(nulls: Sequence[Null]) -> dict[str, object]:
    failed, open_ = alarms(nulls, Status.FAILED), alarms(nulls, Status.INCONCLUSIVE)
    names = list(dict.fromkeys(null.variation for null in nulls))
    grouped = {name: [n for n in nulls if n.variation == name] for name in names}
    return {
        "runs": len(nulls),
        "alarms": failed,
        "upper": _upper(failed, len(nulls)),
        "inconclusive": open_,
        "inconclusive_upper": _upper(open_, len(nulls)),
        "blocked_by": blocked_by(null.outcome for null in nulls),
        "variations": [
            {
                "name": name,
                "runs": len(group),
                "failed": alarms(group, Status.FAILED),
                "inconclusive": alarms(group, Status.INCONCLUSIVE),
            }
            for name, group in grouped.items()
        ],
    }


def _interval(events: int, runs: int) -> list[float]:
    """Both exact 95 % bounds of a rate."""
    bounds = clopper_pearson(events, runs, sides=Sides.TWO)
    return [round(bounds.lower, 4), round(bounds.upper, 4)]


def _upper(events: int, runs: int) -> float | None:
    """One-sided 95 % bound of a rate; None without runs."""
    return round(clopper_pearson(events, runs).upper, 4) if runs else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def references(mutants: Iterable[Mutant]) -> dict[Gate, str]:
    """The mutant whose curve speaks for each gate: the first that is marked as one."""
    found: dict[Gate, str] = {}
    for mutant in mutants:
        if mutant.reference:
            found.setdefault(mutant.gate, mutant.name)
    return found
