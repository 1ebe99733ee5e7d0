"""What two spellings of one word have in common, and which words say what is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.rewrites.words import MOST, simplified, words


def keys(text: str) -> list[str]:
    return [word.key for word in words(text)]


def content(text: str) -> list[str]:
    return [text[word.start : word.end] for word in words(text) if word.content]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Can't he sing?", "can not he sing"),
        ("Who sing Why Ca n't This Be Love ?", "Who sing Why Can't This Be Love?"),
        ("You won't, cannot, didn't", "You will not, can not, did not"),
        ("What's new", "what 's new"),
        ("I'm sure they're here", "I am sure they are here"),
        ("wen do ppl use it", "when do people use it"),
        ("three moons", "3 moons"),
        ("70,000 people", "70000 people"),
        ("Café Écarté", "cafe ecarte"),
        ("Ｊｕｐｉｔｅｒ", "jupiter"),
        ("the children went", "the child go"),
        ("cities", "city"),
        ("the U.S. economy", "the US economy"),
        ("紅樓夢的作者", "红楼梦的作者"),
        ("三部電影", "3部电影"),
        ("十二个月", "12个月"),
        ("二〇二四年", "2024年"),
    ],
)
def test_spellings_of_one_word_are_one(one: str, other: str) -> None:
    assert keys(one) == keys(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("James", "Jamie"),
        ("in the US", "in the us"),
        ("the WHO", "the who"),
        ("木星", "土星"),
        ("4 moons", "5 moons"),
        ("十二", "二十"),
    ],
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert keys(one) != keys(other)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("How many moons does it have?", ["moons"]),
        ("Could you please tell me about it?", ["tell"]),
        ("When was the WHO founded?", ["WHO", "founded"]),
        ("WHO FOUNDED IT", ["FOUNDED"]),
        ("请问它有多少颗卫星呢？", ["卫", "星"]),
        ("麻烦你帮我查一下它的价格", ["查", "价", "格"]),
        ("首都在哪里？", ["首", "都"]),
        ("你都知道它吗", ["知", "道"]),
        ("哪个部位的肉", ["部", "位", "肉"]),
        ("三本书", ["三", "书"]),
    ],
)
def test_content_is_what_is_asked_and_not_how(text: str, asked: list[str]) -> None:
    assert content(text) == asked


@given(st.text(max_size=60))
def test_words_point_at_places_of_the_text_in_order(text: str) -> None:
    places = [(word.start, word.end) for word in words(text)]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert [start for start, _ in places] == sorted(start for start, _ in places)


@given(st.text(alphabet="紅樓夢的作者是誰电影abc 12", max_size=40))
def test_simplifying_keeps_the_length_and_what_is_simple(text: str) -> None:
    plain = simplified(text)
    assert len(plain) == len(text)
    assert simplified(plain) == plain


def test_of_a_long_text_the_first_characters_are_read() -> None:
    assert words("moon " * 100_000)[-1].end <= MOST
    assert words("月" * 100_000)[-1].end == MOST
