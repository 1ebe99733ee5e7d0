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
    sample_shown_panel,
    split_of,
    templates,
)
from evalsuite.scenarios.lexicon import lead

LEADS = {
    (language, split): {lead(query) for query in lexicon.queries[split]}
    for language, lexicon in LEXICONS.items()
    for split in Split
}
SHOWN = tuple(d for language in Language for d in sample_demonstrations(1, 2, language))


def names_of(case: Case) -> set[str]:
    return {*case.expect.must_name, *case.expect.must_not_name}


@given(st.integers(0, 10**6))
def test_the_same_seed_gives_the_same_panel(seed: int) -> None:
    assert sample_panel(seed, 30) == sample_panel(seed, 30)


def test_different_seeds_give_different_conversations() -> None:
    asked = [{(c.history, c.query) for c in sample_panel(seed, 600).cases} for seed in (1, 2)]
    assert not asked[0] & asked[1]


def test_a_panel_covers_every_kind_in_both_languages_evenly() -> None:
    cases = sample_panel(3, 13 * 2 * 10, demonstrations=SHOWN).cases
    assert set(Counter((c.kind, c.language) for c in cases).values()) == {10}
    assert {c.kind for c in cases} == set(Kind)


def test_clusters_are_leads_and_there_are_more_than_a_hundred() -> None:
    panel = sample_panel(4, 600, demonstrations=SHOWN)
    assert len(panel.clusters) > 100
    assert max(Counter(c.cluster for c in panel.cases).values()) < 20


def test_cases_that_ask_in_the_same_words_share_a_cluster_across_kinds() -> None:
    cases = sample_panel(4, 600, languages=[Language.EN], demonstrations=SHOWN).cases
    lead = "What is the general opinion of"
    asking = [case for case in cases if case.query.startswith(lead)]
    assert len({case.kind for case in asking}) > 3
    assert {case.cluster for case in asking} == {f"panel/en/{lead}"}


@given(st.integers(0, 10**6), st.sampled_from(Language))
def test_few_cases_share_their_demonstrations_and_none_shares_a_name_with_them(
    seed: int, language: Language
) -> None:
    shown = sample_shown_panel(seed, 17, language, share=5)
    assert list(Counter(s.pair.name for s in shown).values()) == [5, 5, 5, 2]
    for each in shown:
        a, b = ({n for d in side for n in d.entities} for side in (each.pair.a, each.pair.b))
        assert len(each.pair.a) == len(each.pair.b) == 2
        assert a
        assert not a & b
        assert not {*each.case.expect.must_name} & (a | b)


def test_a_shown_panel_covers_every_kind_evenly() -> None:
    kinds = Counter(s.case.kind for s in sample_shown_panel(7, 13 * 20, Language.ZH))
    assert set(kinds) == set(Kind)
    assert max(kinds.values()) - min(kinds.values()) <= 4


@pytest.mark.parametrize("split", Split)
def test_every_name_of_a_panel_is_of_its_split(split: Split) -> None:
    for case in sample_panel(5, 200, split).cases:
        assert {split_of(name) for name in names_of(case)} <= {split}, case.id


def test_splits_share_no_template() -> None:
    def sentences(split: Split) -> set[str]:
        found: set[str] = set()
        for lexicon in LEXICONS.values():
            found |= {f"{lexicon.language}/{lead(q)}" for q in lexicon.queries[split]}
            found |= {f"{lexicon.language}/{lead(e.bare)}" for e in lexicon.elliptic[split]}
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


@given(st.integers(0, 10**6), st.sampled_from(Language))
def test_demonstration_sets_share_no_entity_when_one_avoids_the_other(
    seed: int, language: Language
) -> None:
    shown = sample_demonstrations(f"{seed}/a", 4, language)
    named = frozenset(n for d in shown for n in d.entities)
    others = sample_demonstrations(f"{seed}/b", 4, language, avoid=named)
    assert not named & {n for d in others for n in d.entities}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("split", [Split.PANEL, Split.TRAIN])
def test_counterfactual_demonstrations_ask_other_things(language: Language, split: Split) -> None:
    lexicon = LEXICONS[language]
    attributes = {a for t in lexicon.types for a in t.attributes}
    for seed in range(40):
        a = sample_demonstrations(f"{seed}/a", 3, language, split)
        named = frozenset(n for d in a for n in d.entities)
        b = sample_demonstrations(f"{seed}/b", 3, language, split, avoid=named, unlike=a)
        leads = [[x for x in LEADS[language, split] if d.query.startswith(x)] for d in (*a, *b)]
        first, second = (
            {max(found, key=len) for found in part if found} for part in (leads[:3], leads[3:])
        )
        assert first.isdisjoint(second)
        asked = [{x for x in attributes if any(x in d.query for d in part)} for part in (a, b)]
        assert asked[0].isdisjoint(asked[1])


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
