"""What must hold on whatever device a run uses; on a GPU too, where there is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from evalsuite.cases.casefiles import load_cases
from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.generation import Request, Sampling
from evalsuite.models import AdapterRef, BaseRef, read_adapter
from evalsuite.prompts import build
from evalsuite.scenarios import sample_panel
from evalsuite.template import load_template
from evalsuite.training import load_recipe
from evalsuite.training.loading import Form
from evalsuite.training.train import train

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("this torch sees no CUDA device")
    return name


@pytest.fixture
def adapter(candidate: Path, nano: BaseRef) -> AdapterRef:
    return read_adapter(candidate, nano)


@pytest.fixture
def asked(nano: BaseRef, adapter: AdapterRef, few_cases: Path) -> list[Request]:
    template = load_template(nano.path)
    cases = [*load_cases(few_cases), *sample_panel(5, 14).cases]
    prompts = [template.prompt(build(case)) for case in cases]
    sampling = Sampling(max_tokens=24)
    sides = (None, adapter.digest)
    return [Request(prompt=p, sampling=sampling, adapter=side) for p in prompts for side in sides]


@pytest.mark.gpu
def test_float32_gives_the_answers_of_the_processor(
    nano: BaseRef, adapter: AdapterRef, asked: list[Request], tmp_path: Path
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no CUDA device")
    texts = {}
    for where in ("cpu", "cuda"):
        cache = tmp_path / f"{where}.sqlite3"
        engine = open_engine(
            nano, (adapter,), cache=cache, numerics=resolve_numerics("float32", device=where)
        )
        texts[where] = [output.text for output in engine.infer(asked)]
        engine.close()
    assert len(set(texts["cpu"])) > 5
    assert texts["cuda"] == texts["cpu"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_trained_adapter_is_alive(
    device: str, dtype: str, nano: BaseRef, adapter: AdapterRef, tmp_path: Path
) -> None:
    cache = tmp_path / "cache.sqlite3"
    engine = open_engine(
        nano, (adapter,), cache=cache, numerics=resolve_numerics(dtype=dtype, device=device)
    )
    report = engine.liveness(adapter.digest)
    engine.close()
    assert report.ok, report.failures


@pytest.mark.gpu
def test_a_gpu_keeps_the_base_in_four_bits_while_training(nano: BaseRef, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no CUDA device")
    changes = {"max_steps": 4, "batch_tokens": 1024, "data.samples": 40, "early_stopping.every": 4}
    train(nano, load_recipe("qlora", changes), tmp_path / "adapter", seed=1)
    told = json.loads((tmp_path / "adapter" / "training.json").read_text("utf-8"))
    assert told["environment"]["device"].startswith("cuda")
    assert told["environment"]["base_form"] == Form.LINEAR4BIT
