"""The groups of cases that parts of a gate are about: by language, and by the slice rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalsuite.cases import Language
from evalsuite.gates.evidence import Observation
from evalsuite.gates.rules import SliceBy, SliceLimit

Observations = Sequence[Observation]


def languages(panel: Mapping[Language, int], cases: Observations) -> list[str]:
    """Return the languages that the policy asks for and those that were measured."""
    return sorted({language.value for language in panel} | {case.language for case in cases})


def absent_languages(panel: Mapping[Language, int], cases: Observations) -> list[str]:
    """Return each language that the policy asks for and no case has, where there are cases."""
    seen = {case.language for case in cases}
    return [language.value for language in panel if cases and language.value not in seen]


def grouped(
    rules: Sequence[SliceLimit], cases: Observations
) -> Iterator[tuple[SliceLimit, str, list[Observation]]]:
    """Yield every group of cases with the slice rule that is about it and the group's name."""
    for rule in rules:
        named = {name for other in rules if other.by is rule.by for name in other.only}
        groups: dict[str, list[Observation]] = {name: [] for name in rule.only}
        for case in cases:
            key = _group(rule.by, case)
            if key in rule.only or (not rule.only and key not in named):
                groups.setdefault(key, []).append(case)
        for key in sorted(groups):
            yield rule, key, groups[key]


def _group(by: SliceBy, case: Observation) -> str:
    keys = {
        SliceBy.KIND: case.group,
        SliceBy.LANGUAGE: case.language,
        SliceBy.KIND_LANGUAGE: f"{case.group}+{case.language}",
    }
    return keys[by]
