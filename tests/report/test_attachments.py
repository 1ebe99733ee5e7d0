"""A search and a qualification beside a run: taken only when they are about the same thing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import RunError
from evalsuite.gates import load_policy
from evalsuite.report import read_attachments, render_html
from evalsuite.runs import PolicyInfo
from evalsuite.runs.folder import Run

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def _written(folder: Path, name: str, data: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(data))
    return folder


def _search(run: Run) -> dict[str, Any]:
    assert run.info.adapter is not None
    return {
        "subject": {
            "adapter_digest": run.info.adapter.digest, "base_digest": run.info.base.digest,
        },
        "progress": {"tried": 300, "worst": 0.25}, "interrupted": False, "relations": [],
        "counterexamples": [
            {
                "defect": "leak-1", "gate": "example_leakage", "promise": "nothing is copied",
                "absolute": True, "reason": "The answer names <Nulbom>.", "language": "en",
                "spans": [{"start": 0, "end": 6, "label": "demonstration entity"}],
                "kind": "single", "history": [{"role": "user", "content": "Hello"}],
                "query": "And it?", "reference": "And Zollul?", "answer": "Nulbom?",
                "baseline_answer": "And Zollul?",
            }
        ],
        "sensitivity": [
            {
                "axis": "demonstrations", "value": value, "side": side, "n": 40, "wrong": 0.1,
                "interval": [0.05, 0.2], "leaked": 1, "differing": 2,
            }
            for side in ("candidate", "baseline") for value in ("0", "2")
        ],
    }  # fmt: skip


def _summary(qualification: dict[str, Any]) -> dict[str, Any]:
    """What a report tells of a qualification: its subject, false alarms and thresholds."""
    return {name: qualification[name] for name in ("subject", "nulls", "gates")}


def _known(run: Run, policy: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / "qualification-nano.json").read_bytes())
    return _summary(found) | {"subject": found["subject"] | {"policy_digest": policy}}


def test_a_search_of_the_same_adapter_is_shown(failed: Run, tmp_path: Path) -> None:
    folder = _written(tmp_path / "search", "search.json", _search(failed))
    html = render_html(failed, attachments=read_attachments(failed, search=folder))
    assert '<mark title="demonstration entity">Nulbom</mark>?' in html
    assert "The answer names &lt;Nulbom&gt;." in html
    assert html.count('<svg class="curve"') == 1


@pytest.mark.parametrize("key", ["adapter_digest", "base_digest"])
def test_a_search_of_something_else_is_refused(failed: Run, tmp_path: Path, key: str) -> None:
    data = _search(failed)
    data["subject"][key] = "f" * 64
    folder = _written(tmp_path / "search", "search.json", data)
    with pytest.raises(RunError, match=f"another {key.partition('_')[0]} \\(ffffffffffff\\)"):
        read_attachments(failed, search=folder)


def test_a_qualification_of_another_policy_is_refused(failed: Run, tmp_path: Path) -> None:
    folder = _written(tmp_path / "q", "qualification.json", _known(failed, "e" * 64))
    with pytest.raises(RunError, match="another policy"):
        read_attachments(failed, qualification=folder)


def test_a_qualification_of_the_same_policy_is_shown(failed: Run, tmp_path: Path) -> None:
    known = _known(failed, failed.info.policy.digest)
    folder = _written(tmp_path / "q", "qualification.json", known)
    html = render_html(failed, attachments=read_attachments(failed, qualification=folder))
    assert "0 of 20 good candidates were FAILED" in html


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"subject": 1}'])
def test_what_is_no_search_is_refused_by_name(failed: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "search.json").write_text(text)
    with pytest.raises(RunError, match=r"search\.json"):
        read_attachments(failed, search=tmp_path)


def test_a_missing_folder_is_named(failed: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot read .*absent"):
        read_attachments(failed, search=tmp_path / "absent")


def test_what_ships_with_a_policy_is_what_was_published(failed: Run) -> None:
    policy = load_policy("nano")
    told = PolicyInfo(name="nano", digest=policy.digest, resolved=policy.resolved)
    run = replace(failed, info=replace(failed.info, policy=told))
    published = json.loads((RESULTS / "qualification-nano.json").read_bytes())
    assert read_attachments(run).qualification == _summary(published)
    assert read_attachments(failed).qualification is None
    edited = replace(failed.info, policy=replace(told, digest="d" * 64))
    assert read_attachments(replace(failed, info=edited)).qualification is None
