"""The comparison with lm-eval: what is chosen and drawn, and that no difference is overlooked."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from suites_beside_lm_eval import (
    APART,
    NAMES,
    TOLERANCE,
    UNEXPLAINED,
    Found,
    chosen,
    evenly,
    figures_of,
    found_here,
    place,
    row_of,
    summary,
)

from evalsuite.generation import Finish, Output, Request
from evalsuite.scenarios import Normalise
from evalsuite.suites import dump_suite, parse_suite
from evalsuite.suites.items import item_of
from evalsuite.suites.schema import SuiteHeader, SuiteRow

HEADER = SuiteHeader.model_validate_json('{"skill": "beside", "rule": "choice"}')
ROW = row_of("r", "en", "Who?", ("an owl", "the long-eared owl"), "the long-eared owl")


def said(*logprobs: float) -> Output:
    return Output(text="", ids=(1,) * len(logprobs), finish=Finish.SCORED, logprobs=logprobs)


def choice(row: SuiteRow, first: Output, second: Output, by: Normalise) -> int | None:
    item, wrong = item_of(row, HEADER, skill="beside", source="r:1")
    assert item is not None, wrong
    return chosen(item, row.options, (first, second), by)


@pytest.mark.parametrize(
    ("long", "by", "option"),
    [
        (-3.5, Normalise.NONE, 0),
        (-3.5, Normalise.CHARACTERS, 1),
        (-3.5, Normalise.BYTES, 1),
        (-2.9, Normalise.NONE, 1),
        (-9.1, Normalise.CHARACTERS, 0),  # 18 characters against 6: three times as much is too much
        (-8.9, Normalise.CHARACTERS, 1),
        (-3.0, Normalise.NONE, None),
        (-9.0, Normalise.CHARACTERS, None),
    ],
)
def test_the_chosen_option_is_the_one_that_the_detector_would_call_right(
    long: float, by: Normalise, option: int | None
) -> None:
    assert choice(ROW, said(-2.0, -1.0), said(long), by) == option


def test_bytes_weigh_chinese_otherwise_than_characters() -> None:
    row = row_of("r", "zh", "谁？", ("Dr Wei", "魏医生"), "魏医生")
    assert choice(row, said(-4.0), said(-3.0), Normalise.CHARACTERS) == 0
    assert choice(row, said(-4.0), said(-3.0), Normalise.BYTES) == 1


def test_what_is_found_stands_in_the_order_of_the_row() -> None:
    item, _ = item_of(ROW, HEADER, skill="beside", source="r:1")
    assert item is not None
    assert item.options == (ROW.options[1], ROW.options[0])
    right, wrong = (
        (Request(prompt=(7,), target=target), replace(said(value), ids=target))
        for target, value in (((1, 2), -5.0), ((3,), -1.0))
    )
    found = found_here(item, ROW, [right, wrong])
    assert found.logprobs == [-1.0, -5.0]
    assert found.tokens == [(7, 3), (7, 1, 2)]
    assert found.chosen["acc"] == 0
    assert place(ROW) == 1


def test_rows_are_drawn_from_first_to_last_and_differ_in_length_where_any_do() -> None:
    rows = [row_of(f"r-{n}", "en", "Who?", ("a", "b" * (1 + n % 2)), "a") for n in range(40)]
    drawn = evenly(rows, 5)
    assert [row.id for row in drawn] == ["r-1", "r-9", "r-17", "r-25", "r-33"]
    same = [row for row in rows if len(row.options[1]) == 1]
    assert evenly(same, 3) == [same[0], same[6], same[13]]
    assert evenly(same[:2], 3) == same[:2]


def test_a_made_row_is_one_of_a_suite() -> None:
    assert parse_suite(dump_suite(HEADER, (ROW,)), "made.jsonl") == (HEADER, (ROW,))


HERE = Found(
    logprobs=(-1.0, -5.0), tokens=((7, 3), (7, 1, 2)), chosen=dict.fromkeys(NAMES, 0)
)  # fmt: skip


def told(**changes: Any) -> dict[str, Any]:
    """What lm-eval's side writes for an item on which it agrees, with changes."""
    item = {
        "logprobs": [-1.25, -5.25],
        "white_end": -0.25,
        "tokens": [[7, 3], [7, 1, 2]],
        "chosen": dict.fromkeys(NAMES, 0),
        "right": dict.fromkeys(NAMES, False),
    }
    return {"packages": {}, "dtype": "float32", "seconds": 1.0, "items": [{**item, **changes}]}


def only(name: str) -> dict[str, Any]:
    """What lm-eval finds when it chooses the other option, the right one, by one normalisation."""
    other = {one: one == name for one in NAMES}
    return {"chosen": {one: int(right) for one, right in other.items()}, "right": other}


def missed(**changes: Any) -> set[str]:
    found = {**summary([ROW], [HERE], told(**changes)), "items": 100}
    found["same_option"] = {name: 99 + n for name, n in found["same_option"].items()}
    return {figure.name for figure in figures_of(found) if not figure.met}


def test_the_line_feed_before_an_option_is_no_difference() -> None:
    found = summary([ROW], [HERE], told())
    assert (found["apart"], found["apart_without_white_end"]) == (0.25, 0.0)
    assert found["white_end"] == 0.25
    assert missed() == set()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (only("acc"), {"the same option by acc"}),
        (only("acc_norm"), {"the same option by acc_norm"}),
        ({"tokens": [[7, 3], [7, 1, 4]]}, {"options with the same tokens"}),
        ({"logprobs": [-1.25, -5.25 + 2 * TOLERANCE]}, {APART}),
        ({"logprobs": [-1.25, math.nan]}, {APART}),
        ({"right": only("acc")["right"]}, {UNEXPLAINED}),
    ],
)
def test_every_difference_misses_its_target(changes: dict[str, Any], names: set[str]) -> None:
    assert missed(**changes) == names


def test_equal_options_are_counted_and_are_no_choice_here() -> None:
    found = summary([ROW], [replace(HERE, chosen=dict.fromkeys(NAMES))], told(logprobs=[-1, -1]))
    assert found["equals"] == 1
    assert found["same_option"] == dict.fromkeys(NAMES, 0)
