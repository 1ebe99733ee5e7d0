"""Samples of answers: so many of a kind on a set of cases, the same ones every time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from evalsuite.cases import Case
from evalsuite.scenarios.names import seeded
from rewrite_answers.kinds import MAKERS, Group, Kind, Light
from rewrite_answers.texts import plain
from rewrite_answers.written import unlisted

CHECKED = Path(__file__).with_name("checked.json")
MOST_OF_A_CASE = 6
"""Answers of one kind to one case; more would be the same evidence again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and the case that it is judged by."""

    case: Case
    text: str


def sample(kind: Kind | Light, cases: Sequence[Case], most: int) -> list[Answer]:
    """Return up to ``most`` different answers of a kind, spread evenly over the cases.

    What a person struck out when reading the samples (``checked.json``) is left out.
    """
    found: dict[tuple[str, str], Answer] = {}
    cases = seeded("cases", kind).sample(cases, len(cases))
    for turn in range(MOST_OF_A_CASE):
        for answer in _turn(kind, cases, turn):
            found.setdefault((answer.case.id, answer.text), answer)
            if len(found) == most:
                return list(found.values())
    return list(found.values())


def _turn(kind: Kind | Light, cases: Iterable[Case], turn: int) -> Iterator[Answer]:
    struck = struck_out().get(kind, {})
    for case in cases:
        text = MAKERS[kind](case, seeded("answers", kind, case.id, turn))
        if text is None or text in struck.get(case.id, ()):
            continue
        if isinstance(kind, Light) or not _same(kind, text, case):
            yield Answer(case, text)


def _same(kind: Kind, text: str, case: Case) -> bool:
    """Whether a wrong answer came out as an accepted one; of a wrapped one marks decide."""
    if kind.group is Group.FORM:
        return text in case.expect.rewrites
    return plain(text) in {plain(accepted) for accepted in case.expect.rewrites}


@cache
def struck_out() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Kind -> case id -> answers that are in truth right (of a wrong kind) or wrong (of a good)."""
    read: Mapping[str, Mapping[str, Mapping[str, str]]] = json.loads(CHECKED.read_text("utf-8"))
    return {
        kind: {case_id: tuple(reasons) for case_id, reasons in cases.items()}
        for kind, cases in read["struck_out"].items()
    }


def other_rewrites(cases: Sequence[Case], most: int, *, shown: int | None = None) -> list[Answer]:
    """Return accepted rewrites, each with a case that does not list it.

    Args:
        cases: those with a single rewrite give nothing.
        most: how many to return.
        shown: how many of the others the case keeps, best first; None keeps all of them.
    """
    found = []
    for case in cases:
        if case.expect.unchanged:
            continue
        for text in case.expect.rewrites[0 if shown is None else shown :]:
            rest = tuple(r for r in case.expect.rewrites if plain(r) != plain(text))[:shown]
            if rest and plain(text) != plain(case.query):
                left = replace(case, expect=replace(case.expect, rewrites=rest))
                found.append(Answer(left, text))
    return found[:most]


def rewrites_by_hand(cases: Sequence[Case]) -> list[Answer]:
    """Return good rewrites of goldens that their author did not think of."""
    return [Answer(case, text) for case in cases for text in unlisted(case)]
