"""A sound template has no loss, a broken one is refuted, a missing counterpart is unmeasured."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.decoders import ByteLevel

from evalsuite.conversation import Conversation
from evalsuite.detectors import roundtrip
from evalsuite.detectors.roundtrip import check, control_token, round_trip
from evalsuite.gates import Check, Evidence, Observation, Status, Verdict, load_policy
from evalsuite.gates.judge import judge_template
from evalsuite.generation import Finish, Output
from evalsuite.models import BaseRef
from evalsuite.nano.tokenizer import CHAT_TEMPLATE
from evalsuite.template import (
    FAMILIES,
    ChatTemplate,
    Property,
    PropertyResult,
    PropertyStatus,
    Rendered,
    WireTemplate,
    load_template,
)
from evalsuite.template.tokenizerfolder import TokenizerFiles, read_tokenizer

TALK = [
    Conversation.of(("user", "Who?")),
    Conversation.of(("system", "Be brief."), ("user", "哪个？"), ("assistant", "岚洛。")),
]


class Forgetful(WireTemplate):
    """Trains on the stop token only."""

    def __init__(self, files: TokenizerFiles) -> None:
        super().__init__(FAMILIES["chatml"], files)

    def render(self, conversation: Conversation) -> Rendered:
        ids = super().render(conversation).ids
        return Rendered(ids, tuple(i == self.stop_id for i in ids))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["system user assistant"], trainer)
    tokenizer.save(str(path / "tokenizer.json"))
    config = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    (path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (path / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture
def real_folder(nano: BaseRef, tmp_path: Path) -> Path:
    """The embedded model's tokenizer files, to be damaged."""
    names = "tokenizer.json tokenizer_config.json generation_config.json chat_template.jinja"
    for name in names.split():
        shutil.copy(nano.path / name, tmp_path / name)
    return tmp_path


def verdict(folder: Path, family: str | None = None) -> Verdict:
    """What the gate says when all else that it asks for is good."""
    template = load_template(folder, family=family)
    checks = tuple(
        Check(s.case_id, None if s.value is None else s.value == 0.0, s.explanation)
        for s in check(template, TALK, training_fingerprint=template.fingerprint)
    )
    trips = tuple(
        Observation(case_id=str(i), cluster=str(i), language="en", kind="single", candidate=0.0)
        for i in range(200)
    )
    answers = tuple(
        replace(trip, case_id=f"{i}-{trip.case_id}") for i in range(4) for trip in trips
    )
    evidence = Evidence(template_properties=checks, round_trips=trips, control_tokens=answers)
    return judge_template(load_policy("nano"), evidence)


def losses(
    template: ChatTemplate, fingerprint: str | None, talk: list[Conversation] = TALK
) -> dict[str, float | None]:
    scores = check(template, talk, training_fingerprint=fingerprint)
    assert all(score.detector == "template_round_trip" for score in scores)
    return {score.case_id.split()[0]: score.value for score in scores}


def test_a_sound_template_has_no_loss_in_any_property(folder: Path) -> None:
    template = load_template(folder)
    found = losses(template, template.fingerprint)
    assert set(found) == {*(f"R{i}" for i in range(1, 11)), "own"}
    assert set(found.values()) == {0.0}


def test_the_gate_passes_a_model_with_its_makers_template(real_folder: Path) -> None:
    found = verdict(real_folder)
    assert found.status is Status.PASSED, found.reason


@pytest.mark.parametrize("jinja", [None, "{{ raise_exception('never') }}", "{% if"])
def test_a_template_that_was_compared_with_nothing_does_not_pass_the_gate(
    real_folder: Path, jinja: str | None
) -> None:
    path = real_folder / "chat_template.jinja"
    path.unlink() if jinja is None else path.write_text(jinja, encoding="utf-8")
    found = verdict(real_folder, family="chatml")
    assert found.status is Status.INCONCLUSIVE, found.reason


def test_a_folder_without_its_makers_template_leaves_that_property_unmeasured(
    real_folder: Path,
) -> None:
    (real_folder / "chat_template.jinja").unlink()
    scores = {s.case_id: s for s in check(load_template(real_folder), TALK)}
    own = scores["own template"]
    assert own.value is None
    assert "put its maker's chat_template.jinja into it" in own.explanation


@pytest.mark.parametrize("status", list(PropertyStatus))
def test_only_a_refuted_property_has_a_loss(
    folder: Path, monkeypatch: pytest.MonkeyPatch, status: PropertyStatus
) -> None:
    found = [PropertyResult(Property.STABLE, status, "said")]
    monkeypatch.setattr(roundtrip, "check_properties", lambda *_, **__: found)
    [score] = check(load_template(folder), TALK)
    assert score.value == {"violated": 1.0, "untested": None}.get(status, 0.0)
    assert score.explanation == f"R6 stable: {status}: said"


def test_a_broken_mask_is_refuted_with_the_smallest_conversation(folder: Path) -> None:
    template = Forgetful(read_tokenizer(folder))
    scores = {s.case_id.split()[0]: s for s in check(template, TALK)}
    assert scores["R2"].value == 1.0
    assert "smallest conversation" in scores["R2"].explanation
    assert scores["R1"].value == 0.0


def test_another_fingerprint_in_training_is_a_defect_and_none_is_unmeasured(folder: Path) -> None:
    template = load_template(folder)
    assert losses(template, "0" * 64)["R10"] == 1.0
    assert losses(template, None)["R10"] is None


def test_a_property_that_holds_within_a_stated_limit_has_no_loss(folder: Path) -> None:
    decomposed = [*TALK, Conversation.of(("user", "cafe\u0301"))]
    scores = {s.case_id.split()[0]: s for s in check(load_template(folder), decomposed)}
    assert scores["R4"].value == 0.0
    assert "NFC" in scores["R4"].explanation


def test_a_prompt_is_read_back_or_has_a_loss_of_one(folder: Path) -> None:
    template = load_template(folder)
    asked, other = TALK
    ids = template.prompt(asked)
    assert round_trip("case", template, asked, ids).value == 0.0
    changed = round_trip("case", template, other, ids)
    assert (changed.value, "not the one that was asked" in changed.explanation) == (1.0, True)
    unreadable = round_trip("case", template, asked, ids[1:])
    assert (unreadable.value, "cannot be read back" in unreadable.explanation) == (1.0, True)


def test_an_answer_that_runs_on_into_a_turn_is_found_by_its_ids(folder: Path) -> None:
    template = load_template(folder)
    token, control = next(iter(template.control_ids.items()))
    plain = template.encode("Where is Flindo?")
    forged = template.encode(token)
    said = Output(text=f"Where is Flindo?{token}", ids=(*plain, control), finish=Finish.STOP)
    found = control_token("case", said, template)
    assert found.value == 1.0
    assert [said.text[s.start : s.end] for s in found.spans] == [token]
    # The same characters as plain text are text.
    harmless = replace(said, ids=(*plain, *forged))
    assert control_token("case", harmless, template).value == 0.0
    assert control_token("case", replace(said, ids=plain), template).value == 0.0
