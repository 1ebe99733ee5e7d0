"""A file that is ready to be written: everything that can be wrong is found out before."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import PublishingError
from evalsuite.files.storage import atomic_write, storage_errors


@dataclass(frozen=True, slots=True)
class PendingFile:
    """New content of a file, not yet written."""

    path: Path
    before: bytes | None
    """What it held when it was looked at; None: there was none."""
    data: bytes

    def write(self) -> bool:
        """Write the file, whole or not at all; False where it held this already.

        Its permissions stay.

        Raises:
            PublishingError: somebody else changed it since, or the disk refused; it is as it was.
        """
        if self.data == self.before:
            return False
        with storage_errors(self.path, PublishingError):
            if read_present(self.path) != self.before:
                raise PublishingError(
                    f"{str(self.path)!r} was changed by somebody else just now; publish again"
                )
            # An atomic write makes a new file, with the permissions of a new one.
            mode = None if self.before is None else stat.S_IMODE(self.path.stat().st_mode)
            self.path.parent.mkdir(exist_ok=True)
            atomic_write(self.path, self.data)
            if mode is not None:
                self.path.chmod(mode)
        return True


def read_present(path: Path) -> bytes | None:
    """Return what a file holds that may be replaced; None where there is no file.

    Raises:
        PublishingError: a link, a folder, or a file that may not be written.
    """
    with storage_errors(path, PublishingError):
        if path.is_symlink():
            # Of a download cache, the link's target is shared by other revisions.
            raise PublishingError(
                f"{str(path)!r} is a link to {str(path.readlink())!r}; name that file itself"
            )
        if not path.exists():
            return None
        if not stat.S_ISREG(path.stat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not path.stat().st_mode & 0o222:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return path.read_bytes()
