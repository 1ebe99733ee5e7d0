"""What a reader sees of a rewrite that is not right: which part of it, why, where, how often."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evalsuite.cases import Case
from evalsuite.gates import Gate, Quantity
from evalsuite.report import render_html, render_junit, render_markdown, summary_text
from evalsuite.report.cards import cards, ordered
from evalsuite.report.changes import Outcome, PartChange, Section, case_outcomes
from evalsuite.report.github import workflow_commands
from evalsuite.report.heatmap import heat
from evalsuite.report.rewrites import judged_by, parts_sentence
from evalsuite.report.view import build_view
from evalsuite.rewrites import judge
from evalsuite.runs import CaseRow, ScoreRow, Side, Tier
from evalsuite.runs.folder import Run, RunWriter
from evalsuite.tasks import task_of
from tests.report.factory import (
    CASES,
    CHINESE,
    ENGLISH,
    GOOD,
    PANEL,
    STANDALONE,
    info,
    output,
    part,
    verdict,
)

GATE = Gate.PRONOUN_RESOLUTION.value
WRONG = {
    ENGLISH.id: "Rewritten query: How is Tessick's memory management?",
    CHINESE.id: "青崖国哪个朝代最长？",
    STANDALONE.id: "What is the tallest lighthouse?",
}
COPIES = {**GOOD, ENGLISH.id: ENGLISH.query}
RATES = (
    part("named", value=0.25, lower=0.1, upper=0.4, n=40, tier=Tier.ADVISORY,
         quantity=Quantity.RATE),
    part("untouched", value=0.5, lower=0.2, upper=0.8, n=10, tier=Tier.ADVISORY,
         quantity=Quantity.RATE),
)  # fmt: skip


def scores(case: Case, side: Side, text: str) -> list[ScoreRow]:
    row = CaseRow.of(task_of(case), panel=PANEL)
    keys = (output(case.id, side, text, "").key,)
    return [
        ScoreRow.of(found.on(side.value), row, gate=GATE, outputs=keys)
        for found in judge(case, text).scores(case)
    ]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A candidate that wraps and misnames one query and changes another; the base copies one."""
    answers = {Side.CANDIDATE: WRONG, Side.BASELINE: COPIES}
    with RunWriter(tmp_path / "run") as writer:
        writer.add_cases(CaseRow.of(task_of(case), panel=PANEL) for case in CASES)
        for side, said in answers.items():
            writer.add_outputs(output(case.id, side, said[case.id], "") for case in CASES)
            writer.add_scores(row for case in CASES for row in scores(case, side, said[case.id]))
        writer.set_verdicts([verdict(GATE, "failed", value=0.6, slices=RATES)], ())
        return writer.finish(info(tmp_path / "adapter"))


def test_a_failure_tells_the_parts_that_are_lost_and_not_the_whole_again(run: Run) -> None:
    [gate] = build_view(run).gates
    assert (gate.total, gate.regressions) == (2, 1)
    told = {f.case_id: [finding.detector for finding in f.findings] for f in gate.failures}
    assert told == {ENGLISH.id: ["named", "kept", "form"], STANDALONE.id: ["untouched"]}
    failure = next(f for f in gate.failures if f.case_id == ENGLISH.id)
    marks = {p.text: p.mark for p in failure.answers[0].pieces if p.mark}
    assert marks["Tessick"].startswith("named: ")
    assert any(mark.startswith("form: ") for mark in marks.values())


def test_a_changed_case_says_which_part_was_lost_and_which_was_mended(run: Run) -> None:
    found = case_outcomes(run)
    by_id = {place[1]: one[Section(GATE)] for place, one in found.cases.items()}
    assert by_id[ENGLISH.id].outcome is Outcome.STILL_FAILING
    assert by_id[STANDALONE.id].outcome is Outcome.REGRESSED
    assert by_id[CHINESE.id].outcome is Outcome.UNCHANGED
    assert by_id[STANDALONE.id].lost == ("untouched",)
    assert by_id[CHINESE.id].lost == by_id[CHINESE.id].mended == ()
    parts = found.parts[Section(GATE)]
    assert parts["untouched"] == PartChange(newly_lost=1)
    assert parts["named"] == PartChange(still_lost=1)
    assert parts["form"] == PartChange(newly_lost=1)
    mended = case_outcomes(
        replace(
            run,
            scores=(
                *scores(ENGLISH, Side.CANDIDATE, GOOD[ENGLISH.id]),
                *(s for s in run.scores if s.side is Side.BASELINE),
            ),
        )
    )
    assert mended.parts[Section(GATE)] == {"named": PartChange(mended=1)}
    [card] = [c for c in cards(run, mended, ordered(mended)) if c.case_id == ENGLISH.id]
    assert (card.outcome, card.lost, card.mended) == (Outcome.FIXED, (), ("named",))


def test_how_often_each_part_is_lost_stands_in_every_summary(run: Run) -> None:
    said = "named lost in 25.0 % of 40 (10.0 to 40.0 %), untouched lost in 50.0 % of 10"
    assert said in parts_sentence(run.verdicts[0])
    assert "named lost in 25.0 % of 40" in summary_text(run)
    assert "named lost in 25.0 % of 40" in render_markdown(run)
    assert "named lost in 25.0 % of 40" in render_html(run)
    suite = ET.fromstring(render_junit(run))  # written right here
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert (properties["named.value"], properties["untouched.n"]) == ("0.25", "10")
    assert "named lost in 25.0 %" in (suite.findtext("testcase/failure") or "")
    assert parts_sentence(verdict("forgetting")) == ""


def test_the_parts_and_their_sentences_stand_in_every_report(run: Run) -> None:
    page, text = render_html(run), render_markdown(run)
    assert "<strong>untouched:</strong> The query had to stay unchanged" in page
    assert "lost: named, kept, form</span>" in page
    assert 'data-w="untouched"' in page
    assert "finding    named: " in text
    assert "| pronoun\\_resolution | untouched | 1 | 0 | 0 |" in text
    marks = [line for line in workflow_commands(run) if "standalone.harbour.02" in line]
    assert "untouched: The query had to stay unchanged" in marks[0]
    assert "<strong>right:" not in page


def test_rewrites_have_a_heat_table_by_part(run: Run) -> None:
    whole, ways = heat(run)
    assert (whole.by_part, ways.by_part) == (False, True)
    assert ways.columns == ("named", "kept", "form", "untouched")
    counts = {kind: [(cell.failed, cell.n) for cell in cells] for kind, cells in ways.rows}
    assert counts == {
        "comparison": [(1, 1), (1, 1), (1, 1), (0, 0)],
        "dropped subject": [(0, 1), (0, 1), (0, 1), (0, 0)],
        "standalone": [(0, 0), (0, 0), (0, 0), (1, 1)],
    }


def test_the_report_says_by_which_standard_each_set_was_judged(run: Run) -> None:
    [judged] = judged_by(run)
    assert (judged.panel, judged.listed) == (PANEL, "authored 2, stays 1")
    for text in (render_html(run), render_markdown(run).replace("\\", "")):
        assert f"{PANEL}: authored 2, stays 1" in text


def test_a_run_of_an_earlier_version_is_reported_with_the_one_score_that_it_has(run: Run) -> None:
    lax = [replace(s, detector="pronoun_resolution") for s in run.scores if s.detector == "right"]
    old = replace(
        run,
        info=replace(run.info, version=3),
        cases=tuple(replace(case, standard=None) for case in run.cases),
        scores=tuple(lax),
        verdicts=(verdict(GATE, "failed", value=0.6),),
    )
    assert judged_by(old) == ()
    assert case_outcomes(old).parts == {}
    assert [table.by_part for table in heat(old)] == [False]
    [gate] = build_view(old).gates
    assert {f.detector for failure in gate.failures for f in failure.findings} == {
        "pronoun_resolution"
    }
    for page in (render_html(old), render_markdown(old), summary_text(old)):
        assert " lost in " not in page
