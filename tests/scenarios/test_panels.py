from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Case, Kind, Language
from evalsuite.errors import InvalidInput
from evalsuite.scenarios import (
    LEXICONS,
    Split,
    sample_demonstrations,
    sample_episodes,
    sample_panel,
    split_of,
    templates,
)

SHOWN = tuple(d for language in Language for d in sample_demonstrations(1, 2, language))


def names_of(case: Case) -> set[str]:
    return {*case.expect.must_name, *case.expect.must_not_name}


@given(st.integers(0, 10**6))
def test_the_same_seed_gives_the_same_panel(seed: int) -> None:
    assert sample_panel(seed, 30) == sample_panel(seed, 30)


def test_different_seeds_give_different_names() -> None:
    names = [
        {n for case in sample_panel(seed, 60).cases for n in names_of(case)} for seed in (1, 2)
    ]
    assert len(names[0] & names[1]) < 0.05 * len(names[0])


def test_a_panel_covers_every_kind_in_both_languages_evenly() -> None:
    cases = sample_panel(3, 13 * 2 * 10, demonstrations=SHOWN).cases
    assert set(Counter((c.kind, c.language) for c in cases).values()) == {10}
    assert {c.kind for c in cases} == set(Kind)


def test_clusters_are_templates_and_there_are_hundreds() -> None:
    panel = sample_panel(4, 600, demonstrations=SHOWN)
    assert len(panel.clusters) > 300
    assert max(Counter(c.cluster for c in panel.cases).values()) < 12


@pytest.mark.parametrize("split", Split)
def test_every_name_of_a_panel_is_of_its_split(split: Split) -> None:
    for case in sample_panel(5, 200, split).cases:
        assert {split_of(name) for name in names_of(case)} <= {split}, case.id


def test_splits_share_no_template() -> None:
    def sentences(split: Split) -> set[str]:
        found: set[str] = set()
        for lexicon in LEXICONS.values():
            found |= set(lexicon.queries[split])
            found |= {asked for asked, _ in lexicon.elliptic[split]}
            found |= {" / ".join(o.texts) for k in lexicon.openers[split].values() for o in k}
        return found

    train, panel, heldout = (sentences(s) for s in Split)
    assert train & panel == train & heldout == panel & heldout == set()


@given(st.integers(0, 10**6), st.sampled_from(Split))
def test_the_reference_is_right_by_construction(seed: int, split: Split) -> None:
    for case in sample_panel(seed, 26, split, demonstrations=SHOWN).cases:
        assert case.reference is not None
        for rewrite in case.expect.rewrites:
            assert all(name in rewrite for name in case.expect.must_name)
            assert not any(name in rewrite for name in case.expect.must_not_name)
        assert case.expect.unchanged == (case.reference == case.query)


@given(st.integers(0, 10**6))
def test_the_antecedent_stands_in_the_history_unless_the_query_names_it(seed: int) -> None:
    for case in sample_panel(seed, 26, demonstrations=SHOWN).cases:
        told = " ".join(m.content for m in case.history) + case.query
        assert all(name in told for name in case.expect.must_name), case.id


@given(st.integers(0, 10**6))
def test_a_lure_tempts_with_the_entities_of_its_demonstration(seed: int) -> None:
    cases = sample_panel(seed, 8, kinds=[Kind.DEMONSTRATION_LURE], demonstrations=SHOWN).cases
    leakable = {name for d in SHOWN for name in d.entities}
    for case in cases:
        told = " ".join(m.content for m in case.history)
        assert leakable & set(case.expect.must_not_name)
        assert not any(name in told for name in leakable)


@given(st.integers(0, 10**6))
def test_demonstration_sets_of_different_seeds_share_no_entity(seed: int) -> None:
    left, right = (
        {n for d in sample_demonstrations(f"{seed}/{name}", 4, Language.EN) for n in d.entities}
        for name in "ab"
    )
    assert not left & right


def test_episodes_are_reproducible_and_lures_always_have_something_to_imitate() -> None:
    episodes = sample_episodes(7, 60, kinds=[Kind.DEMONSTRATION_LURE, Kind.SINGLE])
    assert episodes == sample_episodes(7, 60, kinds=[Kind.DEMONSTRATION_LURE, Kind.SINGLE])
    lures = [e for e in episodes if e.case.kind is Kind.DEMONSTRATION_LURE]
    assert lures
    assert all(e.demonstrations for e in lures)


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="nothing to draw"):
        sample_panel(1, 5, kinds=[Kind.DEMONSTRATION_LURE])
    with pytest.raises(InvalidInput, match="n=-1"):
        sample_panel(1, -1)
    with pytest.raises(InvalidInput, match="demonstration_lure"):
        templates(Language.EN, Kind.DEMONSTRATION_LURE, Split.PANEL)
