"""When a run may stop before its panels are complete: only to block, never to pass.

A pass is always judged on complete panels, so looking earlier cannot promote anything. A part of a
gate is *hopeless* in one of three ways: it is beyond its limit by a bound stricter than the usual
one; not even a remainder without any failure would let it pass; or a candidate as good as the
baseline would have looked this bad too rarely (a sequential test with exact errors).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from evalsuite.errors import InvalidInput
from evalsuite.gates.decision import ROUNDING
from evalsuite.gates.evidence import Evidence, distinct
from evalsuite.gates.judge import judge
from evalsuite.gates.policy import Looks, Policy
from evalsuite.gates.reasons import listed
from evalsuite.gates.verdict import Gate, Quantity, SliceVerdict, Status, Tier, Verdict
from evalsuite.statistics import Step, best_case_upper, early_blocking


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A part of a gate that cannot pass any more."""

    gate: str
    part: str
    why: str


def hopeless(
    policy: Policy, evidence: Evidence, share: float, *, answers: int | None = None
) -> tuple[Hopeless, ...]:
    """Return every blocking part that the first ``share`` of each panel already decides.

    Args:
        policy: with looks.
        evidence: what was seen so far.
        share: of every panel that was asked.
        answers: how many answers of the candidate the finished run will hold, golden cases
            included; None: as many as the share makes one expect.

    Raises:
        InvalidInput: the policy plans no looks, or ``share`` is none of 0 to 1.
    """
    looks = policy.looks
    if looks is None or not 0 < share <= 1:
        raise InvalidInput(f"share={share}: a look needs a policy with looks and a share above 0")
    # Looks share the error (Bonferroni): all together block a part at its limit with false_block.
    strict = policy.model_copy(update={"confidence": 1 - looks.false_block / len(looks.shares)})
    found: list[Hopeless] = []
    seen = {}
    if answers:
        seen[Gate.TEMPLATE_ROUND_TRIP] = len(distinct(evidence.control_tokens)) / answers
    # Whether it may replace the champion is for a whole run to tell: a candidate that keeps every
    # limit of its own is worth complete panels.
    looked = [gate for gate in policy.required if gate is not Gate.REGRESSION]
    both = (judge(by, evidence, only=looked) for by in (policy, strict))
    for usual, firm in zip(*both, strict=True):
        bounds = {part.name: part for part in firm.slices}
        found += _of_gate(policy, looks, usual, bounds, seen.get(Gate(usual.gate), share))
    return tuple(found)


def _of_gate(
    policy: Policy, looks: Looks, verdict: Verdict, firm: dict[str, SliceVerdict], share: float
) -> Iterator[Hopeless]:
    for part in verdict.slices:
        if (
            part.tier is Tier.BLOCKING
            and part.value is not None
            and part.status is not Status.PASSED
        ):
            # The first that holds is told: what is proven before what is only unlikely.
            why = (
                _beyond(firm[part.name])
                or _beyond_repair(policy, part, share)
                or _unlikely(looks, part, share)
            )
            if why:
                yield Hopeless(verdict.gate, part.name, why)


def _beyond(part: SliceVerdict) -> str:
    """Whether the strict lower bound lies beyond the limit."""
    beyond = part.lower is not None and part.lower > part.limit + ROUNDING
    return "it is surely beyond its limit" if beyond else ""


def _beyond_repair(policy: Policy, part: SliceVerdict, share: float) -> str:
    """Whether a rate cannot pass even if nothing fails any more.

    Not for a slice that passes by its value: it need not make up the same share of its panel.
    """
    if part.quantity is not Quantity.RATE or part.by_value:
        return ""
    if part.value is None or part.effective_n is None:
        return ""
    best = best_case_upper(part.value, part.effective_n, share, policy.confidence)
    return "even without a further failure it could not pass" * (best > part.limit + ROUNDING)


def _unlikely(looks: Looks, part: SliceVerdict, share: float) -> str:
    """Whether a candidate as good as the baseline would hardly have come this far behind."""
    wanted = part.quantity is Quantity.DIFFERENCE and not part.by_value and part.limit > 0
    if not wanted or part.value is None or not part.effective_n or not part.spread:
        return ""
    # A difference at the limit takes at least that share of pairs that differ.
    differing = max(part.spread**2, part.limit)
    if differing > 1:
        return ""
    whole = part.effective_n / share
    # In independent pairs, as the part is judged; rounding may make two early looks one.
    sizes = sorted({max(1, round(whole * planned)) for planned in (*looks.shares, 1.0)})
    plan = early_blocking(
        Step.paired(part.limit, differing),
        Step.paired(0.0, differing),
        sizes,
        false_block=looks.false_block,
    )
    behind = plan.blocks(part.value * part.effective_n, part.effective_n)
    return "a candidate as good as the baseline would hardly be this far behind" * behind


def stopped(
    verdicts: Iterable[Verdict], found: Iterable[Hopeless], share: float
) -> tuple[Verdict, ...]:
    """Return the verdicts of a run that stopped at a look, each saying so.

    None that has a panel passes: a part of a panel was never meant to prove anything.
    """
    # Of several parts of a gate the first one is told, so it is written last.
    why = {item.gate: f"{item.part}: {item.why}" for item in reversed(tuple(found))}
    causes = listed([f"{gate}, {reason}" for gate, reason in why.items()])
    told = f"The run stopped after {100 * share:g} % of its panels"
    return tuple(
        replace(
            verdict,
            status=_of_a_part(verdict),
            reason=(
                f"{told}, because of {why[verdict.gate]}. {verdict.reason}"
                if verdict.gate in why
                else f"{told}, because of {causes}; until then: {verdict.reason}"
            ),
        )
        for verdict in verdicts
    )


def _of_a_part(verdict: Verdict) -> Status:
    passed = verdict.status is Status.PASSED and verdict.gate != Gate.LIVENESS
    return Status.INCONCLUSIVE if passed else verdict.status
