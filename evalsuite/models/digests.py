"""Files and folders named by what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from evalsuite.errors import ModelNotFound


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
    total = hashlib.sha256()
    for name in sorted(set(names)):
        if not (path / name).is_file():
            raise ModelNotFound(f"the file {name!r} is missing from {str(path)!r}; restore it")
        total.update(f"{digest_file(path / name)}  {name}\n".encode())
    return total.hexdigest()
