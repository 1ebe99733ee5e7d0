"""Quantised bases in the engine: what is asked are the numbers that the bits stand for."""

from __future__ import annotations

import json
import shutil
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evalsuite.engines.numerics import resolve_numerics, transformers_identity
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.engines.transformers_loading import load_base, round_trip_nf4
from evalsuite.generation import Request, Sampling
from evalsuite.models import TOKENIZER_FILES, AdapterRef, BaseRef, read_adapter, resolve_base
from evalsuite.models.quantised import quantisation_of
from tests.engines.conftest import MakeAdapter

FLOAT32 = resolve_numerics("float32", "cpu")
BLOCK = 16


def beside(base: BaseRef, folder: Path) -> Path:
    for name in (*TOKENIZER_FILES, "generation_config.json"):
        if (base.path / name).is_file():
            shutil.copy(base.path / name, folder / name)
    return folder


@pytest.fixture(scope="module", params=[4, 8])
def packed(
    base: BaseRef, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> BaseRef:
    """The tiny base as bitsandbytes saves it."""
    if find_spec("bitsandbytes") is None:
        pytest.skip("bitsandbytes is not installed")
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four = request.param == 4
    how = BitsAndBytesConfig(
        load_in_4bit=four, load_in_8bit=not four, bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=four, bnb_4bit_compute_dtype=torch.float32,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("packed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForCausalLM.from_pretrained(
            base.path, dtype=torch.float32, quantization_config=how
        )
        model.save_pretrained(folder)
    return resolve_base(beside(base, folder))


@pytest.fixture(scope="module")
def eight(base: BaseRef, tmp_path_factory: pytest.TempPathFactory) -> BaseRef:
    """The tiny base in fp8 with one scale a block, as its makers publish such models."""
    folder = Path(shutil.copytree(base.path, tmp_path_factory.mktemp("fp8") / "model"))
    weights, stored = load_file(folder / "model.safetensors"), {}
    for name, weight in weights.items():
        if "proj" not in name or weight.ndim != 2:
            stored[name] = weight
            continue
        rows, columns = weight.shape
        blocks = weight.float().reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
        scale = blocks.abs().amax((1, 3)) / 448
        stored[name] = (
            (blocks / scale[:, None, :, None]).reshape(rows, columns).to(torch.float8_e4m3fn)
        )
        stored[f"{name}_scale_inv"] = scale
    save_file(stored, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
        "weight_block_size": [BLOCK, BLOCK],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return resolve_base(folder)


def shift(base: BaseRef, other: BaseRef) -> float:
    """How far the weights of two bases are apart, in shares of the first's."""
    ours = dict(load_base(base, FLOAT32).named_parameters())
    theirs = dict(load_base(other, FLOAT32).named_parameters())
    assert set(ours) == set(theirs)
    assert {weight.dtype for weight in theirs.values()} == {torch.float32}
    return max(
        float((ours[name] - theirs[name]).norm() / ours[name].norm())
        for name in ours
        if "proj" in name
    )


def test_four_and_eight_bits_are_read_back_as_what_they_stand_for(
    base: BaseRef, packed: BaseRef
) -> None:
    stored = quantisation_of(packed.path)
    assert stored is not None
    # Four bits: 0.09 of the weights' norm (arXiv:2305.14314) and more where a matrix has fewer
    # columns than a block has numbers, as this one's 32.
    assert 0 < shift(base, packed) < (0.5 if stored.bits == 4 else 0.02)


def test_four_bits_stand_for_what_quantising_a_plain_base_gives(
    base: BaseRef, packed: BaseRef
) -> None:
    stored = quantisation_of(packed.path)
    if stored is None or stored.bits != 4:
        pytest.skip("what training quantises by itself has four bits")
    expected = load_base(base, FLOAT32)
    round_trip_nf4(expected)
    for name, weight in load_base(packed, FLOAT32).named_parameters():
        assert torch.equal(weight, expected.get_parameter(name)), name


def test_fp8_is_read_back_as_what_it_stands_for(base: BaseRef, eight: BaseRef) -> None:
    assert 0 < shift(base, eight) < 0.05


def test_an_adapter_is_merged_into_the_plain_numbers(
    packed: BaseRef, make_adapter: MakeAdapter, panel: list[tuple[int, ...]], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(make_adapter(seed=5).path, tmp_path / "adapter"))
    (folder / "evalsuite.json").unlink()  # which names the unquantised base
    adapter: AdapterRef = read_adapter(folder, packed)
    engine = TransformersEngine(packed, [adapter], FLOAT32)
    report = engine.liveness(adapter.digest)
    assert not report.failures
    sampling = Sampling(max_tokens=6)
    both = [
        Request(prompt=ids, sampling=sampling, adapter=who)
        for ids in panel[:6]
        for who in (None, adapter.digest)
    ]
    outputs = engine.infer(both)
    assert [o.ids for o in outputs[0::2]] != [o.ids for o in outputs[1::2]]
    # Asked again by another engine, the same: nothing was repacked under the way.
    again = TransformersEngine(packed, [adapter], FLOAT32).infer(both)
    assert [o.ids for o in again] == [o.ids for o in outputs]


def test_a_quantised_base_has_an_identity_of_its_own(base: BaseRef, eight: BaseRef) -> None:
    assert transformers_identity(base, "x", FLOAT32) != transformers_identity(eight, "x", FLOAT32)
