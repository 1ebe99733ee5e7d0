"""Two systems on the same cases: worse, no worse, and too few cases to say."""

from __future__ import annotations

import pytest

from evalsuite.answers import Answer, Asking, Judged, judge_answers, pair
from evalsuite.cases import Expectation, Kind, Language
from evalsuite.errors import InvalidInput
from evalsuite.gates import Status
from evalsuite.prompts import Demonstration
from tests.answers.samples import case

GOOD, BAD = "What is Flindo's price?", "What is its price?"
SHOWN = Demonstration(
    language=Language.EN, history=(), query="Who?", rewrite="Who is Zorbel?", entities=("Zorbel",)
)


def system(n: int, wrong: int, *shown: Demonstration, bad: str = BAD) -> tuple[Judged, ...]:
    """Answers to ``n`` cases of which the first ``wrong`` are not right."""
    cases = [case(f"c{at}") for at in range(n)]
    answers = [Answer(one.id, bad if at < wrong else GOOD) for at, one in enumerate(cases)]
    return judge_answers(cases, answers, Asking(demonstrations=shown))


def test_a_system_is_no_worse_than_itself() -> None:
    found = pair(system(200, 20), system(200, 20))
    assert found.status is Status.PASSED
    assert (found.worse, found.better) == ((), 0)


def test_many_new_mistakes_are_worse_and_the_cases_are_named() -> None:
    found = pair(system(200, 60), system(200, 10))
    assert found.status is Status.FAILED
    assert len(found.worse) == 50
    ours, theirs = found.worse[0]
    assert (ours.right, theirs.right) == (False, True)
    assert ours.case.id == theirs.case.id == "c10"


def test_the_same_the_other_way_round_is_no_worse() -> None:
    found = pair(system(200, 10), system(200, 60))
    assert found.status is Status.PASSED
    assert (len(found.worse), found.better) == (0, 50)


def test_a_handful_of_cases_decides_nothing() -> None:
    assert pair(system(8, 1), system(8, 1)).status is Status.INCONCLUSIVE


def test_the_margin_says_how_much_worse_is_still_no_worse() -> None:
    worse = system(300, 24), system(300, 0)
    assert pair(*worse, margin=0.15).status is Status.PASSED
    assert pair(*worse, margin=0.01).status is Status.FAILED
    with pytest.raises(InvalidInput, match=r"margin=1\.5"):
        pair(*worse, margin=1.5)


def test_pairs_are_found_by_their_case_whatever_the_order() -> None:
    ours, theirs = system(200, 60), system(200, 60)
    assert pair(ours, tuple(reversed(theirs))).worse == ()


def test_a_system_that_leaks_more_is_worse_though_its_rewrites_are_right() -> None:
    leaking = "What is the price of Flindo, not Zorbel?"
    found = pair(system(200, 60, SHOWN, bad=leaking), system(200, 60, SHOWN))
    right, leaks = found.wholes
    assert (right.status, leaks.status) == (Status.PASSED, Status.FAILED)
    assert found.status is Status.FAILED


def test_one_kind_that_is_surely_worse_is_enough() -> None:
    def mixed(wrong: bool) -> tuple[Judged, ...]:
        cases = [
            case(f"c{at}", kind=Kind.ORDINAL if at % 20 == 0 else Kind.SINGLE) for at in range(600)
        ]
        return judge_answers(
            cases,
            [Answer(c.id, BAD if wrong and c.kind is Kind.ORDINAL else GOOD) for c in cases],
        )

    found = pair(mixed(True), mixed(False), margin=0.15)
    assert found.wholes[0].status is Status.PASSED
    assert [one.name for one in found.slices if one.status is Status.FAILED] == ["kind/ordinal"]
    assert found.status is Status.FAILED


def test_free_rewrites_that_drop_words_are_worse_only_beside_others() -> None:
    asked = Expectation(rewrites=("What is the current retail price of Flindo?",))
    cases = [
        case(f"c{at}", query="What is its current retail price?", expect=asked) for at in range(120)
    ]

    def answered(text: str) -> tuple[Judged, ...]:
        return judge_answers(cases, [Answer(one.id, text) for one in cases])

    dropping = answered("What is the price of Flindo?")
    assert all(one.right and one.losses["kept"] is None for one in dropping)
    found = pair(dropping, answered("What is the current retail price of Flindo?"))
    assert found.wholes[0].status is Status.PASSED
    failed = [one.name for one in found.slices if one.status is Status.FAILED]
    assert failed == ["words_lost/free"]
