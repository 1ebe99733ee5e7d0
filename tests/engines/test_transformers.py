"""The transformers engine against single calls of the library it is built on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from evalsuite.engines import open_engine, resolve_numerics, transformers, transformers_decoding
from evalsuite.engines.planning import Batch
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.engines.transformers_decoding import Prefixes
from evalsuite.errors import EngineError
from evalsuite.generation import Engine, Finish, Output, Request, Sampling
from evalsuite.models import AdapterRef, BaseRef
from evalsuite.template import ChatTemplate

# peft asks the library for an attribute that it deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

TOKENS = 20
Ids = tuple[int, ...]


def plain_model(base: BaseRef) -> Any:
    return AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()


def unmerged_model(base: BaseRef, adapter: AdapterRef) -> Any:
    return PeftModel.from_pretrained(plain_model(base), adapter.path).eval()


def single(model: Any, prompt: Ids, stops: Sequence[int], tokens: int = TOKENS) -> Ids:
    """One call of the library for one prompt; what the engine must equal."""
    ids = torch.tensor([prompt])
    answer = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=list(stops),
        pad_token_id=0,
    )[0, len(prompt) :].tolist()
    return tuple(answer[:-1] if answer[-1] in stops else answer)


def stops_of(template: ChatTemplate) -> tuple[int, ...]:
    return (template.stop_id, *(template.generation_stops or ()))


def ask(prompts: Sequence[Ids], adapter: str | None = None, **sampling: Any) -> list[Request]:
    settings = Sampling(**{"max_tokens": TOKENS, **sampling})
    return [Request(prompt=p, adapter=adapter, sampling=settings) for p in prompts]


@pytest.fixture(scope="module")
def engine(base: BaseRef, dora: AdapterRef) -> TransformersEngine:
    return TransformersEngine(base, [dora], numerics=resolve_numerics("float32", "cpu"))


@pytest.mark.parametrize("batch_tokens", [1, 1500, 10**6])
def test_greedy_answers_equal_single_calls_whatever_the_batch(
    base: BaseRef, template: ChatTemplate, panel: list[Ids], batch_tokens: int
) -> None:
    prompts = panel if batch_tokens > 1 else panel[::6]
    engine = TransformersEngine(
        base, numerics=resolve_numerics("float32", "cpu", batch_tokens=batch_tokens)
    )
    outputs = engine.infer(ask(prompts))
    model = plain_model(base)
    assert [o.ids for o in outputs] == [single(model, p, stops_of(template)) for p in prompts]
    assert {o.finish for o in outputs} == {Finish.STOP, Finish.LENGTH}
    assert len({len(o.ids) for o in outputs}) > 2
    assert all(o.text == template.decode(o.ids) for o in outputs)
    assert all(len(o.logprobs) == len(o.ids) + (o.finish is Finish.STOP) for o in outputs)


@pytest.mark.parametrize(
    "lora",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"q_proj": 3}, "lora_dropout": 0.3},
    ],
    ids=["dora", "rslora", "patterns"],
)
def test_adapted_answers_equal_single_calls_of_the_unmerged_adapter(
    base: BaseRef,
    template: ChatTemplate,
    panel: list[Ids],
    make_adapter: Callable[..., AdapterRef],
    lora: dict[str, Any],
) -> None:
    adapter = make_adapter(**lora)
    engine = TransformersEngine(base, [adapter], numerics=resolve_numerics("float32", "cpu"))
    prompts = panel[::3]
    both = engine.infer([*ask(prompts), *ask(prompts, adapter.digest)])
    plain, adapted = both[: len(prompts)], both[len(prompts) :]
    stops = stops_of(template)
    assert [o.ids for o in plain] == [single(plain_model(base), p, stops) for p in prompts]
    unmerged = unmerged_model(base, adapter)
    assert [o.ids for o in adapted] == [single(unmerged, p, stops) for p in prompts]
    assert [o.ids for o in plain] != [o.ids for o in adapted]


def full_logprobs(model: Any, prompt: Ids, target: Ids) -> list[float]:
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt + target])).logits[0]
    rows = logits[len(prompt) - 1 : -1].log_softmax(-1)
    return [float(rows[i, t]) for i, t in enumerate(target)]


def test_scores_equal_those_of_one_full_forward_pass(
    base: BaseRef, engine: TransformersEngine, dora: AdapterRef, panel: list[Ids]
) -> None:
    rng = random.Random(0)
    targets = [tuple(rng.choices(range(200), k=rng.randint(1, 40))) for _ in panel]
    for adapter, model in ((None, plain_model(base)), (dora.digest, unmerged_model(base, dora))):
        outputs = engine.infer(
            [
                Request(prompt=p, target=t, adapter=adapter)
                for p, t in zip(panel, targets, strict=True)
            ]
        )
        for output, prompt, target in zip(outputs, panel, targets, strict=True):
            assert output.ids == target
            assert output.finish is Finish.SCORED
            assert output.logprobs == pytest.approx(full_logprobs(model, prompt, target), abs=2e-4)


def test_the_logprobs_of_an_answer_are_its_score(
    engine: TransformersEngine, panel: list[Ids]
) -> None:
    answers = engine.infer(ask(panel[::5]))
    whole = [(p, o) for p, o in zip(panel[::5], answers, strict=True) if o.ids]
    scores = engine.infer([Request(prompt=p, target=o.ids) for p, o in whole])
    assert len(whole) > 5
    for (_, answer), scored in zip(whole, scores, strict=True):
        assert scored.logprobs == pytest.approx(answer.logprobs[: len(answer.ids)], abs=2e-4)


def test_drawn_answers_depend_on_the_request_alone(
    engine: TransformersEngine, panel: list[Ids]
) -> None:
    together = engine.infer(ask(panel[:12], temperature=1.0, seed=3))
    alone = [engine.infer(ask([p], temperature=1.0, seed=3))[0] for p in panel[:12]]
    assert [o.ids for o in together] == [o.ids for o in alone]
    other_seed = engine.infer(ask(panel[:12], temperature=1.0, seed=4))
    greedy = engine.infer(ask(panel[:12]))
    assert len({tuple(o.ids for o in run) for run in (together, other_seed, greedy)}) == 3


def test_drawing_follows_the_model(base: BaseRef, panel: list[Ids]) -> None:
    engine = TransformersEngine(base, numerics=resolve_numerics("float32", "cpu"))
    requests = [
        Request(prompt=panel[0], sampling=Sampling(max_tokens=1, temperature=1.0, seed=s))
        for s in range(400)
    ]
    with torch.inference_mode():
        logits = plain_model(base)(input_ids=torch.tensor([panel[0]])).logits[0, -1]
    expected = logits.log_softmax(-1).max().item()
    drawn = engine.infer(requests)
    share = sum(o.logprobs[0] == pytest.approx(expected, abs=1e-4) for o in drawn) / len(drawn)
    assert share == pytest.approx(math.exp(expected), abs=0.1)


def test_answers_come_back_in_the_order_of_the_requests(
    engine: TransformersEngine, dora: AdapterRef, panel: list[Ids]
) -> None:
    requests = [
        *ask(panel[:9]),
        *ask(panel[:9], dora.digest),
        *(Request(prompt=p, target=p[:3]) for p in panel[:9]),
        *ask(panel[4:7], max_tokens=3),
        *ask(panel[:2]),
    ]
    straight = engine.infer(requests)
    order = random.Random(1).sample(range(len(requests)), len(requests))
    shuffled = engine.infer([requests[i] for i in order])
    assert shuffled == [straight[i] for i in order]


def test_nothing_asked_loads_nothing(base: BaseRef) -> None:
    engine = TransformersEngine(base)
    assert (engine.infer([]), engine.calls) == ([], 0)


def test_it_is_an_engine_with_the_identity_that_a_cache_computes(
    base: BaseRef, tmp_path: Path
) -> None:
    engine = TransformersEngine(base)
    assert isinstance(engine, Engine)
    assert engine.identity == open_engine(base, cache=tmp_path / "c.sqlite").identity
    assert engine.identity != TransformersEngine(
        base, numerics=resolve_numerics("float32")
    ).identity or (str(engine.numerics.dtype) == "float32")


def test_a_cached_run_asks_the_models_once(
    base: BaseRef, dora: AdapterRef, panel: list[Ids], tmp_path: Path
) -> None:
    requests = [*ask(panel[:6]), *ask(panel[:6], dora.digest)]
    seen: list[tuple[int, int]] = []
    first = open_engine(
        base,
        [dora],
        cache=tmp_path / "c.sqlite",
        numerics=resolve_numerics("float32"),
        progress=lambda done, total: seen.append((done, total)),
    )
    answers = first.infer(requests)
    assert first.calls > 0
    assert seen[-1] == (12, 12)
    again = open_engine(
        base, [dora], cache=tmp_path / "c.sqlite", numerics=resolve_numerics("float32")
    )
    assert again.infer(requests) == answers
    assert (again.calls, again.loaded, again.hits) == (0, False, 12)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(prompt=()), "request 1 has an empty prompt"),
        (Request(prompt=(1,), target=()), "request 1 has an empty target"),
        (Request(prompt=(1,) * 512), "request 1 .* prompt has 512 tokens .* window has 512"),
        (Request(prompt=(1,) * 500, target=(1,) * 13), "prompt has 500 .* target 13"),
        (Request(prompt=(1, 259)), r"request 1 holds token ids outside 0\.\.258"),
        (Request(prompt=(1,), target=(-1,)), "request 1 holds token ids outside"),
        (Request(prompt=(1,), adapter="ab"), "request 1 names adapter 'ab'"),
    ],
    ids=["empty", "no-target", "too-long", "target-too-long", "foreign", "negative", "adapter"],
)
def test_requests_that_cannot_be_answered_are_named(
    engine: TransformersEngine, request_: Request, message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        engine.infer([Request(prompt=(1,)), request_])


def test_an_answer_may_fill_the_context_window_and_no_more(engine: TransformersEngine) -> None:
    requests = [Request(prompt=(7,) * n, sampling=Sampling(max_tokens=64)) for n in (511, 490, 20)]
    outputs = engine.infer(requests)
    assert len(outputs[0].ids) <= 1
    assert len(outputs[1].ids) <= 22


def test_what_is_remembered_does_not_change_what_is_batched(
    base: BaseRef, dora: AdapterRef, panel: list[Ids]
) -> None:
    requests = [*ask(panel), *ask(panel, dora.digest)]
    engine = TransformersEngine(
        base, [dora], numerics=resolve_numerics("float32", "cpu", batch_tokens=3000)
    )
    whole = [set(indices) for indices, _ in engine.stream(requests)]
    assert len(whole) > 2
    adapted = set(range(len(panel), len(requests)))
    known = set(range(len(requests))) - adapted | {min(whole[0] & adapted)}
    again = [set(indices) for indices, _ in engine.stream(requests, known)]
    assert again == [indices & adapted for indices in whole]
    done = whole[0] | known
    assert [set(i) for i, _ in engine.stream(requests, done)] == again[1:]
    assert list(engine.stream(requests, range(len(requests)))) == []


def test_running_out_of_memory_halves_the_batches_and_is_remembered(
    base: BaseRef,
    dora: AdapterRef,
    engine: TransformersEngine,
    panel: list[Ids],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = engine.infer([*ask(panel), *ask(panel, dora.digest)])
    real = transformers_decoding.generate
    sizes: list[int] = []
    tries: list[int] = []

    def small(batch: Batch, *rest: Any) -> Any:
        tries.append(len(batch.items))
        if len(batch.items) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(len(batch.items))
        return real(batch, *rest)

    monkeypatch.setattr(transformers, "generate", small)
    limited = TransformersEngine(base, [dora], numerics=resolve_numerics("float32", "cpu"))
    assert [o.ids for o in limited.infer([*ask(panel), *ask(panel, dora.digest)])] == [
        o.ids for o in expected
    ]
    assert max(sizes) <= 5
    tries.clear()
    limited.infer([*ask(panel), *ask(panel, dora.digest)])
    assert max(tries) <= 5


@pytest.mark.parametrize(
    "problem", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()], ids=["cuda", "cpu"]
)
def test_one_row_that_does_not_fit_is_an_error(
    base: BaseRef, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    def full(*_: Any) -> Any:
        raise problem

    monkeypatch.setattr(transformers, "generate", full)
    engine = TransformersEngine(base, numerics=resolve_numerics("float32", "cpu"))
    with pytest.raises(EngineError, match="one prompt of 4 tokens does not fit into memory"):
        engine.infer(ask([(1, 2, 3), (1, 2, 3, 4)]))


def test_a_failure_inside_an_adapter_call_rebuilds_the_merged_copy(
    base: BaseRef, dora: AdapterRef, panel: list[Ids]
) -> None:
    engine = TransformersEngine(base, [dora], numerics=resolve_numerics("float32", "cpu"))
    before = engine.infer(ask(panel[:4], dora.digest))
    model = engine._models[dora.digest]
    broken = model.model.layers[1].mlp.register_forward_hook(_raise)
    with pytest.raises(EngineError, match="inference of 1 prompts failed: a hook"):
        engine.infer(ask(panel[5:6], dora.digest))
    assert broken is not None
    assert engine.infer(ask(panel[:4], dora.digest)) == before
    assert engine._models[dora.digest] is not model


def _raise(*_: Any) -> None:
    raise RuntimeError("a hook that was left behind")


def test_base_and_candidate_see_batches_of_the_same_shape(
    base: BaseRef, dora: AdapterRef, panel: list[Ids], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transformers_decoding.generate
    seen: list[tuple[int, Batch]] = []

    def watch(batch: Batch, prefixes: Prefixes, *rest: Any) -> Any:
        seen.append((id(prefixes.model), batch))
        return real(batch, prefixes, *rest)

    monkeypatch.setattr(transformers, "generate", watch)
    engine = TransformersEngine(
        base, [dora], numerics=resolve_numerics("float32", "cpu", batch_tokens=3000)
    )
    engine.infer([*ask(panel, dora.digest), *ask(list(reversed(panel)))])
    by_model = {model: [b for m, b in seen if m == model] for model, _ in seen}
    assert len(by_model) == 2
    first, second = by_model.values()
    assert first == second
    assert len(first) > 3


def test_bfloat16_answers_are_those_of_the_base_in_bfloat16(
    base: BaseRef, template: ChatTemplate, panel: list[Ids]
) -> None:
    engine = TransformersEngine(base, numerics=resolve_numerics("bfloat16", "cpu"))
    output = engine.infer(ask(panel[-1:], max_tokens=4))[0]
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.bfloat16)
    assert output.ids == single(model, panel[-1], stops_of(template), 4)
    assert isinstance(output, Output)


def test_batch_tokens_must_be_positive(base: BaseRef) -> None:
    with pytest.raises(EngineError, match="batch_tokens=0 must be at least 1"):
        TransformersEngine(base, numerics=resolve_numerics(batch_tokens=0))


def test_identical_requests_run_once_and_answer_all(engine: TransformersEngine) -> None:
    request = ask([(5, 6, 7)])[0]
    outputs = engine.infer([request, replace(request), request])
    assert outputs[0] == outputs[1] == outputs[2]
