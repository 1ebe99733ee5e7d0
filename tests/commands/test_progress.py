"""What a log shows of a run that is being made."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cli import main
from evalsuite.commands.progress import LONG, STEPS, Milestones, Pace, status_line
from evalsuite.pipeline import Event, GateRequest, evaluate


def told(*events: Event, steps: frozenset[str] = frozenset(STEPS)) -> list[str]:
    milestones = Milestones(steps)
    return [line for event in events if (line := milestones.line(event)) is not None]


def test_a_log_gets_a_line_for_each_step_and_each_tenth() -> None:
    passes = [Event("infer", done, 200) for done in range(1, 201)]
    lines = told(Event("read_inputs"), Event("infer"), *passes, Event("score"))
    assert lines[:3] == [
        STEPS["read_inputs"],
        STEPS["infer"],
        f"{STEPS['infer']}: 20 of 200 (10 %)",
    ]
    assert lines[-2:] == [f"{STEPS['infer']}: 200 of 200 (100 %)", STEPS["score"]]
    assert len(lines) == 13


def test_every_look_counts_its_own_questions() -> None:
    lines = told(
        Event("infer"), Event("infer", 5, 10), Event("infer", 10, 10),
        Event("infer", 2, 10), Event("infer", 10, 10),
    )  # fmt: skip
    assert [line.rpartition(" (")[2] for line in lines[1:]] == [
        "50 %)",
        "100 %)",
        "20 %)",
        "100 %)",
    ]


def test_the_time_left_follows_from_the_batches_after_the_first() -> None:
    seconds = iter([0.0, 100.0, 110.0, 115.0, 120.0, 500.0, 501.0])
    pace = Pace(lambda: next(seconds))
    # Loading a model made the first batch slow; the ten questions after it took ten seconds.
    assert [pace(Event("infer", done, 200)) for done in (0, 10, 20, 30)] == (
        ["", "", "1/s, 3 min left", "1.33/s, 2 min left"]
    )
    assert pace(Event("infer", 200, 200)) == ""
    # Another pass counts anew.
    assert pace(Event("infer", 2, 9)) == ""
    assert pace(Event("infer", 4, 9)) == "2/s, 2 s left"


def test_a_line_says_the_time_left() -> None:
    assert status_line(Event("infer", 3, 9), pace="2/s, 3 s left").endswith(" 3/9 (2/s, 3 s left)")
    seconds = iter(range(100))
    milestones = Milestones(pace=Pace(lambda: float(next(seconds))))
    lines = [milestones.line(Event("infer", done, 4)) for done in (0, 1, 2, 4)]
    assert lines[2] == f"{STEPS['infer']}: 2 of 4 (50 %, 1/s, 2 s left)"


def test_asking_again_in_float32_is_told_as_a_step() -> None:
    again = [Event("confirm", done, 3) for done in range(3)]
    assert told(Event("infer"), *again)[1] == STEPS["confirm"]


def test_steps_that_end_at_once_are_left_out_of_a_short_log() -> None:
    assert told(Event("load_model"), Event("decide"), Event("write_down"), steps=LONG) == []


@given(st.lists(st.tuples(st.sampled_from([*STEPS, "unknown"]), st.integers(0, 50)), max_size=60))
def test_any_order_of_events_gives_a_line_each_at_most(steps: list[tuple[str, int]]) -> None:
    lines = told(*(Event(step, done, 50 if done else 0) for step, done in steps))
    counted = [line for line in lines if " of " in line]
    assert all(line.endswith(" %)") for line in counted)
    assert len(lines) <= len(steps)


@given(st.integers(0, 100))
def test_a_narrow_line_loses_words_and_no_number(room: int) -> None:
    line = status_line(Event("infer", 2117, 2118), room)
    assert line.endswith(" 2117/2118")
    assert len(line) <= max(room, len(" 2117/2118"))


def test_every_step_of_a_run_has_a_sentence(gating: GateRequest) -> None:
    events: list[Event] = []
    evaluate(gating, tell=events.append)
    assert {event.step for event in events} <= set(STEPS)


def test_a_gate_without_a_terminal_tells_its_long_steps_on_standard_error(
    gating: GateRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    main(
        ["gate", "--adapter", str(gating.adapter), "--policy", str(gating.policy),
         "--cases", str(gating.cases), "--out", str(gating.out), "--seed", str(gating.seed),
         "--cache", str(gating.cache), "--registry", str(gating.registry)]
    )  # fmt: skip
    said = capsys.readouterr()
    steps = ("read_inputs", "check_liveness", "draw_samples", "infer", "score")
    lines = said.err.splitlines()
    assert [line for line in lines if line in STEPS.values()] == [STEPS[step] for step in steps]
    assert not set(STEPS.values()) & set(said.out.splitlines())
    assert "\x1b" not in said.err + said.out


@pytest.fixture
def gating(candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path) -> GateRequest:
    """A request whose answers other tests of this session know already."""
    return GateRequest(
        adapter=candidate,
        policy=str(small_policy),
        cases=few_cases,
        out=tmp_path / "run",
        cache=candidate.parent / "outputs.sqlite3",
        seed=11,
        registry=tmp_path / "registry",
    )
