"""Answers that were once judged wrongly, each with the right value and the part that says so."""

from __future__ import annotations

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.rewrites import Part, judge

ROLES = (Role.USER, Role.ASSISTANT)


def case(
    *history: str,
    query: str,
    rewrites: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    not_names: tuple[str, ...] = (),
    language: Language = Language.EN,
    extractive: bool = False,
    aliases: tuple[str, ...] = (),
) -> Case:
    return Case(
        id="case",
        language=language,
        kind=Kind.SINGLE,
        cluster="case",
        history=tuple(Message(ROLES[i % 2], text) for i, text in enumerate(history)),
        query=query,
        expect=Expectation(
            rewrites=rewrites,
            must_name=names,
            must_not_name=not_names,
            extractive=extractive,
            aliases=aliases,
        ),
    )


JUPITER = case(
    "Is Saturn or Jupiter bigger?",
    "Jupiter is bigger.",
    query="How many moons does it have?",
    rewrites=("How many moons does Jupiter have?",),
    names=("Jupiter",),
    not_names=("Saturn",),
)
木星 = case(
    "土星大还是木星大？",
    "木星更大。",
    query="它有多少颗卫星？",
    rewrites=("木星有多少颗卫星？",),
    names=("木星",),
    not_names=("土星",),
    language=Language.ZH,
)
REYKJAVIK = case(
    "Tell me about Reykjavik.",
    "Reykjavik is the capital of Iceland and by far its largest city.",
    query="How cold does it get in winter?",
    rewrites=("How cold does Reykjavik get in winter?",),
    names=("Reykjavik",),
)
MOONS = case(
    "Which moons does Mars have?",
    "Phobos and Deimos.",
    query="Who discovered them?",
    rewrites=("Who discovered Phobos and Deimos?",),
    names=("Phobos", "Deimos"),
)
TOWER = case(
    "I visited the Eiffel Tower.",
    "Lovely!",
    query="How tall is it?",
    rewrites=("How tall is the Eiffel Tower?",),
    names=("Eiffel Tower",),
)
红楼梦 = case(
    "你读过红楼梦吗？",
    "读过。",
    query="它的作者是谁？",
    rewrites=("红楼梦的作者是谁？",),
    names=("红楼梦",),
    language=Language.ZH,
)
IMAGINE = case(
    "Who sang Imagine, John Lennon or Elton John?",
    "John Lennon.",
    query="When was he born?",
    rewrites=("When was John Lennon born?",),
    extractive=True,
)
王菲 = case(
    "你喜欢王菲还是王强",
    "王菲",
    query="她唱过什么歌",
    rewrites=("王菲唱过什么歌",),
    language=Language.ZH,
    extractive=True,
)
百年孤独 = case(
    "你知道百年孤独吗",
    query="作者是谁",
    rewrites=("百年孤独的作者是谁",),
    language=Language.ZH,
    extractive=True,
)
SKELTON = case(
    "Do you know Red Skelton?",
    "Red Skelton was an American comedian.",
    query="When did he die?",
    rewrites=("When did Red Skelton die?",),
)
LANGUAGE = case(
    "I want to learn a second language.",
    "At what age?",
    query="At what age is it harder and why?",
    rewrites=("At what age is it harder to learn a second language and why?",),
)
AVENGERS = case(
    "Tell me about the Avengers.",
    "The Avengers are a team of superheroes.",
    query="Tell me about their first appearance.",
    rewrites=("Tell me about the Avengers' first appearance.",),
)
RED_BULL = case(
    "What is Red Bull?",
    "An energy drink.",
    query="Can it kill you if you drink it?",
    rewrites=("Can Red Bull kill you if you drink Red Bull?",),
)
VAN_HALEN = case(
    "Play something by Van Halen .",
    "Why Ca n't This Be Love ?",
    query="Who sing it ?",
    rewrites=("Who sing Why Ca n't This Be Love ?",),
    extractive=True,
)
VISA = case(
    "I want to travel to the US.",
    "Nice.",
    query="Do I need a visa to go there?",
    rewrites=("Do I need a visa to go to the US?",),
    names=("US",),
)
NLP = case(
    "What is Natural Language Processing (NLP)?",
    "It deals with texts.",
    query="Who invented it?",
    rewrites=("Who invented Natural Language Processing?",),
    names=("Natural Language Processing",),
)

泽罗 = case(
    "今天我读到了泽罗。", "不错的小说。",
    query="你用什么比较它？",
    rewrites=("你用什么比较泽罗？", "你用什么比较小说泽罗？"),
    names=("泽罗",),
    language=Language.ZH,
)  # fmt: skip
REFUSED = [
    (JUPITER, "Jupiter", Part.KEPT),
    (JUPITER, "Jupiter", Part.FORM),
    (JUPITER, "Jupiter has 95 moons.", Part.FORM),
    (JUPITER, "Who discovered Jupiter?", Part.KEPT),
    (JUPITER, "How many moons does Jupiter not have?", Part.KEPT),
    (JUPITER, "Jupiter banana blue", Part.KEPT),
    (JUPITER, '{"rewrite": "How many moons does Jupiter have?"}', Part.FORM),
    (JUPITER, "Rewritten query: How many moons does Jupiter have?", Part.FORM),
    (JUPITER, "```\nHow many moons does Jupiter have?\n```", Part.FORM),
    (JUPITER, "How many moons does Jupiter have? Yes, of course.", Part.FORM),
    (JUPITER, "How many moons does Jupiter have? How many moons does Jupiter have?", Part.FORM),
    (JUPITER, "How many moons does Jupiter have?\nassistant: X", Part.FORM),
    (JUPITER, "Combien de lunes Jupiter a-t-elle ?", Part.FORM),
    (JUPITER, "木星有多少颗卫星？", Part.FORM),
    (JUPITER, "Is Saturn or Jupiter bigger?", Part.NAMED),
    (JUPITER, "How many moons do Jupiter and Saturn have?", Part.NAMED),
    (JUPITER, "How many moons does Jupite have?", Part.NAMED),
    (JUPITER, "How many moons does it have?", Part.NAMED),
    (JUPITER, "How many moons does it have, Jupiter?", Part.NAMED),
    (JUPITER, "Jupiter, how many moons does it have?", Part.NAMED),
    (JUPITER, "", Part.NAMED),
    (JUPITER, "?!", Part.NAMED),
    (JUPITER, "How many rings does Jupiter have?", Part.KEPT),
    (JUPITER, "How many does Jupiter have?", Part.KEPT),
    (JUPITER, "How many icy moons does Jupiter have?", Part.KEPT),
    (JUPITER, "Which moons does Jupiter have?", Part.KEPT),
    (JUPITER, "Jupiter moons many how have does?", Part.KEPT),
    (JUPITER, "How many many moons does Jupiter have?", Part.FORM),
    (木星, "木星", Part.KEPT),
    (木星, "木星有95颗卫星。", Part.FORM),
    (木星, "木星是谁发现的？", Part.KEPT),
    (木星, "改写：木星有多少颗卫星？", Part.FORM),
    (木星, "How many moons does Jupiter have?", Part.FORM),
    (木星, "木星没有多少颗卫星？", Part.KEPT),
    (木星, "木星和土星有多少颗卫星？", Part.NAMED),
    (REYKJAVIK, "In winter, Reykjavik can get as cold as -25°C (27°F).", Part.FORM),
    (MOONS, "The moon Phobos and Deimos were discovered by Giuseppe Piazzolla in 1871.", Part.FORM),
    (MOONS, "Who discovered Phobos?", Part.NAMED),
    (IMAGINE, "When was Elton John born?", Part.NAMED),
    (IMAGINE, "When was John born?", Part.NAMED),
    (IMAGINE, "When was John Lenon born?", Part.NAMED),
    (IMAGINE, "When was John Lennons born?", Part.NAMED),
    (王菲, "王强唱过什么歌", Part.NAMED),
    (王菲, "王菲和王强唱过什么歌", Part.KEPT),
    (百年孤独, "百年的作者是谁", Part.NAMED),
    (百年孤独, "百年孤寂的作者是谁", Part.NAMED),
    (SKELTON, "When did Red Buttons die?", Part.NAMED),
    (VISA, "Do I need a visa to go to us?", Part.NAMED),
    (泽罗, "你用什么泽罗？", Part.KEPT),
]
ACCEPTED = [
    (JUPITER, "How many moons does Jupiter have"),
    (JUPITER, "how many moons does Jupiter have?"),
    (JUPITER, "How many moons has Jupiter?"),
    (JUPITER, "How many moons does the bigger Jupiter have?"),
    (木星, "木星有多少卫星？"),
    (木星, "请问木星有多少颗卫星呢？"),
    (TOWER, "How tall is Eiffel-Tower?"),
    (TOWER, "How tall is the “Eiffel Tower”?"),
    (红楼梦, "紅樓夢的作者是誰"),
    (红楼梦, "《红楼梦》的作者是谁？"),
    (SKELTON, "When did Skelton die?"),
    (LANGUAGE, "At what age is it harder to learn a second language and why?"),
    (LANGUAGE, "Why is it harder to learn a second language, and at what age?"),
    (AVENGERS, "When did The Avengers make their first appearance?"),
    (AVENGERS, "Tell me about the first appearance of the Avenger team."),
    (RED_BULL, "Can Red Bull kill you if you drink it?"),
    (VAN_HALEN, "Who sing Why Can't This Be Love?"),
    (VISA, "Do I need a visa to go to the U.S.?"),
    (VISA, "Do I need a visa for the US?"),
    (NLP, "Who invented NLP?"),
]


@pytest.mark.parametrize(("asked", "answer", "part"), REFUSED)
def test_a_wrong_rewrite_is_refused_by_the_part_that_it_fails(
    asked: Case, answer: str, part: Part
) -> None:
    judgement = judge(asked, answer)
    assert not judgement.right
    assert judgement.loss(part) == 1.0, judgement.findings


@pytest.mark.parametrize(("asked", "answer"), ACCEPTED)
def test_a_right_rewrite_is_not_accused_of_how_it_is_worded(asked: Case, answer: str) -> None:
    judgement = judge(asked, answer)
    assert judgement.right, judgement.findings
