"""Histories that broke a candidate once are asked in every run and decide."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.gates import Status, Tier
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.questions import questions, sample
from evalsuite.regressions import FOLDER, Origin, Regression, remember
from evalsuite.runs import Side
from evalsuite.tasks import Promise
from tests.pipeline.released import Released

LONG = " ".join(f"Is Flindo {number} better than Quobra {number}?" for number in range(40))
"""More than an answer may hold, so no candidate can return it unchanged."""
FOUND = Origin(
    promise=Promise.UNCHANGED, reason="", candidate="", baseline="", answer="", baseline_answer=""
)
HISTORY = (Message(Role.USER, "Hello."), Message(Role.ASSISTANT, "Hello."))


def case(name: str, query: str, expect: Expectation) -> Case:
    return Case(
        id=name,
        language=Language.EN,
        kind=Kind.STANDALONE if expect.unchanged else Kind.SINGLE,
        cluster=name,
        history=HISTORY,
        query=query,
        expect=expect,
    )


BROKEN = Regression(case=case("long", LONG, Expectation(unchanged=True)), shown=(), origin=FOUND)
# Nothing names it, so the baseline cannot know it either: what it does not do, nobody owes.
KEPT = Regression(
    case=case("unknown", "What is its price?", Expectation(must_name=("Wobblefax",))),
    shown=(),
    origin=replace(FOUND, promise=Promise.RESOLVED),
)


@pytest.fixture
def request_(candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path) -> GateRequest:
    shutil.copytree(few_cases, tmp_path / "cases")
    return GateRequest(
        adapter=candidate,
        policy=str(small_policy),
        cases=tmp_path / "cases",
        out=tmp_path / "run",
        cache=candidate.parent / "outputs.sqlite3",
        seed=11,
    )


def folder(request: GateRequest) -> Path:
    assert request.cases is not None
    return request.cases / FOLDER


def keep(request: GateRequest, **regressions: Regression) -> None:
    for name, regression in regressions.items():
        assert remember(folder(request), name, regression)


def test_a_regression_that_breaks_the_candidate_fails_its_gate(request_: GateRequest) -> None:
    keep(request_, broken=BROKEN, kept=KEPT)
    run = evaluate(request_)
    verdict = next(v for v in run.verdicts if v.gate == "pronoun_resolution")
    (part,) = (part for part in verdict.slices if part.name == "regressions")
    assert (part.status, part.n, part.value) == (Status.FAILED, 2, 0.5)
    assert "broke this one in 1 of 2 remembered cases" in part.reason
    assert verdict.status is Status.FAILED
    assert run.status is Status.FAILED
    rows = {row.case_id: row for row in run.scores if row.panel == FOLDER}
    assert {name: row.value for name, row in rows.items()} == {"long": 1.0, "unknown": 0.0}
    assert rows["long"].explanation.startswith("unchanged where it must be: ")
    asked = [o for o in run.outputs if o.panel == FOLDER]
    assert {(o.case_id, o.side) for o in asked} == {
        (name, side) for name in rows for side in ("candidate", "baseline")
    }


def test_a_champion_is_not_asked_what_is_never_judged_for_it(
    released: Released, tmp_path: Path
) -> None:
    there = released.copied(tmp_path / "there")
    keep(there.request, broken=BROKEN, kept=KEPT)
    inputs = resolve(there.request)
    asked = questions(inputs, sample(inputs))
    remembered = {(q.row.case_id, q.side) for q in asked if q.row.panel == FOLDER}
    assert remembered == {
        (name, side) for name in ("long", "unknown") for side in (Side.CANDIDATE, Side.BASELINE)
    }
    assert {q.side for q in asked if q.row.panel != FOLDER} == set(Side)


@pytest.mark.slow
def test_beside_a_champion_a_run_with_regressions_is_as_without(
    released: Released, tmp_path: Path
) -> None:
    there = released.copied(tmp_path / "there")
    keep(there.request, broken=BROKEN, kept=KEPT)
    # At low precision an answer depends on its batch; a cache would hide it.
    asked = replace(there.request, dtype="bfloat16", registry=there.registry)
    beside = evaluate(replace(asked, out=tmp_path / "beside", cache=tmp_path / "one.sqlite3"))
    alone = evaluate(
        replace(asked, out=tmp_path / "alone", cache=tmp_path / "two.sqlite3", champion="base")
    )
    assert [o for o in beside.outputs if o.side is not Side.CHAMPION] == list(alone.outputs)
    assert [s for s in beside.scores if s.side is not Side.CHAMPION] == list(alone.scores)


def test_an_advisory_regression_is_shown_and_decides_nothing(request_: GateRequest) -> None:
    keep(request_, kept=KEPT, broken=replace(BROKEN, tier=Tier.ADVISORY))
    verdict = next(v for v in evaluate(request_).verdicts if v.gate == "pronoun_resolution")
    parts = {part.name: part for part in verdict.slices if "regressions" in part.name}
    assert parts["regressions"].status is Status.PASSED
    assert parts["regressions/advisory"].status is Status.FAILED
    assert parts["regressions/advisory"].tier is Tier.ADVISORY
    assert "regressions" not in verdict.reason


def test_without_regressions_nothing_of_them_is_judged_or_digested(request_: GateRequest) -> None:
    before = resolve(request_)
    run = evaluate(request_)
    assert not [p for v in run.verdicts for p in v.slices if "regressions" in p.name]
    folder(request_).mkdir()
    assert resolve(request_).cases_digest == before.cases_digest
    keep(request_, kept=KEPT)
    assert resolve(request_).cases_digest != before.cases_digest
