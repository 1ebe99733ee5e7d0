"""The policies by which a reference is measured, and what a base turns out to be able to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.gates import Observation, Policy, above_guessing
from evalsuite.pipeline import Observed
from evalsuite.runs import SKILLS, Side
from evalsuite.scenarios import EVERY_SKILL, sample_skills
from evalsuite.statistics.rates import binomial_bounds

ITEMS = 20
"""Questions of each skill and language; fewer where a skill has no more."""
CERTAIN = 0.1
"""A base has a skill when its accuracy exceeds the floor but for this error probability."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many cases a probe asks in each language."""

    leaks: int
    rewrites: int
    skills: int
    texts: int

    def scaled(self, factor: float, least: Sizes, most: Sizes) -> Sizes:
        """Sizes that take ``factor`` times as long, within bounds; skills stay."""

        def within(n: int, low: int, high: int) -> int:
            return max(min(low, high), min(high, round(n * factor)))

        return Sizes(
            leaks=within(self.leaks, least.leaks, most.leaks),
            rewrites=within(self.rewrites, least.rewrites, most.rewrites),
            skills=self.skills,
            texts=within(self.texts, least.texts, most.texts),
        )


def sizes_of(policy: Policy) -> Sizes:
    """What a policy asks in the language that it asks most of."""
    rules = policy.gates
    panels = (
        rules.example_leakage.panel,
        rules.pronoun_resolution.panel,
        rules.forgetting.panel,
        rules.forgetting.text.panel,
    )
    return Sizes(*(max(panel.values(), default=0) for panel in panels))


def askable(languages: Sequence[Language], n: int = ITEMS) -> tuple[str, ...]:
    """The skills that have ``n`` questions in every language."""
    found = []
    for skill in EVERY_SKILL:
        with suppress(InvalidInput):
            for language in languages:
                sample_skills(0, n, languages=(language,), skills=(skill,))
            found.append(skill)
    return tuple(found)


def drawable(language: Language, skills: Sequence[str], most: int) -> int:
    """The largest panel of these skills, as many of each, that can be drawn; ``most`` at most."""
    low, high = 0, most // len(skills)
    while low < high:
        middle = (low + high + 1) // 2
        try:
            sample_skills(0, middle * len(skills), languages=(language,), skills=skills)
        except InvalidInput:
            high = middle - 1
        else:
            low = middle
    return low * len(skills)


def probe(policy: Policy, extends: str, name: str, sizes: Sizes, skills: Sequence[str]) -> object:
    """Return what a file says that asks what ``policy`` asks, at other sizes."""

    def each(panel: Mapping[Language, int], n: int) -> dict[str, int]:
        return {language.value: n for language in panel}

    rules = policy.gates
    return {
        "extends": extends,
        "name": name,
        "gates": {
            "example_leakage": {"panel": each(rules.example_leakage.panel, sizes.leaks)},
            "pronoun_resolution": {"panel": each(rules.pronoun_resolution.panel, sizes.rewrites)},
            "forgetting": {
                "panel": each(rules.forgetting.panel, sizes.skills),
                "skills": {"seeded": list(skills)},
                "text": {"panel": each(rules.forgetting.text.panel, sizes.texts)},
            },
        },
    }


@dataclass(frozen=True, slots=True)
class Ability:
    """How often a base answers a skill right in one language."""

    skill: str
    language: str
    items: int
    right: int
    lower: float
    """Of the exact one-sided 90 % interval, as if items were independent."""
    has: bool
    """Whether that lies above the floor, and what guessing gets right."""


def abilities(skills: Sequence[Observation], floor: float) -> tuple[Ability, ...]:
    """Count what the base answered; suites of the policy's own are not chosen, and left out."""
    asked: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for case in skills:
        if case.baseline is not None and case.kind in EVERY_SKILL:
            asked[case.kind, case.language].append(case)
    found = []
    for (skill, language), cases in sorted(asked.items()):
        right = sum(case.baseline == 0.0 for case in cases)
        lower = binomial_bounds(right, len(cases), CERTAIN)[0]
        least = above_guessing(floor, cases[0].guessed)
        found.append(Ability(skill, language, len(cases), right, lower, lower > least))
    return tuple(found)


def foreign(observed: Observed, language: Language) -> float:
    """Share of the base's answers to skills that hold no letter of the language's script."""
    said = [
        answer.output.text
        for answer in observed.answered
        if answer.question.side is Side.BASELINE
        and answer.question.request.target is None
        and answer.question.row.panel == SKILLS
        and answer.question.row.language == language
    ]
    letters = [[c for c in text if c.isalpha()] for text in said]
    worded = [text for text in letters if text]
    if not worded:
        return 0.0
    wanted = language is Language.ZH
    other = [
        text for text in worded if not any(("\u3400" <= c <= "\u9fff") is wanted for c in text)
    ]
    return len(other) / len(worded)
