"""What is measured beside a run's questions: told in reports, and deciding nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from evalsuite.gates import Evidence, Observation
from evalsuite.runs import ScoreRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Rows for people, and observations for the parts of a verdict that are only shown."""

    rows: tuple[ScoreRow, ...] = ()
    divergences: tuple[Observation, ...] = ()
    preferences: tuple[Observation, ...] = ()
    as_turns: tuple[Observation, ...] = ()

    def __add__(self, other: Self) -> Self:
        """Return both together."""
        return replace(
            self,
            rows=self.rows + other.rows,
            divergences=self.divergences + other.divergences,
            preferences=self.preferences + other.preferences,
            as_turns=self.as_turns + other.as_turns,
        )

    def added_to(self, evidence: Evidence) -> Evidence:
        """Return the evidence with these observations."""
        return replace(
            evidence,
            divergences=self.divergences,
            preferences=self.preferences,
            as_turns=self.as_turns,
        )
