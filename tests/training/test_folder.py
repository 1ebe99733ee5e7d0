from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.errors import TrainingError
from evalsuite.files.storage import FileLock
from evalsuite.training.folder import claimed, latest_checkpoint, publish


def checkpoint(checkpoints: Path, number: int, *, complete: bool) -> Path:
    folder = checkpoints / f"checkpoint-{number}"
    folder.mkdir(parents=True)
    if complete:
        (folder / "complete").touch()
    return folder


def test_the_latest_complete_checkpoint_counts_and_half_ones_go(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 9, complete=True)
    ten = checkpoint(tmp_path, 10, complete=True)
    half = checkpoint(tmp_path, 11, complete=False)
    assert latest_checkpoint(tmp_path) == ten
    assert not half.exists()


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_holds_anything_else_is_refused_untouched(
    tmp_path: Path, resume: bool
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="not empty"), claimed(tmp_path, resume=resume):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_finished_adapter_is_never_overwritten(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(TrainingError, match="finished adapter"), claimed(tmp_path, resume=resume):
        pass


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("x")
    with pytest.raises(TrainingError, match="is a file"), claimed(path, resume=False):
        pass
    with pytest.raises(TrainingError, match="cannot write"), claimed(path / "in", resume=False):
        pass


def test_two_trainings_in_one_folder_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with claimed(out, resume=False) as checkpoints:
        lock = FileLock(checkpoints / "lock")
        assert not lock.acquire()
        with pytest.raises(TrainingError, match="is training there"), claimed(out, resume=True):
            pass


def test_an_empty_folder_of_the_persons_own_is_kept(tmp_path: Path) -> None:
    with claimed(tmp_path, resume=False):
        pass
    assert tmp_path.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_is_the_last_file_to_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, staged = tmp_path / "out", tmp_path / "out" / "checkpoints" / "final"
    staged.mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors", "training.json"):
        (staged / name).write_text(name)
    moved: list[str] = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        moved.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    publish(staged, out)
    assert moved[-1] == "adapter_config.json"
    assert sorted(p.name for p in out.iterdir()) == sorted(moved)
