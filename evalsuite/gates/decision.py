"""The decision rule, of one part and of a gate.

A part is PASSED when the upper bound of the loss lies within the limit, FAILED when the lower bound
lies beyond it, INCONCLUSIVE otherwise. A gate passes only if all of its blocking parts do. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite.gates import reasons
from evalsuite.gates.criteria import Criterion
from evalsuite.gates.policy import Policy
from evalsuite.gates.rules import Proof
from evalsuite.gates.verdict import Gate, SliceVerdict, Status, Tier, Verdict, worst
from evalsuite.statistics import Estimate

ROUNDING = 1e-9
"""Slack for binary fractions: 3 failures in 20 keep a limit of 0.15. Far below what one case
in any panel changes."""


def decide(estimate: Estimate, criterion: Criterion) -> Status:
    """Return what an estimate says about a limit; the one decision rule of all gates."""
    # A limit says how much may be: on it passes, and only beyond it fails.
    limit = criterion.limit + ROUNDING
    harm = limit if criterion.harm is None else criterion.harm + ROUNDING
    # Surely beyond the limit and, by its value, beyond harm: between the two a person decides.
    if estimate.lower > limit and estimate.value > harm:
        return Status.FAILED
    shown = estimate.upper if criterion.proof is Proof.BOUND else estimate.value
    return Status.PASSED if shown <= limit else Status.INCONCLUSIVE


def combined(policy: Policy, gate: Gate, parts: Sequence[SliceVerdict]) -> Verdict:
    """Make the verdict: all blocking parts must pass, the binding one speaks for the gate."""
    # An advisory part speaks for a gate only where there is no blocking one, however bad it is.
    ordered = sorted(parts, key=lambda p: (p.tier is Tier.ADVISORY, *(-u for u in p.urgency)))
    blocking = [part for part in ordered if part.tier is Tier.BLOCKING]
    status = worst([part.status for part in blocking])
    binding = ordered[0]
    others = [part.name for part in blocking[1:] if part.status is not Status.PASSED]
    also = f" Also not passed: {reasons.listed(others)}." if others else ""
    return Verdict(
        gate=gate.value,
        status=status,
        value=binding.value,
        lower=binding.lower,
        upper=binding.upper,
        limit=binding.limit,
        n=binding.n,
        clusters=binding.clusters,
        method=binding.method,
        reason=binding.reason + also,
        tier=policy.rule(gate).tier,
        slices=tuple(ordered),
        smallest_detectable=binding.smallest_detectable,
    )
