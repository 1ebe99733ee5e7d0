"""Every architecture against single calls of the library: ids, scores, and planted defects."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from architecture_zoo import NAMED, SPECIMENS, STOPS, WINDOW, Specimen, prompts, write_specimen
from transformers import AutoModelForCausalLM

from evalsuite.engines import resolve_numerics
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.generation import Output, Request, Sampling
from evalsuite.models import BaseRef, resolve_base

TOKENS = 8
TOLERANCE = 1e-4
"""Nats between a scored token's log-probability and that of a plain forward pass, in float32; what
is seen stays below 1e-5."""
Ids = tuple[int, ...]


def specimen(name: str) -> Specimen:
    return next(one for one in SPECIMENS if one.name == name)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Specimen], BaseRef]:
    known: dict[str, BaseRef] = {}

    def make(one: Specimen) -> BaseRef:
        if one.name not in known:
            known[one.name] = resolve_base(write_specimen(tmp_path_factory.mktemp("model"), one))
        return known[one.name]

    return make


Folder = Callable[[Specimen], BaseRef]


def plain_model(base: BaseRef) -> Any:
    return AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()


def single(model: Any, prompt: Ids) -> Ids:
    """One call of the library for one prompt."""
    ids = torch.tensor([prompt])
    answer = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=TOKENS,
        do_sample=False,
        eos_token_id=list(STOPS),
        pad_token_id=STOPS[0],
    )[0, len(prompt) :].tolist()
    return tuple(answer[:-1] if answer[-1] in STOPS else answer)


def plain_logprobs(model: Any, prompt: Ids, target: Ids) -> list[float]:
    """One forward pass over one row; of the last token of a target nothing follows."""
    with torch.inference_mode():
        ids = torch.tensor([prompt + target[:-1]])
        logits = model(input_ids=ids, use_cache=False).logits[0]
    rows = logits[len(prompt) - 1 :].float().log_softmax(-1)
    return [float(rows[i, t]) for i, t in enumerate(target)]


def engine_of(base: BaseRef, **settings: Any) -> TransformersEngine:
    return TransformersEngine(base, numerics=resolve_numerics("float32", "cpu", **settings))


def asked(engine: TransformersEngine, rows: list[Ids]) -> list[Output]:
    return engine.infer([Request(prompt=p, sampling=Sampling(max_tokens=TOKENS)) for p in rows])


def targets_of(rows: list[Ids]) -> list[Ids]:
    rng = random.Random(1)
    return [tuple(rng.choices(range(256), k=rng.randint(1, 2 * WINDOW))) for _ in rows]


def check(base: BaseRef, one: Specimen, rows: list[Ids]) -> None:
    engine = engine_of(base)
    answers = asked(engine, rows)
    targets = targets_of(rows)
    scores = engine.infer([Request(prompt=p, target=t) for p, t in zip(rows, targets, strict=True)])
    model = plain_model(base)
    for place, (row, target) in enumerate(zip(rows, targets, strict=True)):
        if "dynamic" in one.name:
            # The library's own answer depends on the longest text before it; ours must not.
            model = plain_model(base)
        assert answers[place].ids == single(model, row), f"prompt {place}"
        if "dynamic" in one.name:
            model = plain_model(base)
        expected = plain_logprobs(model, row, target)
        assert scores[place].logprobs == pytest.approx(expected, abs=TOLERANCE), f"prompt {place}"
    assert any("without shared prefixes" in said for said in engine.remarks) is not one.shares
    assert len({len(answer.ids) for answer in answers}) > 1


@pytest.mark.parametrize("one", NAMED, ids=lambda one: one.name)
def test_answers_are_those_of_single_calls(one: Specimen, folder_of: Folder) -> None:
    check(folder_of(one), one, prompts(6))
