"""nano's pretraining: the committed recipe that makes the shipped weights.

Muon for the matrices inside the blocks, AdamW for embeddings and norms, few fixed shapes, a fixed
number of tokens a step, checkpoints without pickle, resume to the same stream of data. What
mattered when this was tuned is in docs/nano.md.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from evalsuite.errors import InvalidInput
from evalsuite.models import EMBEDDED_MARK, digest_file
from evalsuite.nano.curriculum import Mix, Weighted, sequences
from evalsuite.nano.recipe import REFINING, Pretraining, schedule
from evalsuite.nano.tokenizer import build_tokenizer, save_tokenizer
from evalsuite.template import load_template

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Qwen2ForCausalLM

_POOL = 512
RECIPE_FILE = "pretraining.json"
_MODEL = "model.safetensors"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


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


def _model(recipe: Pretraining, vocab_size: int) -> Qwen2ForCausalLM:
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
    setattr(config, EMBEDDED_MARK, "nano")
    return Qwen2ForCausalLM(config)


def _move(model: torch.nn.Module, to: torch.device | torch.dtype) -> None:
    model.to(to)


class _Optimizers:
    """Muon and AdamW on fp32 masters of bf16 weights: warm-up, plateau, linear decay."""

    def __init__(self, model: torch.nn.Module, recipe: Pretraining) -> None:
        self._recipe = recipe
        self._weights = dict(model.named_parameters())
        self._masters = {
            n: torch.nn.Parameter(p.detach().float()) for n, p in self._weights.items()
        }
        inner = {n for n, p in self._masters.items() if p.ndim == 2 and "embed" not in n}
        matrices = [self._masters[n] for n in self._masters if n in inner]
        others = [self._masters[n] for n in self._masters if n not in inner]
        # Not model.to(): that would round the frequencies of the rotary embedding too, which every
        # later load computes exactly.
        for weight in self._weights.values():
            weight.data = weight.data.to(torch.bfloat16)
        self._rated: tuple[tuple[torch.optim.Optimizer, float], ...] = (
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


def _loss(
    model: Qwen2ForCausalLM, ids: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, float]:
    """Return the weighted mean loss, and that of answers alone; logits only where one counts."""
    scale = weights[:, 1:]
    counts = scale > 0
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    logits = model.lm_head(hidden[counts])
    nats = torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:][counts], reduction="none")
    scale = scale[counts]
    answers = scale == 1.0
    mean_answer = float((nats.detach() * answers).sum() / answers.sum().clamp(min=1))
    return (nats * scale).sum() / scale.sum(), mean_answer


def pretrain(
    out: Path,
    recipe: Pretraining | None = None,
    *,
    begin: Path | None = None,
    resume: bool = False,
    checkpoint_every: int = 250,
    report: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Make a nano model folder at ``out`` and return it.

    ``begin`` is a model folder whose weights and tokenizer to begin with; None: random weights. A
    checkpoint every ``checkpoint_every`` steps goes to ``out/checkpoint``; ``resume`` goes on from
    it. The learning curve is ``out/curve.jsonl``.

    Raises:
        InvalidInput: ``resume`` without a checkpoint in ``out``, or with one of another recipe, or
            the other way round; ``begin`` holds no model, or one of another shape than the
            recipe's.
    """
    recipe = recipe or (Pretraining() if begin is None else REFINING)
    if begin is not None:
        _require_model(begin)
    saved = out / "checkpoint" / "state.safetensors"
    told = _told(recipe, begin)
    _check_folder(out, saved, told, resume=resume)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not resume:
        _save_tokenizer(recipe, begin, out)
        (out / RECIPE_FILE).write_text(told, "utf-8")
    template = load_template(out)
    model = _model(recipe, Tokenizer.from_file(str(out / _TOKENIZER[0])).get_vocab_size())
    if begin is not None:
        _begin_with(model, begin)
    _move(model, device)
    model.train()
    optimizers = _Optimizers(model, recipe)
    start = _restore(saved, optimizers) if resume else 0

    def make(seed: int, mix: Mix) -> Iterator[Weighted]:
        return sequences(template, seed, mix, _POOL, prompt_weight=recipe.prompt_weight)

    diary = _Diary(out, recipe.steps, start, report)
    for step, (ids, weights) in enumerate(batches(make, recipe, start), start=start):
        loss, answer = _loss(model, ids.to(device), weights.to(device))
        torch.autograd.backward(loss)
        optimizers.step(step)
        diary.note(step, float(loss.detach()), answer, ids.numel())
        if (step + 1) % checkpoint_every == 0:
            _checkpoint(saved, optimizers, step + 1)
    _finish(model, out)
    return out


def _save_tokenizer(recipe: Pretraining, begin: Path | None, out: Path) -> None:
    if begin is None:
        save_tokenizer(build_tokenizer(), out, context=recipe.context)
        return
    out.mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER:
        shutil.copyfile(begin / name, out / name)


def _require_model(begin: Path) -> None:
    missing = [name for name in (*_TOKENIZER, _MODEL) if not (begin / name).is_file()]
    if missing:
        raise InvalidInput(
            f"begin={begin} is no folder of a nano model: it has no {missing[0]}; name one, such "
            "as that of the shipped weights, evalsuite/nano/weights"
        )


def _begin_with(model: Qwen2ForCausalLM, begin: Path) -> None:
    weights = load_file(begin / _MODEL)
    expected = {name: tuple(p.shape) for name, p in model.named_parameters()}
    if {name: tuple(weight.shape) for name, weight in weights.items()} != expected:
        raise InvalidInput(f"begin={begin} holds a model of another shape than the recipe makes")
    # The head is the embedding's own matrix.
    model.load_state_dict(weights, strict=False)


def _check_folder(out: Path, saved: Path, told: str, *, resume: bool) -> None:
    if saved.exists() and not resume:
        raise InvalidInput(
            f"out={out} holds a checkpoint; go on with --resume, or name another folder"
        )
    if resume and not saved.exists():
        raise InvalidInput(f"out={out} holds no checkpoint; leave --resume out, or name its folder")
    made = out / RECIPE_FILE
    if resume and made.is_file() and made.read_text("utf-8") != told:
        raise InvalidInput(
            f"out={out} was begun with another recipe ({made}); resume with the same scale, seed "
            "and beginning"
        )


def _told(recipe: Pretraining, begin: Path | None) -> str:
    begun = None if begin is None else digest_file(begin / _MODEL)
    return json.dumps({**asdict(recipe), "begin": begun}, indent=2) + "\n"


class _Diary:
    """Running means of the losses, written down every 50 steps."""

    def __init__(
        self, out: Path, steps: int, start: int, report: Callable[[Progress], None]
    ) -> None:
        self._curve = out / "curve.jsonl"
        self._steps, self._start, self._report = steps, start, report
        self._began, self._tokens = time.monotonic(), 0
        self._loss = self._answer = 0.0

    def note(self, step: int, loss: float, answer: float, tokens: int) -> None:
        seen = step - self._start
        keep = min(0.98, seen / (seen + 1))
        self._loss = keep * self._loss + (1 - keep) * loss
        self._answer = keep * self._answer + (1 - keep) * answer
        self._tokens += tokens
        if (step + 1) % 50:
            return
        seconds = time.monotonic() - self._began
        speed = self._tokens / seconds
        told = Progress(step + 1, self._steps, self._loss, self._answer, speed, seconds)
        with self._curve.open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(asdict(told)) + "\n")
        self._report(told)


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


def _finish(model: PreTrainedModel, out: Path) -> None:
    _move(model, torch.bfloat16)
    model.save_pretrained(out)
    # PreTrainedModel writes its own sampling defaults; nano is greedy.
    generation = {"do_sample": False, "eos_token_id": None, "pad_token_id": None}
    tokenizer = json.loads((out / "tokenizer.json").read_text("utf-8"))
    ids = {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    generation["eos_token_id"] = ids["<|im_end|>"]
    generation["pad_token_id"] = ids["<|endoftext|>"]
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n", "utf-8")
