"""From evidence to verdicts: one function for each gate, and :func:`judge` over all of them.

Each gate asks several questions and passes only if all of them do: an intersection-union test,
which needs no correction of the error probability. The verdict carries the numbers of the part
that binds, the one that is worst or closest to its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from evalsuite.cases import Wanted
from evalsuite.detectors import PARTS, Detector
from evalsuite.errors import InvalidInput
from evalsuite.gates.criteria import (
    Criterion,
    CriterionFactory,
    divergence_criterion,
    text_criterion,
)
from evalsuite.gates.decision import combined
from evalsuite.gates.evidence import (
    TASK_PROMPTS,
    ByDetector,
    Check,
    Evidence,
    Observation,
    distinct,
    lost_parts,
)
from evalsuite.gates.groups import Observations, absent_languages, grouped, languages
from evalsuite.gates.part import Part, Topic
from evalsuite.gates.partverdicts import (
    judge_census,
    judge_checks,
    judge_mean,
    judge_paired,
    judge_rate,
)
from evalsuite.gates.policy import Policy
from evalsuite.gates.regression import judge_regression
from evalsuite.gates.rules import GoldenRule, Limit, PanelRule, PronounRule, SkillRule, SliceLimit
from evalsuite.gates.skillfloors import by_skill, lacks
from evalsuite.gates.verdict import Gate, SliceVerdict, Status, Tier, Verdict
from evalsuite.gates.words import judge_words


def judge(
    policy: Policy, evidence: Evidence, *, only: Collection[Gate] | None = None
) -> tuple[Verdict, ...]:
    """Judge every gate that the policy enables, in order. Pure: same input, same verdicts.

    Args:
        policy: whose limits count.
        evidence: what was measured.
        only: judge no other gates than these; None: all.

    Raises:
        InvalidInput: evidence that contradicts itself, or a golden set that the policy omits.
    """
    wanted = policy.enabled if only is None else [g for g in policy.enabled if g in only]
    return tuple(_GATES[gate](policy, evidence) for gate in wanted)


def judge_liveness(policy: Policy, evidence: Evidence) -> Verdict:
    """The adapter loads cleanly, belongs to the base, changes it, and can be taken off."""
    rule = policy.gates.liveness
    part = judge_checks(Part(Topic.CHECKS), "liveness checks", evidence.liveness, rule.minimum)
    return combined(policy, Gate.LIVENESS, [part])


def judge_template(policy: Policy, evidence: Evidence) -> Verdict:
    """Properties of the template hold, conversations come back, answers end where they should."""
    rule = policy.gates.template_round_trip
    conversations = [_as_check(case) for case in distinct(evidence.round_trips)]
    parts = [
        judge_checks(
            Part(Topic.PROPERTIES),
            "properties of the chat template",
            evidence.template_properties,
            rule.minimum_properties,
        ),
        judge_checks(
            Part(Topic.CONVERSATIONS),
            "conversations sent through the chat template",
            conversations,
            rule.minimum_conversations,
        ),
        judge_rate(
            CriterionFactory(policy, rule)(
                Part(Topic.ANSWERS), "A control token was emitted", rule.answers
            ),
            evidence.control_tokens,
        ),
    ]
    if rule.endings is not None:
        ask = CriterionFactory(policy, rule)
        cut = ask(Part(Topic.ENDINGS), "An answer was cut off before it ended", rule.endings)
        parts.append(judge_rate(cut, evidence.endings))
    parts += _regressions(policy, Gate.TEMPLATE_ROUND_TRIP, evidence)
    return combined(policy, Gate.TEMPLATE_ROUND_TRIP, parts)


def judge_leakage(policy: Policy, evidence: Evidence) -> Verdict:
    """Nothing of the demonstrations gets into an answer."""
    rule = policy.gates.example_leakage
    ask = CriterionFactory(policy, rule)
    copied = "A name or phrase of a demonstration was copied"
    questions = (
        (Topic.LITERAL, copied, rule.literal, evidence.literal_leaks, Tier.BLOCKING),
        (
            Topic.SWAP,
            "The answer changed with the demonstrations' names",
            rule.swap,
            evidence.swap_leaks,
            Tier.BLOCKING,
        ),
        (
            Topic.CONTROL,
            "The leak search found a name that was in no prompt",
            rule.control,
            evidence.control_leaks,
            Tier.ADVISORY,
        ),
    )
    parts = [
        judge_rate(ask(Part(topic), subject, limit, tier=tier), cases)
        for topic, subject, limit, cases, tier in questions
    ]
    parts += _absent_languages(ask, rule, rule.literal, evidence.literal_leaks)
    parts += _sliced(ask, rule.slices, evidence.literal_leaks, copied)
    parts += _goldens(policy, rule.goldens, evidence.golden_leaks, copied)
    parts += _regressions(policy, Gate.EXAMPLE_LEAKAGE, evidence)
    return combined(policy, Gate.EXAMPLE_LEAKAGE, parts)


def judge_pronouns(policy: Policy, evidence: Evidence) -> Verdict:
    """Rewrites are right, absolutely and compared with the baseline."""
    rule = policy.gates.pronoun_resolution
    ask = CriterionFactory(policy, rule)
    wrong, right = _failing(policy), f"to give a right {_given(policy)}"
    aside = set(rule.advisory_kinds)
    panel = [case for case in evidence.pronouns if case.kind not in aside]
    parts = [
        judge_rate(ask(Part(Topic.FAILURE_RATE), wrong, rule.failure_rate), panel),
        judge_paired(ask(Part(Topic.NON_INFERIORITY), right, rule.non_inferiority), panel),
    ]
    parts += _in_what_way(ask, rule, evidence)
    parts += _beside(ask, rule, evidence)
    parts += _absent_languages(ask, rule, rule.failure_rate, panel)
    parts += _sliced(ask, rule.slices, panel, wrong)
    for kind in sorted(aside):
        cases = [case for case in evidence.pronouns if case.kind == kind]
        criterion = ask(Part(Topic.KIND, kind=kind), wrong, rule.failure_rate, tier=Tier.ADVISORY)
        parts.append(judge_rate(criterion, cases))
    parts += _goldens(policy, rule.goldens, evidence.goldens, wrong, evidence.golden_parts)
    parts += judge_words(ask, rule, evidence.words)
    parts += _regressions(policy, Gate.PRONOUN_RESOLUTION, evidence)
    return combined(policy, Gate.PRONOUN_RESOLUTION, parts)


def judge_forgetting(policy: Policy, evidence: Evidence) -> Verdict:
    """Skills and general text, each language on its own, paired with the base."""
    rule = policy.gates.forgetting
    ask = CriterionFactory(policy, rule)
    parts: list[SliceVerdict] = []
    for language in languages(rule.panel, evidence.skills):
        cases = [case for case in evidence.skills if case.language == language]
        parts += _skills(ask, rule.skills, language, cases)
    for language in languages(rule.text.panel, evidence.texts):
        cases = [case for case in evidence.texts if case.language == language]
        parts.append(judge_mean(text_criterion(policy, rule, rule.text, language), cases))
    parts += _divergences(policy, evidence)
    parts += _regressions(policy, Gate.FORGETTING, evidence)
    return combined(policy, Gate.FORGETTING, parts)


def _divergences(policy: Policy, evidence: Evidence) -> Iterator[SliceVerdict]:
    """Show how far the candidate is from its base, on general prompts and on the task's own."""
    rule, seen = policy.gates.forgetting, evidence.divergences
    if rule.divergence is None or not seen:
        return
    for language in languages({}, seen):
        for topic in (Topic.DIVERGENCE, Topic.TASK_DIVERGENCE):
            task = topic is Topic.TASK_DIVERGENCE
            part = Part(topic, language=language)
            limit = rule.divergence.task_limit if task else rule.divergence.limit
            criterion = divergence_criterion(policy, rule, limit, part)
            cases = [c for c in seen if c.language == language and task is (c.kind == TASK_PROMPTS)]
            yield judge_mean(criterion, cases)


def _skills(
    ask: CriterionFactory, rule: SkillRule, language: str, cases: Observations
) -> Iterator[SliceVerdict]:
    """All skills of one language together, and each; of those that the base has.

    What the base lacks cannot be forgotten: it is shown, and decides nothing, unless harm is
    proven all the same. Where the base has none at all, nothing is proven.
    """
    skills = by_skill(cases, rule.floor)
    had = [skill for skill, (found, floor) in skills.items() if not lacks(found, floor)]
    counted = had or list(skills)
    of_all = "" if len(counted) == len(skills) else f"{len(counted)} of {len(skills)} "
    macro = ask(
        Part(Topic.SKILLS, language=language),
        f"at {of_all}general skills in {language}",
        rule.macro,
    )
    floor = sum(skills[skill][1] for skill in counted) / max(1, len(counted))
    of_counted = [case for case in cases if case.kind in counted]
    yield judge_paired(replace(macro, floor=floor), of_counted, macro=True)
    for skill, (found, least) in skills.items():
        part = Part(Topic.SKILL, language=language, skill=skill)
        single = ask(part, f"at {skill} in {language}", rule.single)
        verdict = judge_paired(replace(single, floor=least), found)
        if skill not in had and verdict.status is not Status.FAILED:
            verdict = replace(verdict, tier=Tier.ADVISORY)
        yield verdict


_LOST: Mapping[Detector, str] = {
    Detector.NAMED: "The rewrite does not name what is meant, or names what is not,",
    Detector.KEPT: "The rewrite does not ask what the query asks, or asks more,",
    Detector.FORM: "The rewrite is not one query with nothing around it",
    Detector.UNTOUCHED: "A query that stands alone was changed",
}
"""What is counted of each part of a rewrite, as the sentences of the verdict say it."""

_GATES: Mapping[Gate, Callable[[Policy, Evidence], Verdict]] = {
    Gate.LIVENESS: judge_liveness,
    Gate.TEMPLATE_ROUND_TRIP: judge_template,
    Gate.EXAMPLE_LEAKAGE: judge_leakage,
    Gate.PRONOUN_RESOLUTION: judge_pronouns,
    Gate.FORGETTING: judge_forgetting,
    Gate.REGRESSION: judge_regression,
}


def _given(policy: Policy) -> str:
    """What the candidate gives, as a sentence says it."""
    return "answer" if set(policy.tasks) == {Wanted.ANSWER} else "rewrite"


def _failing(policy: Policy) -> str:
    """What a rewrite is counted as failed for, as a sentence says it."""
    rule = policy.gates.pronoun_resolution
    if _given(policy) == "answer":
        return "The answer is not right"
    if set(rule.decides) == {detector.value for detector in PARTS}:
        return "The rewrite is not right"
    return f"The rewrite is not right ({' or '.join(rule.decides)} lost)"


def _in_what_way(
    ask: CriterionFactory, rule: PronounRule, evidence: Evidence
) -> list[SliceVerdict]:
    """Show how often each part of a rewrite is lost, among the cases where it was asked."""
    # Where a whole may fail as often as this, so may what it is made of; only the whole decides.
    limit = Limit(limit=rule.failure_rate.limit)
    found = []
    for detector, subject in _LOST.items():
        cases = evidence.parts.get(detector, ())
        counted = [case for case in cases if case.kind not in rule.advisory_kinds]
        if counted:
            part = Part(Topic(detector.value))
            found.append(judge_rate(ask(part, subject, limit, tier=Tier.ADVISORY), counted))
    return found


def _beside(ask: CriterionFactory, rule: PronounRule, evidence: Evidence) -> list[SliceVerdict]:
    """Show what is measured beside the answers, where it was: neither decides."""
    found = []
    if evidence.preferences:
        subject = "A wrong fact is at least as likely an answer as the right one"
        limit = Limit(limit=rule.failure_rate.limit)
        criterion = ask(Part(Topic.PREFERRED), subject, limit, tier=Tier.ADVISORY)
        found.append(judge_rate(criterion, evidence.preferences))
    if rule.as_turns is not None and evidence.as_turns:
        against = "with the history packed into one text"
        subject = "to give a right rewrite with the history as turns"
        part = Part(Topic.AS_TURNS)
        criterion = ask(part, subject, Limit(limit=rule.as_turns.limit), tier=Tier.ADVISORY)
        found.append(judge_paired(replace(criterion, against=against), evidence.as_turns))
    return found


def _absent_languages(
    ask: CriterionFactory, rule: PanelRule, limit: Limit, cases: Observations
) -> list[SliceVerdict]:
    """Return an unmeasured part for each language that the policy asks for and no case has."""
    return [
        judge_rate(ask(Part(Topic.PANEL, language=language), f"the panel in {language}", limit), ())
        for language in absent_languages(rule.panel, cases)
    ]


def _sliced(
    ask: CriterionFactory,
    rules: Sequence[SliceLimit],
    cases: Observations,
    subject: str,
) -> list[SliceVerdict]:
    """Judge every group of cases by the slice rule that is about it."""
    return [
        judge_rate(ask(part, f"{subject} ({part.key})", rule, tier=rule.tier), group)
        for rule, part, group in grouped(rules, cases)
    ]


def _goldens(
    policy: Policy,
    rule: GoldenRule,
    sets: Mapping[str, tuple[Observation, ...]],
    subject: str,
    parts: Mapping[str, ByDetector] = MappingProxyType({}),
) -> list[SliceVerdict]:
    unknown = sorted(set(sets) - set(rule.sets))
    if unknown:
        raise InvalidInput(
            f"goldens={unknown} are not named in policy {policy.name!r}; add them under "
            "goldens.sets of both gates that have one, as blocking or advisory"
        )
    return [
        judge_census(
            Criterion(
                part=Part(Topic.GOLDENS, golden_set=name),
                subject=subject,
                limit=rule.limit,
                minimum=rule.minimum,
                tier=tier,
                confidence=policy.confidence,
                power=policy.power,
                assumed_icc=0.0,
            ),
            sets.get(name, ()),
            lost=lost_parts(parts.get(name, {})),
        )
        for name, tier in sorted(rule.sets.items())
    ]


def _regressions(policy: Policy, gate: Gate, evidence: Evidence) -> list[SliceVerdict]:
    """What broke a candidate once must not break this one; no part where there are none."""
    topics = {Tier.BLOCKING: Topic.REMEMBERED, Tier.ADVISORY: Topic.REMEMBERED_ADVISORY}
    return [
        judge_census(
            Criterion(
                part=Part(topic),
                subject="What broke a candidate once broke this one",
                limit=0.0,
                minimum=1,
                tier=tier,
                confidence=policy.confidence,
                power=policy.power,
                assumed_icc=0.0,
            ),
            evidence.regressions[gate, tier],
            of="remembered cases",
        )
        for tier, topic in topics.items()
        if (gate, tier) in evidence.regressions
    ]


def _as_check(case: Observation) -> Check:
    return Check(case.case_id, None if case.candidate is None else case.candidate == 0)
