"""The same question in other words of closed classes: frames, appositions, signs, conjunctions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite.cases import Case
from evalsuite.rewrites import Part, judge
from evalsuite.rewrites.asking import Sort, asked_for, sort_of
from tests.rewrites.test_conversations import case, refused
from tests.rewrites.test_faults import JUPITER, MOONS, TOWER, 木星, 百年孤独

DUO = case(
    "I listen to Simon & Garfunkel.",
    "They are great.",
    query="When did they split up?",
    rewrites=("When did Simon & Garfunkel split up?",),
    names=("Simon & Garfunkel",),
)
CARRIER = case(
    "I use AT&T.",
    "I see.",
    query="Is it expensive?",
    rewrites=("Is AT&T expensive?",),
    names=("AT&T",),
)
CHANNEL = case(
    "I watch Disney+.",
    "I see.",
    query="Is it expensive?",
    rewrites=("Is Disney+ expensive?",),
    names=("Disney+",),
)
POET = case(
    "Who wrote Hamlet?",
    "William Shakespeare wrote it.",
    query="When was he born?",
    rewrites=("When was William Shakespeare born?",),
    names=("William Shakespeare",),
)
TRAIN = case(
    "I like Oslo and Bergen.",
    "So do I.",
    query="Which train goes from them to Rome?",
    rewrites=("Which train goes from Oslo and Bergen to Rome?",),
    names=("Oslo", "Bergen"),
)
WAY = case(
    "I love Oslo.",
    "So do I.",
    query="How do I get there?",
    rewrites=("How do I get to Oslo?",),
    names=("Oslo",),
)
NICE = case(
    "How many people live in Lyon?",
    "Half a million.",
    query="And in Nice?",
    rewrites=("How many people live in Nice?",),
    names=("Nice",),
)
上海 = case(
    "北京的人口是多少？",
    "两千万。",
    query="上海呢？",
    rewrites=("上海的人口是多少？",),
    names=("上海",),
    not_names=("北京",),
)
MUSIC = case(
    "My son likes the piano and the drums.",
    "Both are fun.",
    query="Which of the two is easier?",
    rewrites=("Is the piano or the drums easier?", "Which is easier, the piano or the drums?"),
    names=("piano", "drums"),
)
两城 = case(
    "禾川和蔚坞都有人写。",
    "是的。",
    query="哪本书写到它们的体重？",
    rewrites=("哪本书写到禾川和蔚坞的体重？",),
    names=("禾川", "蔚坞"),
)


@pytest.mark.parametrize(
    "frame",
    [
        "Can you tell me {}?", "Could you please tell me {}?", "Please tell me {}.", "Tell me {}.",
        "Do you know {}?", "Do you happen to know {}?", "I want to know {}.", "Let me know {}.",
        "I'd like to know {}.", "I wonder {}.", "I was wondering {}.", "May I ask {}?",
    ],
)  # fmt: skip
def test_what_leads_to_a_question_asks_nothing_and_may_come_and_go(frame: str) -> None:
    framed = frame.format("how many moons Jupiter has")
    assert judge(JUPITER, framed).right, judge(JUPITER, framed).findings
    query, rewrite = frame.format("how many moons it has"), framed
    asked = replace(JUPITER, query=query, expect=replace(JUPITER.expect, rewrites=(rewrite,)))
    assert judge(asked, "How many moons does Jupiter have?").right
    assert sort_of(framed) is Sort.QUESTION


@pytest.mark.parametrize(
    "answer",
    [
        "Can you tell me about Jupiter?", "I want to know Jupiter's moons.", "Tell me Jupiter.",
        "Do you know Jupiter?", "Do you know why Jupiter has moons?", "Can you tell me how?",
        "Did Jupiter tell us how many moons?",
    ],
)  # fmt: skip
def test_a_frame_without_the_question_is_none(answer: str) -> None:
    assert not judge(JUPITER, answer).right


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (DUO, "When did Simon and Garfunkel split up?"),
        (DUO, "When did simon & garfunkel split up?"),
        (CARRIER, "Is AT & T expensive?"),
        (CHANNEL, "Is Disney Plus expensive?"),
        (POET, "When was William Shakespeare, the author of Hamlet, born?"),
        (POET, "When was William Shakespeare, who wrote Hamlet, born?"),
        (TRAIN, "Which train goes from Bergen and Oslo to Rome?"),
        (NICE, "And how many people live in Nice?"),
        (NICE, "And in Nice?"),
        (上海, "上海有多少人？"),
        (上海, "那上海的人口呢？"),
        (MUSIC, "Which of the piano and the drums is easier?"),
        (MOONS, "Who exactly discovered Deimos and Phobos?"),
        (WAY, "How do I get to the city of Oslo from here?"),
        (两城, "哪本书写到蔚坞和禾川的体重？"),
        (两城, "哪本书写到蔚坞&禾川的体重？"),
        (木星, "木星这颗行星有多少颗卫星？"),
        (百年孤独, "百年孤独这本书的作者是谁"),
        (百年孤独, "小说《百年孤独》的作者是谁"),
    ],
)
def test_what_means_the_same_is_right(judged: Case, answer: str) -> None:
    assert judge(judged, answer).right, judge(judged, answer).findings


@pytest.mark.parametrize(
    ("judged", "answer", "part"),
    [
        (DUO, "When did Simon Garfunkel split up?", Part.NAMED),
        (DUO, "When did Simon or Garfunkel split up?", Part.NAMED),
        (CARRIER, "Is AT expensive?", Part.NAMED),
        (CHANNEL, "Is Disney expensive?", Part.NAMED),
        (POET, "When was William Shakespeare, the author of Faust, born?", Part.KEPT),
        (POET, "When was the author born?", Part.NAMED),
        (TRAIN, "Which train goes from Rome to Oslo and Bergen?", Part.KEPT),
        (两城, "禾川和蔚坞写到哪本书的体重？", Part.KEPT),
        (百年孤独, "百年孤独的作者是哪本书", Part.KEPT),
        (NICE, "What is in Nice?", Part.KEPT),
        (NICE, "Do people live in Nice?", Part.KEPT),
        (上海, "上海是多少？", Part.KEPT),
        (上海, "上海的人口多吗？", Part.KEPT),
        (MOONS, "Who discovered Phobos or Deimos?", Part.KEPT),
        (TOWER, "How tall is the Eiffel Tower Restaurant?", Part.KEPT),
        (WAY, "How do I get from Oslo?", Part.KEPT),
        (百年孤独, "小说的作者是谁", Part.NAMED),
    ],
)
def test_what_means_something_else_is_not(judged: Case, answer: str, part: Part) -> None:
    assert part in refused(judged, answer)


def test_a_clause_behind_a_comma_describes_but_a_second_question_asks() -> None:
    assert asked_for("When was Bach, who wrote fugues, born?") == {"time"}
    assert asked_for("And Bach, who was he?") == {"person"}
    assert asked_for("When was he born, and who knew him?") == {"time", "person"}
