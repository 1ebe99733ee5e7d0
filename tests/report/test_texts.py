"""Markdown, JUnit and the terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from evalsuite.report import (
    gate_properties,
    render_junit,
    render_markdown,
    summary,
    summary_text,
)
from evalsuite.report.markdown import escape, fenced
from evalsuite.report.terminal import _sentence
from evalsuite.runs import Tier
from evalsuite.runs.folder import Run
from tests.report.factory import FAILING, HOSTILE, hostile_run, part, verdict, write_run

CHINESE = (
    "在900个案例中有123个（13.7%）解析错误；置信度97.5%下真实比率至多为17.3%，"
    "超过上限0.15，因此不能发布。"
)


def test_the_terminal_says_the_verdict_first_and_then_the_table(failed: Run) -> None:
    lines = summary_text(failed, width=140).splitlines()
    assert lines[0].startswith("✗ Failed. This adapter must not be promoted. Example leakage")
    header = next(line for line in lines if line.startswith("gate "))
    assert header.split() == ["gate", "status", "value", "interval", "limit", "n"]
    row = next(line for line in lines if line.startswith("example_leakage"))
    assert "failed" in row
    assert "0.106 to 0.175" in row
    assert any(line.startswith("✗ example_leakage: ") for line in lines)


def test_a_pipe_gets_no_colour_and_a_terminal_does(failed: Run) -> None:
    assert "\x1b" not in summary_text(failed)
    stream = io.StringIO()
    Console(file=stream, force_terminal=True, color_system="standard").print(summary(failed))
    assert "\x1b[" in stream.getvalue()


@pytest.fixture(scope="session")
def waived(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with waived gates, wide numbers and reasons in Chinese."""
    verdicts = [
        verdict(
            name, "inconclusive", value=-0.0642, lower=-0.1234, upper=7.5e-07, limit=0.0875,
            n=1234567, tier=Tier.WAIVED, reason=CHINESE * 2,
        )
        for name in ("template_round_trip", "pronoun_resolution")
    ]  # fmt: skip
    return write_run(tmp_path_factory.mktemp("waived") / "run", verdicts=verdicts)


@pytest.mark.parametrize("width", [40, 48, 60, 72, 80, 81, 100, 160])
def test_no_line_is_too_long_and_no_number_is_cut(waived: Run, width: int) -> None:
    text = summary_text(waived, width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    words = re.split(r"[\s,]+", text)
    for number in ("-0.0642", "-0.1234", "7.5e-07", "0.0875", "1234567"):
        assert words.count(number) == 2, number
    told = re.findall(r"\d+(?:\.\d+)?%?", text.partition("template_round_trip: 在")[2])
    assert [n for n in told if n in CHINESE] == re.findall(r"\d+(?:\.\d+)?%?", CHINESE) * 4


def test_the_tier_of_a_waived_gate_moves_below_before_a_number_would_go(waived: Run) -> None:
    lines = summary_text(waived, width=81).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("pronoun_resolution "))
    assert lines[at].split()[1:3] == ["?", "inconclusive"]
    assert lines[at].endswith("1234567")
    assert lines[at + 1].strip() == "(waived)"


@given(st.lists(st.sampled_from([*"12.%，。（） a为\n", "17.3 %", "1e-05"]), max_size=900))
def test_a_long_reason_is_cut_beside_a_number(parts: list[str]) -> None:
    text = "r " + "".join(parts)
    known = set(re.findall(r"\d[\d.,]*(?:e-\d+)?", " ".join(text.split())))
    assert set(re.findall(r"\d[\d.,]*(?:e-\d+)?", _sentence(text, 60))) <= known


def test_colour_is_added_on_request_and_changes_no_word(waived: Run) -> None:
    coloured = summary_text(waived, width=80, colour=True)
    assert "\x1b[33m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == summary_text(waived, width=80)


def test_hostile_reasons_cannot_move_the_cursor_or_add_markup(tmp_path: Path) -> None:
    nasty = "[bold]x[/bold] [/nothing] \x1b[2J\r\x07 \u202e"
    verdicts = [replace(v, reason=nasty) for v in FAILING]
    text = summary_text(write_run(tmp_path / "run", verdicts=verdicts), width=200)
    assert "[bold]x[/bold] [/nothing] [U+001B][2J" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)


def test_markdown_holds_verdict_table_failures_and_digests(failed: Run) -> None:
    text = render_markdown(failed)
    assert text.startswith("# ✗ Failed: ")
    assert r"| example\_leakage | ✗ failed | 0.138 | 0.106 to 0.175 | 0.03 | 400 | 96 |" in text
    assert "(advisory)" in text
    assert ">>Ostrava Loom<<" in text
    assert failed.info.base.digest in text


def test_hostile_text_in_markdown_stands_in_fences_only(tmp_path: Path) -> None:
    text = render_markdown(hostile_run(tmp_path / "run", HOSTILE + "\n```\n# out @team\n````"))
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", text)
    assert "```" not in outside
    assert "<script" not in outside
    assert "@team" not in outside
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)


@given(st.text())
def test_a_fence_is_never_closed_from_inside(text: str) -> None:
    first, *inside, last = fenced(text).split("\n")
    assert first == f"{last}text"
    assert not [line for line in inside if line.strip().startswith(last)]


@given(st.text())
def test_escaped_text_has_no_live_character(text: str) -> None:
    made = escape(text)
    assert "\n" not in made
    assert not re.search(r"[<>@]|(?<!\\)[`*_|\[\]]", made.replace("&#64;", ""))


def test_escaped_text_has_neither_address_nor_formula() -> None:
    made = escape("see WWW.evil.example, https://evil.example and $x$ or $$y$$")
    assert not re.search(r"(?i)www\.|://|(?<!\\)\$", made)
    assert unescape(made).replace("\u200b", "").replace("\\", "") == (
        "see WWW.evil.example, https://evil.example and $x$ or $$y$$"
    )


def test_junit_counts_blocking_gates_and_survives_hostile_text(tmp_path: Path) -> None:
    suite = fromstring(render_junit(hostile_run(tmp_path / "run")))
    assert (suite.get("tests"), suite.get("failures")) == ("6", "2")
    names = [case.get("name") for case in suite.findall("testcase")]
    assert names == [v.gate for v in FAILING]
    failed = [
        case.get("name") for case in suite.findall("testcase") if case.find("failure") is not None
    ]
    assert failed == ["example_leakage", "forgetting"]
    advisory = suite.find("testcase[@name='golden_everyday']/system-out")
    assert advisory is not None


def test_junit_carries_the_numbers_as_properties(passed: Run) -> None:
    suite = fromstring(render_junit(passed))
    found = {
        p.get("name"): p.get("value") for p in suite.findall("testcase[3]/properties/property")
    }
    assert found["interval"] == "0 to 0.0075"
    assert found["n"] == "400"
    assert (found["status"], found["tier"], found["upper"]) == ("passed", "blocking", "0.0075")
    assert found["language/zh.limit"] == "0.03"


def test_junit_says_what_the_run_was_made_from(passed: Run) -> None:
    suite = fromstring(render_junit(passed))
    found = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    info = passed.info
    assert info.adapter is not None
    assert found["adapter_digest"] == info.adapter.digest
    assert found["base_digest"] == info.base.digest
    assert (found["policy"], found["policy_digest"]) == ("default", info.policy.digest)
    assert found["seed"] == "20250304, 77"
    assert found["run_folder"] == str(passed.folder)


def test_what_was_not_measured_is_no_property() -> None:
    missing = verdict("forgetting", "inconclusive", value=None, lower=None, upper=None)
    assert not {"value", "lower", "upper"} & set(gate_properties(missing))
    parts = (part("language/zh", value=None), part("kind/single"))
    found = gate_properties(verdict("forgetting", slices=parts))
    assert "language/zh.value" not in found
    assert found["language/zh.n"] == "200"
    assert not [name for name in found if name.startswith("kind")]


@given(st.text())
def test_no_reason_and_no_method_breaks_the_junit_document(passed: Run, text: str) -> None:
    judged = verdict("forgetting", "failed", reason=f"r {text}", method=text)
    suite = fromstring(render_junit(replace(passed, verdicts=(judged,))))
    assert suite.find("testcase/failure") is not None


def test_failures_are_counted_by_the_part_of_the_run_that_they_belong_to(failed: Run) -> None:
    text = render_markdown(failed)
    counted = re.findall(r"failed cases shown \(([^)]*)\)", text)
    totals = [int(total) for total in re.findall(r" of (\d+) failed cases shown", text)]
    assert totals
    parts = [sum(int(n) for n in re.findall(r" (\d+)(?:,|$)", line)) for line in counted]
    assert parts == totals


def test_what_runs_again_stands_apart_from_what_only_checks(failed: Run) -> None:
    text = render_markdown(failed)
    checks, again = text.index("## Verify"), text.index("## Run it again")
    assert checks < text.index("sha256sum --check") < again < text.index("evalsuite gate --base")
    assert "seed " in text[: text.index("| gate |")]


def test_markdown_keeps_within_what_a_comment_takes(tmp_path: Path) -> None:
    whole = render_markdown(write_run(tmp_path / "whole", failing=True))
    hostile = render_markdown(hostile_run(tmp_path / "hostile", "x" * 1_000_000))
    assert max(len(whole), len(hostile)) <= 65_536
    cut = render_markdown(write_run(tmp_path / "run", failing=True), limit=len(whole) - 400)
    assert len(cut) <= len(whole) - 400
    assert cut.count("```text") < whole.count("```text")


def test_markdown_tells_what_became_of_the_cases(failed: Run) -> None:
    text = render_markdown(failed)
    assert "## What changed against the base" in text
    assert "| gate | regressed | still failing | fixed | unchanged |" in text
    assert r"| example\_leakage | 2 | 2 | 1 | 1 |" in text
