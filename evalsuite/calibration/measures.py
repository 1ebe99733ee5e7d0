"""What a policy limits, as the evidence of a reference shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from evalsuite.calibration.limits import LEAST, Measure, Unit
from evalsuite.cases import Kind, Language
from evalsuite.gates import Evidence, Observation, Policy, Proof, SliceBy
from evalsuite.gates.rules import LeakageRule, PronounRule
from evalsuite.statistics import Estimate, clustered_rate, paired_difference, paired_mean


def measures(
    policy: Policy, languages: Sequence[Language], evidence: Evidence
) -> Iterator[Measure]:
    """Everything that the policy limits and that follows from cases that are drawn."""
    rules, confidence = policy.gates, policy.confidence
    leaks, rewrites = rules.example_leakage, rules.pronoun_resolution
    rates = (
        ("example_leakage.literal", evidence.literal_leaks, leaks.literal.limit, leaks),
        ("example_leakage.swap", evidence.swap_leaks, leaks.swap.limit, leaks),
        (
            "pronoun_resolution.failure_rate",
            evidence.pronouns,
            rewrites.failure_rate.limit,
            rewrites,
        ),
    )
    for name, cases, limit, rule in rates:
        seen = [case for case in cases if case.candidate is not None]
        if not seen:
            continue
        whole = Measure(
            name=name,
            unit=Unit.RATE,
            estimate=_rate(seen, confidence, rule.assumed_icc),
            limit=limit,
            panel=sum(rule.panel.values()),
            clusters=None if rule is leaks else _clusters(seen),
            least=_least(rule),
        )
        yield whole
        if name != "example_leakage.swap":
            yield from _of_languages(whole, rule, seen, confidence)
    paired = [c for c in evidence.pronouns if None not in (c.candidate, c.baseline)]
    if paired:
        yield Measure(
            name="pronoun_resolution.non_inferiority",
            unit=Unit.DIFFERENCE,
            estimate=_difference(paired, confidence, rewrites.assumed_icc),
            limit=rewrites.non_inferiority.limit,
            panel=sum(rewrites.panel.values()),
            clusters=_clusters(paired),
            least=_least(rewrites),
        )
    yield from _forgotten(policy, languages, evidence)


def _forgotten(
    policy: Policy, languages: Sequence[Language], evidence: Evidence
) -> Iterator[Measure]:
    rule, confidence = policy.gates.forgetting, policy.confidence
    for language in languages:
        skills = [
            case
            for case in evidence.skills
            if case.language == language and None not in (case.candidate, case.baseline)
        ]
        if skills:
            yield Measure(
                name=f"forgetting.skills.{language}",
                unit=Unit.DIFFERENCE,
                estimate=_difference(skills, confidence, rule.assumed_icc),
                limit=rule.skills.macro.limit,
                panel=rule.panel.get(language, len(skills)),
                language=language.value,
                least=rule.skills.single.minimum * len({case.kind for case in skills}),
            )
        texts = [
            case
            for case in evidence.texts
            if case.language == language and None not in (case.candidate, case.baseline)
        ]
        if len({case.cluster for case in texts}) > 1:
            yield Measure(
                name=f"forgetting.text.{language}",
                unit=Unit.DIFFERENCE,
                estimate=paired_mean(*paired_losses(texts), confidence),
                limit=rule.text.limit,
                panel=rule.text.panel.get(language, len(texts)),
                language=language.value,
            )


def _clusters(cases: Sequence[Observation]) -> int:
    return len({case.cluster for case in cases})


def _least(rule: LeakageRule | PronounRule) -> int:
    """The cases with which every kind that decides by its own value has as many as it needs."""
    kinds = [s.minimum for s in rule.slices if s.by is SliceBy.KIND]
    return max([LEAST, *(len(Kind) * minimum for minimum in kinds)])


def _of_languages(
    whole: Measure, rule: LeakageRule | PronounRule, seen: Sequence[Observation], confidence: float
) -> Iterator[Measure]:
    """The same for each language, where the policy limits that by a bound."""
    sliced = [s for s in rule.slices if s.by is SliceBy.LANGUAGE and s.proof is Proof.BOUND]
    for limit in sliced:
        for language, n in rule.panel.items():
            cases = [case for case in seen if case.language == language]
            if cases and (not limit.only or language in limit.only):
                yield replace(
                    whole,
                    name=f"{whole.name}.{language}",
                    estimate=_rate(cases, confidence, rule.assumed_icc),
                    limit=limit.limit,
                    panel=n,
                    language=language.value,
                    clusters=None if whole.clusters is None else _clusters(cases),
                    least=LEAST,
                )


def paired_losses(cases: Sequence[Observation]) -> tuple[list[float], list[float], list[str]]:
    """The losses of reference and base, and the clusters, of the cases that have both."""
    kept = [c for c in cases if c.candidate is not None and c.baseline is not None]
    return (
        [float(c.candidate or 0.0) for c in kept],
        [float(c.baseline or 0.0) for c in kept],
        [c.cluster for c in kept],
    )


def _rate(cases: Sequence[Observation], confidence: float, icc: float) -> Estimate:
    losses = [float(case.candidate or 0.0) for case in cases]
    return clustered_rate(losses, [c.cluster for c in cases], confidence, assumed_icc=icc)


def _difference(cases: Sequence[Observation], confidence: float, icc: float) -> Estimate:
    return paired_difference(*paired_losses(cases), confidence, assumed_icc=icc)
