"""One query and nothing around it: brackets, marks, symbols, ends of lines, repeated characters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite.conversation import Message, Role
from evalsuite.rewrites import Part, judge
from tests.rewrites.test_faults import IMAGINE, JUPITER, 木星, 百年孤独

ASKED, 问 = "How many moons does Jupiter have?", "木星有多少颗卫星？"
FREE = replace(IMAGINE, expect=replace(IMAGINE.expect, extractive=False))


@pytest.mark.parametrize(
    "wrapped",
    [
        "({})", "[{}]", "{{{}}}", "（{}）。", "【{}】", "《{}》", "a) {}", "(1) {}", "（一）{}",
        "一、{}", "①{}", "• {}", "{} ###", "--- {}", "{} ===", "{} \U0001f600", "\u2b50 {}",
        "{}\x00", "{} \ufffd", "{}\u2028.", "{}\r.",
    ],
)  # fmt: skip
def test_what_stands_around_a_query_is_no_part_of_it(wrapped: str) -> None:
    for case, text in ((JUPITER, ASKED), (木星, 问), (FREE, "When was John Lennon born?")):
        found = judge(case, wrapped.format(text))
        assert found.loss(Part.FORM) == 1.0, text
        assert judge(case, text).right


@pytest.mark.parametrize(
    "wrapped",
    [
        'The rewritten query is "{}"', '"{}" is the rewritten query.', "rewritten query {}",
        "{}\\n", "{} John Lennon was born in 1940.", "{}; John Lennon was born in 1940",
    ],
)  # fmt: skip
def test_a_free_rewrite_is_neither_told_about_nor_answered(wrapped: str) -> None:
    answer = wrapped.format("When was John Lennon born?")
    assert judge(FREE, answer).loss(Part.FORM) == 1.0


def test_a_free_rewrite_may_have_a_sentence_before_it_and_speak_of_rewriting_where_others_do() -> (
    None
):
    assert judge(FREE, "John Lennon sang Imagine. When was John Lennon born?").right
    assert judge(百年孤独, "改写后的百年孤独的作者是谁").loss(Part.FORM) == 1.0
    history = (Message(Role.USER, "我改写了百年孤独"),)
    assert (
        judge(replace(百年孤独, history=history), "改写的百年孤独的作者是谁").loss(Part.FORM) == 0
    )
    rewrites = ("Who rewrote it for John Lennon?",)
    asked = replace(FREE, query="Who rewrote it?", expect=replace(FREE.expect, rewrites=rewrites))
    assert judge(asked, "Who rewrote it, for John Lennon?").right


@pytest.mark.parametrize("end", ["\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\r\n"])
def test_every_end_of_a_line_ends_a_line(end: str) -> None:
    answer = ASKED.replace("moons ", f"moons{end}")
    (finding,) = judge(JUPITER, f"{end}{answer}{end}").findings[Part.FORM]
    assert finding.reason == "The answer has more than one line."
    assert finding.spans[0].start == len(f"{end}How many moons")
    assert judge(JUPITER, f"{end}{ASKED}{end}").right


def test_the_place_of_a_symbol_is_told() -> None:
    (finding,) = judge(JUPITER, f"{ASKED} \U0001f600").findings[Part.FORM]
    assert finding.reason == "The answer holds a symbol (U+1F600)."
    assert finding.spans[0].start == len(ASKED) + 1


def test_brackets_inside_and_what_the_conversation_holds_are_free() -> None:
    assert judge(JUPITER, "(And) how many moons does Jupiter (still) have?").right
    assert judge(百年孤独, "《百年孤独》的作者是谁").right
    said = replace(JUPITER, history=(Message(Role.USER, "I \u2764 Jupiter."), *JUPITER.history[1:]))
    assert judge(said, "How many moons does \u2764 Jupiter have?").right
    bracketed = replace(JUPITER.expect, rewrites=(f"[{ASKED}]",))
    assert judge(replace(JUPITER, expect=bracketed), "[How many moons has Jupiter?]").right


@pytest.mark.parametrize(
    "answer",
    [
        "木木星有多少颗卫星？",
        "木星有有多少颗卫星？",
        "木星有多少颗颗卫星？",
        "木星有多少颗卫卫星？",
    ],
)
def test_a_chinese_character_twice_in_a_row_is_a_slip(answer: str) -> None:
    (finding,) = judge(木星, answer).findings[Part.FORM]
    assert finding.reason == "The answer says a word twice in a row."
    assert answer[finding.spans[0].start] == answer[finding.spans[0].end - 1]


def test_a_character_twice_that_is_a_word_or_two_neighbours_is_none() -> None:
    told = replace(
        木星, query="它讲什么？", expect=replace(木星.expect, rewrites=("木星讲什么？",))
    )
    assert judge(told, "讲讲木星讲什么？").loss(Part.FORM) == 0.0
    ends = replace(木星.expect, rewrites=("上海的海鲜贵吗？",), must_name=("上海",))
    assert judge(replace(木星, query="它的海鲜贵吗？", expect=ends), "上海海鲜贵吗？").right
    bare = replace(ends, rewrites=())
    assert judge(replace(木星, query="那里海鲜贵吗？", expect=bare), "上海海鲜贵吗？").right


def test_a_mark_is_no_letter_of_another_script() -> None:
    # Corpora of chats hold no mark at all, and answers do.
    assert judge(百年孤独, "百年孤独的作者究竟是谁？").right
    assert judge(百年孤独, "百年孤独，作者是谁").right


def test_one_english_word_in_a_chinese_answer_is_another_language() -> None:
    (finding,) = judge(木星, "木星 have 多少颗卫星？").findings[Part.FORM]
    assert finding.reason == "The answer is in another language than the query (English)."
    heard = replace(木星, history=(Message(Role.USER, "那首 have 是谁的？"), *木星.history[1:]))
    assert judge(heard, "木星 have 多少颗卫星？").loss(Part.FORM) == 0.0
