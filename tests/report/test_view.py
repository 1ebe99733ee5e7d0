"""What is shown, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.report.html import render_html
from evalsuite.report.markdown import render_markdown
from evalsuite.report.terminal import summary_text
from evalsuite.report.view import build_view, sentence
from evalsuite.runs.folder import Run
from evalsuite.runs.info import LooksInfo, PromptInfo
from tests.report.factory import ENGLISH, verdict, write_run


def test_regressions_come_first_and_one_of_each_cluster_before_a_second(failed: Run) -> None:
    view = build_view(failed)
    failures = view.gates[0].failures
    assert [failure.regression for failure in failures] == [True, True, False, False]
    assert {failure.cluster for failure in failures[:2]} == {
        "en/comparison/speed", "zh/dropped_subject/dynasty",
    }  # fmt: skip


def test_the_count_tells_of_failures_that_are_not_shown(failed: Run) -> None:
    gate = build_view(failed, max_failures=1).gates[0]
    assert (len(gate.failures), gate.total, gate.regressions) == (1, 4, 2)


def test_a_failure_shows_conversation_expectation_and_both_answers(failed: Run) -> None:
    failure = build_view(failed).gates[0].failures[0]
    assert failure.case_id == ENGLISH.id
    assert [bubble.role for bubble in failure.bubbles] == ["user", "assistant", "user"]
    assert [bubble.query for bubble in failure.bubbles] == [False, False, True]
    assert failure.expected[0] == "How is Velmora's memory management?"
    assert failure.conditions == (
        "Must name: Velmora", "Must not name: Tessick, Ostrava Loom",
    )  # fmt: skip
    assert [answer.side for answer in failure.answers] == ["candidate", "baseline"]
    marked = [piece.text for piece in failure.answers[0].pieces if piece.mark]
    assert marked == ["Ostrava Loom"]


def test_gates_that_block_the_release_come_before_the_rest(failed: Run) -> None:
    view = build_view(failed)
    order = [gate.verdict.status for gate in view.gates]
    assert order == ["failed", "inconclusive", "passed", "passed", "passed", "failed"]
    assert view.gates[-1].verdict.tier == "advisory"


@pytest.mark.parametrize(
    ("statuses", "required", "expected"),
    [
        (["passed"], [], "The adapter passed the only blocking gate."),
        (["passed", "passed"], [], "The adapter passed all 2 blocking gates."),
        (["passed"], ["other"], "A gate that the policy requires was not run."),
        (["failed", "inconclusive"], [], "Gate 0 failed: because 0."),
        (["failed", "failed"], [], "Gate 0 failed: because 0 (1 more of 2 failed)."),
        (["passed", "inconclusive"], [], "Gate 1 could not decide: because 1."),
    ],
)
def test_one_sentence_says_why(
    tmp_path: Path, statuses: list[str], required: list[str], expected: str
) -> None:
    verdicts = [
        verdict(f"gate_{index}", status, reason=f"because {index}.")
        for index, status in enumerate(statuses)
    ]
    run = write_run(tmp_path / "run", verdicts=verdicts, required=required)
    assert sentence(run) == expected


def test_the_sentence_names_the_gate_that_stopped_the_run(tmp_path: Path) -> None:
    verdicts = [
        verdict("gate_0", "inconclusive", reason="The run stopped; until then: all well."),
        verdict("gate_1", "inconclusive", reason="The run stopped, because of literal."),
    ]
    run = write_run(tmp_path / "run", verdicts=verdicts, required=[])
    looks = LooksInfo(planned=(0.5,), stopped_at=0.5, because=("gate_1/literal: too many",))
    stopped = replace(run, info=replace(run.info, looks=looks))
    assert sentence(stopped) == (
        "Gate 1 could not decide: The run stopped, because of literal (1 more of 2 could not "
        "decide)."
    )
    assert not [note for note in build_view(stopped).notes if "The run stopped" in str(note)]


def test_an_early_stop_is_a_note_where_the_sentence_is_about_waivers(tmp_path: Path) -> None:
    verdicts = [
        verdict("gate_0", "inconclusive", reason="The run stopped; until then: all well."),
        verdict("waivers", "failed", reason="1 of 1 waivers do not hold: it expired."),
    ]
    run = write_run(tmp_path / "run", verdicts=verdicts, required=[])
    looks = LooksInfo(planned=(0.5,), stopped_at=0.5, because=("gate_0/literal: too many",))
    stopped = replace(run, info=replace(run.info, looks=looks))
    assert sentence(stopped) == "Waivers failed: 1 of 1 waivers do not hold: it expired."
    assert [str(note) for note in build_view(stopped).notes] == [
        "The run stopped after 50 % of its panels."
    ]


@pytest.mark.parametrize(
    ("trained", "gated", "told"),
    [
        (("", ""), ("xml", ""), None),
        (("tags", "a" * 64), ("tags", "a" * 64), None),
        (("tags", "a" * 64), ("tags", "b" * 64), "(tags) than it was gated with (tags)"),
        (("", ""), ("tags", "a" * 64), "(evalsuite's own) than it was gated with (tags)"),
        (("tags", "a" * 64), ("xml", ""), "(tags) than it was gated with (xml)"),
        (("chat", "a" * 64), ("chat", ""), None),
    ],
)
def test_an_adapter_that_was_trained_with_another_prompt_is_told_of(
    tmp_path: Path, trained: tuple[str, str], gated: tuple[str, str], told: str | None
) -> None:
    run = write_run(tmp_path / "run")
    assert run.info.adapter is not None
    record = dict(run.info.adapter.provenance or {}, prompt=trained[0], prompt_digest=trained[1])
    own = PromptInfo(digest=gated[1], definition={"name": gated[0]}) if gated[1] else None
    info = replace(
        run.info,
        adapter=replace(run.info.adapter, provenance=record),
        prompt_format=gated[0],
        prompt=own,
    )
    notes = [str(note) for note in build_view(replace(run, info=info)).notes]
    said = [note for note in notes if "another prompt" in note]
    assert len(said) == (told is not None)
    assert told is None or told in said[0]


def test_what_stopped_a_run_reads_back_with_its_gate() -> None:
    because = (LooksInfo.cause("gate_1", "skill/en/a", "b/c: d"), LooksInfo.cause("a", "b", "c"))
    assert LooksInfo(planned=(0.5,), because=because).stoppers == {"gate_1", "a"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"registry": "my registry"}, "'my registry'"),
        ({"registry": None}, "registry"),
        ({"registry": "kept", "command": ("evalsuite", "gate", "--registry", "said")}, "kept"),
        ({"version": 2}, "registry"),
        ({"version": 2, "command": ("evalsuite", "gate", "--registry", "said")}, "said"),
        ({"version": 1, "command": ("pytest", "--gate-registry=said")}, "said"),
    ],
)
def test_a_passed_run_is_promoted_into_the_registry_that_it_was_made_with(
    passed: Run, changes: dict[str, Any], expected: str
) -> None:
    run = replace(passed, info=replace(passed.info, **changes))
    [told] = [line for line in build_view(run).verify if "evalsuite promote" in line]
    assert told.endswith(f" --registry {expected}")


def test_only_a_passed_run_is_told_how_to_promote(passed: Run, failed: Run) -> None:
    view = build_view(passed)
    assert any("evalsuite promote" in command for command in view.verify)
    assert not any("evalsuite promote" in command for command in build_view(failed).verify)
    assert "'reports/a run'" in view.reproduce[0]


def test_how_a_base_had_to_be_asked_is_told_wherever_the_verdict_is(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    remark = "one prompt at a time, without shared prefixes: its layers keep a state."
    engine = replace(run.info.engine, remarks=(remark,))
    told = replace(run, info=replace(run.info, engine=engine))
    for text in (summary_text(told, width=400), render_markdown(told), render_html(told)):
        assert f"How the base was asked: {remark}" in text.replace("\\", "")
    for text in (summary_text(run), render_markdown(run), render_html(run)):
        assert remark not in text.replace("\\", "")
