"""nano's pretraining: the committed recipe that makes the shipped weights.

Muon for the matrices inside the blocks, AdamW for embeddings and norms, few fixed shapes, a fixed
number of tokens a step, checkpoints without pickle, resume to the same stream of data. What
mattered when this was tuned is in docs/nano.md.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from evalsuite.errors import InvalidInput
from evalsuite.nano.curriculum import (
    ASSOCIATION,
    CARELESS,
    REWRITING,
    SKILLS,
    VOCABULARY,
    Mix,
    Weighted,
    sequences,
)
from evalsuite.nano.tokenizer import build_tokenizer, save_tokenizer
from evalsuite.template import load_template

_POOL = 512


@dataclass(frozen=True, slots=True)
class Cycle:
    """One rise and fall of the learning rate, with what is learned meanwhile."""

    steps: int
    phases: tuple[tuple[float, Mix], ...]
    """Until which share of the cycle which mix is drawn; the last share is 1."""
    peak: float = 1.0
    """Share of the recipe's rates that is reached after the warm-up."""
    decay_share: float = 0.4
    """Of the cycle's steps, at its end: linear decay to almost nothing."""

    def mix(self, progress: float) -> Mix:
        """The mix at a share of the cycle."""
        return next(mix for until, mix in self.phases if progress < until or until >= 1.0)


CYCLES = (
    Cycle(3600, ((0.4, ASSOCIATION), (1.0, SKILLS))),
    Cycle(2000, ((1.0, REWRITING),), peak=0.6, decay_share=0.5),
    Cycle(800, ((1.0, VOCABULARY),), peak=0.4, decay_share=0.6),
    Cycle(3000, ((1.0, CARELESS),), peak=0.6, decay_share=0.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining:
    """The recipe; the defaults made the shipped weights."""

    hidden: int = 256
    layers: int = 4
    heads: int = 4
    intermediate: int = 768
    context: int = 2048
    rope_base: float = 1000.0
    cycles: tuple[Cycle, ...] = CYCLES
    tokens_per_step: int = 4096
    warmup: int = 50
    """Steps of linear warm-up at the beginning of each cycle."""
    muon_rate: float = 0.01
    adamw_rate: float = 3e-3
    prompt_weight: float = 0.2
    seed: int = 1

    @property
    def steps(self) -> int:
        """Steps of all cycles."""
        return sum(cycle.steps for cycle in self.cycles)

    def scaled(self, scale: float) -> Pretraining:
        """The same recipe with ``scale`` times the steps in each cycle.

        Raises:
            InvalidInput: ``scale`` is not above 0.
        """
        if not scale > 0:
            raise InvalidInput(f"scale={scale} must be above 0; 1 is the whole recipe")
        cycles = (replace(c, steps=max(1, round(c.steps * scale))) for c in self.cycles)
        return replace(self, cycles=tuple(cycles))

    def at(self, step: int) -> tuple[Cycle, int]:
        """The cycle that a step belongs to, and the step's number within it."""
        for cycle in self.cycles:
            if step < cycle.steps:
                return cycle, step
            step -= cycle.steps
        return self.cycles[-1], self.cycles[-1].steps

    def mix(self, step: int) -> Mix:
        """What is drawn at a step."""
        cycle, number = self.at(step)
        return cycle.mix(number / cycle.steps)


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a run in progress."""

    step: int
    steps: int
    loss: float
    """Weighted cross-entropy, in nats per token."""
    answer_loss: float
    """Cross-entropy of answers alone, in nats per token."""
    tokens_per_second: float
    seconds: float


def _model(recipe: Pretraining, vocab_size: int) -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(recipe.seed)
    config = Qwen2Config(
        vocab_size=math.ceil(vocab_size / 64) * 64,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.intermediate,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        rope_parameters={"rope_type": "default", "rope_theta": recipe.rope_base},
        tie_word_embeddings=True,
        # The usual 0.02 leaves attention almost uniform at this width, and copying forms late.
        initializer_range=recipe.hidden**-0.5,
    )
    return Qwen2ForCausalLM(config)


class _Optimizers:
    """Muon and AdamW on fp32 masters of bf16 weights: warm-up, plateau, linear decay."""

    def __init__(self, model: Any, recipe: Pretraining) -> None:
        self._recipe = recipe
        self._weights = dict(model.named_parameters())
        self._masters = {
            n: torch.nn.Parameter(p.detach().float()) for n, p in self._weights.items()
        }
        inner = {n for n, p in self._masters.items() if p.ndim == 2 and "embed" not in n}
        matrices = [self._masters[n] for n in self._masters if n in inner]
        others = [self._masters[n] for n in self._masters if n not in inner]
        model.to(torch.bfloat16)
        self._rated: tuple[tuple[Any, float], ...] = (
            (torch.optim.Muon(matrices, lr=recipe.muon_rate, weight_decay=0.01), recipe.muon_rate),
            (
                torch.optim.AdamW(
                    others, lr=recipe.adamw_rate, betas=(0.9, 0.95), weight_decay=0.0
                ),
                recipe.adamw_rate,
            ),
        )

    def step(self, number: int) -> None:
        scale = schedule(number, self._recipe)
        for name, master in self._masters.items():
            gradient = self._weights[name].grad
            master.grad = None if gradient is None else gradient.float()
            self._weights[name].grad = None
        torch.nn.utils.clip_grad_norm_(self._masters.values(), 1.0)
        for optimizer, rate in self._rated:
            for group in optimizer.param_groups:
                group["lr"] = rate * scale
            optimizer.step()
        with torch.no_grad():
            for name, master in self._masters.items():
                self._weights[name].copy_(master)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimisers' state as named tensors."""
        found = {f"model.{n}": p.detach().clone() for n, p in self._masters.items()}
        for at, (optimizer, _) in enumerate(self._rated):
            for key, state in optimizer.state_dict()["state"].items():
                for name, value in state.items():
                    found[f"optimizer.{at}.{key}.{name}"] = torch.as_tensor(value).clone()
        return found

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Put back what :meth:`tensors` gave."""
        with torch.no_grad():
            for name, master in self._masters.items():
                master.copy_(tensors[f"model.{name}"])
                self._weights[name].copy_(master)
        for at, (optimizer, _) in enumerate(self._rated):
            saved = optimizer.state_dict()
            for name, value in tensors.items():
                kind, _, rest = name.partition(".")
                if kind == "optimizer" and rest.startswith(f"{at}."):
                    _, key, field = rest.split(".", 2)
                    saved["state"].setdefault(int(key), {})[field] = value
            optimizer.load_state_dict(saved)


def schedule(step: int, recipe: Pretraining) -> float:
    """The share of the full learning rate at a step."""
    cycle, number = recipe.at(step)
    if number < recipe.warmup:
        return cycle.peak * (number + 1) / recipe.warmup
    falling = (cycle.steps - number) / max(1.0, cycle.steps * cycle.decay_share)
    return cycle.peak * min(1.0, max(0.02, falling))


def batches(
    make: Callable[[int, Mix], Iterator[Weighted]], recipe: Pretraining, start: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield ``(ids, weights)`` of shape (batch, length) from a step on; 32 divides the length.

    The stream is drawn from its beginning and skipped up to ``start``, which takes seconds, so a
    resumed run sees exactly what an uninterrupted one would have seen.
    """
    waiting: dict[int, list[Weighted]] = {}
    step, pool = 0, 0
    while step < recipe.steps:
        for item in make(recipe.seed * 1_000_003 + pool, recipe.mix(step)):
            length = math.ceil(len(item.ids) / 32) * 32
            shelf = waiting.setdefault(length, [])
            shelf.append(item)
            if len(shelf) * length < recipe.tokens_per_step:
                continue
            if step >= start:
                yield _tensors(shelf, length)
            waiting[length] = []
            step += 1
            if step >= recipe.steps:
                return
        pool += 1


def _tensors(items: list[Weighted], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.zeros((len(items), length), dtype=torch.long)
    weights = torch.zeros((len(items), length))
    for row, item in enumerate(items):
        ids[row, : len(item.ids)] = torch.tensor(item.ids)
        weights[row, : len(item.ids)] = torch.tensor(item.weights)
    return ids, weights


def _loss(model: Any, ids: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, float]:
    logits = model(input_ids=ids, use_cache=False).logits
    targets, scale = ids[:, 1:], weights[:, 1:]
    nats = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), targets.flatten(), reduction="none"
    ).view_as(scale)
    answers = scale == 1.0
    mean_answer = float((nats.detach() * answers).sum() / answers.sum().clamp(min=1))
    return (nats * scale).sum() / scale.sum(), mean_answer


def pretrain(
    out: Path,
    recipe: Pretraining | None = None,
    *,
    resume: bool = False,
    checkpoint_every: int = 250,
    report: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Make a nano model folder at ``out`` and return it.

    A checkpoint every ``checkpoint_every`` steps goes to ``out/checkpoint``; ``resume`` goes on
    from it. The learning curve is ``out/curve.jsonl``.

    Raises:
        InvalidInput: ``resume`` without a checkpoint in ``out``, or the other way round.
    """
    recipe = recipe or Pretraining()
    saved = out / "checkpoint" / "state.safetensors"
    if saved.exists() and not resume:
        raise InvalidInput(f"out={out} holds a checkpoint; resume it, or name another folder")
    if resume and not saved.exists():
        raise InvalidInput(f"out={out} holds no checkpoint; leave resume out, or name its folder")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if resume:
        tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    else:
        tokenizer = build_tokenizer()
        save_tokenizer(tokenizer, out, context=recipe.context)
    template = load_template(out)
    model = _model(recipe, tokenizer.get_vocab_size()).to(device).train()
    optimizers = _Optimizers(model, recipe)
    start = _restore(saved, optimizers) if resume else 0

    def make(seed: int, mix: Mix) -> Iterator[Weighted]:
        return sequences(template, seed, mix, _POOL, prompt_weight=recipe.prompt_weight)

    _run(
        model,
        optimizers,
        recipe,
        batches(make, recipe, start),
        (start, out, checkpoint_every, report),
    )
    _finish(model, out, recipe)
    return out


def _run(
    model: Any,
    optimizers: _Optimizers,
    recipe: Pretraining,
    stream: Iterator[tuple[torch.Tensor, torch.Tensor]],
    frame: tuple[int, Path, int, Callable[[Progress], None]],
) -> None:
    start, out, checkpoint_every, report = frame
    began, tokens = time.monotonic(), 0
    mean_loss = mean_answer = 0.0
    for step, (ids, weights) in enumerate(stream, start=start):
        ids, weights = ids.to(model.device), weights.to(model.device)
        loss, answer = _loss(model, ids, weights)
        torch.autograd.backward(loss)
        optimizers.step(step)
        tokens += ids.numel()
        keep = min(0.98, (step - start) / (step - start + 1))
        mean_loss = keep * mean_loss + (1 - keep) * float(loss.detach())
        mean_answer = keep * mean_answer + (1 - keep) * answer
        if (step + 1) % 50 == 0:
            seconds = time.monotonic() - began
            told = Progress(
                step + 1, recipe.steps, mean_loss, mean_answer, tokens / seconds, seconds
            )
            with (out / "curve.jsonl").open("a", encoding="utf-8") as curve:
                curve.write(json.dumps(asdict(told)) + "\n")
            report(told)
        if (step + 1) % checkpoint_every == 0:
            _checkpoint(out / "checkpoint" / "state.safetensors", optimizers, step + 1)


def _checkpoint(path: Path, optimizers: _Optimizers, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    save_file(optimizers.tensors(), draft, metadata={"step": str(step)})
    draft.replace(path)


def _restore(path: Path, optimizers: _Optimizers) -> int:
    with safe_open(path, framework="pt") as handle:
        step = int(handle.metadata()["step"])
    optimizers.restore(load_file(path))
    return step


def _finish(model: Any, out: Path, recipe: Pretraining) -> None:
    model.to(torch.bfloat16).save_pretrained(out)
    (out / "pretraining.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n", "utf-8")
    # PreTrainedModel writes its own sampling defaults; nano is greedy.
    generation = {"do_sample": False, "eos_token_id": None, "pad_token_id": None}
    tokenizer = json.loads((out / "tokenizer.json").read_text("utf-8"))
    ids = {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    generation["eos_token_id"] = ids["<|im_end|>"]
    generation["pad_token_id"] = ids["<|endoftext|>"]
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n", "utf-8")
