"""The registry's own copies of promoted runs: named by content, never written again.

A run folder is there to be used again, so its evidence must not stay in it alone. The copy of a
run lies in ``runs/<first 12 digits of run.json's SHA-256>/`` and is there, whole and on the disk,
before any record names it. It is made in ``runs/.unfinished/`` and moved into place in one step;
what a killed promotion left there is dropped by the next one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from evalsuite.errors import RegistryError, RunError
from evalsuite.files.storage import storage_errors, sync_folder
from evalsuite.models import digest_file
from evalsuite.registry.record import Place
from evalsuite.runs.folder import RUN_FILE, Run, read_run_file

RUNS = "runs"
_STAGE = ".unfinished"


def copy_run(run: Run, registry: Path) -> Place:
    """Copy the evidence of a run that was checked; the caller holds the registry's lock.

    A copy of the same content that is there already is checked and used.

    Returns:
        Where the copy lies, relative to the registry, and the SHA-256 of each file in it.

    Raises:
        RegistryError: the run changed since it was checked, an older copy of it was changed, or
            the disk refused; no copy was made.
    """
    stage = registry / RUNS / _STAGE
    with storage_errors(stage, RegistryError):
        # Of a promotion that was killed: the lock is held, so nobody else is at work in it.
        if stage.exists():
            shutil.rmtree(stage)
        stage.mkdir(parents=True)
        try:
            # Reports can be made again from these.
            names = (RUN_FILE, *run.files)
            files = {name: _copy(run.folder / name, stage / name) for name in names}
            _require_unchanged(run, stage, files)
            place = f"{RUNS}/{files[RUN_FILE][:12]}"
            _settle(stage, registry / place, files)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return Place(path=place, files=files)


def _copy(source: Path, target: Path) -> str:
    """Copy one file to the disk, make it read-only, and return the SHA-256 of the copy."""
    try:
        stream = source.open("rb")
    except OSError as problem:
        raise RegistryError(
            f"refused: cannot read {str(source)!r}: {problem.strerror}; promote again when nobody "
            "writes into the run folder"
        ) from problem
    with stream, target.open("xb") as copy:
        shutil.copyfileobj(stream, copy)
        copy.flush()
        os.fsync(copy.fileno())
    target.chmod(0o444)
    return digest_file(target)


def _require_unchanged(run: Run, stage: Path, files: Mapping[str, str]) -> None:
    """Raise RegistryError unless the copies are what was read and checked as ``run``."""
    changed = [name for name, file in run.files.items() if files[name] != file.sha256]
    try:
        # run.json holds the digests of the others and none of its own, so it is compared as it was
        # read.
        same = read_run_file(stage) == run.info
    except RunError:
        same = False
    if not same:
        changed.insert(0, RUN_FILE)
    if changed:
        raise RegistryError(
            f"refused: {', '.join(changed)} in {str(run.folder)!r} changed while the run was "
            "promoted; promote again when nobody writes into the run folder"
        )


def _settle(stage: Path, folder: Path, files: Mapping[str, str]) -> None:
    """Move the stage into place for good, unless the same content is there already."""
    if folder.exists():
        _require_same(folder, files)
        return
    # The files are on the disk already; their names must be, before a record names them.
    sync_folder(stage)
    stage.rename(folder)
    sync_folder(folder.parent)
    # The folder of all copies may be new itself.
    sync_folder(folder.parent.parent)


def _require_same(folder: Path, files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        path = folder / name
        if not path.is_file() or digest_file(path) != digest:
            raise RegistryError(
                f"the registry's copy {str(path)!r} of this run was changed or is missing; "
                f"restore it from a backup, or move {str(folder)!r} away and promote again"
            )
