"""What became of every case: one rule for all reports that say regressed, fixed or still failing.

A case is compared with the champion where the run has one, else with the base, and only by
detectors that measured both sides. What only the candidate was asked (a counterfactual prompt, a
property of the template) is failing or good, and not compared. The sampled part of a gate, each
hand-written set and each kind that a policy sets aside stand on their own, as the gate judges them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.runs import PROPERTIES, REGRESSIONS, ScoreRow, Side, Tier, Unit
from evalsuite.runs.comparison import DEFECTS_ONLY
from evalsuite.runs.folder import TOKENS, Run

Place = tuple[str, str]
"""Panel and case id."""
_SCORED = "scored"


class Outcome(StrEnum):
    """What became of a case, the most urgent first."""

    REGRESSED = "regressed"
    """A defect that the other side does not have."""
    FAILING = "failing, not compared"
    """A defect of which the other side was not asked."""
    STILL_FAILING = "still failing"
    """A defect on both sides."""
    FIXED = "fixed"
    """A defect of the other side only."""
    GOOD = "good, not compared"
    """No defect; the other side was not asked, or not measured."""
    UNCHANGED = "unchanged"
    """Good on both sides."""

    @property
    def failing(self) -> bool:
        """Whether the candidate has the defect."""
        return self in (Outcome.REGRESSED, Outcome.FAILING, Outcome.STILL_FAILING)

    @property
    def urgency(self) -> int:
        """Position in the order of urgency; 0 first."""
        return list(Outcome).index(self)

    @property
    def slug(self) -> str:
        """A name for classes of a style sheet."""
        return self.value.replace(",", "").replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Standing:
    """One case under one gate."""

    outcome: Outcome
    scores: tuple[ScoreRow, ...]
    """Of the candidate; empty where a gate keeps its defects only and there is none."""
    before: tuple[ScoreRow, ...]
    """Defects of the other side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Every case of a run."""

    against: Side
    whom: str
    """The same in words: ``the base``, ``the champion (record 3)``, ``the adapter NAME``."""
    cases: Mapping[Place, Mapping[str, Standing]]
    """Case to part to what became of it there. A part is a gate, or ``gate/set``."""
    unmeasured: Mapping[str, int]
    """Part to cases of which the candidate lacks a measurement, and no defect was found."""
    advisory: frozenset[str]
    """Parts that do not decide."""

    @property
    def counts(self) -> Mapping[str, Mapping[Outcome, int]]:
        """Part to cases with each outcome, in the order of the parts' names."""
        found: dict[str, Counter[Outcome]] = {}
        for by_part in self.cases.values():
            for part, standing in by_part.items():
                found.setdefault(part, Counter())[standing.outcome] += 1
        for part in self.unmeasured:
            found.setdefault(part, Counter())
        return {part: {o: n[o] for o in Outcome} for part, n in sorted(found.items())}


def outcome(now: Mapping[str, bool], before: Mapping[str, bool]) -> Outcome:
    """Return what became of a case, from detector to whether it found a defect, on each side."""
    shared = now.keys() & before.keys()
    failing = any(now.values())
    if not shared:
        return Outcome.FAILING if failing else Outcome.GOOD
    was, is_ = any(before[name] for name in shared), any(now[name] for name in shared)
    if was:
        return Outcome.STILL_FAILING if failing else Outcome.FIXED
    if is_:
        return Outcome.REGRESSED
    return Outcome.FAILING if failing else Outcome.UNCHANGED


def standings(run: Run) -> Standings:
    """Return what became of every case of ``run``."""
    against = Side.CHAMPION if run.info.champion else Side.BASELINE
    lists, aside = golden_lists(run), kinds_aside(run)
    mine: dict[tuple[Place, str], list[ScoreRow]] = {}
    theirs: dict[tuple[Place, str], list[ScoreRow]] = {}
    for score in run.scores:
        if score.unit is Unit.DEFECT and not score.control:
            key = (score.panel, score.case_id), part_of(score, lists, aside)
            if score.side is Side.CANDIDATE:
                mine.setdefault(key, []).append(score)
            elif score.side is against:
                theirs.setdefault(key, []).append(score)
    found: dict[Place, dict[str, Standing]] = {}
    unmeasured: Counter[str] = Counter()
    for (place, part), scores in (mine | _silent(run, mine)).items():
        standing = _standing(run, place, part, scores, theirs.get((place, part), []), against)
        if standing is None:
            unmeasured[part] += 1
        elif part != f"{DEFECTS_ONLY}/{PROPERTIES}" or standing.outcome.failing:
            found.setdefault(place, {})[part] = standing
    return Standings(
        against=against,
        whom=_whom(run),
        cases=found,
        unmeasured=dict(unmeasured),
        advisory=frozenset(_advisory(run, lists, aside)),
    )


def _whom(run: Run) -> str:
    champion = run.info.champion
    if champion is None:
        return "the base"
    if champion.record:
        return f"the champion (record {champion.sequence})"
    return f"the adapter {champion.path.rsplit('/', 1)[-1]}"


def golden_lists(run: Run) -> Mapping[str, Mapping[str, Tier]]:
    """The hand-written sets that gates judged on their own: gate to set to its tier."""
    found: dict[str, dict[str, Tier]] = {}
    for verdict in run.verdicts:
        for part in verdict.slices:
            kind, _, name = part.name.partition("/")
            if kind == "goldens":
                found.setdefault(verdict.gate, {})[name] = part.tier
    return found


def kinds_aside(run: Run) -> Mapping[str, frozenset[str]]:
    """The kinds of drawn cases that the policy shows and lets decide nothing, by gate."""
    rules = run.info.policy.resolved.get("gates")
    found: dict[str, frozenset[str]] = {}
    for gate, rule in rules.items() if isinstance(rules, dict) else ():
        kinds = rule.get("advisory_kinds") if isinstance(rule, dict) else None
        if isinstance(kinds, list) and kinds:
            found[gate] = frozenset(map(str, kinds))
    return found


def part_of(
    score: ScoreRow,
    lists: Mapping[str, Mapping[str, Tier]],
    aside: Mapping[str, frozenset[str]],
) -> str:
    """Return the part of its gate that a score belongs to."""
    gate = score.gate or score.detector
    if score.panel in lists.get(gate, {}) or score.panel in (PROPERTIES, REGRESSIONS):
        return f"{gate}/{score.panel}"
    return f"{gate}/{score.kind}" if score.kind in aside.get(gate, ()) else gate


def _advisory(
    run: Run, lists: Mapping[str, Mapping[str, Tier]], aside: Mapping[str, frozenset[str]]
) -> list[str]:
    gates = [verdict.gate for verdict in run.verdicts if verdict.tier is Tier.ADVISORY]
    sets = [
        f"{gate}/{name}"
        for gate, tiers in lists.items()
        for name, tier in tiers.items()
        if tier is Tier.ADVISORY or gate in gates
    ]
    kinds = [f"{gate}/{kind}" for gate, named in aside.items() for kind in named]
    return [*gates, *sets, *kinds]


def _silent(
    run: Run, mine: Mapping[tuple[Place, str], list[ScoreRow]]
) -> dict[tuple[Place, str], list[ScoreRow]]:
    """Cases that the candidate answered well under the gate that keeps its defects only."""
    if DEFECTS_ONLY not in {verdict.gate for verdict in run.verdicts}:
        return {}
    places = {
        (row.panel, row.case_id): None
        for row in run.outputs
        if row.side is Side.CANDIDATE and row.finish != _SCORED and row.panel != REGRESSIONS
    }
    return {(place, DEFECTS_ONLY): [] for place in places if (place, DEFECTS_ONLY) not in mine}


def _standing(
    run: Run,
    place: Place,
    part: str,
    scores: list[ScoreRow],
    theirs: list[ScoreRow],
    against: Side,
) -> Standing | None:
    now = {s.detector: s.failed for s in scores if s.value is not None}
    before = {s.detector: s.failed for s in theirs if s.value is not None}
    if part == DEFECTS_ONLY:
        now, before = {part: any(now.values())}, _defects(run, place, before, against)
    elif not any(now.values()) and (not now or len(now) < len({s.detector for s in scores})):
        return None
    failed = tuple(score for score in theirs if score.failed)
    return Standing(outcome(now, before), tuple(scores), failed)


def _defects(run: Run, place: Place, before: Mapping[str, bool], against: Side) -> dict[str, bool]:
    """The same of the other side; an older run scored its answers for no control token."""
    answered = TOKENS in run.info.files and (*place, against) in run.output_index
    return {DEFECTS_ONLY: any(before.values())} if answered else {}
