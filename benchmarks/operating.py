"""How often a gate errs, simulated: at the margin, at twice the margin, and with no harm at all.

    python benchmarks/operating.py --adapter adapters/quickstart

Cases, clusters and slices are those of real panels (no model is asked); only their losses are
drawn: beta-binomial within clusters for rates, normal for nats. Exit status 1 when a target is
missed.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from figures import RESULTS, Bound, Figure, conclude

from evalsuite.gates import (
    Evidence,
    Gate,
    Observation,
    Policy,
    Status,
    hopeless,
    judge,
    load_policy,
    overall,
)
from evalsuite.pipeline import GateRequest
from evalsuite.qualification.perfect import perfect_candidate
from evalsuite.statistics import Sides, clopper_pearson

DISCORDANCE = 0.12
"""Share of pairs that differ though neither side is worse."""
RARE = 0.03
"""The same of leaks, of which two adapters that passed have few."""
SPREAD = 0.1
"""Standard deviation of a text's loss, in nats."""
ICCS = (0.0, 0.3)
TWICE = "twice the limit"
Array = np.ndarray[Any, np.dtype[np.float64]]
Draw = Callable[[Sequence[Observation], float, float, np.random.Generator], tuple[Observation, ...]]


def rates(cases: Sequence[Observation], mean: float, icc: float, rng: np.random.Generator) -> Array:
    """Draw failures of probability ``mean``, correlated within clusters; shape ``[cases]``."""
    place = {name: i for i, name in enumerate(dict.fromkeys(case.cluster for case in cases))}
    if icc > 0 and 0 < mean < 1:
        total = 1 / icc - 1
        drawn = rng.beta(mean * total, (1 - mean) * total, len(place))
    else:
        drawn = np.full(len(place), mean)
    chance = drawn[[place[case.cluster] for case in cases]]
    return (rng.random(len(cases)) < chance).astype(np.float64)


def failing(
    cases: Sequence[Observation], mean: float, icc: float, rng: np.random.Generator
) -> tuple[Observation, ...]:
    """The candidate fails at the rate ``mean``, and the baseline in the same cases."""
    losses = rates(cases, mean, icc, rng)
    return tuple(
        replace(c, candidate=float(x), baseline=float(x))
        for c, x in zip(cases, losses, strict=True)
    )


def differing(
    cases: Sequence[Observation],
    mean: float,
    icc: float,
    rng: np.random.Generator,
    *,
    least: float = DISCORDANCE,
) -> tuple[Observation, ...]:
    """The candidate fails ``mean`` more often than the baseline, on pairs that differ."""
    share = max(least, abs(mean) + 0.02)
    worse = rates(cases, (share + mean) / 2, icc, rng)
    better = rates(cases, (share - mean) / 2, icc, rng)
    return tuple(
        replace(c, candidate=max(w - b, 0.0), baseline=max(b - w, 0.0))
        for c, w, b in zip(cases, worse, better, strict=True)
    )


rarely = partial(differing, least=RARE)


def in_english(draw: Draw) -> Draw:
    """Apply a draw to the English cases only: languages are judged on their own."""

    def drawn(
        cases: Sequence[Observation], mean: float, icc: float, rng: np.random.Generator
    ) -> tuple[Observation, ...]:
        english = [case for case in cases if case.language == "en"]
        rest = [case for case in cases if case.language != "en"]
        return (*draw(english, mean, icc, rng), *rest)

    return drawn


def nats(
    cases: Sequence[Observation], mean: float, icc: float, rng: np.random.Generator
) -> tuple[Observation, ...]:
    """The candidate predicts texts ``mean`` nats a token worse."""
    place = {name: i for i, name in enumerate({case.cluster: None for case in cases})}
    shared = rng.normal(0, SPREAD * np.sqrt(icc), len(place))
    own = rng.normal(0, SPREAD * np.sqrt(1 - icc), len(cases))
    return tuple(
        replace(c, baseline=2.0, candidate=2.0 + mean + float(shared[place[c.cluster]] + x))
        for c, x in zip(cases, own, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a gate, and how to draw its losses."""

    gate: Gate
    name: str
    field: str
    limit: float
    draw: Draw
    harmless: float
    """Loss of a candidate that should pass."""


def parts(policy: Policy) -> tuple[Part, ...]:
    """Every part of the policy that promises a size by its bound."""
    gates = policy.gates
    leak, refer, forget = gates.example_leakage, gates.pronoun_resolution, gates.forgetting
    return (
        *against_champion(policy),
        Part(Gate.TEMPLATE_ROUND_TRIP, "answers", "control_tokens",
             gates.template_round_trip.answers.limit, failing, 0.0004),
        Part(Gate.EXAMPLE_LEAKAGE, "literal", "literal_leaks", leak.literal.limit, failing, 0.0),
        Part(Gate.EXAMPLE_LEAKAGE, "swap", "swap_leaks", leak.swap.limit, failing, 0.005),
        Part(Gate.PRONOUN_RESOLUTION, "failure_rate", "pronouns", refer.failure_rate.limit,
             failing, refer.failure_rate.limit / 2),
        Part(Gate.PRONOUN_RESOLUTION, "non_inferiority", "pronouns", refer.non_inferiority.limit,
             differing, 0.0),
        Part(Gate.FORGETTING, "skills/en", "skills", forget.skills.macro.limit,
             in_english(differing), 0.0),
        Part(Gate.FORGETTING, "text/en", "texts", forget.text.limit, in_english(nats), 0.0),
    )  # fmt: skip


def against_champion(policy: Policy) -> tuple[Part, ...]:
    """The parts of a comparison with a champion that decides; the base stands in for one."""
    rule, gate = policy.gates.regression, Gate.REGRESSION
    if rule is None or gate not in policy.required:
        return ()
    return (
        Part(gate, "leakage", "literal_leaks", rule.leakage.limit, rarely, 0.0),
        Part(gate, "pronouns", "pronouns", rule.pronouns.limit, differing, 0.0),
        Part(gate, "skills/en", "skills", rule.skills.limit, in_english(differing), 0.0),
        Part(gate, "text/en", "texts", rule.text.limit, in_english(nats), 0.0),
    )


def only(policy: Policy, gate: Gate) -> Policy:
    """The policy with one gate enabled."""
    rules = {
        name.value: rule.model_copy(update={"enabled": name is gate})
        for name in Gate
        if (rule := getattr(policy.gates, name.value)) is not None
    }
    return policy.model_copy(update={"gates": policy.gates.model_copy(update=rules)})


def first(evidence: Evidence, share: float) -> Evidence:
    """The first share of each panel and language."""

    def head(cases: Sequence[Observation]) -> tuple[Observation, ...]:
        kept: list[Observation] = []
        for language in sorted({case.language for case in cases}):
            of = [case for case in cases if case.language == language]
            kept += of[: int(np.ceil(share * len(of)))]
        return tuple(kept)

    lists = "literal_leaks swap_leaks control_leaks pronouns skills texts control_tokens".split()
    changed: dict[str, Any] = {name: head(getattr(evidence, name)) for name in lists}
    return replace(evidence, goldens={}, golden_leaks={}, **changed)


def interval(events: int, runs: int) -> list[float]:
    """Exact two-sided 95 % interval."""
    found = clopper_pearson(events, runs, sides=Sides.TWO)
    return [round(found.lower, 4), round(found.upper, 4)]


def with_cases(evidence: Evidence, part: Part, cases: Any) -> Evidence:
    """Return the evidence with other cases for one part."""
    field: dict[str, Any] = {part.field: cases}
    return replace(evidence, **field)


def stream(what: str, part: Part, number: float) -> np.random.Generator:
    """Return the random numbers of one row; no two rows share theirs."""
    name = f"{what}/{part.gate.value}/{part.name}/{number:.9g}"
    return np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:16], 16))


def size(part: Part, policy: Policy, clean: Evidence, runs: int, icc: float) -> dict[str, Any]:
    """How often the gate passes a candidate that is exactly at the margin of one part."""
    rng = stream("size", part, icc)
    gate, passed = only(policy, part.gate), 0
    for _ in range(runs):
        cases = part.draw(getattr(clean, part.field), part.limit, icc, rng)
        [verdict] = judge(gate, with_cases(clean, part, cases))
        passed += verdict.status is Status.PASSED
    return {
        "gate": part.gate.value, "part": part.name, "limit": part.limit, "icc": icc, "runs": runs,
        "passed": passed, "share": passed / runs, "interval": interval(passed, runs),
    }  # fmt: skip


def stopping(part: Part, policy: Policy, clean: Evidence, runs: int, loss: float) -> dict[str, Any]:
    """After which share of the panels a candidate of that loss is stopped."""
    assert policy.looks is not None
    rng = stream("stop", part, loss)
    gate, shares, blocked = only(policy, part.gate), [], 0
    for _ in range(runs):
        cases = part.draw(getattr(clean, part.field), loss, 0.0, rng)
        evidence = with_cases(clean, part, cases)
        early = next(
            (s for s in policy.looks.shares if hopeless(gate, first(evidence, s), s)), None
        )
        verdicts = () if early else judge(gate, evidence)
        blocked += bool(early) or overall(verdicts, gate.required) is not Status.PASSED
        shares.append(early or 1.0)
    early_stops = sum(share < 1 for share in shares)
    return {
        "gate": part.gate.value, "part": part.name, "loss": loss, "runs": runs,
        "median_share": float(np.median(shares)), "mean_share": float(np.mean(shares)),
        "stopped_early": early_stops, "stopped_interval": interval(early_stops, runs),
        "blocked": blocked,
    }  # fmt: skip


def print_sizes(sizes: Sequence[Mapping[str, Any]]) -> None:
    """Print how often a candidate exactly at each limit passed."""
    print("| gate | part | limit | ICC | passed | 95 % interval |\n|---|---|---|---|---|---|")
    for row in sizes:
        low, high = row["interval"]
        print(
            f"| {row['gate']} | {row['part']} | {row['limit']} | {row['icc']} | "
            f"{row['passed']} of {row['runs']} | {low} to {high} |"
        )


def print_stops(stops: Sequence[Mapping[str, Any]]) -> None:
    """Print after which share of its panel each part stopped."""
    print("\n| gate | part | loss | median share | stopped early | blocked |")
    print("|---|---|---|---|---|---|")
    for row in stops:
        print(
            f"| {row['gate']} | {row['part']} | {row['loss']} ({row['kind']}) | "
            f"{row['median_share']:.2f} | {row['stopped_early']} of {row['runs']} | "
            f"{row['blocked']} |"
        )
    print()


def figures(
    sizes: Sequence[Mapping[str, Any]], stops: Sequence[Mapping[str, Any]]
) -> Iterator[Figure]:
    """Yield the figures that have a target."""
    for row in sizes:
        yield Figure(
            name=f"false promotion, {row['part']}, ICC {row['icc']}",
            value=row["share"], bound=Bound.AT_MOST, target=0.05,
        )  # fmt: skip
    for row in stops:
        # No look stops a run for the sake of a champion.
        if row["kind"] == TWICE and row["gate"] != Gate.REGRESSION.value:
            yield Figure(
                name=f"share of a panel until twice the limit is blocked, {row['part']}",
                value=row["median_share"], bound=Bound.AT_MOST, target=0.35,
            )  # fmt: skip


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--adapter", type=Path, required=True, help="any adapter of the base")
    parser.add_argument("--base-model", default="nano")
    parser.add_argument("--policy", default="nano")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--looks", type=int, default=200, help="runs for each early stop")
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


def main() -> int:
    """Simulate, print, write."""
    args = arguments()
    policy = load_policy(args.policy).for_attempt(1)
    request = GateRequest(
        base_model=args.base_model, adapter=args.adapter, policy=args.policy, seed=1
    )
    clean = perfect_candidate(request).measured.evidence
    sizes = [size(part, policy, clean, args.runs, icc) for part in parts(policy) for icc in ICCS]
    print_sizes(sizes)
    stops = [
        {**stopping(part, policy, clean, args.looks, loss), "kind": kind}
        for part in parts(policy)
        for kind, loss in ((TWICE, 2 * part.limit), ("harmless", part.harmless))
    ]
    print_stops(stops)
    return conclude(
        list(figures(sizes, stops)),
        {
            "policy": load_policy(args.policy).digest,
            "confidence": policy.confidence,
            "sizes": sizes,
            "stops": stops,
        },
        args.out or RESULTS / f"operating-{args.policy}.json",
    )


if __name__ == "__main__":
    raise SystemExit(main())
