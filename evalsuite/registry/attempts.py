"""Attempts of a lineage: how often the same goal was tried, and what that costs.

Twenty candidates that are each passed wrongly with a probability of 5 % promote a bad one with
64 %. So every attempt is written down before its verdict is known, and a policy may let each one
spend only a part of the error budget. Attempts at the same goal share a *lineage*
(:mod:`evalsuite.registry.lineages`); the same adapter under the same policy and seed is the same
attempt, however often it is gated.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalsuite.errors import RunError, RunStorageError
from evalsuite.files.storage import FileLock, atomic_write, storage_errors, sweep

LEDGER = "attempts.jsonl"
"""The file in a registry folder; lines are only ever added, each sealed over the one before."""
HEAD = "attempts.head.json"
"""How many lines the ledger has, and the seal of the last: a chain alone cannot tell that its end
was cut off."""
_WAIT = 30.0
# What the first line is sealed over, which has no line before it.
_FIRST = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt, as it stands in the ledger."""

    lineage: str
    """SHA-256 of what its attempts have in common."""
    number: int
    """From 1, in the order in which they were first gated."""
    adapter: str
    policy: str
    circumstances: str
    """SHA-256 of the adapter, of the resolved policy, and of all else that can change an answer."""
    seed: int
    created: str
    """ISO 8601 with time zone."""

    @property
    def question(self) -> tuple[str, str, str, int]:
        """What was asked; asked again, it is the same attempt."""
        return self.adapter, self.policy, self.circumstances, self.seed


def record_attempt(registry: Path, asked: Attempt, *, now: datetime) -> Attempt:
    """Write an attempt down, or find it when the same question was asked before.

    Args:
        registry: folder of promotion records; made when it does not exist.
        asked: the attempt; its number and time do not matter.
        now: with a time zone.

    Raises:
        RunError: the ledger was edited or is broken; nothing is added.
        RunStorageError: it cannot be written.
    """
    path = Path(registry) / LEDGER
    with storage_errors(path, RunStorageError):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"))
        if not lock.acquire(timeout=_WAIT):
            raise RunStorageError(f"{path}: process {lock.owner()} keeps it locked; try again")
        with lock:
            sweep(path.parent, HEAD)
            # Read under the lock: two gates that start at once must not take the same number.
            seal, known, end = _read(path)
            of_lineage = [a for a in known if a.lineage == asked.lineage]
            for attempt in of_lineage:
                if attempt.question == asked.question:
                    return attempt
            attempt = Attempt(
                **asdict(asked)
                | {"number": len(of_lineage) + 1, "created": now.isoformat(timespec="seconds")}
            )
            _append(path, end, _line(attempt, seal))
            head = {"attempts": len(known) + 1, "seal": _seal(attempt, seal)}
            atomic_write(path.with_name(HEAD), (json.dumps(head) + "\n").encode())
            return attempt


def read_attempts(registry: Path) -> tuple[Attempt, ...]:
    """Return every attempt of a registry, oldest first.

    Raises:
        RunError: the ledger was edited or is broken.
    """
    return _read(Path(registry) / LEDGER)[1]


def _append(path: Path, end: int, line: str) -> None:
    """Add a line behind ``end``; where the disk refuses, nothing of it stays.

    Appended, never rewritten: an attempt that was made cannot be taken back. What stands behind
    ``end`` is half a line of a process that died before it asked anything.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "is a link; put the ledger itself there", str(path))
    with path.open("ab") as stream:
        stream.truncate(end)
        try:
            stream.write(line.encode())
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            with suppress(OSError):
                os.truncate(path, end)
            raise


def _read(path: Path) -> tuple[str, tuple[Attempt, ...], int]:
    """The last seal, every attempt, and where the last whole line ends, in bytes."""
    head = _read_head(path.with_name(HEAD))
    if not path.exists():
        if head is not None:
            raise _broken(path, 1, f"is gone, and {HEAD} tells of {head.attempts} attempts")
        return _FIRST, (), 0
    seal, attempts = _FIRST, []
    lines, end, torn = _complete_lines(path)
    seals = [seal]
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            # The seal is over all else in the line, so it is no field of an attempt.
            given = data.pop("seal")
            attempt = Attempt(**data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _broken(path, number, f"is no attempt ({error})") from None
        seal = _seal(attempt, seal)
        if given != seal:
            raise _broken(path, number, "does not fit the line before it")
        seals.append(seal)
        attempts.append(attempt)
    _require_head(path, head, seals, torn=torn)
    return seal, tuple(attempts), end


def _require_head(path: Path, head: _Head | None, seals: Sequence[str], *, torn: bool) -> None:
    """Refuse a ledger that lacks an attempt which its head knows of.

    One line may follow the head, whole or torn: of a process that died between the two writes.
    """
    n = len(seals) - 1
    if head is None:
        if n + torn > 1:
            raise _broken(path, n, f"has no {HEAD} beside it, which names the last attempt")
        return
    if head.attempts > n:
        raise _broken(path, n + 1, f"is cut off or gone: {HEAD} tells of {head.attempts} attempts")
    if head.attempts < n - 1 + torn or seals[head.attempts] != head.seal:
        raise _broken(path, n, f"is not what {HEAD} names")


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    attempts: int = Field(ge=1)
    seal: str


def _read_head(path: Path) -> _Head | None:
    try:
        return _Head.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise RunError(f"{path}: names no attempt; restore it together with {LEDGER}") from None


def _complete_lines(path: Path) -> tuple[list[str], int, bool]:
    """The whole lines, where the last of them ends in bytes, and whether half a line follows."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    try:
        text = data[:end].decode()
    except UnicodeDecodeError as error:
        raise _broken(path, 1, f"is not UTF-8 ({error.reason})") from None
    # Not splitlines(), which splits at more than a line feed.
    return text.split("\n")[:-1], end, end < len(data)


def _broken(path: Path, number: int, what: str) -> RunError:
    return RunError(
        f"{path}:{number}: {what}; attempts that were made must stay: restore the file from its "
        "copy or from version control"
    )


def _seal(attempt: Attempt, before: str) -> str:
    # Sorted, so that a seal does not hang on the order in which fields are declared.
    text = before + json.dumps(asdict(attempt), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _line(attempt: Attempt, before: str) -> str:
    return json.dumps(asdict(attempt) | {"seal": _seal(attempt, before)}) + "\n"
