"""What asking again and planting defects show of a measured reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from evalsuite.calibration.limits import Measure, Proposal
from evalsuite.calibration.measures import paired_losses
from evalsuite.calibration.record import Noise, Sight
from evalsuite.errors import InvalidInput
from evalsuite.gates import Evidence, Gate, Observation, Policy, Status, Tier, judge
from evalsuite.pipeline import Observed
from evalsuite.qualification.mixture import corrupted
from evalsuite.qualification.mutants import MUTANTS
from evalsuite.runs import PANEL, Side

Measuring = Callable[[Evidence], Iterable[Measure]]
"""What a policy limits, of evidence."""


def noise(
    name: str, first: Observed, seen: Observed, proposed: Policy | None, measured: Measuring
) -> Noise:
    """Say what changed when the same was asked in another way.

    Args:
        name: of the way.
        first: as it was asked at first.
        seen: as it was asked now.
        proposed: the policy whose alarms are counted; None: there is none.
        measured: what the policy limits.
    """
    before, after = _said(first), _said(seen)
    both = before.keys() & after.keys()
    was = {m.name: m.estimate.value for m in measured(first.measured.evidence)}
    now = {m.name: m.estimate.value for m in measured(seen.measured.evidence)}
    failed: tuple[str, ...] = ()
    if proposed is not None:
        # A small panel proves little: only proof of harm is an alarm.
        failed = tuple(
            verdict.gate
            for verdict in judge(proposed, seen.measured.evidence)
            if verdict.status is Status.FAILED and verdict.tier is Tier.BLOCKING
        )
    return Noise(
        variation=name,
        answers=len(both),
        changed=sum(before[place] != after[place] for place in both),
        rates={key: (was[key], now[key]) for key in was if key in now},
        failed=failed,
    )


def sights(panel: Observed, proposals: Sequence[Proposal], measured: Measuring) -> Iterator[Sight]:
    """Plant every output defect, and see how far it moves what its gate judges."""
    by_name = {proposal.measure.name: proposal for proposal in proposals}
    for mutant in MUTANTS:
        if mutant.once:
            continue
        try:
            broken = corrupted(panel, mutant).broken
        except InvalidInput:
            continue  # it can touch no answer of this candidate
        found = [
            _sight(mutant.name, mutant.gate, by_name[measure.name], measure)
            for measure in measured(broken)
            if measure.name.startswith(mutant.gate.value) and measure.name in by_name
        ]
        if found:
            yield min(found, key=lambda sight: (sight.theta95 is None, sight.theta95 or 0))


def by_kind(cases: Sequence[Observation]) -> dict[str, tuple[float, float]]:
    """The mean losses of reference and base, by the kind of the case."""
    found: dict[str, tuple[float, float]] = {}
    for kind in dict.fromkeys(case.kind for case in cases):
        mine, base, _ = paired_losses([case for case in cases if case.kind == kind])
        if mine:
            found[kind] = (sum(mine) / len(mine), sum(base) / len(base))
    return found


def _said(observed: Observed) -> dict[object, str]:
    """What the reference answered to every rewriting case."""
    return {
        answer.question.place: answer.output.text
        for answer in observed.answered
        if answer.question.side is Side.CANDIDATE and answer.question.row.panel == PANEL
    }


def _sight(mutant: str, gate: Gate, proposal: Proposal, broken: Measure) -> Sight:
    effect = broken.estimate.value - proposal.measure.estimate.value
    theta = None
    if proposal.blocked is not None and effect > 0:
        theta = max(0.0, proposal.blocked - proposal.measure.assumed) / effect
    return Sight(
        mutant=mutant,
        gate=gate.value,
        measure=proposal.measure.name,
        effect=effect,
        theta95=theta if theta is not None and theta <= 1 else None,
    )
