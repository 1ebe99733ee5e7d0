from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.scenarios import Split, invent_name, split_of

seeds = st.integers(min_value=0, max_value=10**9)


@given(seeds, st.sampled_from(Language), st.sampled_from(Split), st.booleans())
def test_a_name_belongs_to_the_split_it_was_drawn_for(
    seed: int, language: Language, split: Split, person: bool
) -> None:
    name = invent_name(random.Random(seed), language, split, person=person)
    assert split_of(name) is split


@given(seeds, st.sampled_from(Language))
def test_the_same_state_invents_the_same_name(seed: int, language: Language) -> None:
    assert invent_name(random.Random(seed), language) == invent_name(random.Random(seed), language)


@given(seeds, st.sampled_from(Language))
def test_avoided_names_neither_recur_nor_overlap(seed: int, language: Language) -> None:
    rng = random.Random(seed)
    first = invent_name(rng, language)
    second = invent_name(rng, language, avoid=frozenset({first}))
    assert first not in second
    assert second not in first


@given(seeds)
def test_english_names_are_capitalised_letters(seed: int) -> None:
    assert re.fullmatch(r"[A-Z][a-z]{4,8}", invent_name(random.Random(seed), Language.EN))


@given(seeds)
def test_chinese_names_are_two_to_four_different_characters(seed: int) -> None:
    name = invent_name(random.Random(seed), Language.ZH, person=seed % 2 == 0)
    assert 2 <= len(name) <= 3
    assert len(set(name)) == len(name)


def test_an_unknown_split_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"split='test'.*train, panel, heldout"):
        invent_name(random.Random(0), Language.EN, "test")


def _words(public_data: Path) -> set[str]:
    text = (public_data / "canard" / "dev.json").read_text("utf-8")
    dialogues = json.loads(text)
    texts = [t for d in dialogues for t in (*d["History"], d["Question"], d["Rewrite"])]
    return {w.casefold() for t in texts for w in re.findall(r"[A-Za-z]+", t)}


def test_english_names_are_no_words_of_real_conversations(public_data: Path) -> None:
    rng, words = random.Random(5), _words(public_data)
    names = {invent_name(rng, Language.EN, split) for split in Split for _ in range(2000)}
    assert len(words) > 5000
    assert {n for n in names if n.casefold() in words} == set()


def test_chinese_names_do_not_occur_in_real_conversations(public_data: Path) -> None:
    text = "".join(p.read_text("utf-8") for p in sorted((public_data / "kdconv").glob("*.json")))
    rng = random.Random(6)
    names = {invent_name(rng, Language.ZH, split) for split in Split for _ in range(1000)}
    assert len(text) > 100_000
    assert {n for n in names if n in text} == set()
