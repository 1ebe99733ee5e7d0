"""Markdown, JUnit and the terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evalsuite.report import render_junit, render_markdown, summary, summary_text
from evalsuite.report.markdown import escape, fenced
from evalsuite.runfolder import Run
from tests.report.factory import FAILING, HOSTILE, hostile_run, write_run


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
