"""Which words refer back, and which only look as if they did."""

from __future__ import annotations

import pytest

from evalsuite.detectors.text import fold
from evalsuite.rewrites.pronouns import Family, pronoun_ranges


def referring(text: str) -> list[str]:
    folded = fold(text).text
    return [folded[start:end] for start, end, _ in pronoun_ranges(folded)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What is its price?", ["its"]),
        ("Is it expensive?", ["it"]),
        ("What do they and their friends think of him?", ["they", "their", "him"]),
        ("Is that expensive?", ["that"]),
        ("Who made that?", ["that"]),
        ("Tell me about that city.", ["that"]),
        ("How big are those?", ["those"]),
        ("Why did the latter become famous?", ["the latter"]),
        ("What is the former's price?", ["the former"]),
        ("How heavy is the second one?", ["the second one"]),
        ("Which one was the first?", ["the first"]),
        ("Would you buy this phone?", ["this"]),
        ("它的价格是多少？", ["它"]),
        ("他们的妈妈喜欢她吗？", ["他们", "她"]),
        ("其人口有多少？", ["其"]),
        ("前者和后者哪个好？", ["前者", "后者"]),
        ("这个多少钱？那座山呢？", ["这个", "那座"]),
        ("第二个的价格呢？", ["第二个"]),
        ("its 颜色好吗？", ["its"]),
    ],
)
def test_words_that_refer_back_are_seen(text: str, words: list[str]) -> None:
    assert referring(text) == words


@pytest.mark.parametrize(
    ("text", "families"),
    [
        ("it, he, she and they", [Family.THING, Family.MALE, Family.FEMALE, Family.PLURAL]),
        ("Is this cheap? Is that cheap?", [Family.NEAR, Family.FAR]),
        ("Is the latter cheap?", [Family.ORDINAL]),
        ("它和他和她和他们", [Family.THING, Family.MALE, Family.FEMALE, Family.PLURAL]),
        ("这个和那个", [Family.NEAR, Family.FAR]),
        ("后者呢？", [Family.ORDINAL]),
    ],
)
def test_every_sort_of_antecedent_has_its_pronouns_in_both_languages(
    text: str, families: list[Family]
) -> None:
    # Which sort it is decides whether a pronoun that is left is one that the query asked with.
    assert [family for _, _, family in pronoun_ranges(fold(text).text)] == families


@pytest.mark.parametrize(
    "text",
    [
        "It is raining here.",
        "Is it true that Velora won?",
        "How long does it take to reach Velora?",
        "What time is it?",
        "Will it rain in Velora?",
        "Will it be humid in Velora?",
        "Is it cloudy in Velora?",
        "Does it drizzle in Velora?",
        "I know that Velora won.",
        "the city that Velora built",
        "What happened in Velora this year?",
        "those who know Velora",
        "Who was the former president of Velora?",
        "the first person in Velora",
        "其他城市呢？",
        "其中最大的是岚洛吗？",
        "其实岚洛很好。",
        "尤其是岚洛。",
        "他人怎么看岚洛？",
        "谁会弹吉他？",
        "为什么这样看岚洛？",
        "岚洛这么贵吗？",
        "那么岚洛呢？",
        "这个月去岚洛好吗？",
        "第一个登上岚洛的人是谁？",
    ],
)
def test_words_that_only_look_like_it_are_left_alone(text: str) -> None:
    assert referring(text) == []
