"""Cards of cases: what became of each, the most urgent first, within a budget."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from evalsuite.comparison import Bucket
from evalsuite.report.browsing import anchor, browse
from evalsuite.report.heat import heat
from evalsuite.runfolder import Run, RunWriter
from evalsuite.runrecord import CaseRow, ChampionInfo, ScoreRow, Side
from tests.report.factory import ENGLISH, FAILING, PANEL, info, output

_ORDER = [Bucket.REGRESSED, Bucket.STILL_FAILING, Bucket.FIXED, Bucket.UNCHANGED]


def _score(case_id: str, side: Side, failed: bool, detector: str = "literal_leak") -> ScoreRow:
    return ScoreRow(
        detector=detector, gate="example_leakage", case_id=case_id, side=side, panel=PANEL,
        value=float(failed), explanation="told", cluster="c", language="en", kind="single",
    )  # fmt: skip


def _run(folder: Path, scores: list[ScoreRow], *, champion: bool = False) -> Run:
    ids = list(dict.fromkeys(score.case_id for score in scores))
    made = info(folder)
    if champion:
        known = ChampionInfo(
            path="adapters/old", digest="0" * 64, record="000003-a.json", sequence=3
        )
        made = replace(made, champion=known)
    with RunWriter(folder) as writer:
        writer.add_cases([CaseRow.of(replace(ENGLISH, id=name), panel=PANEL) for name in ids])
        sides = (Side.BASELINE, Side.CHAMPION, Side.CANDIDATE)
        writer.add_outputs([output(name, side, f"{side} said") for name in ids for side in sides])
        writer.add_scores(scores)
        writer.set_verdicts(FAILING, ())
        return writer.finish(made)


def _four(side: Side) -> list[ScoreRow]:
    rows = []
    for name, before, after in (
        ("good", False, False), ("fixed", True, False), ("same", True, True), ("worse", False, True)
    ):  # fmt: skip
        rows += [_score(name, side, before), _score(name, Side.CANDIDATE, after)]
    return rows


def test_regressions_come_first_and_each_case_once(tmp_path: Path) -> None:
    browsed = browse(_run(tmp_path / "run", _four(Side.BASELINE)))
    assert [(card.case_id, card.bucket) for card in browsed.cards] == [
        ("worse", Bucket.REGRESSED), ("same", Bucket.STILL_FAILING),
        ("fixed", Bucket.FIXED), ("good", Bucket.UNCHANGED),
    ]  # fmt: skip
    assert browsed.buckets == {"example_leakage": dict.fromkeys(Bucket, 1)}
    assert browsed.against is Side.BASELINE


def test_a_champion_is_what_buckets_compare_with(tmp_path: Path) -> None:
    scores = _four(Side.CHAMPION) + [
        _score(name, Side.BASELINE, True) for name in ("good", "worse")
    ]
    browsed = browse(_run(tmp_path / "run", scores, champion=True))
    assert [card.bucket for card in browsed.cards] == _ORDER
    assert [answer.title for answer in browsed.cards[0].answers] == [
        "Baseline", "Champion", "Candidate",
    ]  # fmt: skip


def test_a_defect_that_only_the_candidate_was_asked_about_is_no_regression(tmp_path: Path) -> None:
    scores = [
        _score("a", Side.BASELINE, False),
        _score("a", Side.CANDIDATE, False),
        _score("a", Side.CANDIDATE, True, "swap_leak"),
    ]
    assert browse(_run(tmp_path / "run", scores)).cards[0].bucket is Bucket.STILL_FAILING


def test_a_missing_measurement_is_in_no_bucket(tmp_path: Path) -> None:
    scores = [
        replace(_score("a", Side.CANDIDATE, False), value=None),
        _score("b", Side.CANDIDATE, False),
    ]
    browsed = browse(_run(tmp_path / "run", scores))
    assert [card.case_id for card in browsed.cards] == ["b"]


def test_what_does_not_fit_is_counted_and_good_cases_go_first(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", _four(Side.BASELINE))
    whole = browse(run)
    room = sum(card.size for card in whole.cards[:2]) + 10
    browsed = browse(run, budget=room)
    assert [card.case_id for card in browsed.cards] == ["worse", "same"]
    assert (browsed.left_out, browsed.failures_left_out) == (2, 0)
    assert browse(run, budget=0).failures_left_out == 2
    assert browse(run, budget=0).buckets == whole.buckets


def test_token_views_split_at_the_loss_mask(failed: Run) -> None:
    view = browse(failed).cards[0].tokens[0]
    assert [token.text for token in view.prompt] == ["<|im_start|>", "Rewrite", "·this"]
    assert [token.control for token in view.prompt] == [True, False, False]
    assert view.answer[0].id == 3
    assert [row.name for row in browse(failed).demonstrations] == ["A"]


@given(names=st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=6, unique=True))
def test_anchors_are_unique_and_safe_whatever_cases_are_called(
    names: list[str],
) -> None:
    seen: Counter[str] = Counter()
    anchors = [anchor((PANEL, name), seen) for name in names]
    assert len(set(anchors)) == len(anchors)
    assert all(a.isascii() and " " not in a and a.startswith("case-") for a in anchors)


def test_a_heat_table_counts_cases_by_kind_and_language(tmp_path: Path) -> None:
    scores = [
        replace(_score(str(at), Side.CANDIDATE, at < 3), kind=kind, language=language)
        for at, (kind, language) in enumerate(
            [
                ("single", "en"),
                ("single", "en"),
                ("plural", "zh"),
                ("plural", "zh"),
                ("single", "zh"),
            ]
        )
    ]
    twice = replace(scores[0], detector="swap_leak", value=0.0)
    (table,) = heat(_run(tmp_path / "run", [*scores, twice]))
    assert table.languages == ("en", "zh")
    rows = {kind: [(cell.failed, cell.n) for cell in cells] for kind, cells in table.rows}
    assert rows == {"plural": [(0, 0), (1, 2), (1, 2)], "single": [(2, 2), (0, 1), (2, 3)]}
    assert [cell.shade for _, cells in table.rows for cell in cells] == [0, 5, 5, 6, 0, 6]
