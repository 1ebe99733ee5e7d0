"""What is loaded is what was asked for: clean, finite, faithful, and different from the base."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.engines.liveness import ChecksLiveness, LivenessReport
from evalsuite.engines.numerics import Device, Dtype, Numerics
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.engines.transformers_loading import attach, load_base, load_candidate, round_trip_nf4
from evalsuite.errors import EngineError, ModelError
from evalsuite.generation import Request
from evalsuite.models import AdapterRef, BaseRef, open_adapter, read_adapter, resolve_base

FP32 = Numerics(Device.CPU, Dtype.FLOAT32)
PROBES = ((1, 2, 3), (100, 90, 80, 70))
MakeAdapter = Callable[..., AdapterRef]


def checks(base: BaseRef, adapter: AdapterRef) -> dict[str, bool | None]:
    engine = TransformersEngine(base, [adapter], numerics=resolve_numerics("float32", "cpu"))
    return {check.name: check.ok for check in engine.liveness(adapter.digest).checks}


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        return torch.stack([model(input_ids=torch.tensor([p])).logits[0, -1] for p in PROBES])


@pytest.mark.parametrize(
    "lora", [{}, {"use_dora": True}, {"use_rslora": True}, {"quantization": "nf4"},
             {"use_dora": True, "quantization": "nf4"}],
    ids=["lora", "dora", "rslora", "qlora", "qdora"],
)  # fmt: skip
def test_a_trained_adapter_is_alive(
    base: BaseRef, make_adapter: MakeAdapter, lora: dict[str, Any]
) -> None:
    adapter = make_adapter(**lora)
    engine = TransformersEngine(base, [adapter], numerics=resolve_numerics(device="cpu"))
    assert isinstance(engine, ChecksLiveness)
    report = engine.liveness(adapter.digest)
    assert report.ok, report.checks
    assert len(report.checks) == 6
    assert LivenessReport.from_json(json.loads(json.dumps(report.to_json()))) == report
    # The examined copy is the one that answers.
    assert set(engine._models) == {adapter.digest}
    assert engine.infer([Request(prompt=(1, 2), adapter=adapter.digest)])[0].logprobs


@pytest.mark.parametrize(
    "lora", [{"use_dora": True}, {"quantization": "nf4"}], ids=["dora", "qlora"]
)
def test_an_adapter_that_changes_nothing_is_not_alive(
    base: BaseRef, make_adapter: MakeAdapter, lora: dict[str, Any]
) -> None:
    found = checks(base, make_adapter(scale=0.0, **lora))
    assert found.pop("logits_differ") is False
    assert set(found.values()) == {True}


def test_an_adapter_with_weights_for_places_that_the_base_lacks_is_not_alive(
    base: BaseRef, dora: AdapterRef, copied: Callable[[Path], Path]
) -> None:
    folder = copied(dora.path)
    file = folder / "adapter_model.safetensors"
    weights = {n.replace("layers.1.", "layers.7."): w for n, w in load_file(file).items()}
    save_file(weights, file)
    adapter = read_adapter(folder, base)
    engine = TransformersEngine(base, [adapter], numerics=resolve_numerics("float32", "cpu"))
    report = engine.liveness(adapter.digest)
    assert [c.name for c in report.failures] == ["load_result_clean"]
    assert "12 weights missing" in report.failures[0].detail
    assert "layers.7" in report.failures[0].detail
    assert [check.ok for check in report.checks].count(None) == 4
    with pytest.raises(ModelError, match="does not load cleanly"):
        engine.infer([Request(prompt=(1,), adapter=adapter.digest)])


def test_an_adapter_without_provenance_leaves_its_base_unanswered(
    base: BaseRef, dora: AdapterRef, copied: Callable[[Path], Path]
) -> None:
    folder = copied(dora.path)
    (folder / "evalsuite.json").unlink()
    found = checks(base, read_adapter(folder, base))
    assert found.pop("base_as_recorded") is None
    assert set(found.values()) == {True}


def test_an_adapter_of_another_base_is_not_alive(
    base: BaseRef, dora: AdapterRef, copied: Callable[[Path], Path]
) -> None:
    folder = copied(base.path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "rope_theta": 1.0}))
    other = resolve_base(folder)
    found = checks(other, dora)
    assert found["base_as_recorded"] is False
    assert found["load_result_clean"] is False


def test_a_lack_of_memory_says_nothing_about_the_adapter_and_is_not_remembered(
    base: BaseRef, dora: AdapterRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> object:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")

    engine = open_engine(base, [dora], cache=tmp_path / "cache.sqlite3")
    with monkeypatch.context() as machine:
        machine.setattr(AutoModelForCausalLM, "from_pretrained", full)
        with pytest.raises(EngineError, match="does not fit into memory"):
            engine.liveness(dora.digest)
    assert engine.liveness(dora.digest).ok


def test_an_unknown_adapter_cannot_be_examined(base: BaseRef) -> None:
    with pytest.raises(EngineError, match="adapter='ab' is not loaded"):
        TransformersEngine(base).liveness("ab")


def test_merged_and_unmerged_agree_and_the_evidence_says_so(
    base: BaseRef, dora: AdapterRef
) -> None:
    merged, evidence = load_candidate(base, dora, FP32, PROBES)
    unmerged = attach(load_base(base, FP32), open_adapter(dora.path)).peft
    torch.testing.assert_close(logits(merged), logits(unmerged), rtol=1e-4, atol=1e-4)
    plain = logits(load_base(base, FP32))
    change = (logits(unmerged) - plain).abs().max() / plain.std()
    assert evidence is not None
    assert evidence.detached_exactly
    assert evidence.change == pytest.approx(float(change), rel=1e-4)
    assert evidence.merge_error < 1e-4


def test_unmerged_the_adapter_stays_beside_its_base(base: BaseRef, dora: AdapterRef) -> None:
    beside, evidence = load_candidate(base, dora, replace(FP32, merged=False), PROBES)
    merged, _ = load_candidate(base, dora, FP32)
    assert evidence is None
    assert any("lora_A" in name for name, _ in beside.named_parameters())
    torch.testing.assert_close(logits(beside), logits(merged), rtol=1e-4, atol=1e-4)
    engine = TransformersEngine(base, [dora], numerics=resolve_numerics("float32", merged=False))
    assert engine.liveness(dora.digest).ok
    assert (
        engine.identity
        != TransformersEngine(base, [dora], numerics=resolve_numerics("float32")).identity
    )


def test_merging_casts_last(base: BaseRef, dora: AdapterRef) -> None:
    exact, _ = load_candidate(base, dora, FP32)
    low, _ = load_candidate(base, dora, Numerics(Device.CPU, Dtype.BFLOAT16))
    wanted = dict(exact.named_parameters())
    for name, weight in low.named_parameters():
        assert torch.equal(weight, wanted[name].to(torch.bfloat16)), name
    beside = load_base(base, Numerics(Device.CPU, Dtype.BFLOAT16))
    own = dict(low.named_buffers())
    assert own.keys() == dict(beside.named_buffers()).keys()
    for name, buffer in beside.named_buffers():
        assert own[name].dtype is buffer.dtype
        assert torch.equal(own[name], buffer), name


def state(quantised: Any) -> Any:
    return quantised.weight.quant_state


def test_the_round_trip_gives_what_a_quantised_base_computes_with(base: BaseRef) -> None:
    from bitsandbytes import functional
    from bitsandbytes.nn.modules import Linear4bit

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )
    trained = AutoModelForCausalLM.from_pretrained(
        base.path, dtype=torch.float32, quantization_config=config
    )
    ours = load_base(base, FP32)
    before = {name: weight.clone() for name, weight in ours.named_parameters()}
    round_trip_nf4(ours)
    modules: Any = trained.named_modules()
    quantised = {n: m for n, m in modules if isinstance(m, Linear4bit)}
    assert len(quantised) == 14
    for name, weight in ours.named_parameters():
        module = quantised.get(name.removesuffix(".weight"))
        if module is None:
            assert torch.equal(weight, before[name]), name
        else:
            used = functional.dequantize_4bit(module.weight.data, state(module))
            assert torch.equal(weight, used.to(weight.dtype)), name
            assert not torch.equal(weight, before[name])


def test_an_adapter_trained_on_four_bits_is_merged_into_four_bits(
    base: BaseRef, make_adapter: MakeAdapter
) -> None:
    plain, quantised = make_adapter(), make_adapter(quantization="nf4")
    assert plain.digest != quantised.digest
    expected = load_base(base, FP32)
    round_trip_nf4(expected)
    merged, _ = load_candidate(base, quantised, FP32)
    torch.testing.assert_close(
        logits(merged), logits(attach(expected, open_adapter(quantised.path)).peft)
    )
    other, _ = load_candidate(base, plain, FP32)
    assert not torch.allclose(logits(merged), logits(other), atol=1e-3)


def test_files_that_changed_since_they_were_checked_are_not_loaded(
    base: BaseRef, dora: AdapterRef, copied: Callable[[Path], Path]
) -> None:
    adapter = read_adapter(copied(dora.path), base)
    file = adapter.path / "adapter_model.safetensors"
    save_file({n: w + 1 for n, w in load_file(file).items()}, file)
    with pytest.raises(ModelError, match="changed since it was read"):
        load_candidate(base, adapter, FP32)


def test_a_base_that_lacks_a_weight_is_refused(
    base: BaseRef, copied: Callable[[Path], Path]
) -> None:
    folder = copied(base.path)
    file = folder / "model.safetensors"
    weights = load_file(file)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks weights, such as model\.layers\.1\.mlp"):
        load_base(resolve_base(folder), FP32)


def test_a_device_that_torch_cannot_use_is_refused(
    base: BaseRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match=r"sees no CUDA device.*take the device cpu"):
        load_base(base, Numerics(Device.CUDA, Dtype.FLOAT32))


def test_a_device_beyond_those_that_there_are_is_refused(
    base: BaseRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(EngineError, match=r"device='cuda:1': this torch sees 1 CUDA devices"):
        load_base(base, resolve_numerics("float32", "cuda:1"))


def test_a_base_that_is_no_model_is_refused(base: BaseRef, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "no-such-architecture"}')
    with pytest.raises(ModelError, match="does not load"):
        load_base(replace(base, path=tmp_path), FP32)
