from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from evalsuite.cases import Language
from evalsuite.conversation import Role
from evalsuite.errors import InvalidInput
from evalsuite.models import BaseRef
from evalsuite.nano import WEIGHTS
from evalsuite.nano import pretrain as pretraining
from evalsuite.nano.curriculum import (
    CARELESS,
    COPYING,
    REFINED,
    SHIPPED,
    conversations,
    rewriting,
    sequences,
)
from evalsuite.nano.pretrain import batches, pretrain
from evalsuite.nano.recipe import REFINING, Phase, Pretraining, schedule
from evalsuite.nano.tokenizer import build_tokenizer, characters
from evalsuite.prompts import task_text
from evalsuite.scenarios import sample_panel
from evalsuite.template import load_template


def phase(steps: int) -> tuple[Phase, ...]:
    return (Phase(steps, CARELESS),)


TINY = Pretraining(
    hidden=32,
    layers=2,
    heads=2,
    intermediate=64,
    phases=phase(6),
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
    first = list(conversations(3, COPYING, 60))
    assert first == list(conversations(3, COPYING, 60))
    assert len({c.system for c in first}) > 3


def test_each_phase_draws_its_own_mix() -> None:
    recipe = replace(TINY, phases=(Phase(4, COPYING), Phase(3, CARELESS)))
    assert [recipe.mix(step) for step in range(8)] == [COPYING] * 4 + [CARELESS] * 4


def test_a_careless_record_leaves_most_queries_as_they_were() -> None:
    def unchanged(careless: float) -> int:
        mix = replace(CARELESS, careless=careless)
        made = [rewriting(random.Random(i), i, mix) for i in range(300)]
        return sum(c.messages[2].content in c.messages[1].content for c in made)

    assert len(SHIPPED) == 3
    assert unchanged(0.0) + 60 < unchanged(0.7) < 300


def test_further_queries_come_without_a_task_and_answers_to_them_are_learned(
    nano: BaseRef,
) -> None:
    made = [rewriting(random.Random(i), i, REFINED) for i in range(60)]
    assert {len(c.messages) for c in made} == {3, 5, 9, 13}
    template = load_template(nano.path)
    for conversation in made:
        assert conversation.system is not None
        assert all(conversation.system[:20] not in m.content for m in conversation.messages[1:])
        rendered = template.render(conversation)
        learned = [i for i, on in zip(rendered.ids, rendered.loss_mask, strict=True) if on]
        answers = [m.content for m in conversation.messages if m.role is Role.ASSISTANT]
        text = template.decode(learned)
        assert all(answer in text for answer in answers)


def test_answers_weigh_one_and_prompts_less(nano: BaseRef) -> None:
    for item in sequences(load_template(nano.path), 1, CARELESS, 20, prompt_weight=0.2):
        assert set(item.weights) == {1.0, 0.2}
        assert len(item.ids) == len(item.weights)


def test_batches_have_few_fixed_shapes(nano: BaseRef) -> None:
    template = load_template(nano.path)
    recipe = replace(TINY, phases=phase(12), tokens_per_step=1024)
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
    recipe = replace(TINY, phases=phase(9), tokens_per_step=512)

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
    recipe = Pretraining(phases=phase(100), warmup=10, decay_share=0.4)
    rates = [schedule(step, recipe) for step in range(100)]
    assert rates[0] < rates[9] == 1.0 == rates[59]
    assert rates[99] < 0.05
    assert sorted(rates[60:], reverse=True) == rates[60:]


def test_pretraining_makes_a_model_folder_and_resumes(tmp_path: Path) -> None:
    out = tmp_path / "tiny"
    pretrain(out, TINY, checkpoint_every=3)
    assert load_template(out).family == "chatml"
    with pytest.raises(InvalidInput, match="holds a checkpoint"):
        pretrain(out, TINY)
    with pytest.raises(InvalidInput, match="begun with another recipe"):
        pretrain(out, replace(TINY, phases=phase(9)), resume=True)


def test_a_resumed_pretraining_ends_in_the_very_weights_of_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pretrain(tmp_path / "whole", TINY, checkpoint_every=2)
    checkpoint = pretraining._checkpoint

    def interrupted(path: Path, optimizers: pretraining._Optimizers, step: int) -> None:
        checkpoint(path, optimizers, step)
        if step == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(pretraining, "_checkpoint", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pretrain(tmp_path / "broken", TINY, checkpoint_every=2)
    monkeypatch.undo()
    resumed = pretrain(tmp_path / "broken", TINY, resume=True, checkpoint_every=2)
    weights = [(folder / "model.safetensors").read_bytes() for folder in (whole, resumed)]
    assert weights[0] == weights[1]


def test_refining_from_what_is_no_model_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"it has no tokenizer\.json; name one"):
        pretrain(tmp_path / "out", begin=tmp_path / "nowhere")
    assert not (tmp_path / "out").exists()


def test_refining_begins_with_the_weights_of_a_model(tmp_path: Path) -> None:
    first = pretrain(tmp_path / "first", TINY)
    still = replace(TINY, phases=phase(1), muon_rate=1e-12, adamw_rate=1e-12, prompt_weight=0.0)
    second = pretrain(tmp_path / "second", still, begin=first)
    before, after = (load_file(folder / "model.safetensors") for folder in (first, second))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (first / "tokenizer.json").read_bytes() == (second / "tokenizer.json").read_bytes()


def test_a_model_of_another_shape_is_no_beginning(tmp_path: Path) -> None:
    assert REFINING.hidden != TINY.hidden
    with pytest.raises(InvalidInput, match="another shape"):
        pretrain(tmp_path / "out", TINY, begin=WEIGHTS)


def test_a_recipe_is_scaled_phase_by_phase() -> None:
    whole = Pretraining()
    assert whole.scaled(0.5).steps == whole.steps // 2
    assert len(whole.scaled(1e-9).phases) == len(whole.phases)
    with pytest.raises(InvalidInput, match="scale=0"):
        whole.scaled(0)


def test_resuming_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no checkpoint"):
        pretrain(tmp_path / "none", TINY, resume=True)
