"""Every architecture against single calls of the library: ids, scores, and planted defects."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from architecture_zoo import (
    NAMED,
    OTHERS,
    SPECIMENS,
    STOPS,
    WINDOW,
    Specimen,
    prompts,
    write_specimen,
)
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from evalsuite.engines import (
    open_engine,
    resolve_numerics,
    transformers_alone,
    transformers_architecture,
    transformers_decoding,
)
from evalsuite.engines.planning import items_of, plan
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.engines.transformers_architecture import Architecture, examine_architecture, together
from evalsuite.engines.transformers_cache import UNLIMITED, BufferedLayer, layer_windows
from evalsuite.engines.transformers_decoding import Prefixes, Tokens
from evalsuite.engines.transformers_loading import cast, load_base
from evalsuite.errors import EngineError
from evalsuite.generation import Output, Request, Sampling
from evalsuite.models import BaseRef, read_model, resolve_base

TOKENS = 8
TOLERANCE = 1e-4
"""Nats between a scored token's log-probability and that of a plain forward pass, in float32; what
is seen stays below 1e-5."""
Ids = tuple[int, ...]


def specimen(name: str) -> Specimen:
    return next(one for one in NAMED if one.name == name)


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
    engine = TransformersEngine(base, numerics=resolve_numerics("float32", "cpu", **settings))
    # A pass costs little here, so that the few prompts of a test share their prefixes too.
    engine.limits = replace(engine.limits, launch=8)
    return engine


def shares_prefixes(engine: TransformersEngine, rows: list[Ids]) -> bool:
    items = items_of([Request(prompt=p, sampling=Sampling(max_tokens=TOKENS)) for p in rows])
    batches = plan(items, engine.limits, 259)
    return any(chunk.prefix and len(chunk.items) > 1 for b in batches for chunk in b.chunks)


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
    assert shares_prefixes(engine, rows) is one.shares
    assert any("without shared prefixes" in said for said in engine.remarks) is not one.shares
    assert len({answer.ids for answer in answers}) > 1
    if one in NAMED:
        # Of the others a few never choose what ends an answer.
        assert len({len(answer.ids) for answer in answers}) > 1


@pytest.mark.parametrize("one", NAMED, ids=lambda one: one.name)
def test_answers_are_those_of_single_calls(one: Specimen, folder_of: Folder) -> None:
    check(folder_of(one), one, prompts(6))


@pytest.mark.slow
@pytest.mark.parametrize("one", OTHERS, ids=lambda one: one.name)
def test_answers_of_all_others_are_those_of_single_calls(one: Specimen, folder_of: Folder) -> None:
    check(folder_of(one), one, prompts(5))


def _unlike(base: BaseRef, engine: TransformersEngine, *, told: bool = False) -> int:
    """Count the answers and scores that are not those of the library.

    With ``told``, what the engine tells of an answer's own tokens has to be their score as well.
    """
    rows = prompts(6)
    targets = targets_of(rows)
    asks = [Request(prompt=p, target=t) for p, t in zip(rows, targets, strict=True)]
    answers, scores = asked(engine, rows), engine.infer(asks)
    wrong = 0
    for answer, score, row, target in zip(answers, scores, rows, targets, strict=True):
        expected = plain_logprobs(plain_model(base), row, target)
        wrong += answer.ids != single(plain_model(base), row)
        if told and answer.ids:
            own = plain_logprobs(plain_model(base), row, answer.ids)
            wrong += answer.logprobs[: len(own)] != pytest.approx(own, abs=TOLERANCE)
        wrong += score.logprobs != pytest.approx(expected, abs=TOLERANCE)
    return wrong


def positions_shift(patch: pytest.MonkeyPatch) -> None:
    real = Prefixes.forward

    def forward(self: Prefixes, tokens: Tokens, *rest: Any, **more: Any) -> torch.Tensor:
        moved = tokens.positions + (tokens.mask == 0).sum(-1, keepdim=True)
        return real(self, replace(tokens, positions=moved), *rest, **more)

    patch.setattr(Prefixes, "forward", forward)


def padding_is_seen(patch: pytest.MonkeyPatch) -> None:
    real = Prefixes.forward

    def forward(self: Prefixes, tokens: Tokens, *rest: Any, **more: Any) -> torch.Tensor:
        return real(self, replace(tokens, mask=torch.ones_like(tokens.mask)), *rest, **more)

    patch.setattr(Prefixes, "forward", forward)


def window_sees_one_more(patch: pytest.MonkeyPatch) -> None:
    real = Prefixes.forward

    def forward(self: Prefixes, *rest: Any, **more: Any) -> torch.Tensor:
        config = self.model.config
        narrow = config.sliding_window
        config.sliding_window = narrow + 1
        try:
            return real(self, *rest, **more)
        finally:
            config.sliding_window = narrow

    windows = layer_windows
    patch.setattr(Prefixes, "forward", forward)
    patch.setattr(
        transformers_decoding,
        "layer_windows",
        lambda config: tuple(min(w + 1, UNLIMITED) for w in windows(config)),
    )


def window_sees_one_less(patch: pytest.MonkeyPatch) -> None:
    real = BufferedLayer.update

    def update(self: BufferedLayer, keys: torch.Tensor, *rest: Any, **more: Any) -> Any:
        start = self.get_mask_sizes(keys.shape[2])[1]
        found = real(self, keys, *rest, **more)
        if self.is_sliding and start > self.first:
            for states in found:
                states[:, :, 0] = 0
        return found

    patch.setattr(BufferedLayer, "update", update)


def prefix_lies_elsewhere(patch: pytest.MonkeyPatch) -> None:
    real = BufferedLayer.place_shared
    patch.setattr(
        BufferedLayer,
        "place_shared",
        lambda self, states, pads: real(self, states, torch.zeros_like(pads)),
    )


DEFECTS = [
    ("llama", positions_shift),
    ("llama", padding_is_seen),
    ("llama", prefix_lies_elsewhere),
    ("gpt2", positions_shift),
    ("falcon, alibi", padding_is_seen),
    ("mistral, window", window_sees_one_more),
    ("mistral, window", window_sees_one_less),
    ("gemma3_text", window_sees_one_more),
    ("gemma3_text", window_sees_one_less),
]


@pytest.mark.parametrize(
    ("name", "defect"), DEFECTS, ids=lambda found: getattr(found, "__name__", str(found))
)
def test_a_defect_of_the_batched_way_is_seen_and_not_used(
    name: str, defect: Callable[..., None], folder_of: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = folder_of(specimen(name))
    defect(monkeypatch)
    engine = engine_of(base)
    assert _unlike(base, engine, told=True) == 0
    assert "on trial it moved logits by" in engine.remarks[0]
    # Without the trial it would have answered wrongly, so the comparison above can fail.
    monkeypatch.setattr(transformers_architecture, "TOLERANCE", {torch.float32: float("inf")})
    trusting = engine_of(base)
    assert _unlike(base, trusting, told=True) > 0
    assert trusting.remarks == ()


@pytest.mark.parametrize("defect", [positions_shift, padding_is_seen, prefix_lies_elsewhere])
def test_a_defect_is_seen_in_bfloat16_too(
    defect: Callable[..., None], folder_of: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = folder_of(specimen("llama"))
    numerics = resolve_numerics("bfloat16", "cpu")
    right = examine_architecture(load_base(base, numerics))
    assert (right.reason, right.steady) == ("", UNLIMITED)
    defect(monkeypatch)
    assert "on trial" in examine_architecture(load_base(base, numerics)).reason


def test_a_trial_leaves_the_configuration_as_it_was(folder_of: Folder) -> None:
    model = load_base(folder_of(specimen("gemma3_text")), resolve_numerics("float32", "cpu"))
    before = model.config.to_dict()
    assert examine_architecture(model).layers == ((WINDOW, 256), (UNLIMITED, 256))
    assert model.config.to_dict() == before


@pytest.mark.parametrize("name", ["llama, dynamic rope, past its length", "phi3, longrope"])
def test_a_row_whose_positions_depend_on_its_length_is_asked_alone(
    name: str, folder_of: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = folder_of(specimen(name))
    engine = engine_of(base)
    assert _unlike(base, engine) == 0
    assert "may pass 72 tokens" in engine.remarks[0]
    monkeypatch.setattr(transformers_architecture, "steady_until", lambda _: UNLIMITED)
    assert _unlike(base, engine_of(base)) > 0


@pytest.mark.parametrize("first", ["f", "0"])
def test_a_whole_model_is_asked_as_its_own_positions_want(
    folder_of: Folder, tmp_path: Path, first: str
) -> None:
    base = folder_of(specimen("llama"))
    folder = write_specimen(tmp_path / "own", specimen("llama, dynamic rope, past its length"))
    # Whichever of the two is asked first, by its digest.
    for number in range(400):
        (folder / "note.txt").write_text(str(number))
        if (own := read_model(folder, base)).digest.startswith(first):
            break
    engine = TransformersEngine(base, [own], resolve_numerics("float32", "cpu"))
    rows = prompts(6)
    asks = [
        Request(prompt=row, adapter=who, target=target, sampling=Sampling(max_tokens=TOKENS))
        for row, scored in zip(rows, targets_of(rows), strict=True)
        for who in (None, own.digest)
        for target in (None, scored)
    ]
    for request, answer in zip(asks, engine.infer(asks), strict=True):
        model = plain_model(base if request.adapter is None else own.model)
        if request.target is None:
            assert answer.ids == single(model, request.prompt)
        else:
            expected = plain_logprobs(model, request.prompt, request.target)
            assert answer.logprobs == pytest.approx(expected, abs=TOLERANCE)
    assert len(engine.remarks) == 1
    assert "may pass 72 tokens" in engine.remarks[0]


def test_models_are_asked_together_as_the_least_of_them_allows() -> None:
    full = Architecture(context=100, steady=UNLIMITED, layers=((UNLIMITED, 4), (UNLIMITED, 4)))
    narrow = Architecture(context=200, steady=60, layers=((8, 4), (UNLIMITED, 4)))
    alone = Architecture(context=150, steady=0, layers=(), reason="a state")
    assert together([full]) == full
    for pair in ([full, narrow], [narrow, full]):
        found = together(pair)
        assert (found.context, found.steady, found.reason) == (100, 60, "")
        assert found.layers == narrow.layers  # 208 * 4 bytes, of the other 200 * 4
    for several in ([full, narrow, alone], [alone, narrow, full]):
        assert together(several) == Architecture(100, 0, (), "a state")


def test_a_long_text_leaves_no_other_base_behind(
    folder_of: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = folder_of(specimen("llama, dynamic rope, past its length"))
    longest, shorter = (7,) * 200, tuple(range(100, 190))
    expected = asked(engine_of(base), [shorter])
    engine = engine_of(base)
    assert asked(engine, [longest, shorter])[1:] == expected
    monkeypatch.setattr(transformers_alone, "forget_lengths", lambda _: None)
    assert asked(engine, [longest, shorter])[1].logprobs != expected[0].logprobs


def test_experts_that_tie_are_chosen_as_in_single_calls(tmp_path: Path) -> None:
    folder = write_specimen(tmp_path, specimen("mixtral, window"))
    file = folder / "model.safetensors"
    weights = load_file(file)
    routers = [name for name in weights if name.endswith("gate.weight")]
    assert len(routers) == 2
    for name in routers:
        weights[name][1:] = weights[name][:1]
    save_file(weights, file, {"format": "pt"})
    assert _unlike(resolve_base(folder), engine_of(resolve_base(folder))) == 0


def test_soft_capped_attention_is_not_run_by_a_kernel_without_caps(folder_of: Folder) -> None:
    model = load_base(folder_of(specimen("gemma2")), resolve_numerics("float32", "cpu"))
    assert model.config._attn_implementation == "eager"
    capped = plain_logprobs(model, *(prompts(2)[:2]))
    for layer in model.model.layers:
        layer.self_attn.attn_logit_softcapping = None
    assert plain_logprobs(model, *(prompts(2)[:2])) != pytest.approx(capped, abs=TOLERANCE)


def test_a_model_that_the_library_cannot_continue_is_an_error(tmp_path: Path) -> None:
    base = resolve_base(write_specimen(tmp_path, Specimen("jamba", "jamba", shares=False)))
    with pytest.raises(EngineError, match=r"inference of 1 prompts failed: .*get_seq_length"):
        asked(engine_of(base), prompts(2)[:1])


def test_what_is_remembered_of_a_slow_model_says_so_too(folder_of: Folder, tmp_path: Path) -> None:
    base = folder_of(specimen("lfm2"))
    numerics = resolve_numerics("float32", "cpu")
    for calls in (1, 0):
        engine = open_engine(base, cache=tmp_path / "c.sqlite", numerics=numerics)
        assert engine.remarks == () if calls else "LinearAttentionLayer" in engine.remarks[0]
        engine.infer([Request(prompt=(5, 6), sampling=Sampling(max_tokens=2))])
        assert engine.calls == calls
        assert "one prompt at a time, without shared prefixes" in engine.remarks[0]
        engine.close()


def _tensors(model: Any) -> dict[str, torch.Tensor]:
    return dict([*model.named_parameters(), *model.named_buffers()])


@pytest.mark.parametrize("kind", ["gemma", "mixtral", "flint", "ernie4_5_moe", "minimax_m2"])
def test_a_candidate_rounds_what_its_base_rounds_and_nothing_else(
    kind: str, folder_of: Folder
) -> None:
    base = folder_of(next(one for one in SPECIMENS if one.kind == kind))
    loaded = load_base(base, resolve_numerics("bfloat16", "cpu"))
    made = load_base(base, resolve_numerics("float32", "cpu"))
    cast(made, torch.bfloat16)
    found = _tensors(made)
    for name, tensor in _tensors(loaded).items():
        assert found[name].dtype is tensor.dtype, name
        assert torch.equal(found[name], tensor), name


def test_one_by_one_gives_what_batches_give(folder_of: Folder) -> None:
    base = folder_of(specimen("qwen2"))
    together, alone = engine_of(base), engine_of(base)
    asked(alone, prompts(1))
    alone._architectures[None] = replace(alone._architectures[None], steady=0)
    drawn = Sampling(max_tokens=TOKENS, temperature=1.0, seed=5)
    requests = [
        *(Request(prompt=p, sampling=drawn) for p in prompts(6)),
        *(Request(prompt=p) for p in prompts(6)),
        *(Request(prompt=p, target=t) for p, t in zip(prompts(6), prompts(6), strict=True)),
        Request(prompt=(7,) * 510),
    ]
    calls = alone.calls
    for one, other in zip(together.infer(requests), alone.infer(requests), strict=True):
        assert (one.ids, one.finish) == (other.ids, other.finish)
        assert one.logprobs == pytest.approx(other.logprobs, abs=TOLERANCE)
    assert alone.calls - calls == len(requests)
    assert together.calls < 6


@pytest.mark.parametrize("name", ["lfm2", "llama"])
def test_what_a_folder_recommends_changes_no_answer(
    name: str, folder_of: Folder, tmp_path: Path
) -> None:
    plain = asked(engine_of(folder_of(specimen(name))), prompts(5))
    folder = write_specimen(tmp_path, specimen(name))
    recommended = {"eos_token_id": list(STOPS), "repetition_penalty": 5.0, "do_sample": True}
    (folder / "generation_config.json").write_text(json.dumps(recommended))
    assert asked(engine_of(resolve_base(folder)), prompts(5)) == plain
