"""Durable files: atomic writes, write-once files and folder locks.

Run folders and the registry are evidence, so both need the same three promises: a reader sees a
whole file or none, a file that must not change is never overwritten, and two processes never
write into one folder at once. No format lives here.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import lock_descriptor

from evalsuite.errors import EvalsuiteError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_NOT_A_FOLDER = {errno.ENOTDIR, errno.EEXIST}


def _fix(number: int | None) -> str:
    if number in _FULL:
        return "the disk or quota is full; free some space or name a folder on another disk"
    if number in _READ_ONLY:
        return "it may not be written; change its permissions or name a folder that you own"
    if number in _NOT_A_FOLDER:
        return "a file stands where a folder is needed; move the file away or name another folder"
    if number == errno.EISDIR:
        return "a folder stands where a file is needed; move it away or name another folder"
    return "check the disk, or name another folder"


@contextmanager
def storage_errors(path: Path, error: type[EvalsuiteError]) -> Iterator[None]:
    """Turn every ``OSError`` inside into ``error``, naming ``path`` and what to do."""
    try:
        yield
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise error(f"cannot write {str(path)!r}: {reason}; {_fix(problem.errno)}") from problem


def user_cache() -> Path:
    """The user's own folder for what can be made again: ``$XDG_CACHE_HOME/evalsuite``."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "evalsuite"


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` survive a power cut, where the system can: Windows cannot."""
    as_folder = getattr(os, "O_DIRECTORY", None)
    if as_folder is None:
        return
    handle = os.open(folder, os.O_RDONLY | as_folder)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_LEFT = re.compile(r"\.[0-9a-f]{12}\.tmp\Z")
"""How the name of a file ends that is being written."""


def _write_beside(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def atomic_write(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``, whole or not at all; a link is replaced, never followed.

    Raises:
        OSError: nothing was changed.
    """
    temporary = _write_beside(path, data)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sweep(folder: Path, name: str = "*") -> None:
    """Remove what a killed writer of such files left; the caller holds the lock that writers hold.

    Args:
        folder: where they are written; it need not exist.
        name: of the files, as a pattern; others have writers of their own.
    """
    for path in folder.glob(f".{name}.*.tmp"):
        if _LEFT.search(path.name):
            path.unlink(missing_ok=True)


def write_named(path: Path, data: bytes) -> None:
    """Write ``data`` where a person said, as :func:`atomic_write` where that is a file.

    A link is followed, because it was named; in a folder that came from somebody else it would not
    be. What is no file, such as ``/dev/stdout`` or a pipe, stays what it is and is written to.

    Raises:
        OSError: nothing was changed, unless it is no file.
    """
    if path.is_symlink():
        path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.write(data)
        return
    atomic_write(path, data)


def write_once(path: Path, data: bytes) -> None:
    """Create ``path`` with ``data``, whole or not at all, and never over an existing file.

    The name is taken with a hard link, which fails where the name exists, so even a writer that
    ignores the lock cannot replace a record. The file is read-only afterwards.

    Raises:
        FileExistsError: the name is taken; that file is untouched.
        OSError: nothing was written.
    """
    temporary = _write_beside(path, data)
    try:
        temporary.chmod(0o444)
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _own_file(path: Path) -> int:
    """Open a file for reading and writing that has to be one itself; made where it is absent."""
    # Without O_NONBLOCK a pipe would be waited for. Windows has neither flag, and no such links.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "is a link; remove it", str(path)) from problem
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "is no regular file; remove it", str(path))
    return handle


class FileLock:
    """An exclusive lock on a file, held by this process and released when it ends or dies.

    The file itself stays: deleting it would let two processes lock two different files of the
    same name. It holds the number of the process that locked it last; Windows lets nobody else
    read it while the lock is held.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self, *, timeout: float = 0.0) -> bool:
        """Take the lock within ``timeout`` seconds; False when somebody else keeps it.

        Raises:
            OSError: the lock file cannot be made, or is a link or no regular file: in a folder
                that came from somebody else, what it leads to would be overwritten.
        """
        handle = _own_file(self.path)
        deadline = time.monotonic() + timeout
        try:
            # filelock's own FileLock would open the file itself, and on Windows delete it.
            while not lock_descriptor(handle, blocking=False):
                if time.monotonic() >= deadline:
                    os.close(handle)
                    return False
                time.sleep(0.02)
        except OSError:
            os.close(handle)
            raise
        self._handle = handle
        # The number only helps a person; a full disk must not cost the lock.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        return True

    def owner(self) -> str:
        """The process number in the lock file, or ``"unknown"``."""
        try:
            with self.path.open("rb") as stream:
                return stream.read(32).decode("ascii").strip() or "unknown"
        except (OSError, UnicodeDecodeError):
            return "unknown"

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
