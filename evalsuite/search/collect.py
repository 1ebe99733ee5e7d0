"""Drawing many examples of a strategy before a model is asked about any of them."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def search_settings(n: int, *phases: Phase) -> settings:
    """Settings under which collecting and replaying draw the very same examples.

    Hypothesis repeats its draws for the same seed only while these stay the same; the deadline is
    off because the first answer of a batch takes as long as the whole batch.
    """
    return settings(
        max_examples=n,
        phases=phases,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )


def collect(strategy: SearchStrategy[T], n: int, *, seed_value: int) -> tuple[T, ...]:
    """Return about ``n`` examples in the order in which a test with this seed meets them.

    These are searched, not sampled: they are good for finding counterexamples and never for a
    rate (HypothesisWorks/hypothesis#482).
    """
    found: list[T] = []

    @seed(seed_value)
    @search_settings(n, Phase.generate)
    @given(strategy)
    def draw(example: T) -> None:
        found.append(example)

    draw()
    return tuple(found)
