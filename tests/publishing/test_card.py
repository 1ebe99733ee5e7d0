"""What the section says, and that nothing in it is alive."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from evalsuite.publishing import BEGIN, END, card_section, matching_record, with_section
from evalsuite.runs import Status
from evalsuite.runs.folder import Run, load_run
from tests.registry.world import World
from tests.report.factory import PASSING, verdict, write_run


def tokens(text: str) -> list[Token]:
    """Every token of a text, read as the hub reads it: with HTML and tables."""
    found: list[Token] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found += [token, *(token.children or ())]
    return found


def test_the_section_holds_verdict_gates_languages_and_digests(passed: Run) -> None:
    text = card_section(passed)
    assert text.startswith("## Evaluation\n\n**✓ Passed. This adapter may be promoted.** ")
    assert r"| example\_leakage | ✓ passed | 0 | 0 to 0.0075 | 0.03 | 400 | loss |" in text
    assert r"| example\_leakage | zh | 0 | 0 to 0.015 | 0.03 | 200 | ✓ passed |" in text
    assert "✗ failed (advisory)" in text
    info = passed.info
    assert info.adapter is not None
    for digest in (info.adapter.digest, info.base.digest, info.policy.digest, info.cases_digest):
        assert f"`{digest}`" in text
    assert "evalsuite report RUN" in text


def test_a_run_that_did_not_pass_is_published_as_such_and_loudly(
    failed: Run, tmp_path: Path
) -> None:
    assert "> **✗ FAILED. This adapter must not be promoted.**" in card_section(failed)
    open_ = write_run(tmp_path / "run", verdicts=[*PASSING, verdict("late", "inconclusive")])
    assert open_.status is Status.INCONCLUSIVE
    text = card_section(open_)
    assert "> **? INCONCLUSIVE. The evidence does not suffice" in text
    assert "may be promoted" not in text


def test_a_gate_without_a_measurement_shows_no_number(tmp_path: Path) -> None:
    blank = verdict("late", "inconclusive", value=None, lower=None, upper=None, n=0)
    text = card_section(write_run(tmp_path / "run", verdicts=[blank]))
    assert "| late | ? inconclusive | – | – | 0.03 | 0 | loss |" in text
    assert "No gate was judged by language." in text


def test_a_card_names_no_folder_of_this_machine(passed: Run) -> None:
    base = replace(passed.info.base, name="/home/somebody/models/qwen")
    run = replace(passed, info=replace(passed.info, base=base))
    text = card_section(run)
    assert "base qwen" in text
    assert "somebody" not in text
    assert str(passed.folder.parent) not in text


def test_nothing_in_a_hostile_section_is_alive(hostile: Run) -> None:
    text = card_section(hostile)
    kinds = {token.type for token in tokens(text)}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "hr"}
    assert BEGIN not in text
    assert END not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    assert not re.search(r"@team|://evil|www\.evil|(?<!\\)\$", text)
    assert not [line for line in text.splitlines() if line.strip() == "---"]
    rows = [token for token in tokens(text) if token.type == "tr_open"]
    cells = [token for token in tokens(text) if token.type in ("td_open", "th_open")]
    plain = tokens(card_section(replace(hostile, verdicts=())))
    assert len(rows) > len([token for token in plain if token.type == "tr_open"])
    assert len(cells) == 7 * 7 + 3 * 8 + 15 * 2


def test_the_markers_hold_a_hostile_section_together(hostile: Run) -> None:
    once = with_section(b"# A\n", card_section(hostile))
    assert with_section(once, card_section(hostile)) == once


def test_a_record_is_named_with_what_checks_the_adapters_files(tmp_path: Path) -> None:
    world = World(tmp_path)
    record = world.promoted()
    run = load_run(tmp_path / "reports" / "one")
    text = card_section(run, matching_record(run, record.path))
    assert record.sha256 in text
    assert f"evalsuite verify registry/records/{record.path.name}" in text
    block = text[text.index("sha256sum") :].partition("```")[0]
    done = subprocess.run(
        ["bash", "-c", block], cwd=world.adapter(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 3
    (world.adapter() / "adapter_model.safetensors").write_bytes(b"other")
    changed = subprocess.run(["bash", "-c", block], cwd=world.adapter(), check=False)
    assert changed.returncode == 1
