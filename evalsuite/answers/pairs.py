"""Two systems' answers to the same cases: is the one no worse than the other?

The statistics are those of ``evalsuite compare``: Tango's interval of the paired difference,
clusters counted, within a margin; of shares of words their paired mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from evalsuite.answers.judging import LEAK, Judged
from evalsuite.errors import InvalidInput
from evalsuite.gates import (
    Observation,
    Part,
    Quantity,
    SliceVerdict,
    Status,
    Topic,
    judge_mean,
    worst,
)
from evalsuite.rewrites import Standard
from evalsuite.runs.comparison import MARGIN, SLICE_MINIMUM
from evalsuite.runs.pairs import groups, judging
from evalsuite.statistics import ASSUMED_ICC

_CONFIDENCE = 0.95
Pairs = Sequence[tuple[Judged, Judged]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """One system's answers beside another's to the same cases."""

    wholes: tuple[SliceVerdict, ...]
    """Whether the first is no worse: right, and where somebody looked, leaks."""
    slices: tuple[SliceVerdict, ...]
    """The same of *right* by language and kind, and shares of words where only these are known."""
    worse: tuple[tuple[Judged, Judged], ...]
    """Cases that the first gets wrong and the second does not."""
    better: int
    """Cases that the second gets wrong and the first does not."""

    @property
    def status(self) -> Status:
        """FAILED: surely worse somewhere; INCONCLUSIVE: the pairs do not show that it is not."""
        # As of two runs: a slice can show that something got worse, not that nothing did.
        slices = [one.status for one in self.slices if one.status is Status.FAILED]
        return worst([*(one.status for one in self.wholes), *slices])


def pair(
    candidate: Sequence[Judged], baseline: Sequence[Judged], *, margin: float = MARGIN
) -> Pairing:
    """Compare two systems on the cases that both answered, which are all of them.

    Args:
        candidate: the answers that may be worse.
        baseline: those that they are compared with, in any order.
        margin: by how much the share of wrong answers may be larger, 0 to 1.

    Raises:
        InvalidInput: a margin outside 0 to 1.
    """
    require_margin(margin)
    other = {one.case.id: one for one in baseline}
    pairs = [(one, other[one.case.id]) for one in candidate]
    judged = judging(_CONFIDENCE, ASSUMED_ICC, margin)
    rights = _observations(pairs, _wrong)
    leaks = _observations(pairs, _leak) if _looked(candidate) else []
    slices = [judged(part, seen) for part, seen in groups(rights) if len(seen) >= SLICE_MINIMUM]
    words = partial(judge_mean, quantity=Quantity.WORDS)
    slices += [
        judged(Part(topic, golden_set=Standard.FREE.value), seen, rule=words)
        for topic, seen in _words(pairs)
        if len(seen) >= SLICE_MINIMUM
    ]
    return Pairing(
        wholes=(
            judged(Part(Topic.ALL_CASES), rights),
            *([judged(Part(Topic.LEAKAGE), leaks)] if leaks else ()),
        ),
        slices=tuple(slices),
        worse=tuple(two for two in pairs if _changed(*two)),
        better=sum(_changed(theirs, ours) for ours, theirs in pairs),
    )


def require_margin(margin: float) -> None:
    """Check a margin, before the answers are judged that it is for.

    Raises:
        InvalidInput: it lies outside 0 to 1, or is no number.
    """
    if not 0 <= margin <= 1:
        raise InvalidInput(f"margin={margin} must lie between 0 and 1, such as {MARGIN}")


def _changed(wrong: Judged, right: Judged) -> bool:
    return wrong.right is False and right.right is True


def _looked(found: Sequence[Judged]) -> bool:
    return any(one.losses[LEAK] is not None for one in found)


def _wrong(one: Judged) -> float | None:
    return None if one.right is None else float(not one.right)


def _leak(one: Judged) -> float | None:
    return one.losses[LEAK]


def _words(pairs: Pairs) -> list[tuple[Topic, list[Observation]]]:
    """The shares of words of free rewrites, where both answers have one: each alone says nothing
    there."""
    free = [two for two in pairs if two[0].standard is Standard.FREE]
    readers: dict[Topic, Callable[[Judged], float | None]] = {
        Topic.WORDS_LOST: lambda one: one.words_lost,
        Topic.WORDS_NEW: lambda one: one.words_new,
    }
    return [
        (topic, [seen for seen in _observations(free, read) if _both(seen)])
        for topic, read in readers.items()
    ]


def _both(seen: Observation) -> bool:
    return seen.candidate is not None and seen.baseline is not None


def _observations(pairs: Pairs, loss: Callable[[Judged], float | None]) -> list[Observation]:
    return [
        Observation(
            case_id=one.case.id,
            cluster=one.case.cluster,
            language=one.case.language.value,
            kind=one.case.kind.value,
            candidate=loss(one),
            baseline=loss(other),
        )
        for one, other in pairs
    ]
