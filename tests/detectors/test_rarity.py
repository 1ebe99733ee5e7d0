"""Common words are told from rare ones, in both languages."""

from __future__ import annotations

import pytest

from evalsuite.detectors.own import Own, bases, one_edit_apart, words
from evalsuite.detectors.rarity import UNLISTED, is_listed, rarity, segments


def test_common_words_are_less_rare_than_rare_ones() -> None:
    for common, rare in (("the", "house"), ("house", "wright"), ("wright", "alhambra")):
        assert rarity(common) < rarity(rare)
    for common, rare in (("的", "上海"), ("上海", "骆驼"), ("骆驼", "布达拉")):
        assert rarity(common) < rarity(rare)
    assert rarity("alhambra") == rarity("布达拉") == UNLISTED
    assert is_listed("mouse")
    assert not is_listed("alambra")


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("颐和平", ["颐", "和平"]),
        ("从文化上", ["从", "文化", "上"]),
        ("北京大学", ["北京大学"]),
        ("", []),
    ],
)
def test_chinese_is_cut_into_its_likeliest_words(text: str, cut: list[str]) -> None:
    assert [*segments(text)] == cut


@pytest.mark.parametrize(
    ("left", "right", "apart"),
    [
        ("alambra", "alhambra", True),
        ("alhambra", "alambra", True),
        ("elhambra", "alhambra", True),
        ("alhamrba", "alhambra", True),
        ("alhambra", "alhambra", False),
        ("alhamarb", "alhambra", False),
        ("almbra", "alhambra", False),
        ("ab", "ba", True),
        ("a", "", True),
    ],
)
def test_one_edit_is_a_letter_lost_added_or_changed_or_two_swapped(
    left: str, right: str, apart: bool
) -> None:
    assert one_edit_apart(left, right) is apart


@pytest.mark.parametrize(
    ("word", "of"),
    [("cities", "city"), ("wolves", "wolf"), ("knives", "knife"), ("walruses", "walrus"),
     ("pans", "pan"), ("glass", "glass"), ("bus", "bus")],
)  # fmt: skip
def test_a_plural_leads_back_to_its_word(word: str, of: str) -> None:
    assert of in bases(word)
    assert (len(bases(word)) == 1) is (word == of)


def test_a_conversation_says_a_word_in_its_other_forms_too() -> None:
    own = Own(("The Avengers construct two cities.", "建了一座城"))
    for word in ("avenger", "constructed", "constructions", "city"):
        assert own.says(word)
    for word in ("contract", "cite", "avenue"):
        assert not own.says(word)
    assert own.nearly_says("constuct")
    assert own.says("城")
    assert not own.says("市")


def test_words_have_no_case_accents_or_possessives() -> None:
    assert [word.text for word in words("Gaudí's Café, 岚洛")] == ["gaudi", "cafe", "岚", "洛"]
