"""What a person may not have meant by a policy that is right as it stands.

Nothing of this is an error: a policy may accept more than the shipped one, or ask for what it
cannot get. Whether a panel can pass at all is for the gates to say: they judge a candidate without
a defect, and what they do not let pass nobody passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from evalsuite.files.located import Place
from evalsuite.files.problems import suggestion
from evalsuite.gates.decision import ROUNDING
from evalsuite.gates.directions import Change
from evalsuite.gates.evidence import Evidence
from evalsuite.gates.judge import judge
from evalsuite.gates.part import Part, Topic
from evalsuite.gates.policy import Policy
from evalsuite.gates.policydiff import Difference, diff_policies
from evalsuite.gates.resolved import ResolvedPolicy
from evalsuite.gates.rules import SliceBy, SliceLimit
from evalsuite.gates.slicegroups import applying
from evalsuite.gates.verdict import Gate, Quantity, SliceVerdict, Status, Tier, Verdict
from evalsuite.statistics import Estimate, more_cases_for_difference, more_cases_for_rate

_LIMITS = ("limit", "harm", "proof")
"""Last words of the keys whose loosening is worth a warning; panels and tiers are shown."""
_PANELS: Mapping[Gate, tuple[Place, ...]] = {
    Gate.EXAMPLE_LEAKAGE: (("gates", "example_leakage", "panel"),),
    Gate.PRONOUN_RESOLUTION: (("gates", "pronoun_resolution", "panel"),),
    Gate.FORGETTING: (
        ("gates", "forgetting", "panel"),
        ("gates", "forgetting", "text", "panel"),
    ),
}
"""Where a gate says how many cases it wants of each language."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that a person may not have meant."""

    where: str
    """``file:line`` of the value that it is about."""
    text: str
    """What is odd, and what to do."""

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def doubts(
    resolved: ResolvedPolicy,
    usual: Policy,
    flawless: Evidence,
    sets: Mapping[str, int],
) -> tuple[Doubt, ...]:
    """Return everything that may not have been meant.

    Args:
        resolved: the policy.
        usual: whose limits are taken for usual: ``default``.
        flawless: what would be measured of a candidate without a defect.
        sets: the golden sets that there are, and how many cases each has.
    """
    return (
        *_languages(resolved),
        *_looser(resolved, usual),
        *_sets(resolved, sets),
        *_impossible(resolved, flawless),
    )


def _languages(resolved: ResolvedPolicy) -> Iterator[Doubt]:
    """Languages that no panel asks for, and those that one of the blocking gates leaves out."""
    policy = resolved.policy
    said = policy.gates.by_language
    panels = {
        place: said[".".join(map(str, place[1:]))] for some in _PANELS.values() for place in some
    }
    where = resolved.where(("languages",))
    for language in policy.languages:
        if not any(language in panel for panel in panels.values()):
            rest = [one.value for one in policy.languages if one is not language]
            yield Doubt(
                where,
                f"languages names {language.value}, and no panel asks for it; add {language.value} "
                f"to the panels, or write languages: [{', '.join(rest)}]",
            )
            continue
        for gate, places in _PANELS.items():
            for place in places if gate in policy.required else ():
                if language not in panels[place]:
                    path = ".".join(map(str, place))
                    yield Doubt(
                        resolved.where(place),
                        f"{path} asks nothing in {language.value}, which languages names: {gate} "
                        f"blocks, and passes candidates unseen in it; add {language.value}",
                    )


def _looser(resolved: ResolvedPolicy, usual: Policy) -> Iterator[Doubt]:
    for one in diff_policies(usual, resolved.policy):
        limit = one.key.rpartition(".")[2] in _LIMITS and not one.only
        if limit and one.change is Change.LOOSER:
            yield Doubt(resolved.where(one.place), _against(one, usual.name))


def _against(one: Difference, usual: str) -> str:
    return f"{one.path}={one.b} is looser than {usual}'s {one.a}: {one.why}"


def _sets(resolved: ResolvedPolicy, sets: Mapping[str, int]) -> Iterator[Doubt]:
    place: Place = ("gates", "pronoun_resolution", "goldens", "sets")
    named = resolved.policy.gates.pronoun_resolution.goldens.sets
    for name in sorted(set(named) - set(sets)):
        near = suggestion(name, sets)
        known = ", ".join(sorted(sets)) or "none"
        yield Doubt(
            resolved.where((*place, name)),
            f"goldens.sets names {name!r}, and no file of golden cases is of that set{near}; there "
            f"are: {known}; write {name}_LANGUAGE.yaml, take it out of both gates, or name another "
            "folder with --cases",
        )
    for name in sorted(set(sets) - set(named)):
        near = suggestion(name, named)
        yield Doubt(
            resolved.where(place),
            f"goldens.sets does not name {name!r}, a set of {sets[name]} golden cases{near}: a "
            "gate refuses that; name it in both gates, or name another folder with --cases",
        )


def _impossible(resolved: ResolvedPolicy, flawless: Evidence) -> Iterator[Doubt]:
    """What not even a candidate without a defect passes, at the confidence of a first attempt."""
    policy = resolved.policy.for_attempt(1)
    known = {*policy.gates.pronoun_resolution.goldens.sets}
    for verdict in judge(policy, flawless):
        if verdict.tier is not Tier.BLOCKING:
            continue
        told: dict[tuple[Place, ...], list[SliceVerdict]] = {}
        for part in _not_passed(verdict, known):
            told.setdefault(_places(policy, Gate(verdict.gate), part.part), []).append(part)
        for places, parts in told.items():
            own = (place for place in places if _is_own(resolved, place))
            where = resolved.where(next(own, places[-1]))
            yield Doubt(where, _cannot(policy, places[0], parts))


def _not_passed(verdict: Verdict, sets: Collection[str]) -> Iterator[SliceVerdict]:
    for part in verdict.slices:
        about = part.part
        # A set without any case is told with the sets.
        absent = about is not None and about.golden_set in sets and part.n == 0
        if part.tier is Tier.BLOCKING and part.status is not Status.PASSED and not absent:
            yield part


def _is_own(resolved: ResolvedPolicy, place: Place) -> bool:
    origin = resolved.origin(place)
    return origin is not None and origin.file == resolved.own


def _cannot(policy: Policy, place: Place, parts: list[SliceVerdict]) -> str:
    """Say why a limit cannot be kept, of all parts that it is about."""
    path, first = ".".join(map(str, place)), parts[0]
    names = [part.name for part in parts]
    also = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    start = f"{path}: not even a candidate without a defect passes {names[0]}{also}: "
    upper = first.value if first.by_value else first.upper
    if first.part is not None and first.part.topic is Topic.TEXT:
        return f"{start}a mean takes two texts that differ; ask for more"
    if first.quantity is Quantity.CENSUS or upper is None or upper <= first.limit + ROUNDING:
        return f"{start}{first.reason[:1].lower()}{first.reason[1:].rstrip('.')}"
    more = _more(policy, first)
    fix = "raise the limit" if more is None else f"ask for about {more:,} more, or raise the limit"
    return (
        f"{start}with {first.n:,} cases in {first.clusters:,} clusters the upper bound is still "
        f"{upper:.3g}, beyond limit={first.limit:g}; {fix}"
    )


def _more(policy: Policy, part: SliceVerdict) -> int | None:
    """How many more cases would let a candidate without a defect pass."""
    if part.value is None or part.lower is None or part.upper is None or not part.effective_n:
        return None
    estimate = Estimate(
        value=part.value,
        lower=part.lower,
        upper=part.upper,
        confidence=policy.confidence,
        n=part.n,
        clusters=part.clusters,
        method=part.method,
        effective_n=part.effective_n,
        spread=part.spread or 0.0,
    )
    if part.quantity is Quantity.RATE:
        return more_cases_for_rate(estimate, part.limit)
    return more_cases_for_difference(estimate, part.limit)


_SUMS: Mapping[Topic, Place] = {
    Topic.CHECKS: ("minimum",),
    Topic.PROPERTIES: ("minimum_properties",),
    Topic.CONVERSATIONS: ("minimum_conversations",),
    Topic.SKILL: ("skills", "single"),
}
"""Where a gate's rule says what a part has to keep, if not under the name of its topic."""
_OF_GROUPS = frozenset({Topic.LANGUAGE, Topic.KIND, Topic.KIND_LANGUAGE})
_LEAKS: Place = ("gates", "example_leakage", "panel")
_REWRITES: Place = ("gates", "pronoun_resolution", "panel")
_SKILLS: Place = ("gates", "forgetting", "panel")
_ASKED: Mapping[tuple[Gate, Topic], Place] = {
    (Gate.REGRESSION, Topic.LEAKAGE): _LEAKS,
    (Gate.REGRESSION, Topic.PRONOUNS): _REWRITES,
    (Gate.REGRESSION, Topic.SKILLS): _SKILLS,
    (Gate.REGRESSION, Topic.TEXT): ("gates", "forgetting", "text", "panel"),
    (Gate.FORGETTING, Topic.SKILLS): _SKILLS,
    (Gate.FORGETTING, Topic.SKILL): _SKILLS,
    (Gate.FORGETTING, Topic.TEXT): ("gates", "forgetting", "text", "panel"),
    **{(Gate.EXAMPLE_LEAKAGE, t): _LEAKS for t in (Topic.LITERAL, Topic.SWAP, *_OF_GROUPS)},
    **{
        (Gate.PRONOUN_RESOLUTION, t): _REWRITES
        for t in (Topic.FAILURE_RATE, Topic.NON_INFERIORITY, *_OF_GROUPS)
    },
}
"""Whose panel has the cases of a part."""


def _places(policy: Policy, gate: Gate, part: Part | None) -> tuple[Place, ...]:
    """Where a policy says what a part has to keep, and then how many cases there are to be."""
    limit: Place = ("gates", gate.value)
    if part is None:
        return (limit,)
    if part.topic not in _OF_GROUPS:
        limit = (*limit, *_SUMS.get(part.topic, (part.topic.value,)))
    if part.topic is Topic.SKILLS and gate is Gate.FORGETTING:
        limit = (*limit, "macro")
    slices = _slices_of(policy, gate, part)
    if slices:
        at = _rule_at(slices, part)
        limit = (*limit, "slices") if at is None else (*limit, "slices", at)
    asked = _ASKED.get((gate, part.topic))
    return (limit,) if asked is None else (limit, asked)


def _slices_of(policy: Policy, gate: Gate, part: Part) -> tuple[SliceLimit, ...]:
    """The rules of groups that a part may follow from; none: it is about no group."""
    gates = policy.gates
    match gate, part.topic:
        case Gate.EXAMPLE_LEAKAGE, topic if topic in _OF_GROUPS:
            return gates.example_leakage.slices
        case Gate.PRONOUN_RESOLUTION, topic if topic in _OF_GROUPS:
            return gates.pronoun_resolution.slices
        case Gate.REGRESSION, Topic.LEAKAGE if part.key and gates.regression:
            return gates.regression.leakage.slices
        case Gate.REGRESSION, Topic.PRONOUNS if part.key and gates.regression:
            return gates.regression.pronouns.slices
        case _:
            return ()


def _rule_at(slices: tuple[SliceLimit, ...], part: Part) -> int | None:
    by = SliceBy.KIND_LANGUAGE
    if not (part.kind and part.language):
        by = SliceBy.KIND if part.kind else SliceBy.LANGUAGE
    return next((at for at, _ in applying(slices, by, part.key)), None)
