"""Answers before the gates' judge: right ones, wrong ones, empty ones, leaks, long ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from evalsuite.answers import LOSSES, Answer, Asking, judge_answers, rows_text
from evalsuite.answers.workers import spread
from evalsuite.cases import Case, Expectation, Language
from evalsuite.generation import Finish, Output
from evalsuite.prompts import Demonstration, load_prompt
from evalsuite.rewrites import Standard
from evalsuite.tasks import Rewriting, score
from tests.answers.samples import case, stays

SHOWN = Demonstration(
    language=Language.EN,
    history=(),
    query="Who built it?",
    rewrite="Who built the Ostrava Loom?",
    entities=("Ostrava Loom",),
)


def judged(case: Case, text: str, *shown: Demonstration) -> tuple[bool | None, dict[str, object]]:
    (one,) = judge_answers([case], [Answer(case.id, text)], Asking(demonstrations=shown))
    return one.right, dict(one.losses)


def test_a_right_answer_loses_nothing_that_is_asked() -> None:
    assert judged(case(), "What is Flindo's price?") == (
        True,
        {"named": 0.0, "kept": 0.0, "form": 0.0, "untouched": None, "leak": None},
    )


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("What is its price?", "named"),
        ("What is the price of Quobra?", "named"),
        ("Who sells Flindo?", "kept"),
        ("Rewritten query: What is Flindo's price?", "form"),
    ],
)
def test_a_wrong_answer_loses_the_part_that_is_wrong(text: str, lost: str) -> None:
    right, losses = judged(case(), text)
    assert right is False
    assert losses[lost] == 1.0


def test_of_a_query_that_stays_only_that_is_asked() -> None:
    assert judged(stays(), "What is Quobra's price?")[0] is True
    right, losses = judged(stays(), "What is the price of Quobra?")
    assert right is False
    assert losses == {"named": None, "kept": None, "form": None, "untouched": 1.0, "leak": None}


def test_of_a_free_rewrite_nobody_asks_whether_its_words_were_kept() -> None:
    free = case(expect=Expectation(rewrites=("What is Flindo's price?",)))
    (one,) = judge_answers([free], [Answer(free.id, "What does Flindo cost?")])
    assert one.standard is Standard.FREE
    assert one.losses["kept"] is None
    assert one.words_lost is not None


@pytest.mark.parametrize("text", ["", " \n", "\u3000"])
@pytest.mark.parametrize("asked", [case(), stays()], ids=["rewritten", "stays"])
def test_an_empty_answer_is_wrong_and_says_why(asked: Case, text: str) -> None:
    (one,) = judge_answers([asked], [Answer(asked.id, text)])
    assert (one.right, one.reason) == (False, "The answer is empty.")


def test_a_leak_is_looked_for_where_it_is_known_what_was_shown() -> None:
    leaking = "What is the price of Flindo, the Ostrava Loom?"
    assert judged(case(), leaking)[1]["leak"] is None
    assert judged(case(), leaking, SHOWN)[1]["leak"] == 1.0
    assert judged(case(), "What is Flindo's price?", SHOWN)[1]["leak"] == 0.0


def test_every_loss_is_what_the_judge_of_the_gates_says() -> None:
    task = Rewriting(case=case(), demonstrations=(SHOWN,))
    text = "Rewritten: who sells the Ostrava Loom?"
    output = Output(text=text, ids=(), finish=Finish.STOP)
    theirs = {one.detector.value: one.value for one in score(task, output)}
    right, losses = judged(case(), text, SHOWN)
    assert right is (theirs["right"] == 0.0)
    assert losses == {
        "named": theirs["named"],
        "kept": theirs["kept"],
        "form": theirs["form"],
        "untouched": None,
        "leak": theirs["literal_leak"],
    }


def test_a_row_has_exactly_the_promised_shape_in_the_order_of_the_answers() -> None:
    cases = [case("b-price"), stays("a-stays")]
    answers = [Answer("b-price", "Who sells it?"), Answer("a-stays", "What is Quobra's price?")]
    found = judge_answers(cases, answers)
    assert LOSSES == ("named", "kept", "form", "untouched", "leak")
    assert rows_text(found) == (
        '{"id": "b-price", "right": false, "losses": {"named": 1, "kept": 1, "form": 0, '
        '"untouched": null, "leak": null}}\n'
        '{"id": "a-stays", "right": true, "losses": {"named": null, "kept": null, "form": null, '
        '"untouched": 0, "leak": null}}\n'
    )


def test_several_processes_find_what_one_does_in_the_same_order() -> None:
    rng = random.Random(1)
    words = ["What", "is", "Flindo's", "price", "Quobra", "it", "?"]
    pairs = [
        (case(f"case-{at}"), Answer(f"case-{at}", " ".join(rng.choices(words, k=5))))
        for at in range(41)
    ]
    asking = Asking(demonstrations=(SHOWN,))
    assert spread(asking, pairs, workers=2, enough=2) == asking(pairs)


def test_few_items_are_done_by_one_process() -> None:
    # A function that is made here could not be sent to another one.
    assert spread(lambda part: [2 * one for one in part], range(5), workers=4) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("unit", ["x", "Flindo ", "木星", "?! ", "\"' ", "a\n", ". "])
def test_an_answer_of_a_hundred_thousand_characters_is_judged_wrong(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    for asked in (case(), stays()):
        assert judged(asked, text, SHOWN)[0] is False


@pytest.mark.parametrize("began", ["", "<rewritten_query>"])
def test_a_prompts_rule_reads_what_a_system_wrote(began: str) -> None:
    prompt = load_prompt(Path(__file__).parents[2] / "examples" / "prompts" / "tags.yaml")
    asking = Asking(demonstrations=(SHOWN,), prompt=prompt)
    texts = [
        "What is Flindo's price?</rewritten_query>",
        "Who built the Ostrava Loom?</rewritten_query>",
        "I would say: <rewritten_query>",
    ]
    answers = [Answer(case().id, began + text) for text in texts]
    right, leaked, lost = judge_answers([case()], answers, asking)
    assert (right.right, right.losses["leak"]) == (True, 0.0)
    assert (leaked.right, leaked.losses["leak"]) == (False, 1.0)
    assert lost.right is False
    # Two processes judge as one does, so a prompt can be handed over.
    assert spread(asking, [(case(), one) for one in answers], workers=2) == [right, leaked, lost]
