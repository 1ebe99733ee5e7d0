"""Sentences to tune on: openings and queries that no split of the grammar holds.

Whoever tunes a recipe on a gate's panel teaches to the test, also without training on it. These
sentences use the grammar's words, kinds and held-out names, so that a recipe that does well here
does well on panels, and nothing that is decided rests on them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from evalsuite.cases import Case, Kind, Language
from evalsuite.scenarios import (
    DemonstrationPair,
    ShownCase,
    Template,
    can_lure,
    make_case,
    make_lure,
    sample_demonstrations,
    seeded,
)
from evalsuite.scenarios.grammar import opens_like
from evalsuite.scenarios.lexicon import Elliptic, Opener, Parts
from evalsuite.scenarios.names import Split

SHARE = 5
"""How many cases show the same demonstrations, as in a gate's panel."""

_EN_THING, _ZH_THING = ("{P} {attr}", "{O}"), ("{P}{attr}", "{O}")
_EN = (
    Parts(
        (
            "Where do people speak about ", "How did you come to ", "What else is there about ",
            "Who would choose ", "Would anyone open ", "Is it true what we read of ",
            "Which town has ", "Can the buyer understand ", "Should we praise ",
            "Why are you sorry about ", "Has the coach explained ", "How many people like ",
            "Do guests understand ", "When will we begin with ", "Are you tired of ",
            "Did the city ask about ", "Who came for ", "How old is the story of ",
        ),
        _EN_THING,
        ("?", " this week?", " in the evening?", " at school?", " by night?"),
    ),
    Parts(
        (
            "I would like to hear about ", "My friend once saw ", "Let me see ", "People forget ",
            "Some people hate ", "Give us the name of ", "We had a long talk about ",
            "It is hard to describe ", "Please choose ", "You were right about ", "I dream of ",
            "The actor wrote about ",
        ),
        _EN_THING,
        (".", " in the morning.", " with a friend.", " at home."),
    ),
    Parts(
        (
            "When could ", "Might ", "Does ", "Why would ", "Where will ", "Since when does ",
            "Under what name did ", "How soon can ", "For what reason should ",
        ),
        ("{S}",),
        (" be {adj}?", " seem {adj}?", " come back to us?", " become less {adj}?", " start?"),
    ),
)  # fmt: skip
_ZH = (
    Parts(
        (
            "你怎么知道", "人家怎么形容", "哪位国王讲过", "为什么要忘记", "谁开始谈", "你怎么看见",
            "你在哪里买", "是谁找到", "多大的人喜欢", "你什么时候见过", "客人怎样改",
        ),
        _ZH_THING,
        ("？", "呢？", "，对吧？"),
    ),
    Parts(
        (
            "你想谈谈", "能不能讲讲", "你还记得", "你会不会买", "球队提过", "你想不想知道",
            "学校喜欢", "书里写了", "你听说过", "应该相信",
        ),
        _ZH_THING,
        ("吗？", "吧？", "，好吗？"),
    ),
    Parts(
        (
            "我很想听听", "给大家看看", "我不想忘记", "朋友也喜欢", "我梦见过", "请你写一写",
            "电话里讲到", "昨天我买了", "现在要说", "我不同意你说的",
        ),
        _ZH_THING,
        ("。", "，谢谢你。", "，越快越好。"),
    ),
    Parts(
        ("为何", "从前", "今年", "为什么说", "真的", "再说", "在国王看来", "那时"),
        ("{S}",),
        ("很{adj}吗？", "算{adj}吗？", "更受欢迎？", "也会变吗？", "为什么{adj}？"),
    ),
    Parts(("",), ("{P}{attr}", "{S}"), ("好在哪里？", "真的{adj}吗？", "还行吗？", "有名吗？")),
)  # fmt: skip
QUERIES: Mapping[Language, tuple[str, ...]] = {
    language: tuple(query for part in parts for query in part.composed())
    for language, parts in ((Language.EN, _EN), (Language.ZH, _ZH))
}
"""Every query, with its slots."""


def _english(frame: str) -> Elliptic:
    return Elliptic(
        frame.format("the {attr}"),
        (frame.format("the {attr} of {N}"), frame.format("{N}'s {attr}")),
    )


def _chinese(frame: str) -> Elliptic:
    if "{attr}" in frame:
        return Elliptic(frame, (frame.replace("{attr}", "{N}的{attr}"),))
    return Elliptic(frame, ("{N}" + frame,))


ELLIPTIC: Mapping[Language, tuple[Elliptic, ...]] = {
    Language.EN: tuple(
        _english(frame)
        for frame in (
            "What is new in {}?", "And where is {}?", "Let me see {}.", "Who explained {}?",
            "I forgot {}.", "Is {} really new?", "Describe {} again.", "Only {}, please.",
            "Do you like {}?", "How was {}?",
        )
    ),
    Language.ZH: tuple(
        _chinese(frame)
        for frame in (
            "{attr}如何？", "请讲{attr}。", "{attr}还好吗？", "真的很{adj}吗？", "谁写了{attr}？",
            "我想看{attr}。", "你听说过{attr}吗？", "最近{adj}吗？", "{attr}有多好？",
            "还是那么{adj}？", "介绍一下{attr}。",
        )
    ),
}  # fmt: skip


def _openers(*texts: tuple[str, ...]) -> tuple[Opener, ...]:
    return tuple(Opener(turns) for turns in texts)


_EN_OPENERS = {
    Kind.SINGLE: _openers(
        ("Did you see {A}?", "Yes, a fine {type}."),
        ("We read about {A}.", "{A} is a {type} indeed."),
        ("Describe {A}.", "{A} is a {type} far from here."),
    ),
    Kind.COMPARISON: _openers(
        ("{A} or {B}, what is {comp}?", "Indeed {W}."),
        ("Is {A} {comp} than {B}?", "No, wait: {W} is {comp}."),
        ("Help me find the {comp} {type}, {A} or {B}.", "That is {W}."),
    ),
    Kind.TOPIC_SWITCH: _openers(
        ("Describe {A}.", "{A} is a {type}.", "Go on with {B}.", "{B} is one more {type}."),
        ("We read about {A}.", "Great.", "Today it was {B}.", "A nice {type}."),
    ),
    Kind.PLURAL: _openers(
        ("Did you see {A} and {B}?", "Yes, both."),
        ("Describe {A} and {B}.", "Two fine names."),
    ),
    Kind.PERSON: _openers(
        ("Describe {A}.", "{A} is a {role} who needs {B}."),
        ("Who opened {B}?", "{A} did, the {role}."),
        ("Did {A} visit {B}?", "Yes, as a {role}."),
    ),
    Kind.ORDINAL: _openers(
        ("Did you see {A} and {B}?", "Yes, both."),
        ("My best two are {A} and {B}.", "Good taste."),
    ),
    Kind.CORRECTION: _openers(
        ("Describe {A}.", "{A} is a {type}.", "That is wrong, I asked for {B}.", "Oh, {B}."),
        ("Did you see {A}?", "Sure.", "I should have said {B}.", "Fine."),
    ),
    Kind.UNANSWERABLE: _openers(
        ("{A} or {B}, what is {comp}?",),
        ("Is {A} {comp} than {B}?",),
        ("Good evening.", "Good evening.", "Help me find the {comp} {type}, {A} or {B}."),
    ),
}
_ZH_OPENERS = {
    Kind.SINGLE: _openers(
        ("你看见{A}了吗？", "看见了，很好的{type}。"),
        ("我在学{A}。", "{A}真的是{type}。"),
        ("讲一下{A}。", "{A}是有趣的{type}。"),
    ),
    Kind.COMPARISON: _openers(
        ("{A}、{B}，谁{comp}？", "应该是{W}。"),
        ("{A}比{B}{comp}吗？", "不，{W}{comp}。"),
        ("帮我找{comp}的{type}，{A}或者{B}。", "那是{W}。"),
    ),
    Kind.TOPIC_SWITCH: _openers(
        ("讲一下{A}。", "{A}是{type}。", "再讲{B}。", "{B}也是一种{type}。"),
        ("我在学{A}。", "真好。", "今天学的是{B}。", "好的{type}。"),
    ),
    Kind.PLURAL: _openers(
        ("你看见{A}和{B}了吗？", "都看见了。"),
        ("讲一下{A}和{B}。", "两个都很好看。"),
    ),
    Kind.PERSON: _openers(
        ("讲一下{A}。", "{A}是爱{B}的{role}。"),
        ("谁买了{B}？", "{A}，那位{role}。"),
        ("{A}去过{B}吗？", "去过，是{role}。"),
    ),
    Kind.ORDINAL: _openers(
        ("你看见{A}和{B}了吗？", "都看见了。"),
        ("我最爱{A}和{B}。", "选得不错。"),
    ),
    Kind.CORRECTION: _openers(
        ("讲一下{A}。", "{A}是{type}。", "错了，我问的是{B}。", "哦，{B}。"),
        ("你看见{A}了吗？", "看见了。", "我应该说{B}。", "好。"),
    ),
    Kind.UNANSWERABLE: _openers(
        ("{A}、{B}，谁{comp}？",),
        ("{A}比{B}{comp}吗？",),
        ("晚上好。", "晚上好。", "帮我找{comp}的{type}，{A}或者{B}。"),
    ),
}
OPENERS: Mapping[Language, Mapping[Kind, tuple[Opener, ...]]] = {
    Language.EN: _EN_OPENERS,
    Language.ZH: _ZH_OPENERS,
}


def development_panel(seed: int, n: int, language: Language) -> tuple[ShownCase, ...]:
    """Draw ``n`` cases of one language, of every kind in turn, with two demonstrations each."""
    rng = seeded("development", seed, language)
    kinds = tuple(Kind)
    made: list[ShownCase] = []
    for index in range(n):
        if index % SHARE == 0:
            shown = sample_demonstrations(f"development/{seed}/{index}", 2, language, "heldout")
            pair = DemonstrationPair(f"{language}-{index:04d}", shown)
        kind = kinds[index % len(kinds)]
        case_id = f"development-{seed}-{language}-{kind}-{index:05d}"
        made.append(ShownCase(_case(rng, kind, language, case_id, pair), pair))
    return tuple(made)


def _case(
    rng: random.Random, kind: Kind, language: Language, case_id: str, pair: DemonstrationPair
) -> Case:
    if kind is Kind.DEMONSTRATION_LURE:
        imitated = rng.choice([shown for shown in pair.a if can_lure(shown)])
        return make_lure(rng, imitated, Split.HELDOUT, case_id, avoid=pair.entities)
    frame = rng.choice(QUERIES[language])
    opening = rng.choice(OPENERS[language][opens_like(kind)])
    template = Template(language, kind, Split.HELDOUT, 0, 0, frame, opening)
    if kind is Kind.DROPPED_SUBJECT:
        template = replace(template, frame=None, elliptic=rng.choice(ELLIPTIC[language]))
    return make_case(rng, template, case_id, avoid=pair.entities)
