"""The five ways in which a part of a gate is judged.

A missing measurement or an empty panel never passes; it does not hide proven harm either. All
functions are pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from evalsuite.gates import reasons
from evalsuite.gates.criteria import Criterion
from evalsuite.gates.decision import ROUNDING, decide
from evalsuite.gates.evidence import Check, Observation, distinct
from evalsuite.gates.part import Part
from evalsuite.gates.rules import Proof
from evalsuite.gates.verdict import Quantity, SliceVerdict, Status
from evalsuite.statistics import (
    Estimate,
    clustered_rate,
    more_cases_for_difference,
    more_cases_for_mean,
    more_cases_for_rate,
    paired_difference,
    paired_mean,
    smallest_detectable_difference,
    smallest_detectable_rate,
)


def judge_rate(criterion: Criterion, observations: Sequence[Observation]) -> SliceVerdict:
    """Judge the candidate's failure rate."""
    cases = distinct(observations)
    measured = [case for case in cases if case.candidate is not None]
    if not measured:
        return _not_measured(criterion, len(cases))
    estimate = clustered_rate(
        [case.candidate or 0.0 for case in measured],
        [case.cluster for case in measured],
        criterion.confidence,
        assumed_icc=criterion.assumed_icc,
    )
    status = decide(estimate, criterion)
    more = _more(status, more_cases_for_rate, estimate, criterion.limit)
    reason = reasons.rate_reason(criterion.subject, estimate, criterion.limit, status, more)
    rate = smallest_detectable_rate(
        estimate.effective_n,
        criterion.limit,
        power=criterion.power,
        confidence=criterion.confidence,
    )
    detectable = None if rate is None else rate - criterion.limit
    found = (status, reason)
    return _settle(criterion, estimate, found, len(cases), detectable, Quantity.RATE)


def judge_paired(
    criterion: Criterion, observations: Sequence[Observation], *, macro: bool = False
) -> SliceVerdict:
    """Judge how much more often the candidate fails than the baseline, case by case.

    With ``macro`` every group of cases has the same say, however many cases it has.
    """
    cases = distinct(observations)
    measured = _paired(cases)
    if not measured:
        return _not_measured(criterion, len(cases))
    weights = _macro_weights(measured) if macro else [1.0] * len(measured)
    estimate = paired_difference(
        [case.candidate or 0.0 for case in measured],
        [case.baseline or 0.0 for case in measured],
        [case.cluster for case in measured],
        criterion.confidence,
        weights=weights if macro else None,
        assumed_icc=criterion.assumed_icc,
    )
    status = decide(estimate, criterion)
    more = _more(status, more_cases_for_difference, estimate, criterion.limit)
    reason = reasons.paired_reason(
        criterion.subject, estimate, criterion.limit, status, more, criterion.against
    )
    lost = sum(w * (case.baseline or 0.0) for w, case in zip(weights, measured, strict=True))
    success = 1 - lost / sum(weights)
    # A baseline that fails has nothing to lose to; harm that was proven all the same stays.
    if status is not Status.FAILED and success < criterion.floor - ROUNDING:
        status = Status.INCONCLUSIVE
        reason = reasons.nothing_to_lose(criterion.subject, success, criterion.floor)
    detectable = smallest_detectable_difference(
        estimate.effective_n,
        # No differing pair seen is no proof that there are none: plan with one.
        max(estimate.spread, math.sqrt(1 / estimate.effective_n)),
        power=criterion.power,
        confidence=criterion.confidence,
    )
    found = (status, reason)
    return _settle(criterion, estimate, found, len(cases), detectable, Quantity.DIFFERENCE)


def judge_mean(
    criterion: Criterion,
    observations: Sequence[Observation],
    quantity: Quantity = Quantity.NATS,
) -> SliceVerdict:
    """Judge how much larger the candidate's mean loss is than the baseline's."""
    cases = distinct(observations)
    measured = _paired(cases)
    clusters = {case.cluster for case in measured}
    # How a mean varies between clusters takes two of them.
    if len(clusters) < 2:
        return _not_measured(criterion, len(cases))
    estimate = paired_mean(
        [case.candidate or 0.0 for case in measured],
        [case.baseline or 0.0 for case in measured],
        [case.cluster for case in measured],
        criterion.confidence,
    )
    status = decide(estimate, criterion)
    more = _more(status, more_cases_for_mean, estimate, criterion.limit)
    limits = criterion.limit, criterion.limit if criterion.harm is None else criterion.harm
    explain = reasons.words_reason if quantity is Quantity.WORDS else reasons.mean_reason
    reason = explain(criterion.subject, estimate, limits, status, more, criterion.against)
    detectable = smallest_detectable_difference(
        estimate.effective_n,
        estimate.spread,
        power=criterion.power,
        confidence=criterion.confidence,
    )
    found = (status, reason)
    return _settle(criterion, estimate, found, len(cases), detectable, quantity)


def judge_census(
    criterion: Criterion,
    observations: Sequence[Observation],
    *,
    of: str = "hand-written cases",
    lost: Mapping[str, int] = MappingProxyType({}),
) -> SliceVerdict:
    """Judge a fixed list of cases: every case counts, nothing is estimated.

    Args:
        criterion: what is asked.
        observations: the cases.
        of: what they are, for the reason.
        lost: in what way they failed and how many each, for the reason.
    """
    cases = distinct(observations)
    failures = sum(case.candidate or 0.0 for case in cases)
    missing = sum(case.candidate is None for case in cases)
    measured = len(cases) - missing
    value = failures / measured if measured else None
    said = f"{criterion.subject} in {failures:g} of {len(cases)} {of}"
    notes = [", ".join(f"{name} {n}" for name, n in lost.items())] if lost else []
    compared = [case.baseline for case in cases if case.baseline is not None]
    if compared:
        notes.append(f"baseline: {sum(compared):g} of {len(compared)}")
    if notes:
        said += f" ({'; '.join(notes)})"
    # Of all cases, measured or not: what is missing may have succeeded, and this is too many still.
    if cases and failures / len(cases) > criterion.limit + ROUNDING:
        status, reason = Status.FAILED, f"{said}; at most {reasons.percent(criterion.limit)} may."
    elif missing or not cases:
        status = Status.INCONCLUSIVE
        reason = reasons.unmeasured(criterion.name, missing, len(cases))
    elif len(cases) < criterion.minimum:
        status = Status.INCONCLUSIVE
        reason = reasons.too_few(criterion.name, len(cases), criterion.minimum)
    else:
        status, reason = Status.PASSED, f"{said}; up to {reasons.percent(criterion.limit)} may."
    return SliceVerdict(
        name=criterion.name,
        status=status,
        value=value,
        lower=value,
        upper=value,
        limit=criterion.limit,
        n=len(cases),
        clusters=len({case.cluster for case in cases}),
        method="every case of a fixed list; no sampling, no interval",
        reason=reason,
        tier=criterion.tier,
    )


def judge_checks(part: Part, subject: str, checks: Sequence[Check], minimum: int) -> SliceVerdict:
    """Judge questions with a yes or a no: one no fails, an unasked one is no pass."""
    broken = [check for check in checks if check.ok is False]
    unasked = [check for check in checks if check.ok is None]
    value = len(broken) / len(checks) if checks else None
    if broken:
        status = Status.FAILED
        reason = f"{len(broken)} of {len(checks)} {subject} failed: {_detailed(broken)}."
    elif unasked or not checks:
        status = Status.INCONCLUSIVE
        reason = reasons.unmeasured(subject, len(unasked), len(checks))
        reason += f" Not measured: {_detailed(unasked)}." if unasked else ""
    elif len(checks) < minimum:
        status = Status.INCONCLUSIVE
        reason = f"Only {len(checks)} {subject} were seen; the policy asks for {minimum}."
    else:
        status, reason = Status.PASSED, f"All {len(checks)} {subject} passed."
    return SliceVerdict(
        name=str(part),
        status=status,
        value=value,
        lower=value,
        upper=value,
        limit=0.0,
        n=len(checks),
        clusters=len(checks),
        method="zero tolerance: one violation fails, nothing is estimated",
        reason=reason,
    )


def _detailed(checks: Sequence[Check]) -> str:
    return reasons.listed([f"{c.name} ({c.detail})" if c.detail else c.name for c in checks])


def _settle(
    criterion: Criterion,
    estimate: Estimate,
    decision: tuple[Status, str],
    cases: int,
    detectable: float | None,
    quantity: Quantity,
) -> SliceVerdict:
    """Lower a pass that stands on missing or too few measurements, and write the slice."""
    status, reason = decision
    if status is not Status.FAILED and estimate.n < cases:
        status = Status.INCONCLUSIVE
        reason = reasons.unmeasured(criterion.name, cases - estimate.n, cases)
    elif status is Status.PASSED and estimate.n < criterion.minimum:
        status = Status.INCONCLUSIVE
        reason = reasons.too_few(criterion.name, estimate.n, criterion.minimum)
    return SliceVerdict(
        name=criterion.name,
        status=status,
        value=estimate.value,
        lower=estimate.lower,
        upper=estimate.upper,
        limit=criterion.limit,
        n=estimate.n,
        clusters=estimate.clusters,
        method=estimate.method,
        reason=reason,
        tier=criterion.tier,
        smallest_detectable=detectable,
        by_value=criterion.proof is Proof.VALUE,
        quantity=quantity,
        effective_n=estimate.effective_n,
        spread=estimate.spread,
    )


def _more(
    status: Status, plan: Callable[[Estimate, float], int | None], estimate: Estimate, limit: float
) -> int | None:
    """Return how many more cases would settle what is open."""
    return plan(estimate, limit) if status is Status.INCONCLUSIVE else None


def _not_measured(criterion: Criterion, cases: int) -> SliceVerdict:
    return SliceVerdict(
        name=criterion.name,
        status=Status.INCONCLUSIVE,
        value=None,
        lower=None,
        upper=None,
        limit=criterion.limit,
        n=0,
        clusters=0,
        method="not measured",
        reason=reasons.unmeasured(criterion.name, cases, cases),
        tier=criterion.tier,
    )


def _paired(cases: Sequence[Observation]) -> list[Observation]:
    return [case for case in cases if case.candidate is not None and case.baseline is not None]


def _macro_weights(cases: Sequence[Observation]) -> list[float]:
    sizes: dict[str, int] = {}
    for case in cases:
        sizes[case.kind] = sizes.get(case.kind, 0) + 1
    return [1 / sizes[case.kind] for case in cases]
