"""The hub's format, read back with the hub's own parser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import eval_result_entries_to_yaml, parse_eval_result_entries

from evalsuite.errors import PublishingError
from evalsuite.gates.verdict import Quantity
from evalsuite.publishing import (
    PANELS,
    eval_results,
    eval_results_yaml,
    prepare_eval_results,
    run_digest,
)
from evalsuite.runs.folder import Run
from tests.report.factory import part, verdict, write_run


def test_the_hubs_parser_reads_what_is_written(failed: Run) -> None:
    entries = eval_results(failed, dataset="team/rewriting", source_url="https://ci.example/1")
    data = yaml.safe_load(eval_results_yaml(entries))
    assert data == entries
    parsed = parse_eval_result_entries(data)
    assert eval_result_entries_to_yaml(parsed) == data
    assert [entry.value for entry in parsed] == [v.value for v in failed.verdicts]
    assert {entry.dataset_id for entry in parsed} == {"team/rewriting"}
    assert len({entry.task_id for entry in parsed}) == len(failed.verdicts)
    assert {entry.source_url for entry in parsed} == {"https://ci.example/1"}
    assert {entry.date for entry in parsed} == {"2025-03-04T09:31:36Z"}
    assert all(entry.verify_token is None for entry in parsed)
    assert all(entry.dataset_revision is None for entry in parsed)


def test_an_entry_says_what_its_value_is_and_what_the_format_has_no_field_for(
    tmp_path: Path,
) -> None:
    numbers: dict[str, Any] = {"value": 0.021, "lower": 0.011, "upper": 0.037, "limit": 0.06}
    gate = verdict(
        "pronoun_resolution", slices=(part("all", quantity=Quantity.RATE, n=400, **numbers),),
        **numbers,
    )  # fmt: skip
    run = write_run(tmp_path / "run", verdicts=[gate])
    (entry,) = eval_results(run)
    assert entry["dataset"] == {"id": PANELS, "task_id": "pronoun_resolution_defect_rate"}
    assert "/" not in PANELS
    notes = str(entry["notes"]).split("; ")
    assert notes[:7] == [
        "run PASSED",
        "gate passed",
        "share of cases with a defect, smaller is better",
        "of the part all",
        "interval 0.011 to 0.037 (Clopper-Pearson, 95 % one-sided)",
        "limit 0.06",
        "n 400 in 96 clusters",
    ]
    assert "seeded panels, seed 20250304, 77" in notes
    assert f"cases sha256 {run.info.cases_digest}" in notes
    assert f"run.json sha256 {run_digest(run)}" in notes


def test_a_failed_run_says_so_in_every_entry(failed: Run) -> None:
    assert {str(entry["notes"]).partition(";")[0] for entry in eval_results(failed)} == {
        "run FAILED"
    }


def test_a_gate_without_a_value_is_missed_rather_than_zero(tmp_path: Path) -> None:
    blank = verdict("late", "inconclusive", value=None, lower=None, upper=None, limit=None, n=0)
    (entry,) = eval_results(write_run(tmp_path / "a", verdicts=[verdict("leak"), blank]))
    assert "without a value late" in str(entry["notes"])
    with pytest.raises(PublishingError, match="no gate of the run"):
        eval_results(write_run(tmp_path / "b", verdicts=[blank]))


def test_hostile_text_is_neither_yaml_nor_markup_nor_a_note_of_its_own(hostile: Run) -> None:
    text = eval_results_yaml(eval_results(hostile))
    assert "!!python" not in text
    entries = parse_eval_result_entries(yaml.safe_load(text))
    assert len(entries) == len(hostile.verdicts)
    for entry in entries:
        assert entry.notes is not None
        assert not re.search(r"[<>\[\]`@!|$&\x00-\x1f\u202e]|://", entry.notes)
        assert "run PASSED" not in entry.notes.split("; ")
        assert entry.notes.startswith("run FAILED; ")


@pytest.mark.parametrize("dataset", ["", "name", "a/b/c", "../x", "own er/name", "a/b\n", "-/x"])
def test_a_data_set_that_the_hub_cannot_have_is_refused(passed: Run, dataset: str) -> None:
    with pytest.raises(PublishingError, match="owner/name"):
        eval_results(passed, dataset=dataset)


@pytest.mark.parametrize("url", ["", "reports/x", "javascript:alert(1)", "https://a b"])
def test_a_source_that_is_no_web_address_is_refused(passed: Run, url: str) -> None:
    with pytest.raises(PublishingError, match="https://"):
        eval_results(passed, source_url=url)


def test_a_later_run_replaces_the_file_and_nothing_else(
    tmp_path: Path, passed: Run, failed: Run
) -> None:
    other = tmp_path / ".eval_results" / "mmlu.yaml"
    assert prepare_eval_results(tmp_path, passed).write()
    other.write_text("[]\n")
    assert not prepare_eval_results(tmp_path, passed).write()
    assert prepare_eval_results(tmp_path, failed).write()
    path = tmp_path / ".eval_results" / "evalsuite.yaml"
    assert yaml.safe_load(path.read_text("utf-8")) == eval_results(failed)
    assert sorted(p.name for p in other.parent.iterdir()) == ["evalsuite.yaml", "mmlu.yaml"]


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path, passed: Run) -> None:
    with pytest.raises(PublishingError, match="not the folder of a model's repository"):
        prepare_eval_results(tmp_path / "none", passed)
    inner = tmp_path / ".eval_results"
    inner.write_text("")
    with pytest.raises(PublishingError, match="must be a folder"):
        prepare_eval_results(tmp_path, passed)
    inner.unlink()
    inner.mkdir()
    with pytest.raises(PublishingError, match="not the folder of a model's repository"):
        prepare_eval_results(inner, passed)
    (inner / "evalsuite.yaml").write_text("- mine\n")
    with pytest.raises(PublishingError, match="was not written by evalsuite"):
        prepare_eval_results(tmp_path, passed)
    assert (inner / "evalsuite.yaml").read_text() == "- mine\n"
