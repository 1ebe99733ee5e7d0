"""Every kind of adapter that peft writes is merged as peft computes, or refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from adapter_kinds import (
    BEGIN,
    BOUND,
    END,
    FP32,
    GROWN,
    KINDS,
    PAGE,
    Kind,
    Outcome,
    base_of,
    differences,
    logits,
    outcome,
    table,
    write,
)
from architecture_zoo import write_tokenizer
from figures import RESULTS
from safetensors.torch import load_file, save_file

from evalsuite.engines.liveness import LivenessCheck
from evalsuite.engines.transformers_liveness import Examined, examine
from evalsuite.engines.transformers_loading import load_candidate
from evalsuite.errors import AdapterUnfit, BaseMismatch, ModelError, UnsafeAdapter
from evalsuite.models import AdapterRef, BaseRef, read_adapter
from evalsuite.template import load_template

GATED = [(kind, base) for kind in KINDS if kind.gated for base in kind.bases]
REFUSED = [(kind, base) for kind in KINDS if not kind.gated for base in kind.bases]
Change = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


def named(pair: tuple[Kind, str]) -> str:
    return f"{pair[0].name}-{pair[1]}"


def kind_called(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


def examined(base: BaseRef, adapter: AdapterRef, tmp_path: Path) -> Examined:
    """Liveness, with probes of a tokenizer that has few ids."""
    write_tokenizer(tmp_path)
    probes = load_template(tmp_path)
    return examine(base, adapter, FP32, probes)


@pytest.mark.parametrize("pair", GATED, ids=named)
def test_a_kind_of_peft_is_merged_as_peft_computes(
    pair: tuple[Kind, str], folder: Path, tmp_path: Path
) -> None:
    kind, name = pair
    base = base_of(name, folder)
    adapter = read_adapter(write(kind, base, tmp_path), base)
    merged, unmerged = differences(kind, base, adapter)
    assert merged <= BOUND
    assert unmerged <= BOUND
    probes = ((1, 2, 3, 4), (9, 3, 41))
    _, evidence = load_candidate(base, adapter, FP32, probes)
    assert evidence is not None
    assert evidence.detached_exactly
    assert evidence.change > 1e-2
    assert evidence.merge_error <= BOUND
    biased = "bias" in kind.settings and name == "tied"  # only this base has any
    assert bool(evidence.replaced) is (biased or kind.grown)


@pytest.mark.parametrize("pair", REFUSED, ids=named)
def test_a_kind_that_is_refused_gets_one_sentence_with_its_remedy(
    pair: tuple[Kind, str], folder: Path, tmp_path: Path
) -> None:
    kind, name = pair
    base = base_of(name, folder)
    with pytest.raises((UnsafeAdapter, AdapterUnfit)) as caught:
        load_candidate(base, read_adapter(write(kind, base, tmp_path), base), FP32)
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert "merge it" in said or "give the" in said or "instead" in said or "each of them" in said
    assert "Input should" not in said


def test_the_benchmark_tells_of_both(folder: Path) -> None:
    gated = outcome(kind_called("LoRA"), "tied", folder)
    assert (gated.sentence, gated.merged is not None) == (None, True)
    refused = outcome(kind_called("init pissa"), "tied", folder)
    assert "ADAPTER/adapter_config.json" in str(refused.sentence)
    assert refused.merged is None


def test_the_page_says_what_was_measured() -> None:
    found = json.loads((RESULTS / "adapter_kinds.json").read_text("utf-8"))["kinds"]
    assert {row["kind"] for row in found} == {kind.name for kind in KINDS}
    rows = table([Outcome(**row) for row in found])
    assert BEGIN + rows + END in PAGE.read_text("utf-8"), "run: python benchmarks/adapter_kinds.py"


# --- tensors without their places -------------------------------------------------------------


def renamed(old: str, new: str) -> Change:
    return lambda weights: {name.replace(old, new): tensor for name, tensor in weights.items()}


def without(part: str) -> Change:
    return lambda weights: {name: t for name, t in weights.items() if part not in name}


def with_more(name: str, *shape: int) -> Change:
    return lambda weights: {**weights, f"base_model.model.{name}": torch.ones(shape)}


MISPLACED: dict[str, tuple[Change, str]] = {
    "no prefix": (renamed("base_model.model.", ""), "must begin with 'base_model.model.', as peft"),
    "another class": (
        renamed("model.layers", "model.language_model.layers"),
        "stand under 'base_model.model.model.language_model.layers.' where the base has",
    ),
    "wrapped twice": (renamed("base_model.model.", "base_model.model.base_model.model."), "where"),
    "an adapter's name": (
        renamed("lora_A.weight", "lora_A.mine.weight"),
        "hold what the adapter was called in training, 'mine'",
    ),
    "two adapters' names": (
        lambda weights: renamed("lora_A.weight", "lora_A.one.weight")(
            renamed("lora_B.weight", "lora_B.two.weight")(weights)
        ),
        "give the base it was trained on",
    ),
    "other layers": (renamed("layers.1.", "layers.9."), "give the base it was trained on"),
    "other modules": (renamed("q_proj", "o_proj"), "o_proj"),
    "half of a pair": (without("layers.0.self_attn.q_proj.lora_B"), "was cut or saved in part"),
    "magnitudes that use_dora denies": (
        with_more("model.layers.0.self_attn.q_proj.lora_magnitude_vector", 32),
        "its adapter_config.json does not announce them",
    ),
    "a norm that was not to be saved": (
        with_more("model.norm.weight", 32),
        "does not announce them",
    ),
    "a bias that bias=none denies": (
        with_more("model.layers.0.self_attn.q_proj.base_layer.bias", 32),
        "does not announce them",
    ),
}


@pytest.mark.parametrize("case", MISPLACED.values(), ids=list(MISPLACED))
def test_tensors_without_their_places_are_not_alive(
    case: tuple[Change, str], folder: Path, tmp_path: Path
) -> None:
    change, message = case
    base = base_of("tied", folder)
    path = write(kind_called("LoRA"), base, tmp_path / "adapter")
    file = path / "adapter_model.safetensors"
    save_file(change(load_file(file)), file)
    report = examined(base, read_adapter(path, base), tmp_path).report
    [failure] = report.failures
    assert failure.name is LivenessCheck.LOAD_RESULT_CLEAN
    assert message in failure.detail
    assert "'base_model.model" in failure.detail or "model.layers" in failure.detail


CONFIGURED: dict[str, tuple[dict[str, object], str]] = {
    "a pattern of other modules": ({"target_modules": r".*\.(k|v)_proj"}, "without a place"),
    "a pattern of more modules": ({"target_modules": r".*_proj"}, "weights missing"),
    "a pattern of nothing": ({"target_modules": r".*\.query"}, "matches no module of the base"),
    "a pattern that hangs": ({"target_modules": r"((\w|\.|[a-z])+)+[A-Z]+"}, "takes longer than"),
    "a pattern that is none": ({"target_modules": "(q_proj"}, "is no regular expression"),
    "an exclusion that hangs": ({"exclude_modules": r"((\w|\.|[a-z])+)+[A-Z]+"}, "takes longer"),
    "no modules": ({"target_modules": []}, "target_modules=[] names nothing to adapt; restore"),
    "unknown modules": (
        {"target_modules": ["query", "value"]},
        "target_modules=['query', 'value'] matches no module of the base, whose modules are",
    ),
    "layers beyond the last": (
        {"layers_to_transform": [8, 9]},
        "layers_to_transform=[8, 9] lie beyond the base's layers 0 to 1",
    ),
    "other layers": ({"layers_to_transform": [0]}, "does not announce them"),
    "an embedding to be saved": ({"modules_to_save": ["embed_tokens"]}, "saved in part"),
    "rows to be trained": ({"trainable_token_indices": [1]}, "saved in part"),
    "rows that the base lacks": ({"trainable_token_indices": [300]}, "beyond the 300 rows"),
    "magnitudes": ({"use_dora": True}, "saved in part"),
    "biases": ({"bias": "all"}, "saved in part"),
}


@pytest.mark.parametrize("case", CONFIGURED.values(), ids=list(CONFIGURED))
def test_a_configuration_of_other_places_is_not_alive(
    case: tuple[dict[str, object], str], folder: Path, tmp_path: Path
) -> None:
    changes, message = case
    base = base_of("tied", folder)
    path = write(kind_called("LoRA"), base, tmp_path / "adapter")
    file = path / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}))
    report = examined(base, read_adapter(path, base), tmp_path).report
    [failure] = report.failures
    assert failure.name is LivenessCheck.LOAD_RESULT_CLEAN
    assert message in failure.detail


@pytest.mark.parametrize("kind", ["LoRA", "DoRA", "LoRA on the embedding", "bias lora_only"])
def test_a_state_dict_with_the_adapters_name_is_told_as_such(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    base = base_of("tied", folder)
    path = write(kind_called(kind), base, tmp_path / "adapter")
    file = path / "adapter_model.safetensors"

    def in_a_model(name: str) -> str:
        stem, _, last = name.rpartition(".")
        if ".lora_" not in name:
            return name
        if last.startswith("lora_embedding"):
            return f"{name}.default"
        return f"{stem}.default.weight" if last == "weight" else f"{name}.default.weight"

    save_file({in_a_model(name): tensor for name, tensor in load_file(file).items()}, file)
    report = examined(base, read_adapter(path, base), tmp_path).report
    [failure] = report.failures
    assert "'default', which peft leaves out when it saves" in failure.detail


# --- folders of bad input ---------------------------------------------------------------------

SAMPLED = [
    kind_called(name)
    for name in (
        "LoRA",
        "DoRA on the embedding",
        "modules_to_save: both ends",
        "trainable_token_indices",
        "bias all",
        "target_parameters",
        "resized vocabulary",
        "LoRA on both ends",
    )
]


@pytest.mark.parametrize("kind", SAMPLED, ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("cut", [True, False], ids=["truncated", "missing"])
def test_a_folder_with_a_damaged_file_is_refused_by_that_file(
    kind: Kind, name: str, cut: bool, folder: Path, tmp_path: Path
) -> None:
    base = base_of("tied", folder)
    path = write(kind, base, tmp_path / "adapter")
    data = (path / name).read_bytes()
    (path / name).unlink()
    if cut:
        (path / name).write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ModelError) as caught:
        read_adapter(path, base)
    assert name in str(caught.value)
    assert any(fix in str(caught.value) for fix in ("again", "name the folder", "is not JSON"))


@pytest.mark.parametrize("kind", SAMPLED, ids=lambda kind: kind.name)
def test_an_adapter_of_a_model_of_another_size_is_refused(
    kind: Kind, folder: Path, tmp_path: Path
) -> None:
    path = write(kind, base_of("tied", folder), tmp_path / "adapter")
    wide = base_of("wide", folder)
    with pytest.raises(BaseMismatch, match=r"does not fit base .* has shape \[.*give the base it"):
        read_adapter(path, wide)


@pytest.mark.parametrize("kind", SAMPLED, ids=lambda kind: kind.name)
def test_an_adapter_of_another_architecture_is_not_alive(
    kind: Kind, folder: Path, tmp_path: Path
) -> None:
    path = write(kind, base_of("tied", folder), tmp_path / "adapter")
    other = base_of("conv1d", folder)
    report = examined(other, read_adapter(path, other), tmp_path).report
    assert [one.name for one in report.failures] == [LivenessCheck.LOAD_RESULT_CLEAN]


def test_rows_of_a_resized_vocabulary_without_the_matrices_fit_no_base(
    folder: Path, tmp_path: Path
) -> None:
    base = base_of("tied", folder)
    kind = kind_called("resized vocabulary, LoRA on both ends")
    path = write(kind, base, tmp_path / "adapter")
    file = path / "adapter_model.safetensors"
    save_file({n: t for n, t in load_file(file).items() if "base_layer" not in n}, file)
    with pytest.raises(BaseMismatch, match=rf"{GROWN}.*after resize_token_embeddings: that model"):
        read_adapter(path, base)


def test_a_merged_model_is_saved_with_both_of_its_ends(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    base = base_of("tied", folder)
    path = write(kind_called("LoRA on the head"), base, tmp_path / "adapter")
    merged, _ = load_candidate(base, read_adapter(path, base), FP32)
    merged.save_pretrained(tmp_path / "saved")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "saved", dtype=torch.float32)
    assert torch.equal(logits(again), logits(merged))
