"""Folding forgets what does not matter, remembers where everything was, and finds whole names."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalsuite.cases import Language
from evalsuite.detectors.text import comparable, find_names, fold, mentions, same, tokens
from evalsuite.scenarios import invent_name

TEXTS = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("aAbB's ’ ？。，“”「」　\u200bé\u0301ß½ﬁ㎞Ａｂ１岚洛－—…"),
    ),
    max_size=40,
)
NAMES = st.builds(
    lambda seed, language: invent_name(random.Random(seed), language),
    st.integers(0, 9999),
    st.sampled_from(tuple(Language)),
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is Velora’s price？", "what is velora's price"),
        ("Ｗｈａｔ is “Velora”?", 'What is "velora"'),
        ("岚洛 的 价格 ？", "岚洛的价格"),
        ("岚洛的iPhone版", "岚洛的 iPhone 版。"),
        ("the   river\n", "The river."),
        ("post - traumatic , he said", "post-traumatic, he said!"),
        ("Vel\u200bora", "Velora"),
        ("cafe\u0301", "CAFÉ"),
        ("ｶﾞ", "ガ"),
    ],
)
def test_differences_that_do_not_matter_are_no_differences(left: str, right: str) -> None:
    assert same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is A?", "What is B?"),
        ("它的价格", "他的价格"),
        ("no one", "noone"),
        ("?", "!"),
        ("", "?"),
    ],
)
def test_differences_that_matter_stay(left: str, right: str) -> None:
    assert not same(left, right)


@given(TEXTS)
def test_every_folded_character_points_at_its_origin(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert list(folded.starts) == sorted(folded.starts)
    assert all(0 <= s < e <= len(text) for s, e in zip(folded.starts, folded.ends, strict=True))


@given(st.text(st.characters(codec="ascii"), max_size=40))
@example("It's `so`  plain")
def test_a_plain_text_folds_as_a_part_of_any_other_does(text: str) -> None:
    alone, before = fold(text), fold(f"{text}é")
    assert before.text.removesuffix("é").rstrip() == alone.text
    assert list(before.starts)[: len(alone.text)] == list(alone.starts)
    assert list(before.ends)[: len(alone.text)] == list(alone.ends)


@given(TEXTS, NAMES, TEXTS)
def test_a_span_marks_characters_that_fold_to_the_name(before: str, name: str, after: str) -> None:
    for span in find_names(f"{before} {name} {after}", [name]):
        text = f"{before} {name} {after}"[span.start : span.end]
        assert fold(text).text == fold(name).text


@given(NAMES, st.sampled_from(["{}", "{}'s", "({})", "“{}”", "the {}?", "{}，", "的{}的"]))
def test_a_name_is_found_wherever_it_stands_as_a_word(name: str, frame: str) -> None:
    text = frame.format(name)
    (span,) = find_names(text, [name])
    assert text[span.start : span.end] == name


@given(NAMES, st.sampled_from([str.upper, str.lower, str.title]))
def test_the_case_of_a_name_is_no_hiding_place(name: str, change: object) -> None:
    assert mentions(f"and {change(name)}?", name)  # type: ignore[operator]


@given(TEXTS)
def test_comparing_is_reflexive_and_keys_are_stable(text: str) -> None:
    assert same(text, text)
    assert comparable(text) == comparable(f" {text} ")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Veloran roads", "Velora"),
        ("a Kvelora", "Velora"),
        ("O'Velora", "Velora"),
        ("Velora'x", "Velora"),
        ("Model 30", "Model 3"),
        ("about 3.14", "3"),
        ("about 3.14", "14"),
        ("ﬁsh", "f"),
        ("½", "2"),
    ],
)
def test_a_part_of_a_longer_word_is_no_mention(text: str, name: str) -> None:
    assert not mentions(text, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Velora's price", "velora"),
        ("Velora’s 颜色", "Velora"),
        ("用Velora的人", "Velora"),
        ("小岚洛湾区", "岚洛湾"),
        ("ＶＥＬＯＲＡ!", "Velora"),
        ("Model 3.", "model 3"),
        ("岚 洛 湾", "岚洛湾"),
        ("Salt\u00a0 Road", "Salt Road"),
    ],
)
def test_a_name_is_found_in_possessives_other_widths_and_han_text(text: str, name: str) -> None:
    assert mentions(text, name)


def test_a_name_in_a_single_character_is_found_whole_and_never_in_part() -> None:
    # One character unfolds to several: all of them name something, some of them nothing.
    assert mentions("㎞", "km")
    assert not mentions("㎞", "m")


def test_of_a_name_within_a_longer_name_only_the_longer_one_is_named() -> None:
    spans = find_names("New York and York", ["York", "New York"])
    assert [(s.start, s.end, s.label) for s in spans] == [(0, 8, "New York"), (13, 17, "York")]
    assert [s.label for s in find_names("纽约时报", ["纽约", "纽约时报"])] == ["纽约时报"]


def test_tokens_are_words_possessives_and_single_han_characters() -> None:
    assert [t.text for t in tokens("Don’t buy Velora's 岚洛 2.0!")] == [
        "don't", "buy", "velora", "'s", "岚", "洛", "2", "0",
    ]  # fmt: skip
