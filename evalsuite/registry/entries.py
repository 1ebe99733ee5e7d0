"""Small files of a registry that only ever grow: a chain of entries, each naming the one before.

``FOLDER/000001-<digest>.json`` and so on, and ``FOLDER/HEAD.json``, which names the last one,
because a chain alone cannot tell that its end was cut off. What stands in an entry is the business
of who keeps it: :mod:`evalsuite.registry.pins`, :mod:`evalsuite.registry.lineages`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from evalsuite.errors import RegistryError
from evalsuite.files.jsonl import first_fault
from evalsuite.files.storage import atomic_write, storage_errors, write_once
from evalsuite.registry.record import Link

HEAD = "HEAD.json"
_NAME = re.compile(r"(\d{6,})-([0-9a-f]{12})\.json\Z")
_MAX_BYTES = 4 * 2**20
Said = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
"""What a person gives as a reason."""


class Entry(BaseModel):
    """What every entry has; a subclass says what else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sequence: int = Field(ge=1)
    created: AwareDatetime
    previous: Link | None = None


EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True, slots=True)
class Kept(Generic[EntryT]):
    """An entry as its file holds it."""

    path: Path
    sha256: str
    content: EntryT

    @property
    def link(self) -> Link:
        """This entry as others name it."""
        return Link(record=self.path.name, sha256=self.sha256)


def read_entries(folder: Path, shape: type[EntryT], what: str) -> tuple[Kept[EntryT], ...]:
    """Read every entry of a folder, oldest first, and check the whole chain.

    Args:
        folder: that holds them; it need not exist.
        shape: of an entry.
        what: one of them in words, for messages.

    Raises:
        RegistryError: naming the file that was changed, or is missing.
    """
    if not folder.is_dir():
        return ()
    found: list[Kept[EntryT]] = []
    for path in sorted(folder.glob("*-*.json")):
        one = _read(path, shape, what)
        before = found[-1] if found else None
        if one.content.sequence != len(found) + 1:
            raise RegistryError(
                f"{what} {len(found) + 1:06d} is missing before {str(path)!r}; restore it from a "
                "backup"
            )
        if one.content.previous != (before.link if before else None):
            raise RegistryError(
                f"{str(path)!r} does not name the {what} before it; restore both from a backup"
            )
        found.append(one)
    _require_head(folder, [one.link for one in found], what)
    return tuple(found)


def append_entry(folder: Path, content: EntryT) -> Kept[EntryT]:
    """Write the next entry; the caller holds the registry's lock and has read the others.

    Raises:
        RegistryError: the disk refused; the chain is as it was.
    """
    data = (content.model_dump_json(indent=1) + "\n").encode()
    digest = hashlib.sha256(data).hexdigest()
    path = folder / f"{content.sequence:06d}-{digest[:12]}.json"
    with storage_errors(path, RegistryError):
        folder.mkdir(parents=True, exist_ok=True)
        write_once(path, data)
        head = {"record": path.name, "sha256": digest}
        atomic_write(folder / HEAD, (json.dumps(head, indent=1) + "\n").encode())
    return Kept(path, digest, content)


def _read(path: Path, shape: type[EntryT], what: str) -> Kept[EntryT]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as problem:
        raise RegistryError(
            f"cannot read the {what} {str(path)!r}: {problem.strerror}"
        ) from problem
    if len(data) > _MAX_BYTES:
        raise RegistryError(
            f"{str(path)!r}: a {what} has at most {_MAX_BYTES} bytes, this has more"
        )
    digest = hashlib.sha256(data).hexdigest()
    try:
        content = shape.model_validate_json(data)
    except ValidationError as problem:
        raise RegistryError(
            f"{str(path)!r} is no {what}: {first_fault(problem, 'the file')}; restore it from a "
            "backup"
        ) from None
    match = _NAME.match(path.name)
    if match is None or int(match[1]) != content.sequence or match[2] != digest[:12]:
        raise RegistryError(f"{str(path)!r} was changed or renamed; restore it from a backup")
    return Kept(path, digest, content)


def _require_head(folder: Path, links: Sequence[Link], what: str) -> None:
    path = folder / HEAD
    if not path.is_file():
        # The very first may have died between its file and the head.
        if len(links) > 1:
            raise RegistryError(f"{str(path)!r} is missing: it names the last {what}; restore it")
        return
    try:
        head = Link.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise RegistryError(f"{str(path)!r} cannot be read; restore it from a backup") from None
    # One may follow: of a process that died between the two writes.
    if head not in links[-2:]:
        raise RegistryError(
            f"{str(path)!r} names {head.record} as the last {what}, which is gone or was changed; "
            "restore it from a backup"
        )
