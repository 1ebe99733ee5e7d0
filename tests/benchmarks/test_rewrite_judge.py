"""The table of the judge of rewrites: what counts as a miss, and which targets apply."""

from __future__ import annotations

from dataclasses import replace

import pytest
from figures import Bound
from rewrite_answers.kinds import Kind, Light
from rewrite_answers.sampling import Answer, other_rewrites
from rewrite_answers.sets import goldens, panel_of_long_names, puts_back, stripped
from rewrite_judge import LIGHT_ALL, OTHERS, Cell, Cells, figures, measured, target

from evalsuite.cases import Case, Expectation, Language
from evalsuite.cases import Kind as CaseKind
from evalsuite.conversation import Message, Role


def _case(**expect: object) -> Case:
    return Case(
        id="made-1",
        language=Language.EN,
        kind=CaseKind.SINGLE,
        cluster="made",
        history=(Message(Role.USER, "Tell me about the river Wurdus."),),
        query="Who would cross it?",
        expect=Expectation(**expect),  # type: ignore[arg-type]
    )


CASE = _case(rewrites=("Who would cross Wurdus?",), must_name=("Wurdus",))
RIGHT, WRONG = Answer(CASE, "Who would cross Wurdus?"), Answer(CASE, "Wurdus")


def test_a_wrong_answer_that_passes_and_a_good_one_that_does_not_are_the_misses() -> None:
    wrong = measured([RIGHT, WRONG], wrong=True)
    good = measured([RIGHT, WRONG], wrong=False)
    assert (wrong.n, wrong.lost, good.n, good.lost) == (2, 1, 2, 1)
    assert [answer for answer, _ in wrong.unlike] == [RIGHT]
    assert [answer for answer, _ in good.unlike] == [WRONG]


@pytest.mark.parametrize(
    ("row", "column", "due"),
    [
        (Kind.BARE_NAME, "goldens and panels", (Bound.AT_LEAST, 0.99)),
        (Kind.JSON, "free", (Bound.AT_LEAST, 0.95)),
        (Kind.SAME_SORT, "free", (Bound.AT_LEAST, 0.97)),
        (Kind.RIGHT_AND_WRONG, "extractive", (Bound.AT_LEAST, 0.98)),
        (Kind.RIGHT_AND_WRONG, "free", (Bound.AT_LEAST, 0.85)),
        (Kind.HALF_NAME, "free", None),
        (Kind.NEGATED, "extractive", (Bound.AT_LEAST, 0.95)),
        (Kind.NEGATED, "free", None),
        (OTHERS, "free", (Bound.AT_MOST, 0.05)),
        (Light.CASE, "free", None),
    ],
)
def test_a_row_has_the_target_of_its_group(
    row: str, column: str, due: tuple[Bound, float] | None
) -> None:
    assert target(row, column) == due


def test_one_answer_in_a_hundred_is_as_much_as_may_pass() -> None:
    cells: Cells = {(Kind.JSON, "goldens", Language.EN): Cell(n=200, lost=198)}
    (at,) = figures(cells, [Kind.JSON])
    cells[Kind.JSON, "goldens", Language.EN] = Cell(n=200, lost=197)
    (below,) = figures(cells, [Kind.JSON])
    assert (at.met, below.met) == (True, False)


def test_light_edits_have_one_target_together() -> None:
    cells: Cells = {
        (Light.CASE, "panel", Language.ZH): Cell(n=300, lost=3),
        (Light.WIDTH, "panel", Language.ZH): Cell(n=300, lost=0),
    }
    (found,) = figures(cells, [Light.CASE, Light.WIDTH])
    assert found.name.startswith(LIGHT_ALL)
    assert (found.value, found.met) == (0.005, True)


def test_another_rewrite_is_judged_by_the_ones_that_are_left() -> None:
    case = _case(rewrites=("Who would cross Wurdus?", "Who would cross the river Wurdus?"))
    river = case.expect.rewrites[1]
    one, other = other_rewrites([case], 10)
    assert (one.text, one.case.expect.rewrites) == (RIGHT.text, (river,))
    assert (other.text, other.case.expect.rewrites) == (river, (RIGHT.text,))
    (shown,) = other_rewrites([case], 10, shown=1)
    assert shown == other


def test_only_rewrites_that_put_words_of_the_history_back_are_extractive() -> None:
    kept = stripped((CASE,))
    assert [(c.expect.must_name, c.expect.extractive) for c in kept] == [((), True)]
    reworded = replace(CASE, expect=replace(CASE.expect, rewrites=("Who would swim Wurdus?",)))
    assert stripped((reworded,)) == ()
    assert all(map(puts_back, stripped(goldens())))


def test_longer_names_are_longer_everywhere() -> None:
    for case in panel_of_long_names()[:50]:
        assert all(len(name.split()) == 2 for name in case.expect.must_name)
        assert all(
            name in rewrite for name in case.expect.must_name for rewrite in case.expect.rewrites
        )
