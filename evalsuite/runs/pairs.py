"""What is made of the pairs of two runs: observations, groups of them, and a verdict on each.

A pair is one case with what a gate's detectors said of both candidates, the earlier run's first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from evalsuite.detectors import SHARES
from evalsuite.gates import (
    Criterion,
    Observation,
    Part,
    Quantity,
    SliceVerdict,
    Status,
    Topic,
    judge_paired,
)
from evalsuite.rewrites import Standard
from evalsuite.runs import CaseRow, ScoreRow, Side, Unit
from evalsuite.runs.folder import Run
from evalsuite.statistics import ASSUMED_ICC

_POWER = 0.9


def judging(confidence: float, icc: float, margin: float) -> Callable[..., SliceVerdict]:
    """Return a function that judges the pairs of a part, by ``margin`` unless told otherwise."""

    def judged(
        part: Part,
        observations: Sequence[Observation],
        limit: float = margin,
        rule: Callable[..., SliceVerdict] = judge_paired,
    ) -> SliceVerdict:
        criterion = Criterion(
            part=part,
            subject=str(part),
            limit=limit,
            confidence=confidence,
            power=_POWER,
            assumed_icc=icc,
        )
        verdict = rule(criterion, observations)
        return replace(verdict, reason=_sentence(verdict, len(observations)))

    return judged


def _sentence(verdict: SliceVerdict, pairs: int) -> str:
    """One sentence about a comparison."""
    if verdict.value is None or verdict.lower is None or verdict.upper is None:
        return f"None of {pairs} pairs was measured on both sides."
    scale, unit = (1, "nats per token") if verdict.quantity is Quantity.NATS else (100, "points")
    value, low, high, limit = (
        scale * number for number in (verdict.value, verdict.lower, verdict.upper, verdict.limit)
    )
    allowed = f"up to {limit:+.3g} are allowed"
    missing = f"; {pairs - verdict.n} more pairs lack a measurement" if verdict.n < pairs else ""
    said = {
        Status.PASSED: f"No worse: {value:+.3g} {unit}, surely at most {high:+.3g}; {allowed}",
        Status.FAILED: f"Worse: {value:+.3g} {unit}, surely at least {low:+.3g}; {allowed}",
        Status.INCONCLUSIVE: f"Undecided: {value:+.3g} {unit}, somewhere from {low:+.3g} to "
        f"{high:+.3g}; {allowed}",
    }[verdict.status]
    return f"{said}{missing}."


def settings(run: Run, gate: str) -> tuple[float, float]:
    """What the policy of a run assumes: confidence, and how alike the cases of a cluster are."""
    policy = run.info.policy.resolved
    gates = policy.get("gates")
    section = gates.get(gate) if isinstance(gates, dict) else None
    icc = section.get("assumed_icc") if isinstance(section, dict) else None
    confidence = policy.get("confidence")
    return (
        confidence if isinstance(confidence, float) else 0.95,
        icc if isinstance(icc, float) else ASSUMED_ICC,
    )


def in_nats(scores: Sequence[ScoreRow]) -> bool:
    return any(score.unit is Unit.NATS for score in scores)


def loss_of(scores: Sequence[ScoreRow]) -> float | None:
    """The worst of a case's losses; None where one is missing and none is a defect.

    Nothing at all is what a gate writes down that keeps its defects only.
    """
    values = [score.value for score in scores]
    if not values:
        return 0.0
    known = [value for value in values if value is not None]
    if not known or (len(known) < len(values) and max(known) < 0.5):
        return None
    return max(known)


def observation(case: CaseRow, old: Sequence[ScoreRow], new: Sequence[ScoreRow]) -> Observation:
    return Observation(
        case_id=f"{case.panel}/{case.case_id}",
        cluster=case.cluster or case.case_id,
        language=case.language,
        kind=case.kind,
        candidate=loss_of(new),
        baseline=loss_of(old),
    )


def groups(observations: Sequence[Observation]) -> list[tuple[Part, list[Observation]]]:
    """The observations of each language, then those of each kind, both in order of their names."""
    languages: dict[Part, list[Observation]] = {}
    kinds: dict[Part, list[Observation]] = {}
    for seen in observations:
        languages.setdefault(Part(Topic.LANGUAGE, language=seen.language), []).append(seen)
        kinds.setdefault(Part(Topic.KIND, kind=seen.kind), []).append(seen)
    return [pair for by in (languages, kinds) for pair in sorted(by.items(), key=_name)]


def word_pairs(
    before: Run, after: Run, same: Iterable[CaseRow]
) -> list[tuple[Part, list[Observation]]]:
    """The shares of words lost and new, by set, where people worded the rewrites as they liked.

    Each alone says nothing there; that one run's are larger than another's on the same cases does.
    """
    free = {(case.panel, case.case_id): case for case in same if case.standard is Standard.FREE}
    old, new = _shares(before), _shares(after)
    found: dict[Part, list[Observation]] = {}
    for detector in SHARES:
        for place, case in free.items():
            one, other = old.get((detector, *place)), new.get((detector, *place))
            if one is not None and other is not None:
                part = Part(Topic(detector.value), golden_set=case.panel)
                found.setdefault(part, []).append(observation(case, (one,), (other,)))
    return sorted(found.items(), key=_name)


def _shares(run: Run) -> dict[tuple[str, str, str], ScoreRow]:
    """The candidate's shares of words, by detector, panel and case."""
    return {
        (score.detector, score.panel, score.case_id): score
        for score in run.scores
        if score.unit is Unit.SHARE and score.side is Side.CANDIDATE
    }


def _name(group: tuple[Part, list[Observation]]) -> str:
    return str(group[0])
