"""The accepted rewrites of golden cases, scored on both sides and judged by nobody."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from evalsuite.conversation import Conversation, messages
from evalsuite.models import BaseRef
from evalsuite.pipeline import GateRequest, evaluate, observe
from evalsuite.pipeline.questions import BOTH, target_of
from evalsuite.report.metrics import set_metrics
from evalsuite.runs import Side, Unit
from evalsuite.runs.comparison import compare
from evalsuite.runs.folder import Run
from evalsuite.template import load_template

CASES = """cases:
  - id: named-only
    language: en
    kind: single
    history: [{user: "Tell me of Flindo."}, {assistant: "Flindo is a phone."}]
    query: "What is its price?"
    expect: {must_name: [Flindo]}
  - id: rewritten
    language: en
    kind: single
    history: [{user: "Tell me of Quobra."}, {assistant: "Quobra is a phone."}]
    query: "What is its price?"
    expect: {rewrites: ["What is Quobra's price?"], must_name: [Quobra]}
  - id: stays
    language: en
    kind: standalone
    query: "What is Velmo's price?"
    expect: {unchanged: true}
"""


@pytest.fixture(scope="module")
def asked(
    candidate: Path, small_policy: Path, tmp_path_factory: pytest.TempPathFactory
) -> GateRequest:
    folder = tmp_path_factory.mktemp("references")
    (folder / "cases").mkdir()
    (folder / "cases" / "nano_en.yaml").write_text(CASES, "utf-8")
    return GateRequest(
        adapter=candidate,
        policy=str(small_policy),
        cases=folder / "cases",
        out=folder / "run",
        cache=candidate.parent / "outputs.sqlite3",
        seed=11,
    )


@pytest.fixture(scope="module")
def run(asked: GateRequest) -> Run:
    return evaluate(asked)


def test_both_sides_are_scored_on_every_golden_case_with_a_reference(run: Run) -> None:
    found = [score for score in run.scores if score.detector == "reference_loss"]
    assert {(score.case_id, score.side) for score in found} == {
        (case, side) for case in ("rewritten", "stays") for side in BOTH
    }
    for score in found:
        assert (score.panel, score.unit, score.gate) == ("nano", Unit.NATS, "")
        assert score.value is not None
        assert score.value > 0
        assert not score.failed
    # An adapter that was trained for a few steps predicts something else than its base.
    values = {(score.case_id, score.side): score.value for score in found}
    assert values["rewritten", Side.CANDIDATE] != values["rewritten", Side.BASELINE]


def test_the_report_makes_a_perplexity_of_them(run: Run) -> None:
    (nano,) = [one for one in set_metrics(run) if one.panel == "nano"]
    nats = [s.value for s in run.scores
            if s.detector == "reference_loss" and s.side is Side.CANDIDATE]  # fmt: skip
    (column,) = [one for one in nano.columns if one.side is Side.CANDIDATE]
    assert column.perplexity == pytest.approx(math.exp(sum(v or 0.0 for v in nats) / 2))


def test_they_enter_no_verdict_and_no_comparison(run: Run) -> None:
    assert "reference_loss" not in {verdict.gate for verdict in run.verdicts}
    found = compare(run, run)
    assert "reference_loss" not in {gate.gate for gate in found.gates}


def test_an_answer_of_a_run_is_no_reference_and_none_is_kept(run: Run) -> None:
    finishes = {o.finish for o in run.outputs if o.panel == "nano"}
    assert "scored" not in finishes


def test_what_qualification_measures_asks_for_none(asked: GateRequest) -> None:
    observed = observe(asked)
    assert "reference_loss" not in {score.detector for score in observed.measured.scores}


def test_the_target_is_the_reference_and_the_end_of_its_turn(nano: BaseRef) -> None:
    template = load_template(nano.path)
    asked = messages([("system", "Rewrite."), ("user", "What is its price?")])
    answered = Conversation((*asked, *messages([("assistant", "What is Quobra's price?")])))
    target = target_of(template, answered)
    prompt = template.prompt(Conversation(asked))
    assert template.render(answered).ids[: len(prompt)] == prompt
    assert template.decode(target).startswith("What is Quobra's price?")
