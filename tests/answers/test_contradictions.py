"""Cases that ask the same and expect what no answer can give."""

from __future__ import annotations

from dataclasses import replace

from evalsuite.answers import contradictions
from evalsuite.cases import Expectation
from tests.answers.samples import case, stays


def expecting(name: str, *rewrites: str, **more: object) -> Expectation:
    return Expectation(rewrites=rewrites, must_name=(name,), **more)  # type: ignore[arg-type]


FLINDO = expecting("Flindo", "What is Flindo's price?")


def test_two_antecedents_of_one_query_contradict_each_other() -> None:
    other = expecting("Quobra", "What is Quobra's price?")
    (told,) = contradictions([case("a", expect=FLINDO), case("bb", expect=other)])
    assert told == (
        "cases.yaml:2: case 'bb' asks what 'a' (cases.yaml:1) asks, and no answer is right for "
        "both; correct one of them"
    )


def test_a_query_that_stays_and_one_that_must_not_contradict_each_other() -> None:
    stay = stays("a")
    must_not = replace(stay, id="b", expect=expecting("Flindo", "What is Flindo's price?"))
    assert len(list(contradictions([stay, must_not]))) == 1


def test_a_name_that_one_demands_and_the_other_forbids_contradicts() -> None:
    forbids = Expectation(must_name=("Quobra",), must_not_name=("Flindo",))
    demands = Expectation(must_name=("Flindo",))
    assert len(list(contradictions([case("a", expect=demands), case("b", expect=forbids)]))) == 1


def test_another_wording_of_the_same_rewrite_is_no_contradiction() -> None:
    other = expecting("Flindo", "What is the price of Flindo?")
    assert list(contradictions([case("a", expect=FLINDO), case("b", expect=other)])) == []


def test_the_same_query_after_another_history_is_another_question() -> None:
    other = replace(case("b", expect=expecting("Quobra", "What is Quobra's price?")), history=())
    assert list(contradictions([case("a", expect=FLINDO), other])) == []
