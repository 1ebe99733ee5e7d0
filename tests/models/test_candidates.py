"""Whole models as candidates, as files: what is accepted, and why each broken one is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import BaseMismatch, ModelError, ModelNotFound, UnsafeAdapter
from evalsuite.models import (
    BaseRef,
    ModelRef,
    digest_file,
    digest_tree,
    model_files,
    read_adapter,
    read_model,
    read_tuned,
)


@pytest.fixture
def model(nano: BaseRef, tmp_path: Path) -> Path:
    """A copy of nano: a whole model, as far as files tell."""
    return Path(shutil.copytree(nano.path, tmp_path / "model"))


def configure(folder: Path, **changes: object) -> None:
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, **changes}))


def test_a_model_is_named_by_every_file_that_a_server_may_read(model: Path, nano: BaseRef) -> None:
    read = read_model(model, nano)
    assert set(read.files) == {path.name for path in model.iterdir()}
    assert read.files["tokenizer.json"] == digest_file(model / "tokenizer.json")
    assert read.digest == digest_tree(model, read.files)
    assert (read.model.digest, read.provenance) == (nano.digest, None)


@given(st.sampled_from(["vocab.json", "special_tokens_map.json", "modeling_x.py", "odd.thing"]))
@settings(max_examples=4, deadline=None)
def test_a_further_file_changes_the_digest(
    nano: BaseRef, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = Path(shutil.copytree(nano.path, tmp_path_factory.mktemp("m") / "model"))
    before = read_model(folder).digest
    (folder / name).write_text("x")
    assert read_model(folder).digest != before
    (folder / name).unlink()
    assert read_model(folder).digest == before


def test_texts_and_what_training_goes_on_from_are_no_part_of_it(model: Path) -> None:
    before = read_model(model).digest
    for name in ("README.md", "LICENSE", ".gitattributes", "optimizer.pt", "rng_state_0.pth",
                 "scheduler.pt", "trainer_state.json", "training_args.bin"):  # fmt: skip
        (model / name).write_text("x")
    (model / "checkpoint-5").mkdir()
    (model / "checkpoint-5" / "model.safetensors").write_text("x")
    assert read_model(model).digest == before


def test_further_templates_are_part_of_it(model: Path) -> None:
    (model / "additional_chat_templates").mkdir()
    (model / "additional_chat_templates" / "tools.jinja").write_text("x")
    assert "additional_chat_templates/tools.jinja" in model_files(model)


def test_what_a_folder_holds_decides_how_it_is_read(
    model: Path, candidate: Path, nano: BaseRef
) -> None:
    assert isinstance(read_tuned(model, nano), ModelRef)
    assert read_tuned(candidate, nano) == read_adapter(candidate, nano)


def test_each_kind_names_the_option_of_the_other(model: Path, candidate: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"holds a whole model, no adapter.*--candidate"):
        read_adapter(model)
    with pytest.raises(ModelError, match=r"is an adapter, no whole model; give it with --adapter"):
        read_model(candidate)


def _without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _cut(name: str) -> Callable[[Path], object]:
    def cut(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return cut


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


BROKEN: dict[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "no configuration": (_without("config.json"), ModelNotFound, "has no config.json"),
    "no weights": (_without("model.safetensors"), ModelNotFound, "model.safetensors is missing"),
    "no tokenizer": (_without("tokenizer.json"), ModelNotFound, "has no tokenizer.json"),
    "half the weights": (_cut("model.safetensors"), ModelError, "the file is truncated"),
    "half a configuration": (_cut("config.json"), ModelError, "config.json' is not JSON"),
    "a pickle": (_pickled, ModelError, "can run code"),
}


@pytest.mark.parametrize(("broken", "error", "told"), BROKEN.values(), ids=list(BROKEN))
def test_a_folder_that_is_not_whole_is_refused(
    model: Path,
    nano: BaseRef,
    broken: Callable[[Path], object],
    error: type[Exception],
    told: str,
) -> None:
    broken(model)
    with pytest.raises(error, match=told):
        read_model(model, nano)


@pytest.mark.parametrize(
    ("key", "value"), [("model_type", "llama"), ("hidden_size", 512), ("num_hidden_layers", 99)]
)
def test_another_architecture_or_size_is_refused_with_both_values(
    model: Path, nano: BaseRef, key: str, value: object
) -> None:
    configure(model, **{key: value})
    with pytest.raises(BaseMismatch, match=rf"{key}={value!r} \(the base: .*--base-model"):
        read_model(model, nano)


def test_more_rows_and_other_positions_are_no_other_architecture(
    model: Path, nano: BaseRef
) -> None:
    configure(model, vocab_size=4096, max_position_embeddings=99, rope_scaling=None)
    assert read_model(model, nano).path == model


def test_no_such_folder_and_a_file(tmp_path: Path, nano: BaseRef) -> None:
    with pytest.raises(ModelNotFound, match="does not exist"):
        read_model(tmp_path / "none", nano)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelNotFound, match="is a file; name the folder"):
        read_model(tmp_path / "file", nano)


def test_a_pointer_in_place_of_weights_is_told(model: Path) -> None:
    (model / "model.safetensors").write_text("version https://git-lfs.example/spec/v1\n")
    with pytest.raises((ModelError, UnsafeAdapter), match="git lfs pull"):
        read_model(model)


def test_a_merged_model_that_kept_its_adapters_files_is_neither(model: Path) -> None:
    (model / "adapter_config.json").write_text("{}")
    with pytest.raises(
        ModelError, match=r"holds a whole model and an adapter .*or remove adapter_"
    ):
        read_model(model)


def test_damaged_weights_of_a_candidate_are_not_called_the_bases(model: Path) -> None:
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match="the file is truncated") as caught:
        read_model(model)
    assert "base model" not in str(caught.value)
