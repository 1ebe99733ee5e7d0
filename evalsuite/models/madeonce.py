"""Model folders that are made out of another file, once for all processes of a user."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from evalsuite.errors import ModelError
from evalsuite.files.storage import FileLock, storage_errors, sync_folder

_PATIENCE: Final = 600.0
"""Seconds to wait for another process that is making the folder; it takes one some ten."""


def made_once(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder, made if it is not there yet: it appears under its name when it is whole.

    Args:
        folder: In the user's cache.
        name: What is made, as part of the names of its lock and of what a killed process left.
        make: Writes the files into an empty folder.

    Raises:
        ModelError: the folder cannot be written, or somebody else is making it for too long.
    """
    if folder.is_dir():
        return folder
    with storage_errors(folder, ModelError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{name}.lock") as lock:
            if not lock.acquire(timeout=_PATIENCE):
                raise ModelError(
                    f"process {lock.owner()} has been making {str(folder)!r} for "
                    f"{_PATIENCE:.0f} s; wait for it, or end it and try again"
                )
            if not folder.is_dir():
                _make(folder, name, make)
    return folder


def _make(folder: Path, name: str, make: Callable[[Path], None]) -> None:
    # Whoever left these died at work: the lock is ours.
    for left in folder.parent.glob(f".{name}-*.making"):
        shutil.rmtree(left, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix=f".{name}-", suffix=".making", dir=folder.parent))
    try:
        make(making)
        making.chmod(0o755)
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    sync_folder(folder.parent)
