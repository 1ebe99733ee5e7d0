"""Cards of cases: what became of each, the most urgent first, within a budget."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from evalsuite.cases import Expectation
from evalsuite.report import render_html
from evalsuite.report.cards import Card, anchor, cards, ordered, with_tokens
from evalsuite.report.changes import Outcome, Section, case_outcomes, outcome
from evalsuite.report.heatmap import heat
from evalsuite.report.translations import Interface
from evalsuite.runs import (
    SKILLS,
    CaseRow,
    ChampionInfo,
    OutputRow,
    ScoreRow,
    Side,
    Tier,
    Verdict,
)
from evalsuite.runs.folder import Run, RunWriter
from evalsuite.tasks import task_of
from tests.report.factory import ENGLISH, FAILING, PANEL, info, output, part


def _cards(run: Run) -> list[Card]:
    found = case_outcomes(run)
    return list(cards(run, found, ordered(found)))


def _score(case_id: str, side: Side, failed: bool, detector: str = "literal_leak") -> ScoreRow:
    return ScoreRow(
        detector=detector, gate="example_leakage", case_id=case_id, side=side, panel=PANEL,
        value=float(failed), explanation="told", cluster="c", language="en", kind="single",
    )  # fmt: skip


def _run(
    folder: Path,
    scores: list[ScoreRow],
    *,
    champion: bool = False,
    verdicts: Sequence[Verdict] = FAILING,
    said: str = "",
) -> Run:
    ids = list(dict.fromkeys(score.case_id for score in scores))
    made = info(folder)
    if champion:
        known = ChampionInfo(
            path="adapters/old", digest="0" * 64, record="000003-a.json", sequence=3
        )
        made = replace(made, champion=known)
    with RunWriter(folder) as writer:
        writer.add_cases(
            [CaseRow.of(task_of(replace(ENGLISH, id=name)), panel=PANEL) for name in ids]
        )
        sides = (Side.BASELINE, Side.CHAMPION, Side.CANDIDATE)
        writer.add_outputs(
            [output(name, side, said or f"{side} said") for name in ids for side in sides]
        )
        writer.add_scores(scores)
        writer.set_verdicts(verdicts, ())
        return writer.finish(made)


def _four(side: Side) -> list[ScoreRow]:
    rows = []
    for name, before, after in (
        ("good", False, False), ("fixed", True, False), ("same", True, True), ("worse", False, True)
    ):  # fmt: skip
        rows += [_score(name, side, before), _score(name, Side.CANDIDATE, after)]
    return rows


def test_regressions_come_first_and_each_case_once(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", _four(Side.BASELINE))
    assert [(card.case_id, card.outcome) for card in _cards(run)] == [
        ("worse", Outcome.REGRESSED), ("same", Outcome.STILL_FAILING),
        ("fixed", Outcome.FIXED), ("good", Outcome.UNCHANGED),
    ]  # fmt: skip
    found = case_outcomes(run)
    assert found.against is Side.BASELINE
    counted = {o.value: n for o, n in found.counts[Section("example_leakage")].items() if n}
    assert counted == {"regressed": 1, "still failing": 1, "fixed": 1, "unchanged": 1}


def test_a_champion_is_what_outcomes_compare_with(tmp_path: Path) -> None:
    scores = [
        *_four(Side.CHAMPION),
        *(_score(name, Side.BASELINE, True) for name in ("good", "worse")),
    ]
    found = _cards(_run(tmp_path / "run", scores, champion=True))
    assert [card.case_id for card in found] == ["worse", "same", "fixed", "good"]
    assert [answer.title for answer in found[0].answers] == ["Candidate", "Champion", "Baseline"]


def test_a_fixed_case_says_what_the_other_side_did_wrong(tmp_path: Path) -> None:
    fixed = _cards(_run(tmp_path / "run", _four(Side.CHAMPION), champion=True))[2]
    assert [(finding.side, finding.detector) for finding in fixed.findings] == [
        ("Champion", "literal_leak")
    ]


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ({"a": True}, {"a": False}, Outcome.REGRESSED),
        ({"a": True}, {"a": True}, Outcome.STILL_FAILING),
        ({"a": False}, {"a": True}, Outcome.FIXED),
        ({"a": False}, {"a": False}, Outcome.UNCHANGED),
        ({"a": True}, {}, Outcome.FAILING),
        ({"a": False}, {}, Outcome.GOOD),
        ({"a": False, "b": True}, {"a": False}, Outcome.FAILING),
        ({"a": False, "b": True}, {"a": True}, Outcome.STILL_FAILING),
        ({"a": True, "b": True}, {"a": False}, Outcome.REGRESSED),
    ],
)
def test_a_case_is_compared_by_what_both_sides_were_asked(
    now: dict[str, bool], before: dict[str, bool], expected: Outcome
) -> None:
    assert outcome(now, before) is expected


def test_a_missing_measurement_is_in_no_bucket_and_is_counted(tmp_path: Path) -> None:
    scores = [
        replace(_score("a", Side.CANDIDATE, False), value=None),
        _score("b", Side.CANDIDATE, False),
        replace(_score("b", Side.BASELINE, False), value=None),
    ]
    run = _run(tmp_path / "run", scores)
    found = case_outcomes(run)
    section = Section("example_leakage")
    judged = {place[1]: by[section] for place, by in found.cases.items() if section in by}
    assert {case: one.outcome for case, one in judged.items()} == {"b": Outcome.GOOD}
    assert found.unmeasured == {section: 1}
    assert "Not measured" in render_html(run)


def test_a_false_alarm_of_the_search_is_no_defect(tmp_path: Path) -> None:
    scores = [
        _score("a", Side.CANDIDATE, False),
        _score("a", Side.BASELINE, False),
        _score("a", Side.CANDIDATE, True, "absent_names"),
    ]
    run = _run(tmp_path / "run", scores)
    assert [card.outcome for card in _cards(run)] == [Outcome.UNCHANGED]


def test_hand_written_sets_stand_on_their_own_and_say_when_they_do_not_decide(
    tmp_path: Path,
) -> None:
    sets = [part("goldens/everyday", tier=Tier.ADVISORY), part("goldens/nano")]
    verdicts = [
        replace(v, slices=tuple(sets)) if v.gate == "example_leakage" else v for v in FAILING
    ]
    scores = [
        replace(_score(panel, side, side is Side.CANDIDATE), panel=panel)
        for panel in (PANEL, "everyday", "nano")
        for side in (Side.CANDIDATE, Side.BASELINE)
    ]
    run = _run(tmp_path / "run", scores, verdicts=verdicts)
    found = case_outcomes(run)
    gate = "example_leakage"
    sections = [Section(gate), Section(gate, "everyday"), Section(gate, "nano")]
    assert [section for section in found.counts if section.gate == gate] == sections
    assert [str(section) for section in sections[:2]] == [gate, f"{gate}/everyday"]
    assert Section(gate, "everyday") in found.advisory
    assert Section(gate, "nano") not in found.advisory
    worse = [card for card in _cards(run) if card.outcome is Outcome.REGRESSED]
    assert [card.advisory for card in worse] == [False, False, True]
    assert [table.rows for table in heat(run)] == []


def test_a_gate_that_keeps_defects_only_counts_every_answer(tmp_path: Path) -> None:
    gate = "template_round_trip"
    broken = replace(_score("a", Side.CANDIDATE, True, "control_token"), gate=gate)
    before = replace(_score("b", Side.BASELINE, True, "control_token"), gate=gate)
    others = [_score(name, Side.CANDIDATE, False) for name in "abc"]
    run = _run(tmp_path / "run", [*others, broken, before])
    counted = {o.value: n for o, n in case_outcomes(run).counts[Section(gate)].items() if n}
    assert counted == {"regressed": 1, "fixed": 1, "unchanged": 1}
    assert gate not in {table.gate for table in heat(run)}


def test_what_does_not_fit_is_counted_and_good_cases_go_first(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", _four(Side.BASELINE))
    whole = render_html(run)
    names = ["worse", "same", "fixed", "good"]
    assert [f'id="case-panel-blocking-{name}"' in whole for name in names] == [True] * 4
    cards_ = re.findall(r"<details class=\"card.*?\n</details>\n", whole, re.DOTALL)
    some = render_html(run, budget=sum(len(card.encode()) for card in cards_[:2]) + 950)
    assert [f'id="case-panel-blocking-{name}"' in some for name in names] == [
        True, True, False, False,
    ]  # fmt: skip
    assert "2 more cases did not fit into this file (0 of them defects)" in some
    assert "4 more cases did not fit into this file (2 of them defects)" in render_html(
        run, budget=0
    )


@pytest.mark.parametrize("text", ['"' * 900, "a\u202e" * 500, "&" * 900, "你" * 900])
def test_no_text_makes_the_file_larger_than_five_megabytes(tmp_path: Path, text: str) -> None:
    scores = [
        replace(
            _score(f"{at}", side, True), kind=f"{text[:50]}{at}", cluster=text, explanation=text
        )
        for at in range(400)
        for side in (Side.CANDIDATE, Side.BASELINE)
    ]
    run = _run(tmp_path / "run", scores, said=text)
    assert len(render_html(run).encode()) <= 5_000_000


def test_token_views_split_at_the_loss_mask(failed: Run) -> None:
    known = {row.key: row for row in failed.tokens}
    view = with_tokens(_cards(failed)[0], known).tokens[0]
    assert [token.text for token in view.prompt] == ["<|im_start|>", "Rewrite", "·this"]
    assert [token.control for token in view.prompt] == [True, False, False]
    assert view.answer[0].id == 3
    assert 'id="shown-A"' in render_html(failed)
    assert 'id="shown-C"' not in render_html(failed)


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
    assert table.columns == ("en", "zh")
    rows = {kind: [(cell.failed, cell.n) for cell in cells] for kind, cells in table.rows}
    assert rows == {"plural": [(0, 0), (1, 2), (1, 2)], "single": [(2, 2), (0, 1), (2, 3)]}
    assert [cell.shade for _, cells in table.rows for cell in cells] == [0, 5, 5, 6, 0, 6]


def test_a_skill_that_the_base_lacks_in_every_language_stands_on_its_own(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", _four(Side.BASELINE))
    (gate,) = {score.gate for score in run.scores}
    for tiers, lacked in (
        ((Tier.ADVISORY, Tier.ADVISORY), True), ((Tier.ADVISORY, Tier.BLOCKING), False)
    ):  # fmt: skip
        skills = [
            replace(part(f"skill/{language}/single"), tier=tier)
            for language, tier in zip(("en", "zh"), tiers, strict=True)
        ]
        verdicts = tuple(
            replace(v, slices=(*v.slices, *skills)) if v.gate == gate else v for v in run.verdicts
        )
        found = case_outcomes(replace(run, verdicts=verdicts))
        assert (Section(gate, "single") in found.advisory) is lacked
        assert any(Section(gate, "") in by for by in found.cases.values()) is not lacked


def test_kinds_that_the_policy_sets_aside_stand_on_their_own(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", _four(Side.BASELINE))
    resolved: dict[str, JsonValue] = {"gates": {"example_leakage": {"advisory_kinds": ["single"]}}}
    aside = replace(run.info, policy=replace(run.info.policy, resolved=resolved))
    found = case_outcomes(replace(run, info=aside))
    assert Section("example_leakage", "single") in found.counts
    assert Section("example_leakage") not in found.counts
    assert Section("example_leakage", "single") in found.advisory


def test_remembered_regressions_are_no_answers_of_the_gate_that_keeps_defects_only(
    tmp_path: Path,
) -> None:
    run = _run(tmp_path / "run", [_score("a", Side.CANDIDATE, False)])
    asked = tuple(replace(row, panel="regressions") for row in run.outputs)
    found = case_outcomes(replace(run, outputs=asked))
    assert Section("template_round_trip") not in found.counts


def test_parts_that_a_table_has_no_room_for_are_counted(tmp_path: Path) -> None:
    many = tuple(part(f"kind/{at}") for at in range(64))
    verdicts = [replace(v, slices=many) if v.gate == "forgetting" else v for v in FAILING]
    html = render_html(_run(tmp_path / "run", _four(Side.BASELINE), verdicts=verdicts))
    assert "4 more parts; all of them are in verdicts.json." in html


def test_of_answers_to_choose_from_each_side_shows_all_the_likeliest_first(tmp_path: Path) -> None:
    case = CaseRow(
        case_id="c", panel=SKILLS, language="en", kind="capital-choice", cluster="c", query="Say.",
        expect=Expectation(rewrites=("option 0",), must_not_name=("option 1", "option 2")),
    )  # fmt: skip
    likely = {Side.BASELINE: (-1.0, -2.0, -3.0), Side.CANDIDATE: (-2.5, -9.0, -1.25)}
    outputs = [
        OutputRow(
            key=f"{side}{at}", side=side, case_id="c", panel=SKILLS, prompt_format="",
            text=f"option {at}", finish="scored", logprob=nats, tokens=3,
        )
        for side, found in likely.items()
        for at, nats in enumerate(found)
    ]  # fmt: skip
    scores = [
        ScoreRow(
            detector="skill_answer", gate="forgetting", case_id="c", panel=SKILLS, side=side,
            value=value, explanation="told", cluster="c", language="en", kind="capital-choice",
            outputs=tuple(f"{side}{at}" for at in range(3)),
        )
        for side, value in ((Side.BASELINE, 0.0), (Side.CANDIDATE, 1.0))
    ]  # fmt: skip
    with RunWriter(tmp_path / "run") as writer:
        writer.add_cases([case])
        writer.add_outputs(outputs)
        writer.add_scores(scores)
        writer.set_verdicts(FAILING, ())
        made = writer.finish(info(tmp_path / "run"))
    (card,) = _cards(made)
    # The others stand there as answers; nobody judges names in them.
    assert card.conditions == ()
    shown: dict[str, list[tuple[str, str]]] = {side.value: [] for side in likely}
    for answer in card.answers:
        text = "".join(piece.text for piece in answer.pieces)
        shown[answer.side].append((text, answer.logprob))
    assert shown[Side.CANDIDATE] == [
        ("option 2", "-1.2 nats"), ("option 0", "-2.5 nats"), ("option 1", "-9.0 nats"),
    ]  # fmt: skip
    assert [text for text, _ in shown[Side.BASELINE]] == ["option 0", "option 1", "option 2"]
    for language in Interface:
        page = render_html(made, language=language)
        assert page.index("-1.2 nats") < page.index("-2.5 nats") < page.index("-9.0 nats")
