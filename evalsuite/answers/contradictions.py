"""Cases that ask the same and expect what no single answer can give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from evalsuite.cases import Case
from evalsuite.conversation import Message
from evalsuite.detectors.text import same
from evalsuite.rewrites import judge

_MOST = 20
"""Cases with one conversation that are compared with one another."""


def contradictions(cases: Sequence[Case]) -> Iterator[str]:
    """A sentence for each pair of cases with one conversation and expectations without overlap."""
    asked: dict[tuple[tuple[Message, ...], str], list[Case]] = {}
    for case in cases:
        asked.setdefault((case.history, case.query), []).append(case)
    for alike in asked.values():
        for one, other in combinations(alike[:_MOST], 2):
            if _contradict(one, other):
                yield (
                    f"{other.source}: case {other.id!r} asks what {one.id!r} ({one.source}) asks, "
                    "and no answer is right for both; correct one of them"
                )


def _contradict(one: Case, other: Case) -> bool:
    if one.expect.unchanged != other.expect.unchanged:
        return True
    if _forbids(one, other) or _forbids(other, one):
        return True
    shared = [judge(one, rewrite).right for rewrite in other.expect.rewrites]
    shared += [judge(other, rewrite).right for rewrite in one.expect.rewrites]
    return bool(shared) and not any(shared)


def _forbids(one: Case, other: Case) -> bool:
    """Whether a name that one demands is one that the other forbids."""
    return any(
        same(name, forbidden)
        for name in one.expect.must_name
        for forbidden in other.expect.must_not_name
    )
