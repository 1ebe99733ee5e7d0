"""How much the answer depends on what should not matter: measured on a panel, so these are rates.

Small models are known to depend on the order of the demonstrations (Lu et al. 2022), on how many
there are, and on the format of the prompt (Sclar et al. 2024). Every condition asks about the same
cases; only one thing differs from the reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.detectors import PARTS, Detector
from evalsuite.detectors.text import same
from evalsuite.generation import Output
from evalsuite.prompts import DEFAULT_PROMPT, Demonstration, Prompt, others
from evalsuite.scenarios import sample_demonstrations, sample_panel
from evalsuite.search.asker import Asker, Posed, Replies
from evalsuite.statistics import Estimate, Sides, clustered_rate
from evalsuite.strategies import permuted
from evalsuite.tasks import answer_of, score

COUNTS = (0, 1, 2, 3, 4, 6, 8, 12, 16)
ORDERS = 6
REFERENCE = 4
"""Demonstrations in the prompt where something else is varied."""
_COUNTED = (Detector.RIGHT, *PARTS, Detector.LITERAL_LEAK)
_SIDES: Mapping[str, Callable[[Replies], Output]] = {
    "candidate": lambda replies: replies.candidate,
    "baseline": lambda replies: replies.baseline,
}
_KINDS = tuple(kind for kind in Kind if kind is not Kind.DEMONSTRATION_LURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a panel came to under one condition."""

    axis: str
    """What is varied: ``demonstrations``, ``order`` or ``format``."""
    value: str
    side: str
    """``candidate`` or ``baseline``."""
    n: int
    wrong: Estimate
    """Share of rewrites that are not right."""
    lost: Mapping[str, int]
    """In what way: rewrites that lose each part, where some do."""
    leaked: int
    """Answers that hold something of a demonstration."""
    differing: int
    """Answers unlike the one under the axis's reference: its first condition, or the prompt format
    and the order that were asked for."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to put the panel."""

    axis: str
    value: str
    shown: int = REFERENCE
    order: int = 0
    prompt: Prompt = DEFAULT_PROMPT


def conditions(prompt: Prompt, most: int) -> Iterator[Condition]:
    """Every condition; of each axis the first one is its reference.

    Args:
        prompt: the one that is not varied where something else is.
        most: most demonstrations.
    """
    for count in COUNTS:
        if count <= most:
            yield Condition("demonstrations", str(count), count, 0, prompt)
    for order in range(ORDERS):
        yield Condition("order", str(order), min(REFERENCE, most), order, prompt)
    for other in (prompt, *others(prompt)):
        yield Condition("format", other.name, min(REFERENCE, most), 0, other)


def measure_sensitivity(
    asker: Asker,
    n: int,
    *,
    prompt: Prompt = DEFAULT_PROMPT,
    seed: int = 0,
    most: int = COUNTS[-1],
    world: WorldName = WorldName.NANO,
) -> list[Point]:
    """Put ``n`` cases under every condition, in one batch, to both sides.

    Args:
        asker: asks candidate and baseline.
        n: cases, over both languages and all kinds.
        prompt: the one that is not varied where something else is.
        seed: of panel and demonstrations.
        most: most demonstrations in a prompt; fewer where most of the panel does not fit with them.
        world: where panel and demonstrations come from.

    Returns:
        A point for each condition and side; none when no case fits at all.
    """
    shown = {
        language: sample_demonstrations(f"sensitivity/{seed}", most, language, world=world)
        for language in Language
    }
    every = [d for demonstrations in shown.values() for d in demonstrations]
    cases = sample_panel(seed, n, world=world, kinds=_KINDS, demonstrations=every).cases
    most = _most_that_fit(asker, cases, shown, prompt, most)
    asked = tuple(conditions(prompt, most))
    rows = [[_posed(case, shown, condition) for case in cases] for condition in asked]
    fitting = [i for i in range(len(cases)) if all(asker.room(row[i]) >= 0 for row in rows)]
    if not fitting:
        return []
    rows = [[row[i] for i in fitting] for row in rows]
    answers = iter(asker.ask([one for row in rows for one in row]))
    said = [[next(answers) for _ in row] for row in rows]
    points: list[Point] = []
    for side, of_side in _SIDES.items():
        first: dict[str, list[str]] = {}
        for condition, row, given in zip(asked, rows, said, strict=True):
            outputs = [of_side(replies) for replies in given]
            reference = first.setdefault(
                condition.axis,
                [answer_of(one.task, output) for one, output in zip(row, outputs, strict=True)],
            )
            points.append(_point(condition, side, row, outputs, reference))
    return points


def _most_that_fit(
    asker: Asker,
    cases: Sequence[Case],
    shown: dict[Language, tuple[Demonstration, ...]],
    prompt: Prompt,
    most: int,
) -> int:
    """The largest number of demonstrations with which half of the cases fit."""
    for count in sorted((c for c in COUNTS if c <= most), reverse=True):
        condition = Condition("demonstrations", str(count), count, 0, prompt)
        fitting = sum(asker.room(_posed(case, shown, condition)) >= 0 for case in cases)
        if 2 * fitting >= len(cases):
            return count
    return 0


def _posed(
    case: Case, shown: dict[Language, tuple[Demonstration, ...]], condition: Condition
) -> Posed:
    chosen = permuted(shown[case.language][: condition.shown], condition.order)
    return Posed(case=case, shown=chosen, prompt=condition.prompt)


def _point(
    condition: Condition,
    side: str,
    posed: Sequence[Posed],
    outputs: Sequence[Output],
    reference: Sequence[str],
) -> Point:
    losses, leaked, lost = [], 0, Counter[str]()
    for one, output in zip(posed, outputs, strict=True):
        found = {s.detector: s.value or 0.0 for s in score(one.task, output, detectors=_COUNTED)}
        losses.append(found[Detector.RIGHT])
        leaked += found[Detector.LITERAL_LEAK] > 0.0
        lost.update(part.value for part in PARTS if found.get(part))
    clusters = [one.case.cluster for one in posed]
    return Point(
        axis=condition.axis,
        value=condition.value,
        side=side,
        n=len(posed),
        wrong=clustered_rate(losses, clusters, sides=Sides.TWO),
        lost={part.value: lost[part.value] for part in PARTS if lost[part.value]},
        leaked=leaked,
        differing=sum(
            not same(answer_of(one.task, output), before)
            for one, output, before in zip(posed, outputs, reference, strict=True)
        ),
    )
