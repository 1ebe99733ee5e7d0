"""Where a text says a name: however people write it, and never another name."""

from __future__ import annotations

import pytest

from evalsuite.rewrites.names import occurrences, outside, says, short_forms


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("How tall is Eiffel-Tower?", "Eiffel Tower"),
        ("How tall is the EIFFEL TOWER?", "Eiffel Tower"),
        ("Eiffel Tower's height", "Eiffel Tower"),
        ("Where do lemon trees grow?", "lemon tree"),
        ("Is this a lemontree?", "lemon tree"),
        ("How do I clear my voice mail?", "voicemail"),
        ("Who are Beyoncé's parents?", "Beyonce"),
        ("《红楼梦》的作者", "红楼梦"),
        ("紅樓夢的作者", "红楼梦"),
        ("kotlin 的空指针", "Kotlin"),
        ("乔治奥威尔写过什么", "乔治·奥威尔"),
        ("Does the US export rice?", "US"),
        ("Does the U.S. export rice?", "US"),
    ],
)
def test_a_name_is_found_as_people_write_it(text: str, name: str) -> None:
    [span] = occurrences(text, name)
    assert span.label == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Who is Jame?", "James"),
        ("Who is James?", "Jame"),
        ("How old is Lorde?", "Lord"),
        ("How tall is the Tower?", "Eiffel Tower"),
        ("Tell us about it", "US"),
        ("Who starred in it?", "It"),
        ("Who sings?", "The Who"),
        ("百年孤寂", "百年孤独"),
        ("楼梦", "红楼梦"),
    ],
)
def test_what_is_nearly_a_name_is_none(text: str, name: str) -> None:
    assert not says(text, name)


def test_another_number_of_a_name_counts_where_it_was_said_like_that() -> None:
    assert not says("Who leads the Avenger?", "Avengers")
    assert occurrences("Who leads the Avenger?", "Avengers", among=["Is Thor an Avenger?"])


def test_a_name_inside_a_longer_one_is_not_named() -> None:
    text = "How big is New York?"
    assert outside(occurrences(text, "York"), occurrences(text, "New York")) == ()
    assert outside(occurrences("New York or York?", "York"), occurrences(text, "New York"))


@pytest.mark.parametrize(
    ("name", "told", "short"),
    [
        ("Natural Language Processing", "Natural Language Processing (NLP) is a field.", "NLP"),
        ("World Health Organization", "The WHO sits in Geneva.", "WHO"),
        ("NBA", "The National Basketball Association was founded in 1946.",
         "National Basketball Association"),
        ("北京大学", "北京大学（简称北大）在北京。", "北大"),
        ("北大", "北京大学（简称北大）在北京。", "北京大学"),
    ],
)  # fmt: skip
def test_an_abbreviation_counts_when_the_history_introduces_it(
    name: str, told: str, short: str
) -> None:
    assert short in short_forms(name, [told])
    assert short not in short_forms(name, ["Nobody said so."])
