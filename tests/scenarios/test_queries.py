"""What the grammar knows to be equally right answers, and what it takes as noise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Case, Kind, Language
from evalsuite.detectors.text import comparable, find_names, fold, mentions
from evalsuite.rewrites.pronouns import pronoun_ranges
from evalsuite.scenarios import LEXICONS, Split, sample_demonstrations, sample_panel
from evalsuite.scenarios.frames import FRAMED, framed_case
from evalsuite.scenarios.queries import misspell

seeds = st.integers(0, 10**6)
SHOWN = tuple(d for language in Language for d in sample_demonstrations(1, 2, language))


def panel(seed: int, *kinds: Kind, language: Language | None = None) -> tuple[Case, ...]:
    languages = tuple(Language) if language is None else (language,)
    drawn = kinds or tuple(Kind)
    n = 4 * len(drawn) * len(languages)
    return sample_panel(seed, n, kinds=drawn, languages=languages, demonstrations=SHOWN).cases


def require_right(case: Case) -> None:
    rewrites = case.expect.rewrites
    assert rewrites[0] == case.reference
    assert len({comparable(text) for text in rewrites}) == len(rewrites) or case.kind is Kind.NOISY
    for text in rewrites:
        found = {span.label for span in find_names(text, case.expect.must_name)}
        assert found == set(case.expect.must_name), text
        assert not find_names(text, case.expect.must_not_name), text
        if not case.expect.unchanged:
            assert comparable(text) != comparable(case.query)
            assert not list(pronoun_ranges(fold(text).text)), text


@given(seeds)
def test_every_accepted_rewrite_names_what_is_meant_and_leaves_nothing_open(seed: int) -> None:
    for case in panel(seed):
        require_right(case)


@given(seeds, st.sampled_from(Language), st.sampled_from(FRAMED))
def test_so_do_those_of_a_query_of_random_words(seed: int, language: Language, kind: Kind) -> None:
    case = framed_case(random.Random(seed), language, kind, "framed")
    for text in case.expect.rewrites:
        assert all(name in text for name in case.expect.must_name)
        assert not any(name in text for name in case.expect.must_not_name)


@given(seeds)
def test_what_an_accepted_rewrite_calls_a_thing_the_history_says(seed: int) -> None:
    for case in panel(seed):
        told = " ".join(m.content for m in case.history) + case.query
        lexicon = LEXICONS[case.language]
        nouns = {t.noun for t in lexicon.types} | {*lexicon.female_roles, *lexicon.male_roles}
        for text in case.expect.rewrites:
            new = {n for n in nouns if mentions(text, n) and not mentions(case.query, n)}
            assert all(mentions(told, noun) for noun in new), text


def accepted(*kinds: Kind, language: Language) -> list[tuple[str, ...]]:
    return [
        case.expect.rewrites for seed in range(6) for case in panel(seed, *kinds, language=language)
    ]


def test_an_english_attribute_stands_before_or_behind_its_owner() -> None:
    for kinds in ((Kind.SINGLE, Kind.PERSON), (Kind.DROPPED_SUBJECT,)):
        asking = [r for r in accepted(*kinds, language=Language.EN) if "'s " in " ".join(r)]
        assert asking
        for rewrites in asking:
            owned = sum("'s " in text for text in rewrites)
            assert owned == sum(" of " in text.partition("the ")[2] for text in rewrites)
            assert 2 * owned == len(rewrites)


@pytest.mark.parametrize("language", Language)
def test_two_names_stand_in_either_order(language: Language) -> None:
    for case in panel(3, Kind.PLURAL, language=language):
        a, b = case.expect.must_name
        before = [text.index(a) < text.index(b) for text in case.expect.rewrites]
        assert before[0]
        assert 2 * sum(before) == len(before)


@pytest.mark.parametrize("language", Language)
def test_a_name_may_follow_what_the_history_calls_it(language: Language) -> None:
    cases = [case for seed in range(6) for case in panel(seed, Kind.PERSON, language=language)]
    lexicon = LEXICONS[language]
    roles = (*lexicon.female_roles, *lexicon.male_roles)
    described = [c for c in cases if any(mentions(c.expect.rewrites[-1], r) for r in roles)]
    assert len(described) > len(cases) / 3
    for case in described:
        assert not any(mentions(case.expect.rewrites[0], role) for role in roles)


def test_a_chinese_adverb_stands_before_or_behind_the_subject() -> None:
    asked = accepted(Kind.DROPPED_SUBJECT, language=Language.ZH)
    moved = [rewrites for rewrites in asked if any(r.startswith("怎么") for r in rewrites)]
    assert moved
    assert all(not rewrites[0].startswith("怎么") for rewrites in moved)


@pytest.mark.parametrize("language", Language)
def test_noise_may_stay_or_be_mended(language: Language) -> None:
    for seed in range(6):
        for case in panel(seed, Kind.NOISY, language=language):
            kept, mended = (
                case.expect.rewrites[: len(case.expect.rewrites) // 2],
                case.expect.rewrites[len(case.expect.rewrites) // 2 :],
            )
            assert len(kept) == len(mended)
            assert not set(kept) & set(mended)
            attributes = LEXICONS[language].foreign_attributes
            for dirty, clean in zip(kept, mended, strict=True):
                foreign = [f for f in attributes if f in case.query]
                assert all(f in dirty and f not in clean for f in foreign)
                assert all(attributes[f] in clean for f in foreign)


@given(seeds, st.text("abcdefgh", min_size=1, max_size=12))
def test_a_misspelt_word_is_another_word_of_the_same_letters(seed: int, word: str) -> None:
    wrong = misspell(word, random.Random(seed))
    assert wrong != word
    assert set(wrong) == set(word)
    assert len(wrong) - len(word) in (0, 1)


def test_training_answers_in_the_plainest_words() -> None:
    for case in sample_panel(8, 200, Split.TRAIN, demonstrations=SHOWN).cases:
        assert case.reference is not None
        shortest = min(len(text) for text in case.expect.rewrites)
        assert len(case.reference) <= shortest + len(" of the")
