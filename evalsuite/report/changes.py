"""What became of every case: one rule for all reports that say regressed, fixed or still failing.

A case is compared with the champion where the run has one, else with the base, and only by
detectors that measured both sides. What only the candidate was asked (a counterfactual prompt, a
property of the template) is failing or good, and not compared. What a gate sampled, each
hand-written set and each kind that a policy sets aside are sections of their own, as the gate
judges them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.gates import Topic
from evalsuite.runs import (
    PARTS,
    PROPERTIES,
    REGRESSIONS,
    ScoreRow,
    Side,
    Tier,
    Unit,
    lost_parts,
)
from evalsuite.runs.comparison import DEFECTS_ONLY
from evalsuite.runs.folder import TOKENS, Run

Place = tuple[str, str]
"""Panel and case id."""


@dataclass(frozen=True, slots=True)
class Section:
    """A gate in a report; or what stands on its own in it, as the gate judges it."""

    gate: str
    apart: str = ""
    """A hand-written set, a kind that the policy sets aside, the template's properties or the
    remembered histories; empty: all others of the gate."""

    def __str__(self) -> str:
        """As a reader sees it; nothing reads this back."""
        return f"{self.gate}/{self.apart}" if self.apart else self.gate


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
    def compared(self) -> bool:
        """Whether the other side was asked too."""
        return self not in (Outcome.FAILING, Outcome.GOOD)

    @property
    def urgency(self) -> int:
        """Position in the order of urgency; 0 first."""
        return list(Outcome).index(self)

    @property
    def slug(self) -> str:
        """A name for classes of a style sheet."""
        return self.value.replace(",", "").replace(" ", "-")


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """One case under one gate."""

    outcome: Outcome
    scores: tuple[ScoreRow, ...]
    """Of the candidate; empty where a gate keeps its defects only and there is none."""
    before: tuple[ScoreRow, ...]
    """Defects of the other side."""

    @property
    def lost(self) -> tuple[str, ...]:
        """In what way the candidate's rewrite is wrong; empty where it is right, or none."""
        return lost_parts(self.scores)

    @property
    def mended(self) -> tuple[str, ...]:
        """What the other side's rewrite loses and the candidate's does not."""
        return tuple(part for part in lost_parts(self.before) if part not in self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """What became of one part of the rewrites that both sides were asked for."""

    newly_lost: int = 0
    """By the candidate only."""
    still_lost: int = 0
    """By both."""
    mended: int = 0
    """By the other side only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcomes:
    """Every case of a run."""

    against: Side
    whom: str
    """The same in words: ``the base``, ``the champion (record 3)``, ``the adapter NAME``."""
    cases: Mapping[Place, Mapping[Section, CaseOutcome]]
    """Case to section to what became of it there."""
    unmeasured: Mapping[Section, int]
    """Section to cases of which the candidate lacks a measurement, and no defect was found."""
    advisory: frozenset[Section]
    """Sections that do not decide."""

    @property
    def counts(self) -> Mapping[Section, Mapping[Outcome, int]]:
        """Section to cases with each outcome, in the order of the sections' names."""
        found: dict[Section, Counter[Outcome]] = {}
        for by_section in self.cases.values():
            for section, case_outcome in by_section.items():
                found.setdefault(section, Counter())[case_outcome.outcome] += 1
        for section in self.unmeasured:
            found.setdefault(section, Counter())
        ordered = sorted(found.items(), key=lambda item: str(item[0]))
        return {section: {o: n[o] for o in Outcome} for section, n in ordered}

    @property
    def parts(self) -> Mapping[Section, Mapping[str, PartChange]]:
        """Section to part of a rewrite to what became of it, for parts that some side loses."""
        found: dict[Section, dict[str, PartChange]] = {}
        for by_section in self.cases.values():
            for section, one in by_section.items():
                if one.outcome.compared:
                    _count_parts(found.setdefault(section, {}), one)
        ordered = sorted(found.items(), key=lambda item: str(item[0]))
        return {
            section: {part: counts[part] for part in PARTS if part in counts}
            for section, counts in ordered
            if counts
        }


def _count_parts(counts: dict[str, PartChange], one: CaseOutcome) -> None:
    before = lost_parts(one.before)
    for part in {*one.lost, *one.mended}:
        was = counts.get(part, PartChange())
        counts[part] = PartChange(
            newly_lost=was.newly_lost + (part not in before),
            still_lost=was.still_lost + (part in one.lost and part in before),
            mended=was.mended + (part in one.mended),
        )


def outcome(now: Mapping[str, bool], before: Mapping[str, bool]) -> Outcome:
    """Return what became of a case, from detector to whether it found a defect, on each side."""
    shared = now.keys() & before.keys()
    # Any detector's defect counts as one; whether it is new only those can tell that saw both
    # sides.
    failing = any(now.values())
    if not shared:
        return Outcome.FAILING if failing else Outcome.GOOD
    was, is_ = any(before[name] for name in shared), any(now[name] for name in shared)
    if was:
        return Outcome.STILL_FAILING if failing else Outcome.FIXED
    if is_:
        return Outcome.REGRESSED
    return Outcome.FAILING if failing else Outcome.UNCHANGED


def case_outcomes(run: Run) -> CaseOutcomes:
    """Return what became of every case of ``run``."""
    against = Side.CHAMPION if run.info.champion else Side.BASELINE
    lists, aside = golden_lists(run), kinds_aside(run)
    mine: dict[tuple[Place, Section], list[ScoreRow]] = {}
    theirs: dict[tuple[Place, Section], list[ScoreRow]] = {}
    for score in run.scores:
        # A loss in nats is no defect, and a control speaks of the search, not of an answer.
        if score.unit is Unit.DEFECT and not score.control:
            key = (score.panel, score.case_id), section_of(score, lists, aside)
            if score.side is Side.CANDIDATE:
                mine.setdefault(key, []).append(score)
            elif score.side is against:
                theirs.setdefault(key, []).append(score)
    found: dict[Place, dict[Section, CaseOutcome]] = {}
    unmeasured: Counter[Section] = Counter()
    for (place, section), scores in (mine | _silent(run, mine)).items():
        other = theirs.get((place, section), [])
        case_outcome = _case_outcome(run, place, section, scores, other, against)
        if case_outcome is None:
            unmeasured[section] += 1
        # A property of the template is no case: it is listed where it fails, and not counted else.
        elif section != Section(DEFECTS_ONLY, PROPERTIES) or case_outcome.outcome.failing:
            found.setdefault(place, {})[section] = case_outcome
    return CaseOutcomes(
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
            about = part.part
            if about is not None and about.topic is Topic.GOLDENS:
                found.setdefault(verdict.gate, {})[about.golden_set] = part.tier
    return found


def kinds_aside(run: Run) -> Mapping[str, frozenset[str]]:
    """The kinds of drawn cases that are shown and decide nothing, by gate.

    Those that the policy sets aside, and skills that the base lacks in every language.
    """
    rules = run.info.policy.resolved.get("gates")
    found: dict[str, frozenset[str]] = {}
    for gate, rule in rules.items() if isinstance(rules, dict) else ():
        kinds = rule.get("advisory_kinds") if isinstance(rule, dict) else None
        if isinstance(kinds, list) and kinds:
            found[gate] = frozenset(map(str, kinds))
    for verdict in run.verdicts:
        tiers: dict[str, set[Tier]] = {}
        for part in verdict.slices:
            if part.part is not None and part.part.topic is Topic.SKILL:
                tiers.setdefault(part.part.skill, set()).add(part.tier)
        lacked = {skill for skill, of_one in tiers.items() if of_one == {Tier.ADVISORY}}
        if lacked:
            found[verdict.gate] = found.get(verdict.gate, frozenset()) | lacked
    return found


def section_of(
    score: ScoreRow,
    lists: Mapping[str, Mapping[str, Tier]],
    aside: Mapping[str, frozenset[str]],
) -> Section:
    """Return the section that a score belongs to."""
    gate = score.gate or score.detector
    if score.panel in lists.get(gate, {}) or score.panel in (PROPERTIES, REGRESSIONS):
        return Section(gate, score.panel)
    return Section(gate, score.kind if score.kind in aside.get(gate, ()) else "")


def _advisory(
    run: Run, lists: Mapping[str, Mapping[str, Tier]], aside: Mapping[str, frozenset[str]]
) -> list[Section]:
    gates = [verdict.gate for verdict in run.verdicts if verdict.tier is Tier.ADVISORY]
    sets = [
        Section(gate, name)
        for gate, tiers in lists.items()
        for name, tier in tiers.items()
        if tier is Tier.ADVISORY or gate in gates
    ]
    kinds = [Section(gate, kind) for gate, named in aside.items() for kind in named]
    # What no gate judges goes by the name of what looked at it.
    told = {section_of(score, lists, aside) for score in run.scores if score.advisory}
    return [*map(Section, gates), *sets, *kinds, *sorted(told, key=str)]


def _silent(
    run: Run, mine: Mapping[tuple[Place, Section], list[ScoreRow]]
) -> dict[tuple[Place, Section], list[ScoreRow]]:
    """Cases that the candidate answered well under the gate that keeps its defects only."""
    if DEFECTS_ONLY not in {verdict.gate for verdict in run.verdicts}:
        return {}
    places = {
        (row.panel, row.case_id): None
        for row in run.outputs
        if row.side is Side.CANDIDATE and row.generated and row.panel != REGRESSIONS
    }
    section = Section(DEFECTS_ONLY)
    return {(place, section): [] for place in places if (place, section) not in mine}


def _case_outcome(
    run: Run,
    place: Place,
    section: Section,
    scores: list[ScoreRow],
    theirs: list[ScoreRow],
    against: Side,
) -> CaseOutcome | None:
    now = {s.detector: s.failed for s in scores if s.value is not None}
    before = {s.detector: s.failed for s in theirs if s.value is not None}
    # That gate writes down defects only, so an answer without a row was good.
    if section == Section(DEFECTS_ONLY):
        now, before = {DEFECTS_ONLY: any(now.values())}, _defects(run, place, before, against)
    # No defect, and a detector that could not look: that is no good answer.
    elif not any(now.values()) and (not now or len(now) < len({s.detector for s in scores})):
        return None
    failed = tuple(score for score in theirs if score.failed)
    return CaseOutcome(outcome(now, before), tuple(scores), failed)


def _defects(run: Run, place: Place, before: Mapping[str, bool], against: Side) -> dict[str, bool]:
    """The same of the other side; an older run scored its answers for no control token."""
    answered = TOKENS in run.info.files and (*place, against) in run.output_index
    return {DEFECTS_ONLY: any(before.values())} if answered else {}
