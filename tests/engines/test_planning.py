"""What runs together: every item once, prefixes truly shared, batches blind to the adapter."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.engines.planning import (
    MIN_PREFIX,
    STRIDE,
    Batch,
    Limits,
    Memory,
    clustered,
    common_prefix,
    items_of,
    plan,
)
from evalsuite.generation import Request, Sampling

LIMITS = Limits(tokens=600)
VOCAB = 50

tails = st.lists(st.integers(0, 3), min_size=1, max_size=60).map(tuple)
heads = st.sampled_from([(), (9,) * 20, (9,) * 40, (9,) * 20 + (8,) * 30, (7,) * 100])
prompts = st.tuples(heads, tails).map(lambda pair: pair[0] + pair[1])
samplings = st.builds(Sampling, max_tokens=st.sampled_from([4, 16]), seed=st.integers(0, 1))
requests = st.builds(
    Request,
    prompt=prompts,
    adapter=st.sampled_from([None, "a", "b"]),
    sampling=samplings,
    target=st.none() | st.lists(st.integers(0, 3), min_size=1, max_size=8).map(tuple),
)


def planned(asked: list[Request], limits: Limits = LIMITS) -> list[Batch]:
    return plan(items_of(asked), limits, VOCAB)


@given(st.lists(requests, max_size=40))
def test_every_request_is_answered_once(asked: list[Request]) -> None:
    places = [
        (adapter, index)
        for batch in planned(asked)
        for item in batch.items
        for adapter, indices in item.indices
        for index in indices
    ]
    assert sorted(i for _, i in places) == list(range(len(asked)))
    assert all(asked[i].adapter == adapter for adapter, i in places)


@given(st.lists(requests, max_size=40))
def test_a_chunk_shares_its_prefix_and_fits_its_width(asked: list[Request]) -> None:
    for chunk in (chunk for batch in planned(asked) for chunk in batch.chunks):
        depth = len(chunk.prefix)
        assert depth == 0 or depth >= MIN_PREFIX
        assert chunk.width % STRIDE == 0
        assert all(item.prompt[:depth] == chunk.prefix for item in chunk.items)
        assert all(len(item.prompt) > depth for item in chunk.items)
        assert max(len(i.inputs) for i in chunk.items) - depth <= chunk.width


@given(st.lists(requests, max_size=40))
def test_a_batch_is_of_one_kind_and_keeps_the_limits(asked: list[Request]) -> None:
    for batch in planned(asked):
        assert batch.footprint <= LIMITS.tokens or len(batch.items) == 1
        assert len({(i.target is None, i.sampling, i.adapters) for i in batch.items}) == 1
        assert batch.length == batch.chunks[0].length == max(c.length for c in batch.chunks)
        assert all(chunk.items for chunk in batch.chunks)


def test_padding_stays_below_one_stride_a_row_and_one_launch_a_width() -> None:
    rng = random.Random(0)
    asked = [
        Request(prompt=tuple(rng.choices(range(50), k=rng.randint(1, 300)))) for _ in range(99)
    ]
    chunks = planned(asked, Limits(tokens=10**6, launch=64, reading=10**6))[0].chunks
    padding = sum(c.width - len(i.inputs) for c in chunks for i in c.items)
    assert padding < 99 * STRIDE + 64 * len(chunks)
    assert 1 < len(chunks) <= 10
    one = planned(asked, Limits(tokens=10**6, launch=10**6, reading=10**6))[0].chunks
    assert len(one) == 1


@given(st.lists(requests, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_requests_changes_no_batch(
    asked: list[Request], rng: random.Random
) -> None:
    shuffled = rng.sample(asked, len(asked))
    assert _contents(planned(asked)) == _contents(planned(shuffled))


@given(
    st.lists(requests.filter(lambda r: r.adapter is None), max_size=30), st.text("xyz", min_size=1)
)
def test_base_and_candidate_run_the_same_batches_whatever_the_adapter(
    asked: list[Request], adapter: str
) -> None:
    both = [*asked, *(replace(r, adapter=adapter) for r in asked)]
    batches = planned(both)
    assert all(batch.adapters == (None, adapter) for batch in batches)
    assert _contents(batches) == _contents(planned(asked))


def _contents(batches: list[Batch]) -> list[object]:
    return [
        [(c.prefix, c.width, [(i.prompt, i.target, i.sampling) for i in c.items]) for c in b.chunks]
        for b in batches
    ]


def test_two_instructions_make_two_clusters_even_behind_a_common_header() -> None:
    header = (1, 2, 3)
    english, chinese = header + (10,) * 300, header + (20,) * 400
    rng = random.Random(0)
    asked = [
        Request(prompt=head + tuple(rng.choices(range(30, 40), k=rng.randint(5, 40))))
        for head in (english, chinese)
        for _ in range(50)
    ]
    found = clustered(items_of(asked), LIMITS.cluster)
    assert sorted(len(prefix) for prefix, _ in found) == [303, 403]
    assert sorted(len(members) for _, members in found) == [50, 50]


def test_a_few_prompts_with_a_longer_prefix_stay_with_the_others() -> None:
    common = (1,) * 200
    asked = [Request(prompt=(*common, i, i + 1, i + 2)) for i in range(2, 40)]
    asked += [Request(prompt=common + (50,) * 30 + (i,)) for i in range(3)]
    assert [len(prefix) for prefix, _ in clustered(items_of(asked), LIMITS.cluster)] == [200]


@pytest.mark.parametrize(
    ("shared", "clusters"), [(MIN_PREFIX - 1, [0]), (MIN_PREFIX, [MIN_PREFIX])]
)
def test_two_prompts_share_a_prefix_from_the_shortest_one_that_is_kept(
    shared: int, clusters: list[int]
) -> None:
    asked = [Request(prompt=(1,) * shared + (last, 9)) for last in (2, 3)]
    found = clustered(items_of(asked), LIMITS.cluster)
    assert [len(prefix) for prefix, _ in found] == clusters
    assert [len(members) for _, members in found] == [2]


def test_prompts_without_a_shared_prefix_share_none() -> None:
    asked = [Request(prompt=(i,) * 50) for i in range(5)]
    assert [prefix for prefix, _ in clustered(items_of(asked), LIMITS.cluster)] == [()]


@settings(max_examples=150)
@given(st.lists(prompts, min_size=2, max_size=30, unique=True))
def test_sharing_never_costs_more_tokens_than_not_sharing(asked: list[tuple[int, ...]]) -> None:
    found = clustered(items_of([Request(prompt=p) for p in asked]), LIMITS.cluster)
    spent = sum(
        len(prefix) + sum(len(i.prompt) - len(prefix) for i in members) for prefix, members in found
    )
    assert spent <= sum(map(len, asked))


def test_thousands_of_nested_prefixes_need_no_recursion() -> None:
    asked = [Request(prompt=(1,) * n + (2,)) for n in range(1, 3000)]
    assert sum(len(members) for _, members in clustered(items_of(asked), LIMITS.cluster)) == 2999


@given(tails, tails)
def test_the_common_prefix_is_shared_and_cannot_be_longer(
    left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    n = common_prefix(left, right)
    assert left[:n] == right[:n]
    assert left[n : n + 1] != right[n : n + 1] or n == min(len(left), len(right))


def test_settings_that_cannot_change_an_answer_make_no_second_item() -> None:
    greedy = [Request(prompt=(1,), sampling=Sampling(seed=seed)) for seed in range(3)]
    scored = [
        Request(prompt=(1,), target=(2,), sampling=Sampling(max_tokens=n)) for n in range(1, 4)
    ]
    drawn = [
        Request(prompt=(1,), sampling=Sampling(seed=seed, temperature=0.5)) for seed in range(3)
    ]
    assert [len(items_of(asked)) for asked in (greedy, scored, drawn)] == [1, 1, 3]


@pytest.mark.parametrize("rows", [2, 3, 7, 64])
def test_halved_limits_split_the_batch_that_did_not_fit(rows: int) -> None:
    asked = [Request(prompt=(i, 1)) for i in range(rows)]
    limits = Limits(tokens=10**9)
    whole = planned(asked, limits)[0]
    assert len(whole.items) == rows
    assert len(planned(asked, limits.halved(whole))[0].items) <= max(1, rows // 2)


def test_a_pass_reads_no_more_than_it_may() -> None:
    asked = [Request(prompt=(i,) * 100) for i in range(10)]
    chunks = [c for b in planned(asked, Limits(tokens=10**6, reading=400)) for c in b.chunks]
    assert [len(c.items) * c.width for c in chunks] == [384, 384, 384, 128]
    one_by_one = planned(asked, Limits(tokens=10**6, reading=1))[0].chunks
    assert [len(c.items) for c in one_by_one] == [1] * 10


def test_scored_chunks_are_cut_by_the_size_of_their_distributions() -> None:
    asked = [Request(prompt=(i,), target=(1,) * 10) for i in range(8)]
    limits = Limits(tokens=10**6, logits=3 * 10 * VOCAB)
    assert [len(c.items) for b in planned(asked, limits) for c in b.chunks] == [3, 3, 2]


@given(
    st.lists(requests, max_size=40),
    st.integers(1, 40_000),
    st.lists(st.tuples(st.sampled_from([8, 64, 10**9]), st.integers(1, 64)), min_size=1),
)
def test_a_batch_takes_no_more_memory_than_it_may(
    asked: list[Request], budget: int, layers: list[tuple[int, int]]
) -> None:
    memory = Memory(budget, tuple(layers))
    for batch in planned(asked, replace(LIMITS, memory=memory)):
        new = batch.items[0].new_tokens
        columns = [min(batch.length, window - 1) + new for window, _ in layers]
        row = sum(n * size for n, (_, size) in zip(columns, layers, strict=True))
        assert len(batch.items) == 1 or len(batch.items) * row <= budget


def test_a_layer_with_a_window_takes_its_window_and_what_is_new() -> None:
    assert Memory(1000, ((10**9, 2),)).rows(100, 25) == 1000 // (125 * 2)
    assert Memory(1000, ((9, 2),)).rows(100, 2) == 1000 // (10 * 2)
    assert Memory(1000, ((9, 2), (10**9, 2))).rows(4, 1) == 1000 // (5 * 2 + 5 * 2)
    assert Memory(1000, ()).rows(100, 25) == 1000


@given(st.lists(requests, max_size=40), st.integers(0, 120))
def test_rows_that_may_grow_too_long_are_asked_alone(asked: list[Request], steady: int) -> None:
    for batch in planned(asked, replace(LIMITS, steady=steady)):
        ends = [len(item.inputs) + item.new_tokens for item in batch.items]
        assert batch.alone is (max(ends) > steady)
        if batch.alone:
            (chunk,) = batch.chunks
            assert len(chunk.items) == 1
            assert (chunk.prefix, chunk.width) == ((), len(chunk.items[0].inputs))
