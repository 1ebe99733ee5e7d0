"""Answers behind a rule: detectors see what it reads, and leaks are searched for beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite.cases import Expectation, Language
from evalsuite.conversation import Message, Role
from evalsuite.detectors import Detector
from evalsuite.generation import Finish, Output
from evalsuite.prompts import ANSWER_PROMPT, Demonstration, Prompt
from evalsuite.prompts.answerrules import Json, Tag
from evalsuite.tasks import (
    Counterpart,
    Known,
    Rewriting,
    answer_of,
    continuation_ids,
    prompt_ids,
    prompt_of,
    sampling_of,
    score,
)
from evalsuite.template import ChatTemplate
from tests.tasks.samples import CASE

SHOWN = Demonstration(
    history=(Message(Role.USER, "Have you heard of Hemfos?"),),
    query="Who knows it?",
    rewrite="Who knows Hemfos?",
    language=Language.EN,
    entities=("Hemfos",),
)
TAGS = Prompt(name="tags", rule=Tag("q"), form="<q>{rewrite}</q>", prefill="<q>", stop=("</q>",))
TASK = Rewriting(case=CASE, demonstrations=(SHOWN,), prompt=TAGS)
LOOSE = replace(TAGS, prefill="", stop=(), form="So: <q>{rewrite}</q>")


def said(text: str, finish: Finish = Finish.STOP) -> Output:
    return Output(text=text, ids=(), finish=finish)


def losses(task: Rewriting, text: str, finish: Finish = Finish.STOP) -> dict[Detector, float]:
    found = score(task, said(text, finish), Known())
    return {one.detector: one.value for one in found if one.value is not None}


def test_what_the_rule_reads_is_judged() -> None:
    assert losses(TASK, "What is Flindo's price?</q>")[Detector.RIGHT] == 0.0
    assert losses(TASK, "What is Flindo's price?</q> And more.")[Detector.RIGHT] == 0.0
    assert losses(TASK, "What is its price?</q>")[Detector.RIGHT] == 1.0
    assert losses(replace(TASK, prompt=LOOSE), "What is Flindo's price?")[Detector.RIGHT] == 1.0


def test_an_answer_that_was_not_found_says_so() -> None:
    [right] = score(
        replace(TASK, prompt=LOOSE), said("What is Flindo's price?"), detectors={Detector.RIGHT}
    )
    assert right.explanation.startswith("The prompt's rule 'tag' finds no answer")


def test_evidence_stands_where_it_was_written() -> None:
    text = "I think.\n<q>What is Hemfos's price?</q>"
    task = replace(TASK, prompt=LOOSE)
    [leak] = score(task, said(text), detectors={Detector.LITERAL_LEAK})
    assert leak.value == 1.0
    assert [text[span.start : span.end] for span in leak.spans] == ["Hemfos"]


def test_a_leak_beside_the_answer_counts() -> None:
    task = replace(TASK, prompt=LOOSE)
    text = "As with Hemfos, I think.\n<q>What is Flindo's price?</q>"
    found = {s.detector: s for s in score(task, said(text), Known())}
    assert found[Detector.RIGHT].value == 0.0
    assert found[Detector.LITERAL_LEAK].value == 1.0
    assert found[Detector.LITERAL_LEAK].explanation.startswith("Beside its answer: ")
    assert losses(task, "So: <q>What is Flindo's price?</q>")[Detector.LITERAL_LEAK] == 0.0


def test_an_instruction_may_give_the_words_in_which_to_say_that_nobody_told() -> None:
    untold = replace(CASE, expect=Expectation(untold=True))
    told = replace(CASE, expect=Expectation(answers=("Flindo",)))
    words = "对话里没有提到"
    for case, loss in ((untold, 0.0), (told, 1.0)):
        asked = Rewriting(case=replace(case, language=Language.ZH), demonstrations=(SHOWN,))
        asked = replace(asked, prompt=ANSWER_PROMPT)
        [leak] = score(asked, said(words), detectors={Detector.LITERAL_LEAK})
        assert leak.value == loss


def test_what_follows_a_stop_string_was_never_served() -> None:
    assert losses(TASK, "What is Flindo's price?</q> Hemfos")[Detector.LITERAL_LEAK] == 0.0
    assert losses(TASK, "What is Flindo's price? Hemfos")[Detector.LITERAL_LEAK] == 1.0


def test_a_closed_answer_is_not_cut_off_and_an_open_one_is() -> None:
    closed = losses(TASK, "What is Flindo's price?</q> and on", Finish.LENGTH)
    assert closed[Detector.FORM] == 0.0
    assert losses(TASK, "What is Flindo's price?", Finish.LENGTH)[Detector.FORM] == 1.0


OTHER = Demonstration(
    history=(Message(Role.USER, "Have you heard of Vorb?"),),
    query="Who sells it?",
    rewrite="Who sells Vorb?",
    language=Language.EN,
    entities=("Vorb",),
)


def test_a_swap_compares_what_is_read() -> None:
    theirs = Counterpart(text="What is Flindo's price?</q>", demonstrations=(OTHER,))
    for text, loss in (
        ("What is Hemfos's price?</q>", 1.0),
        ("What is Flindo's price?</q> Hemfos", 0.0),  # never served
    ):
        found = score(TASK, said(text), Known(counterpart=theirs), detectors={Detector.SWAP_LEAK})
        assert [one.value for one in found] == [loss]


def test_a_swap_and_the_control_look_beside_the_answer_too() -> None:
    task = replace(TASK, prompt=LOOSE)
    right = "<q>What is Flindo's price?</q>"
    known = Known(counterpart=Counterpart(text=right, demonstrations=(OTHER,)), absent=("Quorl",))
    for text, swap, control in (
        (f"As with Hemfos. {right}", 1.0, 0.0),
        (f"As with Quorl. {right}", 0.0, 1.0),
        (right, 0.0, 0.0),
    ):
        wanted = {Detector.SWAP_LEAK, Detector.ABSENT_NAMES}
        found = {s.detector: s.value for s in score(task, said(text), known, detectors=wanted)}
        assert found == {Detector.SWAP_LEAK: swap, Detector.ABSENT_NAMES: control}


def test_json_that_is_escaped_has_no_place_in_the_text() -> None:
    prompt = Prompt(name="json", rule=Json("q"), form='{"q": "{rewrite}"}')
    task = replace(TASK, prompt=prompt)
    text = '{"q": "What is \\"Hemfos\\"\'s price?"}'
    [leak] = score(task, said(text), detectors={Detector.LITERAL_LEAK})
    assert leak.value == 1.0
    assert leak.spans == ()
    assert answer_of(task, said(text)) == 'What is "Hemfos"\'s price?'


def test_control_tokens_behind_a_stop_string_are_none(chatml: ChatTemplate) -> None:
    control = next(
        i for token, i in chatml.control_ids.items() if i not in (chatml.stop_id, chatml.pad_id)
    )
    right = chatml.answer_ids("What is Flindo's price?</q>")
    before = (*chatml.answer_ids("What is"), control, *right)
    after = (*right, control)
    for ids, loss in ((before, 1.0), (after, 0.0)):
        output = Output(text=chatml.answer(ids), ids=ids, finish=Finish.STOP)
        [found] = score(TASK, output, Known(template=chatml), detectors={Detector.CONTROL_TOKEN})
        assert found.value == loss
    # Without the stop string the same token is one.
    loose = replace(TASK, prompt=replace(TAGS, stop=()))
    output = Output(text=chatml.answer(after), ids=after, finish=Finish.STOP)
    [found] = score(loose, output, Known(template=chatml), detectors={Detector.CONTROL_TOKEN})
    assert found.value == 1.0


def test_a_prefill_stands_behind_the_prompt_and_is_not_scored(chatml: ChatTemplate) -> None:
    asked = chatml.prompt(chatml.carried(prompt_of(TASK)))
    begun = chatml.answer_ids("<q>")
    assert prompt_ids(TASK, chatml) == (*asked, *begun)
    whole = chatml.answer_ids("<q>What is Flindo's price?</q>")
    rest = continuation_ids(TASK, "What is Flindo's price?", chatml)
    assert (*begun, *rest) == whole


@pytest.mark.parametrize("most", [12, 96])
def test_a_prompt_says_how_long_an_answer_may_be(most: int) -> None:
    task = replace(TASK, prompt=replace(TAGS, max_tokens=most))
    assert sampling_of(task).max_tokens == most
