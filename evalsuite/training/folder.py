"""The folder that training writes: unfinished with its checkpoints, or finished with its adapter.

``adapter_config.json`` is the last file to appear and appears whole, so a folder that has it holds
a complete adapter, and a folder that has it not is no adapter at all, whenever the power fails.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from evalsuite.errors import TrainingError
from evalsuite.files.storage import FileLock, atomic_write, storage_errors, sync_folder

CHECKPOINTS = "checkpoints"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
COMPLETE = "complete"
"""File in a checkpoint, written last: without it the checkpoint is half a checkpoint."""
_INPUTS = "inputs.json"
_LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that decides what training makes; a resumed run must have the same."""

    recipe: str
    recipe_digest: str
    base_name: str
    base_digest: str
    tokenizer_digest: str
    template_fingerprint: str
    data_digest: str
    seed: int
    prompt: str = ""
    """Name of the prompt that every rewrite was asked with; empty: the built-in ones."""
    prompt_digest: str = ""


@contextmanager
def claimed(out: Path, *, resume: bool) -> Iterator[Path]:
    """Take ``out`` for one training and yield its folder of checkpoints.

    A training that ends before its first checkpoint leaves no folder behind.

    Raises:
        TrainingError: it holds something else, a finished adapter, an unfinished training that
            ``resume`` was not asked for, or another process trains there; or it cannot be written.
    """
    _refuse(out, resume=resume)
    fresh = [p for p in (out, *out.parents) if not p.exists()]
    checkpoints = out / CHECKPOINTS
    with storage_errors(out, TrainingError):
        checkpoints.mkdir(parents=True, exist_ok=True)
        lock = FileLock(checkpoints / _LOCK)
        if not lock.acquire():
            raise TrainingError(
                f"out={str(out)!r}: process {lock.owner()} is training there; wait for it or name "
                "another folder"
            )
    with lock:
        try:
            yield checkpoints
        finally:
            # Before the lock goes: afterwards the folder may be another training's.
            if not (out / ADAPTER_CONFIG).exists() and latest_checkpoint(checkpoints) is None:
                _forget(checkpoints, fresh)


def _refuse(out: Path, *, resume: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise TrainingError(f"out={str(out)!r} is a file; name a folder that does not exist yet")
    if (out / ADAPTER_CONFIG).exists():
        raise TrainingError(f"out={str(out)!r} holds a finished adapter; name another folder")
    unfinished = (out / CHECKPOINTS).is_dir()
    if unfinished and not resume:
        raise TrainingError(
            f"out={str(out)!r} holds an unfinished training; go on with --resume, or name another "
            "folder"
        )
    if not unfinished and any(out.iterdir()):
        raise TrainingError(
            f"out={str(out)!r} is not empty and holds no training; name another folder"
        )


def _forget(checkpoints: Path, fresh: list[Path]) -> None:
    shutil.rmtree(checkpoints, ignore_errors=True)
    for folder in fresh:
        if not folder.is_dir() or any(folder.iterdir()):
            break
        folder.rmdir()


def remember(checkpoints: Path, inputs: Inputs) -> None:
    """Write down what is trained here, or compare it with what was.

    Raises:
        TrainingError: the unfinished training here was another one; names what differs.
    """
    path = checkpoints / _INPUTS
    if latest_checkpoint(checkpoints) is None:
        with storage_errors(path, TrainingError):
            atomic_write(path, json.dumps(asdict(inputs), indent=2).encode())
        return
    try:
        before = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error}); train into another folder") from None
    now = asdict(inputs)
    changed = [key for key in now if before.get(key) != now[key]]
    if changed:
        details = ", ".join(f"{k}: {before.get(k)!r} then, {now[k]!r} now" for k in changed)
        raise TrainingError(
            f"the unfinished training in {checkpoints.parent} differs from this one ({details}); "
            "resume with the same recipe, base and data, or train into another folder"
        )


def latest_checkpoint(checkpoints: Path) -> Path | None:
    """Return the last checkpoint that was written to its end, after removing any half one."""
    complete: list[tuple[int, Path]] = []
    for folder in checkpoints.glob("checkpoint-*"):
        number = folder.name.removeprefix("checkpoint-")
        if (folder / COMPLETE).exists() and number.isdecimal():
            complete.append((int(number), folder))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return max(complete)[1] if complete else None


def publish(staged: Path, out: Path) -> None:
    """Move finished files from ``staged`` into ``out``, the adapter's configuration last.

    Raises:
        TrainingError: the folder cannot be written; it is no adapter then, and can be resumed.
    """
    with storage_errors(out, TrainingError):
        names = sorted(p.name for p in staged.iterdir() if p.name != ADAPTER_CONFIG)
        for name in (*names, ADAPTER_CONFIG):
            (staged / name).replace(out / name)
        sync_folder(out)
        shutil.rmtree(out / CHECKPOINTS)
