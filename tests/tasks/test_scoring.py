"""One judge: the same answer to the same task has the same scores, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Language
from evalsuite.conversation import Message, Role
from evalsuite.detectors import Detector
from evalsuite.errors import InvalidCase, InvalidInput
from evalsuite.generation import Finish, Output
from evalsuite.integrations.deepeval.answered import Answered
from evalsuite.integrations.deepeval.scoring import scorer
from evalsuite.rewrites import judge
from evalsuite.scenarios import SkillItem, TextItem, sample_demonstrations
from evalsuite.strategies import adversarial_histories
from evalsuite.tasks import (
    REFERENCES,
    Asks,
    Choice,
    Counterpart,
    Known,
    Promise,
    Rewriting,
    Skill,
    Task,
    Text,
    applicable,
    broken_promises,
    describe,
    prompt_of,
    sampling_of,
    score,
    task_of,
)
from evalsuite.template import ChatTemplate
from tests.tasks.samples import CASE

STANDS = replace(
    CASE, id="stands", query="What is Quobra's price?", expect=Expectation(unchanged=True)
)
SKILL = SkillItem(
    id="copy-1", skill="copy", language=Language.EN, cluster="copy", prompt="Repeat: fox",
    answer="fox", accepted=("Fox",),
)  # fmt: skip
TEXT = TextItem(id="t", language=Language.EN, cluster="t", prompt="Write.", text="A fox ran.")
CHOICE = SkillItem(
    id="c", skill="capital-choice", language=Language.EN, cluster="c", prompt="Capital of France?",
    answer="It is Paris.", others=("It is Rome.", "It is Oslo."), plain=True, by_choice=True,
)  # fmt: skip
TASKS: tuple[Task, ...] = (
    Rewriting(case=CASE),
    Skill(item=SKILL),
    Skill(item=SKILL, chat=CASE.history),
    Choice(item=CHOICE),
    Text(item=TEXT),
)


def said(text: str, finish: Finish = Finish.STOP) -> Output:
    return Output(text=text, ids=(), finish=finish, logprobs=(-1.0, -3.0))


def test_every_kind_of_task_is_tried_here() -> None:
    assert {type(task) for task in TASKS} == set(get_args(Task))


@pytest.mark.parametrize("task", TASKS)
def test_every_kind_of_task_is_asked_scored_and_described(task: Task) -> None:
    assert prompt_of(task).messages[-1].role is Role.USER
    assert sampling_of(task).max_tokens > 0
    seen = describe(task)
    assert seen.id == task.id
    assert seen.query in prompt_of(task).messages[-1].content
    known = Known(absent=("Hemfos",), options=(said(""),) * 3)
    found = score(task, said("nothing of the kind"), known)
    assert found
    assert {one.detector for one in found} <= applicable(task)


def test_a_history_of_an_item_is_asked_and_shown_and_a_chat_takes_its_place() -> None:
    item = replace(SKILL, history=CASE.history, max_tokens=7)
    assert prompt_of(Skill(item=item)).messages[1:-1] == CASE.history
    assert describe(Skill(item=item)).history == CASE.history
    assert sampling_of(Skill(item=item)).max_tokens == 7
    assert describe(Skill(item=item, chat=())).history == ()
    assert prompt_of(Skill(item=item, chat=())).messages[:-1] == ()
    assert describe(Choice(item=replace(CHOICE, history=CASE.history))).history == CASE.history


def likely(*nats: float) -> Output:
    return Output(text="", ids=(), finish=Finish.SCORED, logprobs=tuple(-one for one in nats))


@pytest.mark.parametrize(
    ("options", "loss", "told"),
    [
        (((1.0, 0.1), (1.0, 3.0), (1.0, 4.0)), 0.0, "with 93% of the probability of all 3"),
        (((1.0, 3.0), (1.0, 0.1), (1.0, 4.0)), 1.0, '"It is Rome." is as likely or likelier'),
        # Neither is taken for right: who cannot tell them apart does not know.
        (((1.0, 2.0), (1.0, 2.0), (1.0, 4.0)), 1.0, '"It is Rome." is as likely or likelier'),
        (((900.0, 900.0), (1.0, 1.0), (1.0, 1.0)), 1.0, "which has 0% of the probability"),
        (((1.0,), (float("nan"),), (1.0,)), None, "The choice was not measured"),
        (((), (1.0,), (1.0,)), None, "The choice was not measured"),
    ],
)
def test_the_likeliest_option_has_to_be_the_right_one(
    options: tuple[tuple[float, ...], ...], loss: float | None, told: str
) -> None:
    known = Known(options=tuple(likely(*nats) for nats in options))
    (found,) = score(Choice(item=CHOICE), likely(*options[0]), known)
    assert (found.detector, found.value) == (Detector.SKILL_ANSWER, loss)
    assert told in found.explanation


def test_an_item_by_choice_has_one_score_and_none_before_all_options_are_known() -> None:
    assert score(Choice(item=CHOICE), likely(1.0)) == ()
    three = Known(options=(likely(1.0), likely(2.0), likely(3.0)))
    assert score(Choice(item=CHOICE, option=1), likely(2.0), three) == ()
    with pytest.raises(InvalidInput, match="has 3 options and 2 were scored"):
        score(Choice(item=CHOICE), likely(1.0), Known(options=(likely(1.0), likely(2.0))))


def test_a_skill_in_a_chat_has_no_system_message_and_keeps_its_turns() -> None:
    alone, chat = prompt_of(Skill(item=SKILL)), prompt_of(Skill(item=SKILL, chat=CASE.history))
    assert alone.messages[0].role is Role.SYSTEM
    assert chat.messages == (*CASE.history, Message(Role.USER, SKILL.prompt))


def test_a_skill_that_stands_in_a_case_accepts_what_the_case_accepts() -> None:
    case = replace(CASE, query="Repeat: fox", expect=Expectation(rewrites=("fox", "Fox!")))
    task = task_of(case, asks=Asks.SKILL)
    assert isinstance(task, Skill)
    for text, loss in (("fox", 0.0), ("Fox!", 0.0), ("dog", 1.0)):
        (found,) = score(task, said(text))
        assert (found.detector, found.value) == (Detector.SKILL_ANSWER, loss)


def test_a_skill_without_an_answer_is_refused() -> None:
    vague = replace(CASE, expect=Expectation(must_name=("Flindo",)))
    with pytest.raises(InvalidCase, match=r"needs the right answer as expect\.rewrites"):
        task_of(vague, asks=Asks.SKILL)


def test_detectors_that_lack_their_part_do_not_look(chatml: ChatTemplate) -> None:
    task = Rewriting(case=CASE, demonstrations=sample_demonstrations("a", 2, Language.EN))
    other = Counterpart(text="x", demonstrations=sample_demonstrations("b", 2, Language.EN))
    alone = {one.detector for one in score(task, said("What is Flindo's price?"))}
    of_a_rewrite = {one.detector for one in judge(CASE, "What is Flindo's price?").scores(CASE)}
    assert alone == {Detector.LITERAL_LEAK, *of_a_rewrite}
    known = Known(template=chatml, absent=("Hemfos",), counterpart=other)
    everyone = {one.detector for one in score(task, said("What is Flindo's price?"), known)}
    # What is asked of a rewrite depends on what its case knows about right answers.
    assert everyone | REFERENCES == applicable(task)
    assert everyone & REFERENCES == of_a_rewrite


@given(adversarial_histories(max_size=2), st.text(max_size=40), st.sampled_from(Finish))
@settings(max_examples=50)
def test_a_chosen_detector_says_what_it_says_among_all(
    case: Case, text: str, finish: Finish
) -> None:
    task = Rewriting(case=case)
    for one in score(task, said(text, finish)):
        assert score(task, said(text, finish), detectors=(one.detector,)) == (one,)


def test_a_right_answer_that_was_cut_off_is_a_defect_for_everyone(chatml: ChatTemplate) -> None:
    """A gate, a search, a remembered regression and a metric must not disagree about an answer."""
    right = str(CASE.reference)
    task = Rewriting(case=CASE)
    cut, whole = said(right, Finish.LENGTH), said(right)
    (gate,) = score(task, cut, detectors=(Detector.RIGHT,))
    assert (gate.value, gate.explanation) == (
        1.0,
        "The answer did not end: it ran into the length limit.",
    )
    (broken,) = broken_promises(task, cut, whole, chatml)
    assert broken.promise is Promise.RESOLVED
    assert broken.reason == f"form: {gate.explanation}"
    metric = scorer("right").score(Answered(item=CASE, answer=cut))
    assert (metric.value, metric.explanation) == (gate.value, gate.explanation)
    assert broken_promises(task, whole, whole, chatml) == ()


def test_a_baseline_that_did_not_end_resolved_nothing(chatml: ChatTemplate) -> None:
    task, wrong = Rewriting(case=CASE), said("What is its price?")
    right = str(CASE.reference)
    assert broken_promises(task, wrong, said(right), chatml)[0].promise is Promise.RESOLVED
    assert broken_promises(task, wrong, said(right, Finish.LENGTH), chatml) == ()


def test_a_promise_that_is_absolute_counts_whatever_the_baseline_says(
    chatml: ChatTemplate,
) -> None:
    demonstrations = sample_demonstrations("leaky", 2, Language.EN)
    name = demonstrations[0].entities[0]
    task = Rewriting(case=CASE, demonstrations=demonstrations)
    leaky = said(f"What is Flindo's price? {name}")
    promises = [broken.promise for broken in broken_promises(task, leaky, leaky, chatml)]
    assert promises == [Promise.NO_LEAK]


def test_every_promise_names_a_detector_that_some_task_is_looked_at_by() -> None:
    watched = {promise.detector for promise in Promise} - {Detector.TEMPLATE_ROUND_TRIP}
    assert watched <= frozenset().union(*map(applicable, TASKS))
