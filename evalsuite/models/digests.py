"""Files and folders named by what is in them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalsuite.errors import ModelError, ModelNotFound

_SETTLED: Final = 0.05
"""Seconds since a file's last change, from which on another change has another time."""
_TRIES: Final = 3


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_tree(path: Path, names: Iterable[str] | None = None) -> str:
    """Return one SHA-256 over the names and contents of files below ``path``.

    The digest is taken over lines ``<sha256 of the file>  <relative name>``, sorted by name, so
    that ``sha256sum`` can repeat it.

    Args:
        path: The folder.
        names: Relative names with ``/``; default: every file below the folder.

    Raises:
        ModelNotFound: a named file is absent.
    """
    if names is None:
        names = [p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()]
    digests = {}
    for name in set(names):
        if not (path / name).is_file():
            raise ModelNotFound(f"the file {name!r} is missing from {str(path)!r}; restore it")
        digests[name] = digest_file(path / name)
    return digest_of_digests(digests)


def digest_contents(files: Mapping[str, bytes]) -> str:
    """Return what :func:`digest_tree` gives for a folder of these files, by relative name."""
    return digest_of_digests(
        {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    )


def digest_of_digests(digests: Mapping[str, str]) -> str:
    """Return what :func:`digest_tree` gives for files of these digests, by relative name."""
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamped:
    """Files that were digested, and how to see that nobody touched them since.

    A loader opens weights of many gigabytes by their path, after they were digested by it. Whoever
    changes or exchanges a file in between, even if only for that moment, changes its time of
    change, which no program can set.
    """

    folder: Path
    digest: str
    """Of the files; see :func:`digest_tree`."""
    stamps: Mapping[str, tuple[int, ...]]
    """Inode, size, times of writing and of change in ns, by relative name."""

    def require_same(self) -> None:
        """Raise ModelError unless the files are untouched; call it when they have been read."""
        try:
            changed = [n for n, stamp in self.stamps.items() if _stamp(self.folder / n) != stamp]
        except OSError as problem:
            raise ModelError(
                f"{str(self.folder)!r} changed while it was read ({problem}); start again"
            ) from problem
        if changed:
            raise ModelError(
                f"{str(self.folder / changed[0])!r} was touched between its digest and the end of "
                "its loading, so nobody knows what was loaded; start again when nobody writes there"
            )


def stamped(folder: Path, names: Iterable[str]) -> Stamped:
    """Digest files of a folder, and remember when each was changed last.

    Raises:
        ModelNotFound: a named file is absent.
        ModelError: somebody writes to them.
    """
    names = sorted(set(names))
    for _ in range(_TRIES):
        before = {name: _stamp(folder / name) for name in names if (folder / name).is_file()}
        _settle(before)
        found = Stamped(folder, digest_tree(folder, names), before)
        try:
            found.require_same()
        except ModelError:
            continue
        return found
    raise ModelError(f"somebody writes to {str(folder)!r}; start again when that has ended")


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _settle(stamps: Mapping[str, tuple[int, ...]]) -> None:
    """Wait until another change would have another time."""
    newest = max((stamp[-1] for stamp in stamps.values()), default=0) / 1e9
    # At most that long: the clock of another machine's disk may be ahead.
    time.sleep(min(max(newest + _SETTLED - time.time(), 0.0), _SETTLED))
