"""The registry's folder: an append-only chain of records.

``records/000001-<digest>.json`` and so on, each naming the digest of the one before; ``HEAD.json``
names the last one, because a chain alone cannot tell that its end was cut off. Records are
created under a lock with a name that must not exist, and never written again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from evalsuite.errors import RegistryError
from evalsuite.files.storage import FileLock, atomic_write, storage_errors, sweep, write_once
from evalsuite.registry.record import (
    Link,
    PromotionRecord,
    Statement,
    read_record,
    statement_bytes,
)

RECORDS = "records"
HEAD = "HEAD.json"
CHAINS = ("policies", "lineages")
"""Folders of further chains: :mod:`evalsuite.registry.entries`."""
_LOCK = ".lock"
# Six digits, so that names sort like the chain; the digest tells an edit at a glance.
_NAME = re.compile(r"(\d{6,})-([0-9a-f]{12})\.json\Z")
_WAIT = 30.0
"""Seconds to wait for another promotion; one takes as long as copying its evidence."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a chain."""

    subject: str
    missing: bool
    """Something is gone, rather than changed."""
    detail: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Every readable record, oldest first, and what is wrong with the whole."""

    records: tuple[PromotionRecord, ...]
    faults: tuple[Fault, ...]

    @property
    def last(self) -> PromotionRecord | None:
        """The newest record."""
        return self.records[-1] if self.records else None

    def require_whole(self, registry: Path) -> None:
        """Raise RegistryError, naming the first fault, unless the chain is whole."""
        if self.faults:
            raise RegistryError(
                f"the registry {str(registry)!r} is not whole: {self.faults[0].subject}: "
                f"{self.faults[0].detail}; restore it from a backup before you add to it"
            )


@contextmanager
def locked(registry: Path) -> Iterator[None]:
    """Hold the registry for one change; make its folders if they are missing.

    Raises:
        RegistryError: the folder cannot be written, or another process holds it for too long.
    """
    with storage_errors(registry, RegistryError):
        (registry / RECORDS).mkdir(parents=True, exist_ok=True)
        lock = FileLock(registry / _LOCK)
        if not lock.acquire(timeout=_WAIT):
            raise RegistryError(
                f"process {lock.owner()} holds the registry {str(registry)!r}; "
                "try again when it has ended"
            )
    with lock:
        with storage_errors(registry, RegistryError):
            sweep(registry, HEAD)
            for place in (RECORDS, *CHAINS):
                sweep(registry / place)
        yield


def append(registry: Path, statement: Statement) -> PromotionRecord:
    """Write the next record; the caller holds the lock and has checked the chain.

    Raises:
        RegistryError: the disk refused, or the name is taken; the chain is as it was.
    """
    data = statement_bytes(statement)
    digest = hashlib.sha256(data).hexdigest()
    sequence = statement.predicate.evalsuite.sequence
    path = (registry / RECORDS / f"{sequence:06d}-{digest[:12]}.json").absolute()
    with storage_errors(path, RegistryError):
        write_once(path, data)
    # If this fails the record still counts: it is the one record that may follow the head.
    with storage_errors(registry / HEAD, RegistryError):
        head = {"record": path.name, "sha256": digest}
        atomic_write(registry / HEAD, (json.dumps(head, indent=1) + "\n").encode())
    return PromotionRecord(path, digest, statement)


def read_chain(registry: Path) -> Chain:
    """Read every record and check every link; faults are collected, not raised."""
    registry = Path(registry).absolute()
    folder = registry / RECORDS
    names = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
    records: list[PromotionRecord] = []
    faults: list[Fault] = []
    for name in names:
        try:
            record = read_record(folder / name)
        except RegistryError as problem:
            faults.append(Fault(f"record {name}", False, str(problem)))
            continue
        faults.extend(_misnamed(record))
        records.append(record)
    # By number, so that a renamed file shows as that and not as a broken order.
    records.sort(key=lambda record: record.sequence)
    faults.extend(_broken_links(records))
    faults.extend(_head_faults(registry, records))
    return Chain(tuple(records), tuple(dict.fromkeys(faults)))


def _misnamed(record: PromotionRecord) -> Iterator[Fault]:
    match = _NAME.match(record.path.name)
    subject = f"record {record.path.name}"
    if match is None or int(match[1]) != record.sequence:
        yield Fault(subject, False, f"its name does not say sequence {record.sequence}")
    elif match[2] != record.sha256[:12]:
        yield Fault(subject, False, f"was edited: its sha256 is now {record.sha256}")


def _broken_links(records: list[PromotionRecord]) -> Iterator[Fault]:
    before: PromotionRecord | None = None
    for record in records:
        due = before.sequence + 1 if before else 1
        previous = record.evidence.previous
        if record.sequence < due:
            yield Fault(f"record {record.path.name}", False, f"sequence {due - 1} occurs twice")
        elif record.sequence > due:
            gone = previous.record if previous else f"{due:06d}"
            yield Fault(f"record {gone}", True, f"is missing before {record.path.name}")
        elif previous != (before.link if before else None):
            subject = f"record {before.path.name if before else record.path.name}"
            yield Fault(subject, False, f"is not the one that {record.path.name} names before it")
        before = record


def _head_faults(registry: Path, records: list[PromotionRecord]) -> Iterator[Fault]:
    path = registry / HEAD
    if not path.is_file():
        # The very first promotion may have died between its record and the head.
        if len(records) > 1:
            yield Fault(HEAD, True, "is missing; the end of the chain cannot be checked")
        return
    try:
        head = Link.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        yield Fault(HEAD, False, "cannot be read; it names the last record and its sha256")
        return
    position = next((i for i, r in enumerate(records) if r.path.name == head.record), None)
    if position is None:
        yield Fault(f"record {head.record}", True, "is missing; HEAD.json names it as the last")
    elif records[position].sha256 != head.sha256:
        yield Fault(f"record {head.record}", False, "was edited: HEAD.json has another sha256")
    # One record may follow the head: of a promotion that died between the two writes.
    elif len(records) - position > 2:
        yield Fault(HEAD, False, f"is older than {records[-1].path.name}")
