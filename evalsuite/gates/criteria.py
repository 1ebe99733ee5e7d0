"""What every gate is put together from: criteria of a policy, groups of cases, the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from evalsuite.gates import reasons
from evalsuite.gates.decision import Criterion
from evalsuite.gates.evidence import Observation
from evalsuite.gates.policy import Policy
from evalsuite.gates.rules import ClusteredRule, Limit, NatsLimit, SliceBy, SliceLimit
from evalsuite.gates.verdict import Gate, SliceVerdict, Status, Tier, Verdict, worst

Observations = Sequence[Observation]


def asker(policy: Policy, rule: ClusteredRule) -> Callable[..., Criterion]:
    """Return a function that makes criteria with the policy's confidence."""

    def ask(name: str, subject: str, limit: Limit, tier: Tier = Tier.BLOCKING) -> Criterion:
        return Criterion(
            name=name,
            subject=subject,
            limit=limit.limit,
            proof=limit.proof,
            minimum=limit.minimum,
            tier=tier,
            confidence=policy.confidence,
            power=policy.power,
            assumed_icc=rule.assumed_icc,
        )

    return ask


def text_criterion(
    policy: Policy, rule: ClusteredRule, limits: NatsLimit, language: str
) -> Criterion:
    """Return the criterion of general text in one language, in nats per token."""
    return Criterion(
        name=f"text/{language}",
        subject=f"general text in {language}",
        limit=limits.limit,
        harm=limits.harm,
        confidence=policy.confidence,
        power=policy.power,
        assumed_icc=rule.assumed_icc,
    )


def languages(panel: Mapping[Any, int], cases: Observations) -> list[str]:
    """Return the languages that the policy asks for and those that were measured."""
    return sorted({str(language) for language in panel} | {case.language for case in cases})


def absent_languages(panel: Mapping[Any, int], cases: Observations) -> list[str]:
    """Return each language that the policy asks for and no case has, where there are cases."""
    seen = {case.language for case in cases}
    return [str(language) for language in panel if cases and str(language) not in seen]


def grouped(
    rules: Sequence[SliceLimit], cases: Observations
) -> Iterator[tuple[SliceLimit, str, list[Observation]]]:
    """Yield every group of cases with the slice rule that is about it and the group's name."""
    for rule in rules:
        named = {name for other in rules if other.by is rule.by for name in other.only}
        groups: dict[str, list[Observation]] = {name: [] for name in rule.only}
        for case in cases:
            key = _group(rule.by, case)
            if key in rule.only or (not rule.only and key not in named):
                groups.setdefault(key, []).append(case)
        for key in sorted(groups):
            yield rule, key, groups[key]


def _group(by: SliceBy, case: Observation) -> str:
    keys = {
        SliceBy.KIND: case.group,
        SliceBy.LANGUAGE: case.language,
        SliceBy.KIND_LANGUAGE: f"{case.group}+{case.language}",
    }
    return keys[by]


def combined(policy: Policy, gate: Gate, parts: Sequence[SliceVerdict]) -> Verdict:
    """Make the verdict: all blocking parts must pass, the binding one speaks for the gate."""
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
