"""Of rewrites: in what way they are wrong, and by which standard each set was judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from evalsuite.gates import SliceVerdict, Verdict
from evalsuite.report.safetext import one_line
from evalsuite.runs import PARTS
from evalsuite.runs.folder import Run

_SETS = 60
"""Sets at most."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One set of cases, and by which standards its rewrites were judged."""

    panel: str
    counts: Mapping[str, int]
    """Standard to cases, for those that some case is judged by."""

    @property
    def listed(self) -> str:
        """Such as ``authored 112, stays 38``."""
        return ", ".join(f"{standard} {n}" for standard, n in self.counts.items())


def parts_of(verdict: Verdict) -> tuple[SliceVerdict, ...]:
    """Return the parts of a verdict that say in what way rewrites are wrong, in their order."""
    by_name = {part.name: part for part in verdict.slices}
    return tuple(by_name[name] for name in PARTS if name in by_name)


def parts_sentence(verdict: Verdict) -> str:
    """Say how often each part of a rewrite is lost; empty for another gate."""
    told = [_share(part) for part in parts_of(verdict) if part.value is not None]
    return f"In what way: {', '.join(told)}." if told else ""


def _share(part: SliceVerdict) -> str:
    value, lower, upper = (100 * (x or 0.0) for x in (part.value, part.lower, part.upper))
    return f"{part.name} lost in {value:.1f} % of {part.n} ({lower:.1f} to {upper:.1f} %)"


def judged_by(run: Run) -> tuple[Judged, ...]:
    """Return by which standards each set of a run was judged, in the order of the sets' names.

    Empty for a run of a version before 4, which judged rewrites by one rule of its own.
    """
    found: dict[str, Counter[str]] = {}
    for case in run.cases:
        if case.standard is not None:
            found.setdefault(case.panel, Counter())[case.standard.value] += 1
    return tuple(
        Judged(one_line(panel, 60), dict(sorted(counts.items())))
        for panel, counts in sorted(found.items())[:_SETS]
    )
