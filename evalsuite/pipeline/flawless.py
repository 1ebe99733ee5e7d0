"""What a run would measure of a candidate without a defect: the best that a policy can be shown.

Nothing is asked and no model is read. Cases are counted as a run draws them, with the clusters that
they would come in, so that the gates themselves can say what they would not let pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle, islice

from evalsuite.cases import Case, Kind, Language, Wanted, WorldName
from evalsuite.gates import Check, Evidence, Observation, Opponent, Policy
from evalsuite.gates.rules import TextSource
from evalsuite.pipeline.reading import (
    require_passages,
    require_skills,
    set_of,
    suites,
    texts,
)
from evalsuite.scenarios import (
    GRAMMARS,
    Split,
    sample_passages,
    sample_skills,
    sample_texts,
    seeded,
)
from evalsuite.scenarios.told import sample_told_panel
from evalsuite.template import Property

_SHARE = 5
"""Cases of a panel whose prompts show the same demonstrations, unless a prompt says otherwise."""
_CHECKS = 6
"""Liveness checks that are asked of an adapter with a record of its origin."""


def require_drawable(policy: Policy) -> None:
    """Refuse a policy that asks for what nobody can draw, or for files that cannot be read.

    Raises:
        InvalidInput: naming the policy, or the file.
    """
    require_skills(policy)
    require_passages(policy)
    suites(policy)
    texts(policy)


def flawless(policy: Policy, cases: Iterable[Case]) -> Evidence:
    """Return the evidence of a candidate, a base and a champion that make no mistake at all.

    Args:
        policy: that can be drawn; see :func:`require_drawable`.
        cases: the golden cases; those of sets or languages that the policy does not name are left
            out.
    """
    rules = policy.gates
    panel = {
        (language, wanted): _drawn(policy, language, wanted)
        for language in policy.languages
        for wanted in policy.tasks
    }
    leaks = tuple(
        replace(
            one,
            case_id=f"shown-{one.case_id}",
            cluster=f"shown/{wanted}-{language}-{at // _SHARE}",
        )
        for (language, wanted), drawn in panel.items()
        for at, one in enumerate(drawn[: rules.example_leakage.panel.get(language, 0)])
    )
    pronouns = tuple(
        one
        for (language, _), drawn in panel.items()
        for one in drawn[: rules.pronoun_resolution.panel.get(language, 0)]
    )
    goldens = _goldens(policy, cases)
    skills = tuple(_skills(policy))
    rewritten = [one for some in (*panel.values(), *goldens.values()) for one in some]
    asked = (*rewritten, *leaks, *skills)
    return Evidence(
        liveness=tuple(Check(f"check {number}", True) for number in range(_CHECKS)),
        template_properties=tuple(
            Check(one.name, True) for one in Property if not one.needs_provenance
        ),
        literal_leaks=leaks,
        swap_leaks=leaks,
        control_leaks=leaks,
        golden_leaks=goldens,
        pronouns=pronouns,
        goldens=goldens,
        round_trips=asked,
        control_tokens=asked,
        endings=asked,
        skills=skills,
        texts=tuple(_texts(policy)),
        opponent=Opponent(name="the champion", asked=True, because=""),
    )


def _good(case_id: str, cluster: str, language: str, kind: str) -> Observation:
    return Observation(
        case_id=case_id,
        cluster=cluster,
        language=str(language),
        kind=str(kind),
        candidate=0.0,
        baseline=0.0,
        champion=0.0,
    )


def _drawn(policy: Policy, language: Language, wanted: Wanted) -> list[Observation]:
    rules = policy.gates.example_leakage, policy.gates.pronoun_resolution
    n = max(rule.panel.get(language, 0) for rule in rules)
    if wanted is Wanted.REWRITE:
        return [*_panel(language, policy.world, n)]
    cases = (shown.case for shown in sample_told_panel(0, n, language))
    return [_good(case.id, case.cluster, language, case.kind) for case in cases]


def _goldens(policy: Policy, cases: Iterable[Case]) -> dict[str, tuple[Observation, ...]]:
    found: dict[str, list[Observation]] = {}
    for case in cases:
        if case.language in policy.languages:
            name = set_of(case.source.rpartition(":")[0])
            one = _good(case.id, case.cluster, case.language, case.kind)
            found.setdefault(name, []).append(one)
    return {
        name: tuple(found.get(name, ())) for name in policy.gates.pronoun_resolution.goldens.sets
    }


def _panel(language: Language, world: WorldName, n: int) -> Iterator[Observation]:
    """The cases of a language: kinds in turn, and within a kind every question in turn."""
    questions = {
        kind: cycle(_shuffled(language, kind, world))
        for kind in Kind
        if kind is not Kind.DEMONSTRATION_LURE
    }
    for number, kind in enumerate(islice(cycle(Kind), n)):
        # A lure asks what its prompt shows: it has no question of its own.
        own = f"{language}/{kind}/{number}"
        cluster = next(questions[kind]) if kind in questions else own
        yield _good(f"panel-{language}-{number}", cluster, language, kind)


def _shuffled(language: Language, kind: Kind, world: WorldName) -> list[str]:
    """The clusters of all questions of a kind; those of one cluster stand together in the list."""
    clusters = [one.cluster for one in GRAMMARS[world].templates(language, kind, Split.PANEL)]
    seeded("flawless", language, kind).shuffle(clusters)
    return clusters


def _skills(policy: Policy) -> Iterator[Observation]:
    rule = policy.gates.forgetting
    for language, n in rule.panel.items():
        for item in sample_skills(0, n, languages=(language,), skills=rule.skills.seeded):
            yield _good(item.id, item.cluster, language, item.skill)
    for item in (one for one in suites(policy) if one.judged):
        yield _good(item.id, item.cluster, item.language, item.skill)


def _texts(policy: Policy) -> Iterator[Observation]:
    rule = policy.gates.forgetting.text
    for language, n in rule.panel.items():
        stories = rule.source is TextSource.STORIES
        drawn = (
            sample_texts(0, n, languages=(language,))
            if stories
            else sample_passages(0, n, language)
        )
        for item in (*drawn, *(one for one in texts(policy) if one.language is language)):
            yield _good(item.id, item.cluster, language, "text")
