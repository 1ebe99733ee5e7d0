"""Every instruction of IFEval that is checked: answers that keep it and answers that break it."""

from __future__ import annotations

import time

import pytest

from evalsuite.cases import Language
from evalsuite.detectors import answer_score
from evalsuite.detectors.rules.instructions import CHECKS, faults, kept
from evalsuite.scenarios import AnswerRule, Instruction, Rule, SkillItem, Value

TABLE: dict[str, tuple[dict[str, Value], list[str], list[str]]] = {
    "punctuation:no_comma": (
        {},
        ["No comma here.", "没有逗号", "春、夏"],
        ["Yes, one.", "有，一个", "a، b", "", "  "],
    ),
    "keywords:frequency": (
        {"keyword": "fox", "frequency": 2, "relation": "at least"},
        ["A fox saw a Fox.", "Foxes and a fox."],
        ["A fox.", "A cat saw a cat."],
    ),
    "length_constraints:number_sentences": (
        {"num_sentences": 2, "relation": "at least"},
        [
            "One. Two!",
            "Plan a. Plan b.",
            "1. Eat.\n2. Sleep.",
            "一句。两句！",
            'He said "go." Then he went.',
        ],
        ["One.", "Mr. Fox paid 3.50 to Dr. Bear.", "E.g. this one", "一句，没有完"],
    ),
    "keywords:forbidden_words": (
        {"forbidden_words": ("cook", "睡觉")},
        ["He cooks.", "A cookbook", "睡了一觉"],
        ["He can cook.", "COOK!", "他去睡觉了"],
    ),
    "keywords:existence": (
        {"keywords": ("mother", "父亲")},
        ["My mother and 父亲", "MOTHERS 父亲们"],
        ["My mother.", "父亲", "moth er 父亲"],
    ),
    "length_constraints:number_words": (
        {"num_words": 4, "relation": "less than"},
        ["One two three", "三个字", "3.5"],
        ["One two three four", "这里有四", "don't do it"],
    ),
    "combination:repeat_prompt": (
        {"prompt_to_repeat": "Name a fox."},
        ["Name a fox. Reynard.", "name a fox.\n\nReynard", "  Name a fox."],
        ["Reynard. Name a fox.", "Name a fox", "Sure! Name a fox."],
    ),
    "startend:quotation": (
        {},
        ['"All of it."', "“都在里面”", "「全部」", '"a" and "b"'],
        ['"Half" of it', "none", '"', '""', '“mixed"'],
    ),
    "keywords:letter_frequency": (
        {"letter": "Q", "let_frequency": 2, "let_relation": "at least"},
        ["quiz and Quest", "qq"],
        ["quiz", "none"],
    ),
    "detectable_format:number_highlighted_sections": (
        {"num_highlights": 2},
        ["*one* and **two**", "*一* 和 *二*"],
        ["*one*", "* a\n* b\n* c", "2 * 3 * 4 * 5", "** **  * *"],
    ),
    "detectable_content:postscript": (
        {"postscript_marker": "P.P.S"},
        ["Bye.\nP.P.S. One more.", "Bye. P. P. S More", "P.P.S: only this"],
        ["Bye.", "P.S. One more.", "apps are good"],
    ),
    "change_case:english_lowercase": (
        {},
        ["the fox is in the house and it is cold", "ok"],
        [
            "The fox is in the house",
            "der fuchs ist in dem haus und das ist nicht gut",
            "狐狸",
            "123",
        ],
    ),
    "detectable_format:title": (
        {},
        ["<<A fox>>\nOnce", "Once <<狐狸>>"],
        ["<A fox>", "<<>>", "<< >>", "<<A\nfox>>", "<<<>>>"],
    ),
    "detectable_format:number_bullet_lists": (
        {"num_bullets": 2},
        ["* a\n* b", "- a\n  - b", "Look:\n* 一\n* 二\n***"],
        ["* a", "* a\n* b\n* c", "*a* and\n*b*", "-5\n-6", "* * *\n- - -"],
    ),
    "language:response_language": (
        {"language": "de"},
        ["Das ist nicht gut und es ist kalt."],
        ["That is not good and it is cold.", "这不好", "ok", "123"],
    ),
    "change_case:english_capital": (
        {},
        ["THE FOX IS IN THE HOUSE", "OK"],
        ["THE fox IS IN THE HOUSE", "狐狸", "DAS IST NICHT GUT UND ES IST KALT"],
    ),
    "change_case:capital_word_frequency": (
        {"capital_frequency": 2, "capital_relation": "less than"},
        ["One LOUD word", "none", "WELL-KNOWN thing"],
        ["TWO LOUD words", "I AM"],
    ),
    "detectable_content:number_placeholders": (
        {"num_placeholders": 2},
        ["[name] lives in [town]", "[姓名] 住在 [城市]"],
        ["[name]", "[]", "[na\nme] [x", "(name) (town)"],
    ),
    "startend:end_checker": (
        {"end_phrase": "Is that all?"},
        ["Yes. Is that all?", 'Yes. "Is that all?"', "IS THAT ALL?"],
        ["Is that all? No.", "Is that", "Yes."],
    ),
    "detectable_format:json_format": (
        {},
        ['{"a": 1}', '```json\n{"a": [1]}\n```', "[1, 2]", '```\n{"狐": 1}\n```'],
        ['{"a": 1', "a", '"text"', "18", 'Here: {"a": 1}'],
    ),
    "length_constraints:number_paragraphs": (
        {"num_paragraphs": 2},
        ["one\n***\ntwo", "***\none\n***\ntwo\n***", "一\n\n***\n\n二"],
        ["one", "one\n***\n***\ntwo", "one\n\ntwo", "a***b***c"],
    ),
}
ROWS = [
    (name, kwargs, text, keeps)
    for name, (kwargs, good, bad) in TABLE.items()
    for texts, keeps in ((good, True), (bad, False))
    for text in texts
]


def instruction(name: str, kwargs: dict[str, Value]) -> Instruction:
    return Instruction(name, tuple(sorted(kwargs.items())))


def test_every_check_is_tried_here() -> None:
    assert {*TABLE} == {*CHECKS}


@pytest.mark.parametrize(("name", "kwargs", "text", "keeps"), ROWS)
def test_an_instruction_is_kept_or_broken(
    name: str, kwargs: dict[str, Value], text: str, keeps: bool
) -> None:
    assert list(faults(instruction(name, kwargs))) == []
    assert kept(instruction(name, kwargs), text) is keeps


@pytest.mark.parametrize("name", TABLE)
def test_an_empty_answer_keeps_nothing(name: str) -> None:
    assert not kept(instruction(name, TABLE[name][0]), " \n")


@pytest.mark.parametrize(
    ("name", "relation", "n", "at", "keeps"),
    [
        ("frequency", "at least", 3, "fox fox fox", True),
        ("frequency", "at least", 3, "fox fox", False),
        ("frequency", "less than", 3, "fox fox", True),
        ("frequency", "less than", 3, "fox fox fox", False),
    ],
)
def test_less_than_and_at_least_meet_at_the_number(
    name: str, relation: str, n: int, at: str, keeps: bool
) -> None:
    given: dict[str, Value] = {"keyword": "fox", name: n, "relation": relation}
    assert kept(instruction(f"keywords:{name}", given), at) is keeps


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("यह एक कहानी है और मैं इसे लिख रहा हूँ।", "hi"),
        ("ही एक चांगली गोष्ट आहे आणि मी ती लिहितो.", "mr"),
        ("این یک داستان است و من آن را می نویسم", "fa"),
        ("هذا كتاب من المدرسة في المدينة", "ar"),
        ("یہ ایک کہانی ہے اور میں نے اس کو لکھا ہے", "ur"),
        ("Đây là một câu chuyện của tôi", "vi"),
        ("Hii ni hadithi ya mtoto na wazazi wake", "sw"),
        ("Tämä on hyvä ja se ei ole kallis", "fi"),
        ("Это не так и он это знает", "ru"),
        ("이것은 이야기입니다", "ko"),
        ("ಇದು ಒಂದು ಕಥೆ", "kn"),
        ("આ એક વાર્તા છે", "gu"),
        ("এটি একটি গল্প", "bn"),
        ("这是一个故事", "zh"),
        ("これは物語です", "ja"),
    ],
)
def test_the_languages_that_are_asked_for_are_told_apart(text: str, language: str) -> None:
    assert kept(Instruction("language:response_language", (("language", language),)), text)


@pytest.mark.parametrize(
    ("name", "kwargs", "told"),
    [
        ("punctuation:no_commas", {}, "is not known here; did you mean 'punctuation:no_comma'?"),
        ("combination:two_responses", {}, "is not known here"),
        ("punctuation:no_comma", {"n": 1}, "takes no argument 'n'; its arguments: none"),
        ("keywords:existence", {}, "keywords is missing"),
        ("keywords:existence", {"keywords": "fox"}, "is 'fox'; write a list of words"),
        ("keywords:existence", {"keywords": ("",)}, "write a list of words"),
        ("detectable_format:number_bullet_lists", {"num_bullets": "3"}, "write a whole number"),
        ("detectable_format:number_bullet_lists", {"num_bullets": -1}, "write a whole number"),
        ("startend:end_checker", {"end_phrase": " "}, "write a text"),
        (
            "length_constraints:number_words",
            {"num_words": 3, "relation": "at most"},
            "relation is 'at most'; write less than or at least",
        ),
    ],
)
def test_a_wrong_instruction_is_refused_with_its_fix(
    name: str, kwargs: dict[str, Value], told: str
) -> None:
    (fault,) = faults(instruction(name, kwargs))
    assert told in fault


@pytest.mark.parametrize("text", ["a.\n" * 7000, "A. " * 7000, "*a " * 7000, "\n" * 20000])
def test_an_endless_answer_is_counted_in_no_time(text: str) -> None:
    began = time.process_time()
    for name, (kwargs, _, _) in TABLE.items():
        kept(instruction(name, kwargs), text)
    assert time.process_time() - began < 5


def test_all_instructions_of_an_item_have_to_be_kept() -> None:
    both = (
        Instruction("punctuation:no_comma"),
        Instruction("keywords:existence", (("keywords", ("fox",)),)),
    )
    item = SkillItem(
        id="i", skill="i", language=Language.EN, cluster="i", prompt="Write.", answer="both",
        rule=AnswerRule(rule=Rule.IFEVAL, instructions=both),
    )  # fmt: skip
    assert answer_score(item, "A fox.").value == 0.0
    broken = answer_score(item, "A cat, a dog")
    assert broken.value == 1.0
    assert "2 of 2 instructions: punctuation:no_comma, keywords:existence" in broken.explanation
    assert "1 of 2 instructions: keywords:existence" in answer_score(item, "A cat").explanation
    assert answer_score(item, "").value == 1.0
