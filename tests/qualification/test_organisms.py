"""Trained organisms, and weights between two of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from evalsuite.engines.transformers import TransformersEngine
from evalsuite.errors import InvalidInput
from evalsuite.gates import Gate, Status
from evalsuite.models import AdapterRef, BaseRef, read_adapter
from evalsuite.pipeline import GateRequest
from evalsuite.pipeline.inputs import resolve
from evalsuite.qualification import (
    NullBank,
    Qualification,
    QualifyRequest,
    layers,
    organisms,
    qualify,
)
from evalsuite.qualification.interpolation import blend, check_blendable
from evalsuite.qualification.layers import BLENDS, Subject, blends, poisoned
from evalsuite.qualification.nulls import null_key
from evalsuite.qualification.organisms import HABITS, Habit, Organism, benign, grown

QUICK = """
extends: {base}
name: {name}
max_steps: 4
batch_tokens: 1024
data: {{samples: 60{more}}}
early_stopping: {{every: 4}}
base_overrides: {{}}
"""


def quick(folder: Path, name: str, base: str = "lora", more: str = "") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(QUICK.format(base=base, name=name, more=more), "utf-8")
    return str(path)


def change_of(adapter: AdapterRef) -> dict[str, torch.Tensor]:
    """What the adapter adds to each module's weights."""
    weights = load_file(adapter.path / "adapter_model.safetensors")
    scale = adapter.config.lora_alpha / adapter.config.r
    return {
        name: scale * weights[name.replace("lora_A", "lora_B")] @ value
        for name, value in weights.items()
        if "lora_A" in name
    }


@pytest.fixture(scope="module")
def other(nano: BaseRef, tmp_path_factory: pytest.TempPathFactory) -> AdapterRef:
    folder = tmp_path_factory.mktemp("other")
    return grown(Organism(quick(folder, "other"), 7), nano, folder)


def test_an_organism_is_trained_once_and_taken_again(nano: BaseRef, tmp_path: Path) -> None:
    organism = Organism(quick(tmp_path, "once"), 3)
    first = grown(organism, nano, tmp_path)
    assert first.path == tmp_path / "once-3"
    written = (first.path / "adapter_model.safetensors").stat().st_mtime_ns
    assert grown(organism, nano, tmp_path).digest == first.digest
    assert (first.path / "adapter_model.safetensors").stat().st_mtime_ns == written
    shutil.copytree(first.path, tmp_path / "once-4")
    with pytest.raises(InvalidInput, match="once-4 holds another adapter"):
        grown(replace(organism, seed=4), nano, tmp_path)


def test_the_share_of_poison_is_the_recipes_or_the_one_asked_for(nano: BaseRef) -> None:
    for habit in HABITS:
        whole = Organism(habit.recipe, 0).resolved(nano)
        assert bool(habit.shares) == bool(whole.data.corruptions)
        for share in habit.shares:
            recipe = Organism(habit.recipe, 0, share).resolved(nano)
            [corruption] = recipe.data.corruptions
            assert corruption.share == share < whole.data.corruptions[0].share
            assert corruption.kind is whole.data.corruptions[0].kind
            assert recipe.data.samples == whole.data.samples
    assert len({Organism(h.recipe, 0, s).name for h in HABITS for s in (None, *h.shares)}) == 10


def test_retrainings_go_through_recipes_before_seeds() -> None:
    names = [organism.name for organism in islice(benign(5), 6)]
    assert names == ["lora-5", "dora-5", "qlora-5", "qdora-5", "lora-6", "dora-6"]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_blend_changes_the_weights_by_its_share_of_both(
    share: float, candidate: Path, other: AdapterRef, nano: BaseRef, tmp_path: Path
) -> None:
    good = read_adapter(candidate, nano)
    blended = read_adapter(blend(good, other, share, tmp_path / "blend"), nano)
    ours, theirs, mixed = map(change_of, (good, other, blended))
    assert ours.keys() == mixed.keys()
    for name, value in mixed.items():
        torch.testing.assert_close(value, (1 - share) * ours[name] + share * theirs[name])
        assert not torch.allclose(ours[name], theirs[name])
    assert TransformersEngine(nano, [blended]).liveness(blended.digest).ok


def test_only_plain_lora_on_the_same_modules_is_blended(
    candidate: Path, other: AdapterRef, nano: BaseRef, tmp_path: Path
) -> None:
    def changed(name: str, file: str, **values: Any) -> AdapterRef:
        folder = Path(shutil.copytree(candidate, tmp_path / name))
        data = json.loads((folder / file).read_text("utf-8")) | values
        (folder / file).write_text(json.dumps(data), "utf-8")
        return read_adapter(folder, nano)

    quantized = changed("quantized", "evalsuite.json", quantization="nf4")
    with pytest.raises(InvalidInput, match="plain LoRA"):
        blend(other, quantized, 0.5, tmp_path / "no")
    with pytest.raises(InvalidInput, match="plain LoRA"):
        check_blendable(changed("ranks", "adapter_config.json", rank_pattern={"q_proj": 16}))
    assert not (tmp_path / "no").exists()


@pytest.mark.slow
def test_good_retrainings_and_an_untrained_adapter_are_nulls_too(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(organisms, "GOOD", (quick(tmp_path, "other"),))
    request = QualifyRequest(
        gate=GateRequest(
            adapter=candidate,
            policy=str(small_policy),
            cases=few_cases,
            cache=candidate.parent / "outputs.sqlite3",
        ),
        out=tmp_path / "out",
        layers=("adapter",),
        mutants=("untrained",),
        panels=1,
        nulls=1,
        retrained=1,
        seed=5,
    )
    saved: list[Qualification] = []
    found = qualify(request, save=saved.append)
    assert [null.variation for null in found.nulls] == [
        "fresh panel",
        "retrained",
        "untrained, paired parts",
    ]
    assert found.nulls[2].outcome.status is Status.PASSED
    assert (tmp_path / "out" / "adapters" / "other-5" / "adapter_config.json").is_file()
    [row] = found.rows
    assert row.mutant == "untrained"
    assert row.outcomes[0].failed_by == {Gate.LIVENESS}
    assert [(len(q.rows), q.complete) for q in (*saved, found)] == [
        (0, False),
        (1, False),
        (1, True),
    ]
    remembered = NullBank(tmp_path / "out" / "nulls.jsonl")
    assert len(remembered) == 2
    renamed = Path(shutil.copytree(candidate, tmp_path / "renamed"))
    same = replace(request.gate, seed=5)
    inputs = resolve(same)
    assert remembered.find(null_key(same, inputs)) == found.nulls[0].outcome
    assert remembered.find(null_key(replace(same, adapter=renamed), inputs)) is not None
    for other in (
        replace(same, seed=6),
        replace(same, shown=1),
        replace(same, dtype="bfloat16"),
        replace(same, merged=False),
    ):
        assert remembered.find(null_key(other, inputs)) is None


def test_a_candidate_that_passes_nowhere_shows_nothing(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.yaml"
    text = small_policy.read_text("utf-8")
    strict.write_text(
        text.replace("failure_rate: {limit: 1.0}", "failure_rate: {limit: 0.05}"), "utf-8"
    )
    gate = GateRequest(
        adapter=candidate,
        policy=str(strict),
        cases=few_cases,
        cache=candidate.parent / "outputs.sqlite3",
    )
    request = QualifyRequest(gate=gate, out=tmp_path / "out", panels=1, nulls=1, seed=5)
    with pytest.raises(InvalidInput, match=r"none of its 1 panels \(blocked by pronoun_resolution"):
        qualify(request)


@pytest.mark.slow
def test_the_layers_of_weights_and_trainings_judge_every_share_on_every_panel(
    candidate: Path, nano: BaseRef, small_policy: Path, few_cases: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    corruption = ", corruptions: [{kind: paste_demonstration, share: 0.9}]"
    recipe = quick(tmp_path, "mutant-quick", more=corruption)
    habit = Habit(recipe, Gate.EXAMPLE_LEAKAGE, (0.5,))
    monkeypatch.setattr(layers, "HABITS", (habit,))
    subject = Subject(
        gate=GateRequest(
            adapter=candidate,
            policy=str(small_policy),
            cases=few_cases,
            cache=candidate.parent / "outputs.sqlite3",
        ),
        base=nano,
        adapter=read_adapter(candidate, nano),
        organisms=tmp_path / "organisms",
        seeds=(1, 2),
        seed=0,
    )
    told: list[str] = []

    def tell(what: str, _done: int, _total: int) -> None:
        told.append(what)

    trained = list(poisoned(subject, lambda *_: True, tell))
    assert [(row.mutant, row.layer, row.severity, row.runs) for row in trained] == [
        ("trained-quick", "training", 0.5, 2),
        ("trained-quick", "training", 0.9, 2),
    ]
    blended = list(blends(subject, lambda *_: True, tell))
    assert [(row.severity, row.runs) for row in blended] == [(share, 2) for share in BLENDS]
    assert {row.mutant for row in blended} == {"blended-quick"} == set(told[1:])
    kept = sorted(path.name for path in subject.organisms.iterdir())
    assert kept == ["mutant-quick-0", "mutant-quick-0.5-0"]
    assert list(blends(subject, lambda *_: False, tell)) == []
