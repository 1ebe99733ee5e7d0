"""Evidence of a good candidate, from which tests plant defects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evalsuite.gates import Check, Evidence, Observation, Policy

KINDS = ("single", "comparison", "ordinal", "standalone", "plural", "person")
SKILLS = ("copy", "reverse", "count", "add")


def observations(
    name: str,
    n: int,
    *,
    failing: int = 0,
    baseline_failing: int | None = None,
    languages: tuple[str, ...] = ("en", "zh"),
    groups: tuple[str, ...] = KINDS,
) -> tuple[Observation, ...]:
    """``n`` cases per language, each its own cluster; failures spread over the groups."""
    return tuple(
        Observation(
            case_id=f"{name}-{language}-{index:04d}",
            cluster=f"{language}-{index}",
            language=language,
            kind=groups[index % len(groups)],
            candidate=float(index < failing),
            baseline=None if baseline_failing is None else float(index < baseline_failing),
        )
        for language in languages
        for index in range(n)
    )


def changed(evidence: Evidence, **parts: Any) -> Evidence:
    """The evidence with some parts replaced, by names that a test computes."""
    return replace(evidence, **parts)


def texts(n: int, loss: float) -> tuple[Observation, ...]:
    """General texts on which the candidate loses ``loss`` nats, give or take 0.02."""
    return tuple(
        replace(case, kind="text", candidate=2.0 + loss + 0.02 * (-1) ** index, baseline=2.0)
        for index, case in enumerate(observations("text", n))
    )


def without_champion(policy: Policy) -> Policy:
    """The same policy, which compares with no champion."""
    gates = policy.gates.model_copy(update={"regression": None})
    return policy.model_copy(update={"gates": gates})


def good() -> Evidence:
    """What a candidate without a defect leaves, on panels of the size that nano asks for."""
    return Evidence(
        liveness=tuple(Check(name, True) for name in ("loaded", "base", "differs", "restores")),
        literal_leaks=observations("literal", 300, failing=1),
        swap_leaks=observations("swap", 300, failing=2),
        control_leaks=observations("control", 300),
        pronouns=observations("pronoun", 300, failing=12, baseline_failing=150),
        goldens={
            "nano": observations("nano", 20, failing=1),
            "everyday": observations("everyday", 40, failing=38),
        },
        golden_leaks={
            "nano": observations("nano", 26),
            "everyday": observations("everyday", 60, failing=4),
        },
        template_properties=tuple(Check(f"R{number}", True) for number in range(1, 11)),
        round_trips=observations("trip", 50),
        control_tokens=observations("answer", 900, failing=1),
        endings=observations("answer", 900, failing=1),
        skills=observations("skill", 400, failing=20, baseline_failing=18, groups=SKILLS),
        texts=texts(100, 0.01),
    )
