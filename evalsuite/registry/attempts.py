"""Attempts of a lineage: how often the same goal was tried, and what that costs.

Twenty candidates that are each passed wrongly with a probability of 5 % promote a bad one with
64 %. So every attempt is written down before its verdict is known, and a policy may let each one
spend only a part of the error budget. Attempts at the same goal (base, recipe, data) share a
*lineage*; the same adapter under the same policy and seed is the same attempt, however often it
is gated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from evalsuite.errors import RunError, RunStorageError
from evalsuite.files.storage import FileLock, storage_errors
from evalsuite.models import BaseRef, Tuned

LEDGER = "attempts.jsonl"
"""The file in a registry folder; lines are only ever added, each sealed over the one before."""
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


def lineage_of(base: BaseRef, adapter: Tuned) -> str:
    """Return the lineage of a candidate: base, recipe and source of the data, not the seed.

    An adapter without a record of its own, or a whole model, belongs to all such of its base.
    """
    known = adapter.provenance
    goal = [base.digest, known.recipe if known else "", known.lineage if known else ""]
    if known and known.prompt_digest:
        goal.append(known.prompt_digest)  # another prompt is another goal
    return hashlib.sha256(json.dumps(goal).encode()).hexdigest()


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
            # Read under the lock: two gates that start at once must not take the same number.
            seal, known = _read(path)
            of_lineage = [a for a in known if a.lineage == asked.lineage]
            for attempt in of_lineage:
                if attempt.question == asked.question:
                    return attempt
            attempt = Attempt(
                **asdict(asked)
                | {"number": len(of_lineage) + 1, "created": now.isoformat(timespec="seconds")}
            )
            # Appended, never rewritten: an attempt that was made cannot be taken back.
            with path.open("a", encoding="utf-8") as file:
                file.write(_line(attempt, seal))
            return attempt


def read_attempts(registry: Path) -> tuple[Attempt, ...]:
    """Return every attempt of a registry, oldest first.

    Raises:
        RunError: the ledger was edited or is broken.
    """
    return _read(Path(registry) / LEDGER)[1]


def _read(path: Path) -> tuple[str, tuple[Attempt, ...]]:
    if not path.exists():
        return _FIRST, ()
    seal, attempts = _FIRST, []
    for number, line in _complete_lines(path):
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
        attempts.append(attempt)
    return seal, tuple(attempts)


def _complete_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise _broken(path, 1, f"is not UTF-8 ({error.reason})") from None
    # Cut off in writing. Without that line the next attempt would get its number, and the seal of
    # the line before it.
    if text and not text.endswith("\n"):
        raise _broken(path, text.count("\n") + 1, "is cut off")
    yield from enumerate(text.splitlines(), start=1)


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
