"""Names are found in every disguise, and what the conversation or chance explains is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite.cases import Case, Expectation, Language
from evalsuite.conversation import messages
from evalsuite.detectors import literal_leak
from evalsuite.detectors.copied import How
from evalsuite.detectors.nearnames import copies, holds
from evalsuite.detectors.own import Own
from tests.detectors.everyday import everyday, moons

NAMES = {
    language: tuple(name for shown in everyday(language)[0] for name in shown.entities)
    for language in Language
}
LONG = "Frank Lloyd Wright"
NOTHING = Own(())


def told(answer: str, names: tuple[str, ...], own: Own = NOTHING) -> list[tuple[str, str, How]]:
    return [(answer[c.start : c.end], c.name, c.how) for c in copies(answer, names, own)]


@pytest.mark.parametrize(
    ("answer", "said", "name", "how"),
    [
        ("How many moons do Jupiter and the Alhambras have?", "Alhambras", "Alhambra", How.FORM),
        ("How many walruses does Jupiter have?", "walruses", "walrus", How.FORM),
        ("Are Jupiter's moons cast-iron pans?", "cast-iron pans", "cast-iron pan", How.FORM),
        ("Are there moons in the Prater's sky?", "Prater", "Prater", How.WHOLE),
        ("How many moons does it have, Mr Wright?", "Wright", "Frank Lloyd Wright", How.PART),
        ("How many moons does it have, Frank?", "Frank", "Frank Lloyd Wright", How.PART),
        ("Frank Lloyd's moons?", "Frank Lloyd", "Frank Lloyd Wright", How.PART),
        ("Has Frank-Lloyd-Wright moons?", "Frank-Lloyd-Wright", LONG, How.SPELLING),
        ("Has Frank_Lloyd_Wright moons?", "Frank_Lloyd_Wright", LONG, How.SPELLING),
        ("Has FrankLloydWright moons?", "FrankLloydWright", LONG, How.SPELLING),
        ("Has the Al-hambra moons?", "Al-hambra", "Alhambra", How.SPELLING),
        ("Has the Alambra moons?", "Alambra", "Alhambra", How.EDITED),
        ("Has the Alhamrba moons?", "Alhamrba", "Alhambra", How.EDITED),
        ("Has the Elhambra moons?", "Elhambra", "Alhambra", How.EDITED),
        ("Has the Alhambbra moons?", "Alhambbra", "Alhambra", How.EDITED),
        ("Has a hipo moons?", "hipo", "hippo", How.EDITED),
        ("Has Frank Lloid Wright moons?", "Frank Lloid Wright", LONG, How.EDITED),
    ],
)  # fmt: skip
def test_an_english_name_is_found_in_disguise(answer: str, said: str, name: str, how: How) -> None:
    assert (said, name, how) in told(answer, NAMES[Language.EN])
    score = literal_leak(moons(Language.EN), answer, everyday(Language.EN)[0])
    assert score.value == 1.0
    assert name in score.explanation
    assert any(answer[s.start : s.end] == said and s.label == name for s in score.spans)


@pytest.mark.parametrize(
    ("answer", "said", "name", "how"),
    [
        ("布达拉有多少颗卫星？", "布达拉", "布达拉宫", How.PART),
        ("骆驼祥有多少颗卫星？", "骆驼祥", "骆驼祥子", How.PART),
        ("羽绒有多少颗卫星？", "羽绒", "羽绒服", How.PART),
        ("颐和有多少颗卫星？", "颐和", "颐和园", How.PART),
        ("布大拉宫有多少颗卫星？", "布大拉宫", "布达拉宫", How.EDITED),
        ("布达宫有多少颗卫星？", "布达宫", "布达拉宫", How.EDITED),
        ("布达拉啦宫有多少颗卫星？", "布达拉啦宫", "布达拉宫", How.EDITED),
        ("布拉达宫有多少颗卫星？", "布拉达宫", "布达拉宫", How.EDITED),
        ("达布拉宫有多少颗卫星？", "达布拉宫", "布达拉宫", How.EDITED),
        ("布达-拉宫有多少颗卫星？", "布达-拉宫", "布达拉宫", How.SPELLING),
        ("布达 拉宫有多少颗卫星？", "布达 拉宫", "布达拉宫", How.WHOLE),
    ],
)
def test_a_chinese_name_is_found_in_disguise(answer: str, said: str, name: str, how: How) -> None:
    assert (said, name, how) in told(answer, NAMES[Language.ZH])
    assert literal_leak(moons(Language.ZH), answer, everyday(Language.ZH)[0]).value == 1.0


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("Is Jupiter's house great?", "Great House"),
        ("Does Jupiter have a museum?", "Vasa Museum"),
        ("What is the new bridge in the golden city?", "Golden Gate Bridge"),
        # Another word that is one letter away, and words that only begin like the name.
        ("Is Jupiter a mouse?", "moose"),
        ("How does a goose eat?", "moose"),
        ("Is there work on Jupiter?", "Cast-Iron Works"),
        ("Is it near the Alhambresque hall?", "Alhambra"),
        ("Is it version 3.5?", "Model 3"),
        ("Which model 3.5 is it?", "Model 3"),
        # A slip in a short or common word of a name, and words that are not linked.
        ("Is it in a museun?", "Vasa Museum"),
        ("Is it a wxt?", "Angkor Wat"),
        ("Is it white. Houxe!", "White House"),
        ("Is it white - - - house?", "White House"),
        ("木星的宫在哪里？", "布达拉宫"),
        ("木星在上海吗？", "上海博物馆"),
        ("木星的博物馆在哪里？", "上海博物馆"),
        # The end of one word and the beginning of the next are no part of a name.
        ("木星的颐与和平有关吗？", "颐和园"),
        ("从文化上说呢？", "沈从文"),
        ("老师是谁？", "老舍"),
    ],
)
def test_what_is_common_or_another_word_accuses_nobody(answer: str, name: str) -> None:
    assert told(answer, (name,)) == []


@pytest.mark.parametrize(
    ("said", "answer", "name"),
    [
        ("I saw two hippos.", "What does a hippo eat?", "hippo"),
        ("I saw a hippo.", "What do hippos eat?", "hippo"),
        ("Tell me about Frank Lloyd Wright.", "When was Wright born?", "Frank Lloyd Wright"),
        ("Tell me about Harry Wright.", "When was Mr Wright born?", "Frank Lloyd Wright"),
        ("Tell me about cast iron.", "Is it cast-iron?", "cast-iron pan"),
        ("I like FrankLloydWright.", "Where did Frank Lloyd Wright study?", "Frank Lloyd Wright"),
        ("I was at the Alambra.", "When was the Alambra built?", "Alhambra"),
        ("I was at the Alhambra.", "When was the Alambra built?", "Alhambra"),
        ("Is Alhambry a name?", "Is Alhambro a name?", "Alhambra"),
        ("我去了布达拉。", "布达拉在哪里？", "布达拉宫"),
        ("我去了布达拉宫。", "布达拉在哪里？", "布达拉宫"),
        ("我去了布达拉宫。", "布大拉宫在哪里？", "布达拉宫"),
    ],
)
def test_what_the_conversation_says_in_any_form_is_no_copy(
    said: str, answer: str, name: str
) -> None:
    assert told(answer, (name,)) != []
    assert told(answer, (name,), Own((said,))) == []


def test_a_like_name_of_the_conversation_does_not_excuse_the_demonstrations_own() -> None:
    own = Own(("Tell me about Zalkos.",))
    assert told("What is Zalkos?", ("Zalkis",), own) == []
    assert told("What is Zalkis?", ("Zalkis",), own) == [("Zalkis", "Zalkis", How.WHOLE)]
    assert not holds(own, "Zalkis")


@pytest.mark.parametrize(
    "expect",
    [
        Expectation(rewrites=("How many moons do hippos have?",)),
        Expectation(must_name=("hippos",)),
        Expectation(must_name=("Jupiter",), aliases=("hippos",)),
    ],
    ids=["rewrites", "must_name", "aliases"],
)
def test_what_is_accepted_is_no_leak_in_any_form(expect: Expectation) -> None:
    case: Case = moons(Language.EN)
    answer = "How many moons does a hippo have?"
    assert literal_leak(case, answer, everyday(Language.EN)[0]).value == 1.0
    accepting = replace(case, expect=expect)
    assert literal_leak(accepting, answer, everyday(Language.EN)[0]).value == 0.0


def test_what_the_instruction_names_is_no_leak() -> None:
    answer, shown = "How many moons does a hippo have?", everyday(Language.EN)[0]
    assert literal_leak(moons(Language.EN), answer, shown, task="Think of a hippo.").value == 0.0
    assert literal_leak(moons(Language.EN), answer, shown, task="Think of hippos.").value == 0.0


def test_in_a_long_answer_a_part_of_a_name_proves_less_and_a_name_as_much() -> None:
    padding = "and so it is said to be what it was " * 30
    names = NAMES[Language.EN]
    assert told("Mr Wright", names) != []
    assert told(f"{padding} Mr Wright", names) == []
    assert told(f"{padding} Frank Lloyd Wright", names) != []
    assert told(f"{padding} Alhambras", names) != []


def test_of_copies_that_lie_on_each_other_the_likest_is_told() -> None:
    names = ("Frank Lloyd Wright", "Lloyd Wright")
    assert told("Lloyd Wright", names) == [("Lloyd Wright", "Lloyd Wright", How.WHOLE)]
    assert told("Frank Lloyd Wright", names) == [
        ("Frank Lloyd Wright", "Frank Lloyd Wright", How.WHOLE)
    ]


def test_a_number_ends_where_no_point_goes_on() -> None:
    assert told("Is the Model_3 5 metres long?", ("Model 3",)) == [
        ("Model_3", "Model 3", How.SPELLING)
    ]


def test_accents_make_no_difference() -> None:
    assert told("Where did Gaudi study?", ("Antoni Gaudí",))[0][:2] == ("Gaudi", "Antoni Gaudí")
    assert told("Antoni Gaudi", ("Antoni Gaudí",))[0][2] is How.SPELLING


def test_a_conversation_in_which_nothing_is_said_explains_nothing() -> None:
    case = replace(moons(Language.EN), history=messages([]))
    assert literal_leak(case, "Alhambras", everyday(Language.EN)[0]).value == 1.0
