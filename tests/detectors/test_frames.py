"""A demonstration's question with another name is found, and no right answer is taken for one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite.cases import Case, Expectation, Language
from evalsuite.conversation import messages
from evalsuite.detectors import literal_leak
from evalsuite.detectors.frames import frames_of
from evalsuite.detectors.text import same
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import sample_shown_panel
from tests.detectors.everyday import everyday, goldens, moons


def built(query: str = "When was it built?", name: str = "the Alhambra") -> Demonstration:
    return Demonstration(
        history=messages([("user", "Do you know that palace?"), ("assistant", "Yes.")]),
        query=query,
        rewrite=query.replace(" it ", f" {name} "),
        language=Language.EN,
        entities=(name.removeprefix("the "),),
    )


def asking(query: str, history: str = "I was at the Louvre.") -> Case:
    return replace(
        moons(Language.EN),
        history=messages([("user", history)]),
        query=query,
        expect=Expectation(must_name=("Louvre",)),
    )


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        (Language.EN, "When was Jupiter built?"),
        (Language.EN, "And when was the Jupiter built"),
        (Language.EN, "What does a Jupiter eat?"),
        (Language.EN, "Where did Jupiter study?"),
        (Language.EN, "Which bus goes to Jupiter?"),
        (Language.ZH, "木星是什么时候建的？"),
        (Language.ZH, "木星一般活多久？"),
        (Language.ZH, "木星还写过什么？"),
        (Language.ZH, "去木星坐几号线？"),
    ],
)
def test_the_question_of_a_demonstration_with_the_right_name_is_a_leak(
    language: Language, answer: str
) -> None:
    score = literal_leak(moons(language), answer, everyday(language)[0])
    assert score.value == 1.0
    assert 'as the demonstration "' in score.explanation or "repeats" in score.explanation
    assert score.spans


def test_the_worst_golden_case_is_found() -> None:
    (case,) = (case for case in goldens(Language.EN) if case.id == "en-dropped-louvre")
    score = literal_leak(case, "What does a Louvre eat?", everyday(Language.EN)[0])
    assert score.value == 1.0
    assert 'as the demonstration "What does a hippo eat"' in score.explanation


@pytest.mark.parametrize("language", Language)
def test_nearly_every_question_of_a_demonstration_is_found_in_golden_cases(
    language: Language,
) -> None:
    shown, _ = everyday(language)
    found: list[float | None] = []
    for case in goldens(language):
        for demonstration in shown if case.expect.must_name else ():
            answer = demonstration.rewrite
            for name in demonstration.entities:
                answer = answer.replace(name, case.expect.must_name[0])
            if not any(same(answer, rewrite) for rewrite in case.expect.rewrites):
                found.append(literal_leak(case, answer, shown).value)
    assert len(found) > 170
    assert sum(value or 0.0 for value in found) >= 0.95 * len(found)


@pytest.mark.parametrize("language", Language)
def test_no_right_answer_of_goldens_or_a_panel_is_a_leak(language: Language) -> None:
    for case in goldens(language):
        for shown in everyday(language):
            for answer in case.expect.rewrites or (case.query,):
                assert literal_leak(case, answer, shown).value == 0.0, answer
    for posed in sample_shown_panel(11, 150, language):
        for answer in posed.case.expect.rewrites or (posed.case.query,):
            assert literal_leak(posed.case, answer, posed.pair.a).value == 0.0, answer


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        # The query asks it.
        (asking("When was it built?"), "When was the Louvre built?"),
        (asking("And when was it built then?"), "When was the Louvre built?"),
        # Another word for one word of the query.
        (asking("When was it constructed?"), "When was the Louvre built?"),
        # The conversation says the word, in whatever form.
        (asking("Tell me its age.", "Somebody built the Louvre."), "When was the Louvre built?"),
        (asking("Tell me its age.", "Kings build the Louvre."), "When was the Louvre built?"),
        # The query is still asked.
        (asking("How tall are its walls?"), "How tall were the Louvre's walls when it was built?"),
        # Half a frame.
        (asking("How tall is it?"), "Is the Louvre built?"),
        # The same words, and more that are no frame's.
        (asking("How tall is it?"), "When was the Louvre's eastern glass roof finally built?"),
    ],
)
def test_what_the_query_or_the_conversation_explains_is_no_copied_question(
    case: Case, answer: str
) -> None:
    assert literal_leak(case, answer, [built()]).value == 0.0
    assert literal_leak(asking("How tall is it?"), "When was the Louvre built?", [built()]).value


@pytest.mark.parametrize(
    ("case", "shown", "answer"),
    [
        # One word of content differs, and so does the question around it.
        (asking("Where was it?"), built(), "When was the Louvre built?"),
        # Half of the query's content is still asked.
        (asking("How tall are its walls?"), built(), "When was the Louvre's wall built?"),
        # Another form of a word of the frame.
        (asking("How tall is it?"), built("Which bricks does it use?"), "Which brick does it use?"),
    ],
)
def test_a_copied_question_is_marked_whole(case: Case, shown: Demonstration, answer: str) -> None:
    score = literal_leak(case, answer, [shown])
    assert score.value == 1.0
    assert [answer[s.start : s.end] for s in score.spans] == [answer[:-1]]


def test_a_single_word_is_no_frame() -> None:
    shown = built("Photos of it ?")
    shown = replace(shown, query="Photos?", rewrite="The Alhambra photos?")
    assert literal_leak(asking("How tall is it?"), "Louvre photos?", [shown]).value == 0.0


def test_a_question_without_content_is_no_frame_to_copy() -> None:
    shown = built("What about it now?")
    answer = "What about the Louvre now?"
    assert literal_leak(asking("How tall is it?"), answer, [shown]).value == 0.0


def test_a_frame_is_what_is_left_without_names_pronouns_and_articles() -> None:
    (frame,) = frames_of((built(),))
    assert frame.words == ("when", "was", "built")
    assert frame.sentence == "When was the Alhambra built"


def test_demonstrations_that_differ_in_their_names_alone_have_frames_of_their_own() -> None:
    nameless = replace(built(), entities=())
    assert nameless == built()
    assert {frame.words for frame in frames_of((nameless,))} == {
        ("when", "was", "alhambra", "built"),
        ("when", "was", "built"),
    }
    assert len(frames_of((built(),))) == 1
