"""What many judged answers come to: shares with intervals, losses, standards, metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evalsuite.answers.judging import LOSSES, Judged
from evalsuite.cases import Kind, Language
from evalsuite.rewrites import Standard
from evalsuite.rewrites.metrics import Metrics, Splitting, metrics_of
from evalsuite.statistics import Estimate, clustered_rate

CONFIDENCE = 0.95
"""Of each bound on its own, as gates have it."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class Tally:
    """One loss, counted."""

    lost: int
    asked: int
    """Answers of which it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some answers, summed up."""

    name: str
    """``all``, a language, or a kind."""
    n: int
    right: int
    wrong: Estimate | None
    """The share of answers that are not right, with the interval that gates judge; None: nothing
    was measured."""
    losses: Mapping[str, Tally]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A file of answers, summed up."""

    whole: Group
    languages: tuple[Group, ...]
    """Each language that occurs, where there are several."""
    kinds: tuple[Group, ...]
    """Each kind that occurs, where there are several."""
    standards: Mapping[Standard, int]
    """By what the answers were judged, and how many by each."""
    empty: int
    """Answers without a visible character: all of them wrong."""
    metrics: Mapping[str, Metrics]
    """Of all answers under ``all``, and of each language under its name."""


def summarise(found: Sequence[Judged], splitting: Splitting = Splitting.WORDS) -> Summary:
    """Sum up judged answers.

    Args:
        found: at least one.
        splitting: how their texts became tokens.
    """
    standards = Counter(one.standard for one in found)
    return Summary(
        whole=_group(ALL, found),
        languages=_groups(found, list(Language), lambda one: one.case.language),
        kinds=_groups(found, list(Kind), lambda one: one.case.kind),
        standards={standard: standards[standard] for standard in Standard if standards[standard]},
        empty=sum(one.answer.empty for one in found),
        metrics=_metrics(found, splitting),
    )


def _groups(
    found: Sequence[Judged],
    names: Sequence[Language] | Sequence[Kind],
    of: Callable[[Judged], Language | Kind],
) -> tuple[Group, ...]:
    """A group for each name that occurs, in the order of the names; none where there is but one."""
    parts = {name: [one for one in found if of(one) is name] for name in names}
    filled = [(name, part) for name, part in parts.items() if part]
    return tuple(_group(name.value, part) for name, part in filled) if len(filled) > 1 else ()


def _group(name: str, found: Sequence[Judged]) -> Group:
    measured = [one for one in found if one.right is not None]
    wrong = [float(not one.right) for one in measured]
    return Group(
        name=name,
        n=len(found),
        right=sum(one.right is True for one in found),
        wrong=clustered_rate(wrong, [one.case.cluster for one in measured], CONFIDENCE)
        if measured
        else None,
        losses={loss: _tally(found, loss) for loss in LOSSES},
    )


def _tally(found: Sequence[Judged], loss: str) -> Tally:
    values = [one.losses[loss] for one in found]
    asked = [value for value in values if value is not None]
    return Tally(sum(value >= 0.5 for value in asked), len(asked))


def _metrics(found: Sequence[Judged], splitting: Splitting) -> dict[str, Metrics]:
    compared = [one.compared for one in found]
    whole = {ALL: metrics_of(compared, splitting)}
    languages = {one.utterance.language for one in compared}
    if len(languages) == 1:
        return whole
    return whole | {
        language.value: metrics_of(
            [one for one in compared if one.utterance.language is language], splitting
        )
        for language in Language
        if language in languages
    }
