"""Device, number format and identity, found without loading torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.engines.numerics import (
    Device,
    Dtype,
    Numerics,
    _torch_has_cuda,
    resolve_numerics,
    transformers_identity,
)
from evalsuite.errors import EngineError
from evalsuite.models import BaseRef


def test_the_choice_of_device_agrees_with_torch() -> None:
    import torch

    assert (resolve_numerics().device is Device.CUDA) == torch.cuda.is_available()


@pytest.mark.parametrize(
    ("constants", "found"),
    [
        (None, False),
        ("cuda: Optional[str] = None\n", False),
        ("__version__ = '2.13.0+cu128'\n", False),
        ("cuda: Optional[str] = '12.8'\n", True),
    ],
)
def test_whether_torch_was_built_for_cuda_is_read_from_its_constants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constants: str | None, found: bool
) -> None:
    installed = tmp_path / "torch"
    installed.mkdir()
    (installed / "__init__.py").write_text("raise ImportError('must not be imported')\n", "utf-8")
    if constants is not None:
        (installed / "version.py").write_text(constants, "utf-8")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert _torch_has_cuda() is found


def test_what_is_asked_for_is_what_is_used() -> None:
    assert resolve_numerics("float32", "cpu") == Numerics(Device.CPU, Dtype.FLOAT32)
    assert resolve_numerics("bfloat16", "cuda") == Numerics(Device.CUDA, Dtype.BFLOAT16)
    assert resolve_numerics("auto", "cuda").dtype is Dtype.BFLOAT16


@pytest.mark.parametrize(
    ("dtype", "device", "message"),
    [
        ("fp8", "auto", "dtype='fp8' is unknown; use auto, float32 or bfloat16"),
        ("auto", "tpu", "device='tpu' is unknown; use auto, cpu, cuda or one"),
        ("auto", "cuda:", "device='cuda:' is unknown"),
        ("auto", "cuda:-1", "device='cuda:-1' is unknown"),
        ("auto", "cpu:1", "device='cpu:1' is unknown"),
        ("auto", "cuda:1x", "device='cuda:1x' is unknown"),
    ],
)
def test_unknown_choices_are_refused(dtype: str, device: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        resolve_numerics(dtype, device)


def test_everything_that_can_change_an_answer_changes_the_identity(base: BaseRef) -> None:
    fp32 = Numerics(Device.CPU, Dtype.FLOAT32)
    identities = {
        transformers_identity(base, "fingerprint", fp32),
        transformers_identity(base, "another", fp32),
        transformers_identity(base, "fingerprint", Numerics(Device.CPU, Dtype.BFLOAT16)),
        transformers_identity(base, "fingerprint", Numerics(Device.CPU, Dtype.BFLOAT16, True, 99)),
        transformers_identity(base, "fingerprint", Numerics(Device.CUDA, Dtype.FLOAT32)),
        transformers_identity(replace(base, digest="0" * 64), "fingerprint", fp32),
        transformers_identity(replace(base, tokenizer_digest="0" * 64), "fingerprint", fp32),
    }
    assert len(identities) == 7
    batched = replace(fp32, batch_tokens=99)
    assert transformers_identity(base, "fingerprint", batched) in identities


@pytest.mark.parametrize("package", ["torch", "transformers", "peft", "bitsandbytes", "tokenizers"])
def test_another_version_of_a_library_is_another_identity(
    base: BaseRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    # Kernels, model code, adapters, quantisation and token ids: each can change an answer.
    numerics = Numerics(Device.CPU, Dtype.FLOAT32)
    before = transformers_identity(base, "f", numerics)
    installed = tmp_path / f"{package}-0.0.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Name: {package}\nVersion: 0.0.1\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert transformers_identity(base, "f", numerics) != before


def test_another_graphics_processor_is_another_identity_where_one_is_used(
    base: BaseRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def identities(name: str) -> tuple[str, ...]:
        monkeypatch.setattr("evalsuite.engines.numerics._cuda_name", lambda _: name)
        on_cuda, on_cpu = (Numerics(device, Dtype.BFLOAT16) for device in (Device.CUDA, Device.CPU))
        return tuple(transformers_identity(base, "f", n) for n in (on_cuda, on_cpu))

    (cuda, cpu), (other_cuda, other_cpu) = identities("NVIDIA H200"), identities("NVIDIA A10")
    assert cuda != other_cuda
    assert cpu == other_cpu


def test_another_way_to_compute_is_another_identity(
    base: BaseRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    numerics = Numerics(Device.CPU, Dtype.FLOAT32)
    before = transformers_identity(base, "f", numerics)
    monkeypatch.setattr("evalsuite.engines.numerics.PATH_VERSION", "another")
    assert transformers_identity(base, "f", numerics) != before
    unmerged = replace(numerics, merged=False)
    assert transformers_identity(base, "f", unmerged) != before


def test_where_the_base_lies_does_not_change_the_identity(base: BaseRef, tmp_path: Path) -> None:
    moved = replace(base, name="elsewhere", path=shutil.copytree(base.path, tmp_path / "moved"))
    numerics = resolve_numerics()
    assert transformers_identity(moved, "f", numerics) == transformers_identity(base, "f", numerics)


def test_what_generation_stops_on_is_part_of_the_identity(base: BaseRef, tmp_path: Path) -> None:
    other = replace(base, path=shutil.copytree(base.path, tmp_path / "other"))
    (other.path / "generation_config.json").write_text('{"eos_token_id": [1, 2, 3]}', "utf-8")
    numerics = resolve_numerics()
    assert transformers_identity(other, "f", numerics) != transformers_identity(base, "f", numerics)


def test_opening_a_cached_engine_loads_no_tensor_library(base: BaseRef, tmp_path: object) -> None:
    code = f"""
import sys
from evalsuite.engines import open_engine
from evalsuite.models import resolve_base
engine = open_engine(resolve_base({str(base.path)!r}), cache={f"{tmp_path}/c.sqlite"!r})
assert len(engine.identity) == 64
print([m for m in ("torch", "transformers", "peft") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_one_of_several_devices_changes_no_digest() -> None:
    second, first = (resolve_numerics("bfloat16", place) for place in ("cuda:1", "cuda"))
    assert (second.place, first.place) == ("cuda:1", "cuda")
    assert second.device is first.device is Device.CUDA
    assert second.decisive == first.decisive
