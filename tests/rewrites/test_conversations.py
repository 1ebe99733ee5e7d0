"""Conversations as people have them, each with answers that are right and answers that are not."""

from __future__ import annotations

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.rewrites import Part, judge


def case(
    *history: str,
    query: str,
    rewrites: tuple[str, ...],
    names: tuple[str, ...] = (),
    not_names: tuple[str, ...] = (),
    extractive: bool = False,
) -> Case:
    han = any("\u4e00" <= character <= "\u9fff" for character in query)
    return Case(
        id="case",
        language=Language.ZH if han else Language.EN,
        kind=Kind.SINGLE,
        cluster="case",
        history=tuple(
            Message((Role.USER, Role.ASSISTANT)[i % 2], text) for i, text in enumerate(history)
        ),
        query=query,
        expect=Expectation(
            rewrites=rewrites, must_name=names, must_not_name=not_names, extractive=extractive
        ),
    )


def refused(judged: Case, answer: str) -> set[Part]:
    """The parts that the answer loses."""
    return {part for part, findings in judge(judged, answer).findings.items() if findings}


# --- names with signs, in capitals, with numbers ---------------------------------------------

CPP = case(
    "Is C++ faster than C?",
    "About as fast, but C++ has classes.",
    query="Is it hard to learn?",
    rewrites=("Is C++ hard to learn?",),
    names=("C++",),
    not_names=("C",),
)
CPP_FREE = case(
    "What is C++?",
    "A language with classes.",
    query="Is it hard to learn?",
    rewrites=("Is C++ hard to learn?",),
)
DOTNET = case(
    "What is .NET?",
    "A platform for apps.",
    query="Does it run on Linux?",
    rewrites=("Does .NET run on Linux?",),
    names=(".NET",),
)
WHO = case(
    "WHO是什么？",
    "世界卫生组织。",
    query="总部在哪？",
    rewrites=("WHO的总部在哪？",),
    names=("WHO",),
)
HUAWEI = case(
    "华为Mate 60和小米14哪个好？",
    "华为Mate 60更好。",
    query="它多少钱？",
    rewrites=("华为Mate 60多少钱？",),
    names=("华为Mate 60",),
    not_names=("小米14",),
)
HUAWEI_EXTRACTIVE = case(
    "华为Mate 60怎么样？",
    "很好。",
    query="它多少钱？",
    rewrites=("华为Mate 60多少钱？",),
    extractive=True,
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (CPP, "Is C++ hard to learn?"),
        (CPP, "Is it hard to learn C++?"),
        (CPP, "is c++ hard to learn"),
        (CPP_FREE, "Is learning C++ hard?"),
        (DOTNET, "Can .NET run on Linux?"),
        (DOTNET, "Does the .NET platform run on Linux?"),
        (WHO, "WHO总部在哪里？"),
        (WHO, "WHO的总部在哪里？"),
        (HUAWEI, "华为Mate60多少钱？"),
        (HUAWEI, "华为 Mate 60 多少钱"),
        (HUAWEI_EXTRACTIVE, "华为Mate60多少钱？"),
    ],
)
def test_a_name_may_be_spaced_otherwise_and_keeps_its_signs(judged: Case, answer: str) -> None:
    assert judge(judged, answer).right, judge(judged, answer).findings


@pytest.mark.parametrize(
    ("judged", "answer", "part"),
    [
        (CPP, "Is C hard to learn?", Part.NAMED),
        (CPP, "Is C# hard to learn?", Part.NAMED),
        (CPP_FREE, "Is C# hard to learn?", Part.NAMED),
        (DOTNET, "Does the net run on Linux?", Part.NAMED),
        (WHO, "WHO的总部是什么？", Part.KEPT),
        (WHO, "谁的总部在哪？", Part.NAMED),
        (HUAWEI, "华为Mate 50多少钱？", Part.NAMED),
        (HUAWEI, "华为Mate多少钱？", Part.NAMED),
        (HUAWEI_EXTRACTIVE, "华为Mate6多少钱？", Part.NAMED),
    ],
)
def test_a_name_without_its_sign_or_number_is_another(
    judged: Case, answer: str, part: Part
) -> None:
    assert part in refused(judged, answer)
