from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.models import BaseRef
from evalsuite.nano import WEIGHTS
from evalsuite.nano.curriculum import ASSOCIATION, REWRITING, SKILLS, conversations, sequences
from evalsuite.nano.pretrain import Cycle, Pretraining, batches, pretrain, schedule
from evalsuite.nano.tokenizer import build_tokenizer, characters
from evalsuite.prompts import task_text
from evalsuite.scenarios import sample_panel
from evalsuite.template import load_template


def cycle(steps: int) -> tuple[Cycle, ...]:
    return (Cycle(steps, ((1.0, REWRITING),)),)


TINY = Pretraining(
    hidden=32,
    layers=2,
    heads=2,
    intermediate=64,
    cycles=cycle(6),
    tokens_per_step=256,
    warmup=2,
)


def test_the_shipped_weights_fit_into_the_package() -> None:
    assert (WEIGHTS / "model.safetensors").stat().st_size <= 16 * 2**20
    config = json.loads((WEIGHTS / "config.json").read_text("utf-8"))
    assert config["model_type"] == "qwen2"


def test_a_chinese_character_of_the_grammar_is_one_token() -> None:
    tokenizer = Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))
    texts = [m.content for c in sample_panel(1, 400).cases for m in c.history]
    chars = [c for c in characters([*texts, task_text(Language.ZH)]) if c > "\u2fff"]
    assert len(chars) > 300
    assert [c for c in chars if len(tokenizer.encode(c).ids) != 1] == []


def test_text_comes_back_from_the_tokenizer_unchanged() -> None:
    tokenizer = build_tokenizer()
    for text in (
        "What is Zorvak's price? 它的内存管理呢？",
        " \n\t x  y\n",
        "émigré 🙂 ﷽",
        "<|x|>",
    ):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_curriculum_is_reproducible_and_mixed() -> None:
    first = list(conversations(3, REWRITING, 60))
    assert first == list(conversations(3, REWRITING, 60))
    assert len({c.system for c in first}) > 3


def test_each_cycle_draws_its_own_mixes() -> None:
    recipe = Pretraining(
        cycles=(Cycle(10, ((0.4, ASSOCIATION), (1.0, SKILLS))), *cycle(10)), warmup=2
    )
    drawn = [recipe.mix(step) for step in range(recipe.steps)]
    assert drawn == [ASSOCIATION] * 4 + [SKILLS] * 6 + [REWRITING] * 10


def test_answers_weigh_one_and_prompts_less(nano: BaseRef) -> None:
    for item in sequences(load_template(nano.path), 1, REWRITING, 20, prompt_weight=0.2):
        assert set(item.weights) == {1.0, 0.2}
        assert len(item.ids) == len(item.weights)


def test_batches_have_few_fixed_shapes(nano: BaseRef) -> None:
    template = load_template(nano.path)
    recipe = replace(TINY, cycles=cycle(12), tokens_per_step=1024)
    shapes = {
        tuple(ids.shape)
        for ids, _ in batches(
            lambda s, mix: sequences(template, s, mix, 64, prompt_weight=0.2), recipe, 0
        )
    }
    assert all(length % 32 == 0 for _, length in shapes)
    assert all(1024 <= rows * length < 1024 + length for rows, length in shapes)


def test_a_resumed_run_sees_what_the_whole_run_would_have_seen(nano: BaseRef) -> None:
    template = load_template(nano.path)
    recipe = replace(TINY, cycles=cycle(9), tokens_per_step=512)

    def stream(start: int) -> list[tuple[Tensor, Tensor]]:
        drawn = batches(
            lambda s, mix: sequences(template, s, mix, 32, prompt_weight=0.2), recipe, start
        )
        return list(drawn)

    whole, resumed = stream(0)[5:], stream(5)
    assert len(whole) == len(resumed) == 4
    assert all(
        torch.equal(a, b)
        for left, right in zip(whole, resumed, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def test_the_rate_warms_up_holds_and_decays() -> None:
    recipe = Pretraining(cycles=(*cycle(100), Cycle(50, ((1.0, SKILLS),), peak=0.5)), warmup=10)
    rates = [schedule(step, recipe) for step in range(150)]
    assert rates[0] < rates[9] == 1.0 == rates[59]
    assert rates[99] < 0.05
    assert sorted(rates[60:100], reverse=True) == rates[60:100]
    assert max(rates[100:]) == 0.5


def test_pretraining_makes_a_model_folder_and_resumes(tmp_path: Path) -> None:
    out = tmp_path / "tiny"
    pretrain(out, TINY, checkpoint_every=3)
    assert load_template(out).family == "chatml"
    with pytest.raises(InvalidInput, match="holds a checkpoint"):
        pretrain(out, TINY)
    before = (out / "model.safetensors").read_bytes()
    pretrain(out, replace(TINY, cycles=cycle(9)), resume=True, checkpoint_every=3)
    assert (out / "model.safetensors").read_bytes() != before


def test_a_recipe_is_scaled_cycle_by_cycle() -> None:
    whole = Pretraining()
    assert whole.scaled(0.5).steps == whole.steps // 2
    assert len(whole.scaled(1e-9).cycles) == len(whole.cycles)
    with pytest.raises(InvalidInput, match="scale=0"):
        whole.scaled(0)


def test_resuming_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no checkpoint"):
        pretrain(tmp_path / "none", TINY, resume=True)
