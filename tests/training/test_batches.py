from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.training.batches import one_pass, padded_width, plan

LENGTHS = st.lists(st.integers(1, 700), min_size=1, max_size=200)


@given(st.integers(1, 100_000))
def test_a_width_holds_its_row_is_a_multiple_of_32_and_wastes_little(length: int) -> None:
    width = padded_width(length)
    assert width % 32 == 0
    assert length <= width
    assert width - length < max(32, length / 4 + 1)
    assert padded_width(width) == width


def test_a_thousand_lengths_need_sixteen_widths() -> None:
    assert len({padded_width(n) for n in range(1, 1025)}) == 16


@given(LENGTHS, st.integers(700, 5000), st.integers(0, 5))
def test_a_pass_holds_every_sample_once_within_the_budget(
    lengths: list[int], budget: int, seed: int
) -> None:
    batches = one_pass(lengths, budget=budget, rng=random.Random(seed))
    seen = [i for batch in batches for i in batch.indices]
    assert sorted(seen) == list(range(len(lengths)))
    for batch in batches:
        assert batch.rows * batch.width <= max(budget, batch.width)
        assert len(batch.indices) <= batch.rows
        assert all(lengths[i] <= batch.width for i in batch.indices)
    assert sum(len(batch.indices) < batch.rows for batch in batches) <= 1


@given(LENGTHS, st.integers(1, 4), st.integers(1, 30), st.integers(0, 5))
def test_a_plan_has_the_steps_asked_for_and_repeats_from_its_seed(
    lengths: list[int], accumulation: int, steps: int, seed: int
) -> None:
    def make(number: int) -> list[object]:
        return list(
            plan(lengths, budget=1024, accumulation=accumulation, seed=number, max_steps=steps)
        )

    assert len(make(seed)) == steps * accumulation
    assert make(seed) == make(seed)


@pytest.mark.parametrize(("epochs", "accumulation"), [(1.0, 1), (2.5, 1), (2.0, 3), (0.001, 4)])
def test_epochs_count_passes_over_the_samples(epochs: float, accumulation: int) -> None:
    lengths = [40] * 160  # ten batches of sixteen rows
    batches = plan(lengths, budget=1024, accumulation=accumulation, seed=0, epochs=epochs)
    assert len(batches) == max(1, round(epochs * 10 / accumulation)) * accumulation


def test_two_seeds_order_the_samples_differently() -> None:
    lengths = list(range(1, 400))
    one, two = (plan(lengths, budget=1024, accumulation=1, seed=s, epochs=1) for s in (0, 1))
    assert one != two
