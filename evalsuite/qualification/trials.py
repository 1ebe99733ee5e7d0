"""Judging mutants and nulls many times, and counting who blocked what."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from evalsuite.gates import Evidence, Gate, Hopeless, Policy, Status, Tier, Verdict, judge, overall
from evalsuite.pipeline import Observed
from evalsuite.qualification.mixture import Seen, corrupted
from evalsuite.qualification.mutants import Mutant

SEVERITIES = (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
"""Shares of corrupted answers; every mutant meets all of them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gates said of one candidate."""

    status: Status
    blocked_by: frozenset[Gate]
    """Blocking gates that did not pass, whether for harm or for lack of proof.

    A gate that could measure nothing, because another had stopped the run, did not block it."""
    failed_by: frozenset[Gate]
    """Those of them that proved harm."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate with a planted defect, judged once."""

    mutant: Mutant
    severity: float
    """Share of the answers that the mutant can corrupt and did; for ``once`` one of them."""
    outcome: Outcome
    seen: Seen | None = None
    """What each part of a rewrite sees of this mutant at its worst, over all panels; None: it is
    not for them to see."""


Tell = Callable[[str, int, int], None]


def outcome(policy: Policy, evidence: Evidence) -> Outcome:
    """Judge one candidate's evidence."""
    return outcome_of(policy, judge(policy, evidence))


def outcome_of(
    policy: Policy, verdicts: Sequence[Verdict], hopeless: Sequence[Hopeless] = ()
) -> Outcome:
    """Reduce verdicts to who blocked.

    Args:
        policy: by which they were judged.
        verdicts: of a finished run, or of one that was stopped.
        hopeless: why it was stopped; then a gate that only lacks the rest of its panel did not
            block it.
    """
    why = {item.gate for item in hopeless}
    blocking = [
        verdict
        for verdict in verdicts
        if verdict.tier is Tier.BLOCKING
        and verdict.status is not Status.PASSED
        and any(part.n for part in verdict.slices)
        and (not why or verdict.gate in why or verdict.status is Status.FAILED)
    ]
    return Outcome(
        overall(verdicts, policy.required),
        frozenset(Gate(v.gate) for v in blocking),
        frozenset(Gate(v.gate) for v in blocking if v.status is Status.FAILED),
    )


def trials(
    panels: Sequence[Observed],
    mutants: Iterable[Mutant],
    *,
    repeats: int,
    seed: int = 0,
    severities: Sequence[float] = SEVERITIES,
    tell: Tell = lambda _what, _done, _total: None,
) -> Iterator[Trial]:
    """Judge every mutant at every severity ``repeats`` times, spread over the measured panels.

    Args:
        panels: measured panels of one good candidate, each with another seed.
        mutants: which defects to plant.
        repeats: candidates for each mutant and severity; each draws anew which answers are hit.
        seed: of these draws.
        severities: shares of answers to corrupt, for mutants that are not caught ``once``.
        tell: called with the mutant's name, how many are done and how many there are.
    """
    planted = tuple(mutants)
    for number, mutant in enumerate(planted):
        tell(mutant.name, number, len(planted))
        victims = [corrupted(observed, mutant) for observed in panels]
        rewriting = mutant.gate is Gate.PRONOUN_RESOLUTION
        seen = reduce(add, (victim.seen for victim in victims)) if rewriting else None
        for severity in (0.0,) if mutant.once else severities:
            rng = random.Random(f"{seed}/{mutant.name}/{severity}")  # noqa: S311 (no secret)
            for repeat in range(repeats):
                victim = victims[repeat % len(victims)]
                evidence = victim.once(rng) if mutant.once else victim.at(severity, rng)
                policy = panels[repeat % len(panels)].policy
                share = severity or 1 / len(victims[0].cases)
                yield Trial(mutant, share, outcome(policy, evidence), seen)
    tell("", len(planted), len(planted))


def blocked_by(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count, for every gate, the candidates that it blocked."""
    counts = Counter(gate for found in outcomes for gate in found.blocked_by)
    return {gate.value: counts[gate] for gate in Gate if counts[gate]}
