"""The judge against answers whose makers know nothing of it: small samples on the goldens.

The whole table is printed by ``benchmarks/rewrite_judge.py``.
"""

from __future__ import annotations

import pytest
from rewrite_answers.kinds import Kind, Light
from rewrite_answers.sampling import Answer, sample, struck_out
from rewrite_answers.sets import goldens, of, panel
from rewrite_answers.texts import plain

from evalsuite.cases import Language
from evalsuite.rewrites import judge

SIZE = 10
"""Answers of a kind in one language."""


def _sampled(kind: Kind | Light) -> list[Answer]:
    return [a for language in Language for a in sample(kind, of(goldens, language), SIZE)]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_wrong_answer_to_a_golden_is_refused(kind: Kind) -> None:
    answers = _sampled(kind)
    assert len(answers) == 2 * SIZE
    assert [(a.case.query, a.text) for a in answers if judge(a.case, a.text).right] == []


@pytest.mark.parametrize("kind", Light)
def test_every_light_edit_of_an_accepted_rewrite_of_a_golden_is_accepted(kind: Light) -> None:
    answers = _sampled(kind)
    found = ((a, judge(a.case, a.text)) for a in answers)
    assert [(a.text, dict(j.findings)) for a, j in found if not j.right] == []


def test_every_kind_finds_cases_in_both_languages_of_the_panel() -> None:
    for kind in Kind:
        # English names of the panel are one word: only those of two things have a half.
        for language in Language:
            assert len(sample(kind, of(panel, language), SIZE)) == SIZE, (kind, language)


def test_the_same_answers_are_drawn_every_time() -> None:
    cases = of(goldens, Language.EN)
    for kind in (*Kind, *Light):
        assert sample(kind, cases, SIZE) == sample(kind, cases, SIZE)


def test_no_wrong_answer_is_an_accepted_rewrite_in_other_clothes() -> None:
    for kind in (Kind.DROPPED, Kind.REPLACED, Kind.NEGATED, Kind.SAME_SORT, Kind.HALF_NAME):
        for answer in _sampled(kind):
            assert plain(answer.text) not in {plain(r) for r in answer.case.expect.rewrites}


def test_answers_that_were_struck_out_are_of_goldens_and_are_not_drawn() -> None:
    known = {case.id: case for case in goldens()}
    for kind, cases in struck_out().items():
        drawn = {a.text for a in sample(_kind(kind), goldens(), 10_000)}
        for case_id, texts in cases.items():
            assert case_id in known
            assert not drawn & set(texts)


def _kind(name: str) -> Kind | Light:
    return Kind(name) if name in tuple(Kind) else Light(name)
