"""Which rule of slices is about which group: as the gates group cases, without cases."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from evalsuite.cases import Kind
from evalsuite.gates.rules import SliceBy, SliceLimit


def groups_of(
    rules: Sequence[SliceLimit], languages: Collection[str]
) -> Iterator[tuple[SliceBy, str]]:
    """Yield every group that rules tell apart: each that one names, and ``''`` for all others.

    Args:
        rules: all that are compared.
        languages: whose cases there are; where every group is named, there are no others.
    """
    for by in SliceBy:
        about = [rule for rule in rules if rule.by is by]
        named = sorted({group for rule in about for group in rule.only})
        yield from ((by, group) for group in named)
        if about and not {*_every(by, languages)} <= {*named}:
            yield by, ""


def applying(rules: Sequence[SliceLimit], by: SliceBy, group: str) -> list[tuple[int, SliceLimit]]:
    """Return the rules that a group has to keep, each with its position.

    Args:
        rules: of one gate.
        by: how the group was made.
        group: its name; ``''``: one that none of the rules names.
    """
    about = [(at, rule) for at, rule in enumerate(rules) if rule.by is by]
    named = {name for _, rule in about for name in rule.only}
    if group in named:
        return [(at, rule) for at, rule in about if group in rule.only]
    return [(at, rule) for at, rule in about if not rule.only]


def _every(by: SliceBy, languages: Collection[str]) -> Iterator[str]:
    kinds = [kind.value for kind in Kind]
    spoken = [str(language) for language in languages]
    match by:
        case SliceBy.KIND:
            yield from kinds
        case SliceBy.LANGUAGE:
            yield from spoken
        case SliceBy.KIND_LANGUAGE:
            yield from (f"{kind}+{language}" for kind in kinds for language in spoken)
