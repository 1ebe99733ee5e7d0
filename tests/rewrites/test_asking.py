"""What a text asks for, what it denies, and what sort of sentence it is."""

from __future__ import annotations

import pytest

from evalsuite.rewrites.asking import Sort, asked_for, asks, denies, is_elliptic, sentences, sort_of


@pytest.mark.parametrize(
    ("text", "sorts"),
    [
        ("Who built it?", {"person"}),
        ("Do you know who built it?", {"person"}),
        ("Which river and what bridge?", {"thing"}),
        ("What time is it?", {"time"}),
        ("When is it?", {"time"}),
        ("How come it rains?", {"reason"}),
        ("How many moons?", {"how many"}),
        ("How much snow?", {"how many"}),
        ("How is it?", {"way"}),
        ("How long is it?", {"how long"}),
        ("Is it big?", set()),
        ("Is the WHO big?", set()),
        ("谁写的？", {"person"}),
        ("它是什么时候建的？", {"time"}),
        ("它有什么？", {"thing"}),
        ("去那里玩几天合适？", {"how many"}),
        ("它有多少颗卫星？", {"how many"}),
        ("它多高？", {"measure"}),
        ("它为什么蓝？", {"reason"}),
        ("它怎么样？", {"way"}),
        ("它好吗？", set()),
    ],
)
def test_question_words_say_what_is_asked_for(text: str, sorts: set[str]) -> None:
    assert asked_for(text) == sorts


@pytest.mark.parametrize(
    "text", ["It has no moon.", "Why isn't it blue?", "它没有卫星吗？", "它不贵。", "你不同意吗？"]
)
def test_a_negation_denies(text: str) -> None:
    assert denies(text)


@pytest.mark.parametrize(
    "text",
    [
        "Has it a moon?",
        "它有没有卫星？",
        "它好不好看？",
        "不好意思，它在哪？",
        "它特别好吗？",
        "别人呢？",
    ],
)
def test_what_only_holds_the_letters_of_a_negation_does_not_deny(text: str) -> None:
    assert not denies(text)


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("How many moons does it have", Sort.QUESTION),
        ("And is it big", Sort.QUESTION),
        ("Until when will it stay", Sort.QUESTION),
        ("The population?", Sort.QUESTION),
        ("When it comes to snow, it is hard to beat.", Sort.STATEMENT),
        ("Tell me about it.", Sort.COMMAND),
        ("Please describe it", Sort.COMMAND),
        ("I want to know its height.", Sort.COMMAND),
        ("Jupiter has 95 moons.", Sort.STATEMENT),
        ("它有多少颗卫星", Sort.QUESTION),
        ("它好看吗", Sort.QUESTION),
        ("它要不要经常restart呀", Sort.QUESTION),
        ("请介绍它。", Sort.COMMAND),
        ("说说它的历史。", Sort.COMMAND),
        ("木星有95颗卫星。", Sort.STATEMENT),
    ],
)
def test_a_sentence_is_a_question_a_command_or_a_statement(text: str, sort: Sort) -> None:
    assert sort_of(text) is sort


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("How big is it?", 1),
        ("It costs 3.5 dollars in the U.S. today.", 1),
        ("Dr. Who met Mr. No.", 1),
        ("How big is it? And how old?", 2),
        ("Sure! How big is it", 2),
        ("好的。木星有几颗卫星？", 2),
        ("木星有几颗卫星？？", 1),
    ],
)
def test_sentences_are_counted_without_the_points_of_abbreviations(text: str, count: int) -> None:
    assert sentences(text) == count


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("Car, please send the address.", True),
        ("Car can you tell me the way", True),
        ("I am interested in the forecast.", True),
        ("Since it is near, let's go there.", True),
        ("I would say that Jupiter is fine.", False),
        ("Jupiter has 95 moons.", False),
    ],
)
def test_a_request_is_known_by_its_verb(text: str, wants: bool) -> None:
    assert asks(text) is wants


def test_only_a_mark_makes_an_elliptic_question_one() -> None:
    assert is_elliptic("And the population?")
    assert not is_elliptic("And how big is the population?")
    assert not is_elliptic("Let me ask: who needs it?")
