"""The candidate against the champion: whether it may take its place.

Every other gate asks whether a candidate is good enough; this one asks whether it is worse than
the adapter that would go. It asks no cases of its own: it pairs what both adapters answered to the
questions of the other gates. Where there is no champion, the base takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.gates.criteria import CriterionFactory, text_criterion
from evalsuite.gates.decision import combined
from evalsuite.gates.evidence import Evidence, Observation, distinct, worst_loss
from evalsuite.gates.groups import Observations, absent_languages, grouped, languages
from evalsuite.gates.part import Part, Topic
from evalsuite.gates.partverdicts import judge_census, judge_mean, judge_paired
from evalsuite.gates.policy import Policy
from evalsuite.gates.rules import Limit, RegressionRule, SlicedLimit
from evalsuite.gates.skillfloors import by_skill, lacks
from evalsuite.gates.verdict import Gate, SliceVerdict, Verdict
from evalsuite.gates.words import judge_words

_ABSENT = {Topic.LEAKAGE: Topic.LEAKAGE_PANEL, Topic.PRONOUNS: Topic.PRONOUNS_PANEL}
"""What a part is about that has no case of its language."""


def judge_regression(policy: Policy, evidence: Evidence) -> Verdict:
    """What the champion does, the candidate does no worse, each language on its own.

    Raises:
        InvalidInput: the policy has no rule for it.
    """
    rule, gates = policy.gates.regression, policy.gates
    if rule is None:
        raise InvalidInput(f"policy {policy.name!r} has no gates.regression; add it")
    ask = CriterionFactory(policy, rule, evidence.opponent.name)
    leaks = Topic.LEAKAGE, "to answer without leaking"
    resolved = Topic.PRONOUNS, "to give a right rewrite"
    aside = set(gates.pronoun_resolution.advisory_kinds)
    references = [c for c in _facing(evidence, evidence.pronouns) if c.kind not in aside]
    parts = [
        *_rates(ask, leaks, rule.leakage, gates.example_leakage.panel, _leaks(evidence)),
        *_rates(ask, resolved, rule.pronouns, gates.pronoun_resolution.panel, references),
        *_skills(ask, policy, rule, evidence),
        *_texts(policy, rule, evidence),
        *_flips(ask, policy, rule, evidence),
        *_words(ask, policy, evidence),
    ]
    verdict = combined(policy, Gate.REGRESSION, parts)
    because = evidence.opponent.because
    return replace(verdict, reason=f"{because} {verdict.reason}") if because else verdict


def _facing(evidence: Evidence, cases: Observations) -> tuple[Observation, ...]:
    """The cases, each with the loss of the opponent where a gate looks for the baseline's."""
    if not evidence.opponent.asked:
        return tuple(cases)
    return tuple(replace(case, baseline=case.champion) for case in cases)


def _leaks(evidence: Evidence) -> tuple[Observation, ...]:
    """Of each case the worst of what was copied and what changed with the demonstrations."""
    literal = _facing(evidence, evidence.literal_leaks)
    if not evidence.opponent.asked:
        return literal  # the base answers no counterfactual prompt
    found: dict[str, list[Observation]] = {}
    for case in (*distinct(literal), *distinct(_facing(evidence, evidence.swap_leaks))):
        found.setdefault(case.case_id, []).append(case)
    return tuple(
        replace(
            seen[0],
            candidate=worst_loss([case.candidate for case in seen], 2),
            baseline=worst_loss([case.baseline for case in seen], 2),
        )
        for seen in found.values()
    )


def _rates(
    ask: CriterionFactory,
    what: tuple[Topic, str],
    rule: SlicedLimit,
    panel: Mapping[Language, int],
    cases: Observations,
) -> Iterator[SliceVerdict]:
    """Judge a panel as a whole and by its slices; ``what`` is the topic and the subject."""
    topic, subject = what
    yield judge_paired(ask(Part(topic), subject, rule), cases)
    for language in absent_languages(panel, cases):
        yield judge_paired(ask(Part(_ABSENT[topic], language=language), subject, rule), ())
    for limit, of, group in grouped(rule.slices, cases):
        part = Part(topic, language=of.language, kind=of.kind)
        yield judge_paired(ask(part, f"{subject} ({of.key})", limit, tier=limit.tier), group)


def _skills(
    ask: CriterionFactory, policy: Policy, rule: RegressionRule, evidence: Evidence
) -> Iterator[SliceVerdict]:
    cases = _facing(evidence, evidence.skills)
    for language in languages(policy.gates.forgetting.panel, cases):
        part = Part(Topic.SKILLS, language=language)
        criterion = ask(part, f"at general skills in {language}", rule.skills)
        spoken = _spoken(language, cases)
        # What neither has cannot be lost, and would only thin out what is.
        floor = policy.gates.forgetting.skills.floor
        counted = {
            skill
            for some in (spoken, _spoken(language, evidence.skills))
            for skill, (found, least) in by_skill(some, floor).items()
            if not lacks(found, least)
        }
        of_counted = [case for case in spoken if case.kind in counted]
        yield judge_paired(criterion, of_counted or spoken, macro=True)


def _texts(policy: Policy, rule: RegressionRule, evidence: Evidence) -> Iterator[SliceVerdict]:
    cases = _facing(evidence, evidence.texts)
    for language in languages(policy.gates.forgetting.text.panel, cases):
        criterion = text_criterion(policy, rule, rule.text, language)
        against = replace(criterion, against=evidence.opponent.name)
        yield judge_mean(against, _spoken(language, cases))


def _spoken(language: str, cases: Observations) -> list[Observation]:
    return [case for case in cases if case.language == language]


def _flips(
    ask: CriterionFactory, policy: Policy, rule: RegressionRule, evidence: Evidence
) -> Iterator[SliceVerdict]:
    """Count the golden cases that only the candidate gets wrong."""
    limit = Limit(limit=rule.goldens.limit, minimum=rule.goldens.minimum)
    subject = f"A case that {evidence.opponent.name} gets right went wrong"
    for name, tier in sorted(policy.gates.pronoun_resolution.goldens.sets.items()):
        criterion = ask(Part(Topic.GOLDENS, golden_set=name), subject, limit, tier=tier)
        yield judge_census(criterion, _flipped(evidence, name))


def _words(ask: CriterionFactory, policy: Policy, evidence: Evidence) -> Iterator[SliceVerdict]:
    """Compare the words that rewrites of freely worded sets lose and add."""
    if not evidence.opponent.asked:
        return iter(())  # the gate that the base is compared in has judged the same
    sets = {
        name: {detector: _facing(evidence, cases) for detector, cases in found.items()}
        for name, found in evidence.words.items()
    }
    return judge_words(ask, policy.gates.pronoun_resolution, sets)


def _flipped(evidence: Evidence, name: str) -> tuple[Observation, ...]:
    """The cases of a golden set: loss 1 where the opponent was right and the candidate is not."""
    judged = [evidence.goldens]
    if evidence.opponent.asked:
        judged.append(evidence.golden_leaks)  # which the base was asked in part only
    found: dict[str, list[Observation]] = {}
    for sets in judged:
        for case in distinct(_facing(evidence, sets.get(name, ()))):
            found.setdefault(case.case_id, []).append(case)
    return tuple(
        replace(
            seen[0],
            candidate=worst_loss([_flip(case) for case in seen], len(judged)),
            baseline=None,
            champion=None,
        )
        for seen in found.values()
    )


def _flip(case: Observation) -> float | None:
    """Whether one detector saw a case go wrong; None: it did not see both answers."""
    if case.candidate is None or case.baseline is None:
        return None
    return float(case.candidate > 0 and case.baseline == 0)
