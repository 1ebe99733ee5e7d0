"""The groups of cases that parts of a gate are about: by language, and by the slice rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalsuite.cases import Language
from evalsuite.gates.evidence import Observation
from evalsuite.gates.part import Part, Topic
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
) -> Iterator[tuple[SliceLimit, Part, list[Observation]]]:
    """Yield every group of cases: the slice rule that is about it, its part, and the cases."""
    for rule in rules:
        named = {group for other in rules if other.by is rule.by for group in other.groups}
        own = rule.groups
        groups: dict[Part, list[Observation]] = {group: [] for group in own}
        for case in cases:
            group = _group(rule.by, case)
            if group in own or (not own and group not in named):
                groups.setdefault(group, []).append(case)
        for group in sorted(groups, key=lambda group: group.key):
            yield rule, group, groups[group]


def _group(by: SliceBy, case: Observation) -> Part:
    match by:
        case SliceBy.KIND:
            return Part(Topic.KIND, kind=case.kind)
        case SliceBy.LANGUAGE:
            return Part(Topic.LANGUAGE, language=case.language)
        case SliceBy.KIND_LANGUAGE:
            return Part(Topic.KIND_LANGUAGE, kind=case.kind, language=case.language)
