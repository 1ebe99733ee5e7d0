from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Kind, Language
from evalsuite.scenarios import LEXICONS
from evalsuite.scenarios.frames import FRAMED, framed_case, random_words, vocabulary

seeds = st.integers(0, 10**6)


@pytest.mark.parametrize("language", Language)
def test_random_words_hold_no_pronoun(language: Language) -> None:
    lexicon = LEXICONS[language]
    known = set(vocabulary(language))
    assert len(known) > 200
    for forms in (lexicon.thing, lexicon.plural, lexicon.female, lexicon.male):
        assert forms.subject not in known
        assert forms.possessive not in known


@given(seeds, st.sampled_from(Language), st.integers(1, 12))
def test_as_many_words_come_as_were_asked_for(seed: int, language: Language, n: int) -> None:
    assert len(random_words(random.Random(seed), language, n)) == n


@given(seeds, st.sampled_from(Language), st.sampled_from(FRAMED))
def test_a_framed_case_has_a_right_answer_by_construction(
    seed: int, language: Language, kind: Kind
) -> None:
    case = framed_case(random.Random(seed), language, kind, "framed")
    assert case.kind is kind
    assert case.reference is not None
    assert all(name in case.reference for name in case.expect.must_name)
    assert case.expect.unchanged == (case.reference == case.query)
