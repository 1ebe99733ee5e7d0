"""Sentences of a demonstration and of the instruction are found when they are copied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite.cases import Language
from evalsuite.conversation import messages
from evalsuite.detectors import literal_leak
from evalsuite.detectors.phrases import sentences
from evalsuite.prompts import Demonstration, task_text
from tests.detectors.everyday import everyday, moons

TASK = {
    Language.EN: "You see the turns of a talk. Rewrite the last turn so that it needs no other.",
    Language.ZH: "你会看到一段对话的每一轮。改写最后一轮，使它不依赖别的。",
}
RIGHT = {Language.EN: "How many moons does Jupiter have?", Language.ZH: "木星有多少颗卫星？"}


def thinking(language: Language, thought: str) -> Demonstration:
    """A demonstration that thinks before it rewrites."""
    shown = everyday(language)[0][0]
    return replace(shown, rewrite=f"{thought} {shown.rewrite}")


@pytest.mark.parametrize(
    ("language", "thought"),
    [
        (Language.EN, "This is the first turn."),
        # Function words alone.
        (Language.EN, "There is nothing to do here."),
        (Language.ZH, "这是第一轮。"),
        (Language.ZH, "这里没有什么要做的。"),
    ],
)
@pytest.mark.parametrize("told", ["{} {}", "{1} {0}", "Thought: {}\n{}", '"{}" {}'])
def test_a_sentence_of_a_chain_of_thought_is_a_leak_whatever_the_instruction_says(
    language: Language, thought: str, told: str
) -> None:
    answer = told.format(thought, RIGHT[language])
    shown = [thinking(language, thought)]
    score = literal_leak(moons(language), answer, shown, task=TASK[language])
    assert score.value == 1.0
    assert f'repeats "{thought[:-1]}" from a demonstration' in score.explanation
    assert [answer[s.start : s.end] for s in score.spans] == [thought[:-1]]


@pytest.mark.parametrize(
    ("thought", "answer"),
    [
        # Not a sentence of its own.
        ("This is the one.", "How many moons does this is the one Jupiter have?"),
        # Too short to prove anything.
        ("That is it.", "That is it. How many moons does Jupiter have?"),
        ("Yes, it is.", "Yes, it is. How many moons does Jupiter have?"),
    ],
)
def test_a_few_function_words_are_no_sentence_to_copy(thought: str, answer: str) -> None:
    shown = [thinking(Language.EN, thought)]
    assert literal_leak(moons(Language.EN), answer, shown).value == 0.0


@pytest.mark.parametrize(("thought", "loss"), [("它是山。", 0.0), ("它是高山。", 1.0)])
def test_a_chinese_sentence_is_telling_from_five_characters(thought: str, loss: float) -> None:
    shown = [thinking(Language.ZH, thought)]
    answer = f"{thought}{RIGHT[Language.ZH]}"
    assert literal_leak(moons(Language.ZH), answer, shown).value == loss


def test_a_sentence_that_the_conversation_says_is_no_leak() -> None:
    thought = "This is the first turn."
    case = moons(Language.EN)
    says = replace(case, history=messages([("user", "So this is the first turn?")]))
    answer = f"{thought} {RIGHT[Language.EN]}"
    assert literal_leak(case, answer, [thinking(Language.EN, thought)]).value == 1.0
    assert literal_leak(says, answer, [thinking(Language.EN, thought)]).value == 0.0


@pytest.mark.parametrize(
    ("language", "copied"),
    [
        (Language.EN, "Answer with the query only."),
        (Language.EN, "copy it unchanged if it already does"),
        (Language.ZH, "只回答问题本身。"),
        (Language.ZH, "使它脱离上文也能看懂"),
    ],
)
def test_the_instruction_in_an_answer_is_a_leak(language: Language, copied: str) -> None:
    answer = f"{RIGHT[language]} {copied}"
    shown, task = everyday(language)[0], task_text(language)
    score = literal_leak(moons(language), answer, shown, task=task)
    assert score.value == 1.0
    assert "from the instruction." in score.explanation
    assert literal_leak(moons(language), answer, shown).value == 0.0


@pytest.mark.parametrize(
    "copied",
    [
        # Five words of it, and six of which the conversation holds what is content.
        "so the last query stands alone",
        "Is it so that it stands?",
    ],
)
def test_a_few_words_of_the_instruction_are_no_leak(copied: str) -> None:
    answer = f"{RIGHT[Language.EN]} {copied}"
    shown, task = everyday(Language.EN)[0], task_text(Language.EN)
    assert literal_leak(moons(Language.EN), answer, shown, task=task).value == 0.0


@pytest.mark.parametrize(("answer", "loss"), [("kettles", 0.0), ("kettles whistle", 1.0)])
def test_a_possessive_is_no_word_of_a_run(answer: str, loss: float) -> None:
    shown = replace(everyday(Language.EN)[0][0], query="Has the owner's copper kettles whistled?")
    shown = replace(shown, history=messages([("user", "My owner's copper kettles whistle so.")]))
    said = f"How many moons do Jupiter and owner's copper {answer} have?"
    assert literal_leak(moons(Language.EN), said, [shown]).value == loss


def test_a_sentence_ends_at_marks_quotes_and_lines_but_not_within_a_number() -> None:
    text = 'Thought: version 3.5 is it.\nShe said "go on".Yes 好的。再见'
    found = [[word.text for word in sentence] for sentence in sentences(text)]
    assert found == [
        ["thought"], ["version", "3", "5", "is", "it"], ["she", "said"], ["go", "on"],
        ["yes", "好", "的"], ["再", "见"],
    ]  # fmt: skip
