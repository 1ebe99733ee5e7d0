"""What lies beside a candidate is told and weighed as the policy says."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.engines import LivenessReport
from evalsuite.gates import Gate, Status, load_policy
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.measurement import measure
from evalsuite.pipeline.questions import sample
from evalsuite.report import render_markdown
from evalsuite.report.terminal import summary_text
from evalsuite.runs.folder import load_run
from evalsuite.template import Property
from tests.template.test_neighbours import LLAMA

R10 = Property.TRAIN_EQUALS_SERVE


@pytest.fixture
def beside(candidate: Path, tmp_path: Path) -> Path:
    """A copy of the candidate, to lay something beside."""
    folder = tmp_path / "adapter"
    shutil.copytree(candidate, folder)
    return folder


def asked(adapter: Path, policy: Path, cases: Path) -> GateRequest:
    return GateRequest(adapter=adapter, policy=str(policy), cases=cases, seed=3)


def weighed(policy: Path, folder: Path, value: str) -> Path:
    path = folder / f"{value}.yaml"
    text = (
        f"extends: {policy}\nname: weighed\ngates: {{template_round_trip: {{beside: {value}}}}}\n"
    )
    path.write_text(text)
    return path


def r10(request: GateRequest) -> tuple[bool | None, str] | None:
    """The check R10 as the gate sees it; None: it is left out."""
    inputs = resolve(request)
    found = measure(inputs, sample(inputs), LivenessReport(adapter="", checks=()), ())
    checks = [c for c in found.evidence.template_properties if c.name == R10]
    return (checks[0].ok, checks[0].detail) if checks else None


@pytest.mark.parametrize(
    ("value", "ok"), [("compared", None), ("required", False), ("ignored", True)]
)
def test_a_contradiction_weighs_as_the_policy_says(
    value: str, ok: bool | None, beside: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (beside / "chat_template.jinja").write_text(LLAMA)
    policy = weighed(small_policy, tmp_path, value)
    found = r10(asked(beside, policy, few_cases))
    assert found is not None
    assert found[0] is ok
    assert ("chat_template.jinja: is not the template" in found[1]) is (value != "ignored")


def test_nothing_beside_an_adapter_changes_nothing(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    request = asked(candidate, small_policy, few_cases)
    assert r10(request) == r10(
        asked(candidate, weighed(small_policy, tmp_path, "ignored"), few_cases)
    )


@pytest.mark.parametrize("value", ["compared", "required"])
def test_copies_of_the_bases_files_leave_the_yes(
    value: str, beside: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    base = resolve(asked(beside, small_policy, few_cases)).base
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(base.path / name, beside / name)
    found = r10(asked(beside, weighed(small_policy, tmp_path, value), few_cases))
    assert found is not None
    assert found[0] is True
    assert "agree with" in found[1]


def test_of_an_adapter_from_elsewhere_a_contradiction_is_not_left_out(
    beside: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (beside / "evalsuite.json").unlink()
    policy = tmp_path / "optional.yaml"
    optional = "gates: {liveness: {provenance: optional}}"
    policy.write_text(f"extends: {small_policy}\nname: optional\n{optional}\n")
    request = asked(beside, policy, few_cases)
    assert r10(request) is None
    config = beside / "adapter_config.json"
    changed = json.loads(config.read_text("utf-8"))
    changed["auto_mapping"] = {"base_model_class": "LlamaForCausalLM", "parent_library": "x"}
    config.write_text(json.dumps(changed))
    found = r10(request)
    assert found is not None
    assert found[0] is None
    assert "trained was a LlamaForCausalLM" in found[1]


def test_the_default_leaves_every_digest(small_policy: Path, tmp_path: Path) -> None:
    plain = load_policy(str(small_policy))

    def digest(value: str) -> str:
        policy = load_policy(str(weighed(small_policy, tmp_path, value)))
        return policy.model_copy(update={"name": plain.name}).digest

    assert digest("compared") == plain.digest
    assert len({plain.digest, digest("required"), digest("ignored")}) == 3


def test_a_contradiction_is_told_in_terminal_report_and_record(
    beside: Path, candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (beside / "chat_template.jinja").write_text(LLAMA)
    request = replace(
        asked(beside, small_policy, few_cases),
        out=tmp_path / "run",
        cache=candidate.parent / "outputs.sqlite3",
    )
    run = load_run(evaluate(request).folder)
    verdict = next(v for v in run.verdicts if v.gate == Gate.TEMPLATE_ROUND_TRIP)
    assert verdict.status is Status.INCONCLUSIVE
    assert run.info.endings["candidate"].answers > 90
    assert run.info.adapter is not None
    [said] = run.info.adapter.contradicted
    assert said in run.info.adapter.beside
    assert said.startswith("chat_template.jinja: is not the template that is gated with")
    for text in (summary_text(run), render_markdown(run)):
        assert "lies beside the adapter contradicts" in " ".join(text.split())
    assert "is not the template" in verdict.reason
