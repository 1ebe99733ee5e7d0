"""A whole model through the gates, and into the registry."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsuite.errors import BaseMismatch, InvalidInput, ModelError, RegistryError
from evalsuite.files.storage import FileLock
from evalsuite.gates import Gate, Status
from evalsuite.models import BaseRef, ModelRef, model_files, read_adapter
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.asking import ask_again
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.recomputation import recompute
from evalsuite.registry import Check, promote, rollback, verify
from evalsuite.report import render_html, render_markdown, summary_text
from evalsuite.runs.folder import Run
from evalsuite.training.export import export_merged
from tests.pipeline.released import RULE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def merged(good: Path, nano: BaseRef) -> Path:
    """The good adapter of nano, merged in float32: once for all workers."""
    folder = good.parent / "good-merged"
    with FileLock(folder.with_suffix(".lock")) as lock:
        lock.acquire(timeout=600)
        if not folder.exists():
            export_merged(nano, read_adapter(good, nano), folder, dtype="fp32")
    return folder


@pytest.fixture
def asked(merged: Path, small_policy: Path, few_cases: Path, tmp_path: Path) -> GateRequest:
    return GateRequest(
        adapter=Path(shutil.copytree(merged, tmp_path / "models" / "mine")),
        whole_model=True,
        policy=str(small_policy),
        cases=few_cases,
        out=tmp_path / "run",
        cache=merged.parent / "outputs.sqlite3",
        registry=tmp_path / "registry",
        seed=11,
    )


def verdict(run: Run, gate: Gate) -> tuple[Status, str]:
    found = next(v for v in run.verdicts if v.gate == gate)
    return found.status, found.reason


def test_a_merged_model_gets_the_verdicts_of_its_adapter(
    asked: GateRequest, good: Path, tmp_path: Path
) -> None:
    whole = evaluate(asked)
    beside = evaluate(replace(asked, adapter=good, whole_model=False, out=tmp_path / "beside"))
    assert whole.status is beside.status is Status.PASSED
    texts = [
        [(row.panel, row.case_id, row.side, row.text) for row in run.outputs]
        for run in (whole, beside)
    ]
    assert texts[0] == texts[1]
    # The record of a model holds every file of it.
    plain = [json.loads((run.folder / "run.json").read_bytes()) for run in (whole, beside)]
    assert "model" not in plain[1]
    assert set(plain[0]["model"]["files"]) == set(model_files(asked.adapter))
    assert set(plain[0]) - {"model"} == set(plain[1])


def test_the_verdict_of_a_whole_model_is_computed_again(asked: GateRequest) -> None:
    run = evaluate(asked)
    found = recompute(run)
    assert found.differences == ()
    assert not ask_again(run, found, 8).refuted


def test_reports_call_it_a_model(asked: GateRequest) -> None:
    run = evaluate(asked)
    told = summary_text(run)
    assert "This model may be promoted. The model passed all 5 blocking gates." in told
    assert f"model {asked.adapter.resolve()}" in render_markdown(run).replace("\\", "")
    assert "This model may be promoted." in render_html(run)


def test_a_promoted_model_is_verified_file_by_file_and_is_a_champion(
    asked: GateRequest, good: Path, tmp_path: Path
) -> None:
    record = promote(evaluate(asked).folder, asked.registry or tmp_path, now=NOW)
    assert {one.name for one in record.statement.subject} == set(model_files(asked.adapter))
    assert verify(record.path).ok
    beside = replace(asked, adapter=good, whole_model=False)
    policy = tmp_path / "compares.yaml"
    policy.write_text(Path(str(asked.policy)).read_text() + RULE)
    champion = resolve(replace(beside, policy=str(policy))).compared.adapter
    assert isinstance(champion, ModelRef)
    assert champion.path == asked.adapter.resolve()
    (asked.adapter / "generation_config.json").write_text("{}")
    (asked.adapter / "new.json").write_text("{}")
    problems = {one.subject: one.check for one in verify(record.path).problems}
    assert problems == {
        "adapter file generation_config.json": Check.CHANGED,
        "adapter file new.json": Check.CHANGED,
    }


def test_a_changed_model_is_neither_promoted_nor_rolled_back_to(
    asked: GateRequest, good: Path, tmp_path: Path
) -> None:
    registry = tmp_path / "registry"
    run = evaluate(asked)
    promote(run.folder, registry, now=NOW)
    second = evaluate(replace(asked, adapter=good, whole_model=False, out=tmp_path / "second"))
    promote(second.folder, registry, now=NOW)
    (asked.adapter / "tokenizer_config.json").unlink()
    with pytest.raises(RegistryError, match="is not the one that"):
        promote(run.folder, registry, now=NOW)
    with pytest.raises(RegistryError, match="is not the one that"):
        rollback(registry, "1", now=NOW)


def test_a_folder_that_speaks_otherwise_is_inconclusive(asked: GateRequest) -> None:
    (asked.adapter / "chat_template.jinja").unlink()
    run = evaluate(asked)
    status, reason = verdict(run, Gate.TEMPLATE_ROUND_TRIP)
    assert run.status is status is Status.INCONCLUSIVE
    assert "R10" in reason
    assert "copy the base's chat_template.jinja" in reason


def test_a_copy_of_the_base_is_asked_nothing(asked: GateRequest, nano: BaseRef) -> None:
    shutil.rmtree(asked.adapter)
    shutil.copytree(nano.path, asked.adapter)
    run = evaluate(asked)
    assert verdict(run, Gate.LIVENESS)[0] is Status.FAILED
    assert run.outputs == ()


def test_what_cannot_be_gated_is_refused_before_a_run_folder_is_written(
    asked: GateRequest, good: Path
) -> None:
    with pytest.raises(InvalidInput, match="nothing could be left unmerged"):
        evaluate(replace(asked, merged=False))
    with pytest.raises(ModelError, match="is an adapter, no whole model; give it with --adapter"):
        evaluate(replace(asked, adapter=good, merged=False))
    config = asked.adapter / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "llama"}))
    with pytest.raises(BaseMismatch, match="was not made from base 'nano'"):
        evaluate(asked)
    assert not (asked.out / "run.json").exists()
