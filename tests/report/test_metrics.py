"""The field's metrics in a gate's report: of every set, by language and side, and no verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.report import Interface, render_html
from evalsuite.report.metrics import MOST, missing_note, set_metrics
from evalsuite.runs import CaseRow, OutputRow, ScoreRow, Side, Unit
from evalsuite.runs.folder import Run, RunWriter
from evalsuite.tasks import task_of
from tests.report.factory import CHINESE, ENGLISH, PASSING, STANDALONE, info, write_run


def scored(row: CaseRow, side: Side, detector: str, value: float) -> ScoreRow:
    return ScoreRow(
        detector=detector,
        case_id=row.case_id,
        side=side,
        value=value,
        explanation="",
        language=row.language,
        panel=row.panel,
        gate="pronoun_resolution" if detector == "right" else "",
        unit=Unit.DEFECT if detector == "right" else Unit.NATS,
    )


def answered(row: CaseRow, side: Side, text: str, shown: str = "a") -> OutputRow:
    return OutputRow(
        key=f"{row.case_id}-{side}-{shown}", side=side, panel=row.panel, case_id=row.case_id,
        prompt_format="xml", text=text, finish="stop", demonstrations=shown,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Golden cases in both languages, and a panel; the base answers each query with itself."""
    goldens = [CaseRow.of(task_of(case), panel="everyday") for case in (ENGLISH, CHINESE)]
    goldens.append(CaseRow.of(task_of(STANDALONE), panel="everyday"))
    drawn = [replace(goldens[0], panel="panel", case_id=f"drawn-{n}") for n in range(MOST + 3)]
    outputs, scores = [], []
    for row in (*goldens, *drawn):
        case = next(c for c in (ENGLISH, CHINESE, STANDALONE) if c.query == row.query)
        right = case.reference or ""
        outputs += [
            answered(row, Side.BASELINE, case.query),
            answered(row, Side.CANDIDATE, right),
            answered(row, Side.CANDIDATE, "What leaks?", "b"),
        ]
        stays = case is STANDALONE
        scores.append(scored(row, Side.BASELINE, "right", float(not stays)))
        scores.append(scored(row, Side.CANDIDATE, "right", 0.0))
    for row, base, mine in ((goldens[0], 2.0, 0.5), (goldens[2], 1.0, 1.5)):
        scores.append(scored(row, Side.BASELINE, "reference_loss", base))
        scores.append(scored(row, Side.CANDIDATE, "reference_loss", mine))
    with RunWriter(tmp_path / "run") as writer:
        writer.add_cases([*goldens, *drawn])
        writer.add_outputs(outputs)
        writer.add_scores(scores)
        writer.set_verdicts(PASSING, ())
        return writer.finish(info(tmp_path / "adapter"))


def test_each_set_has_a_column_for_each_language_and_side(run: Run) -> None:
    everyday, panel = set_metrics(run)
    assert (everyday.panel, panel.panel) == ("everyday", "panel")
    assert [(one.language, one.side) for one in everyday.columns] == [
        ("en", Side.BASELINE),
        ("en", Side.CANDIDATE),
        ("zh", Side.BASELINE),
        ("zh", Side.CANDIDATE),
    ]
    assert [(one.language, one.metrics.n) for one in panel.columns] == [("en", MOST), ("en", MOST)]
    assert (everyday.left_out, panel.left_out) == (0, 3)


def test_the_answer_that_gates_judge_is_measured(run: Run) -> None:
    base, candidate = set_metrics(run)[0].columns[:2]
    # Of two English cases one has to stay: the base, which answers every query with itself, has it.
    assert (base.metrics.exact, candidate.metrics.exact) == (0.5, 1.0)
    assert (base.needs.wrong, base.needs.untouched) == (1, 1)
    assert (candidate.needs.right, candidate.needs.untouched) == (1, 1)
    assert base.metrics.restored is not None
    assert candidate.metrics.restored is not None
    assert (base.metrics.restored[0].f1, candidate.metrics.restored[0].f1) == (0.0, 1.0)


def test_the_perplexity_is_that_of_the_references_that_were_scored(run: Run) -> None:
    base, candidate, _, chinese = set_metrics(run)[0].columns
    assert base.perplexity == pytest.approx(math.exp((2.0 + 1.0) / 2))
    assert candidate.perplexity == pytest.approx(math.exp((0.5 + 1.5) / 2))
    assert chinese.perplexity is None
    assert set_metrics(run)[1].columns[0].perplexity is None


@pytest.mark.parametrize("language", list(Interface))
def test_the_page_shows_them_and_says_that_they_decide_nothing(
    run: Run, language: Interface
) -> None:
    page = render_html(run, language=language)
    decides = "They decide nothing." if language is Interface.EN else "不参与判定"
    assert decides in page
    assert "restored F1" in page
    assert "4.4817" in page
    assert (missing_note() in page) is bool(missing_note()) or not missing_note()


def test_a_run_without_judged_rewrites_has_no_such_section(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert set_metrics(run) == ()
    assert 'id="metrics"' not in render_html(run)
