"""A table of JSON values by digest in one SQLite file, shared by any number of processes.

Write-ahead logging lets readers and one writer work at once; ``INSERT OR IGNORE`` makes the first
value of a key the only one. With a key of the machine's own each entry is sealed. The file must lie
on a local disk: write-ahead logging needs shared memory, which network file systems do not give.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from evalsuite.engines.sealing import holds, sealed
from evalsuite.errors import RunStorageError

_APPLICATION: Final = 0x45564C53
"""Marks the file as ours; other programs' databases are not touched."""
_VERSION: Final = 1
_WAIT_SECONDS: Final = 120.0
# Older builds of SQLite take 999 parameters in one statement.
_KEYS_AT_ONCE: Final = 500


class Store:
    """JSON values by key.

    Args:
        path: The database file; made when absent, in a folder that exists.
        key: Seals entries that are written; None: they get no seal.

    Raises:
        RunStorageError: the file cannot be opened or written, is broken, or is not a store.
    """

    def __init__(self, path: Path, key: bytes | None = None) -> None:
        self.path = path
        self._key = key
        with self._errors():
            with suppress(OSError):
                # Where this fails, opening the file says why.
                path.parent.mkdir(parents=True, exist_ok=True)
            # Transactions are begun by hand: the driver's own would start as readers.
            self._connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        run = self._connection.execute
        tables = run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = run("PRAGMA application_id").fetchone()[0]
        version = run("PRAGMA user_version").fetchone()[0]
        if tables and (application, version) != (_APPLICATION, _VERSION):
            raise RunStorageError(
                f"{str(self.path)!r} is not a cache of this version; name another file, or delete "
                "this one and its answers are computed again"
            )
        self._use_write_ahead_log()
        # With a write-ahead log a power cut can cost the last answers, never the file.
        run("PRAGMA synchronous=NORMAL")
        with self._transaction():
            run(f"PRAGMA application_id={_APPLICATION}")
            run(f"PRAGMA user_version={_VERSION}")
            run(
                "CREATE TABLE IF NOT EXISTS entries "
                "(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
            )
            # Beside the entries, so that versions without seals read and write the same file.
            run(
                "CREATE TABLE IF NOT EXISTS seals "
                "(key TEXT PRIMARY KEY, seal TEXT NOT NULL) WITHOUT ROWID"
            )

    def _use_write_ahead_log(self) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as problem:
                # The switch does not wait for its lock as other statements do.
                if "locked" not in str(problem) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def get(self, keys: Sequence[str]) -> dict[str, JsonValue]:
        """Return the values of those keys that have one.

        Raises:
            RunStorageError: the file or a value in it is broken.
        """
        return {key: self._parsed(key, value) for key, value in self._rows("entries", keys)}

    def sealed(self, keys: Sequence[str]) -> frozenset[str]:
        """Return those keys whose entries carry the seal of this store's key.

        Raises:
            RunStorageError: the file is broken.
        """
        if self._key is None:
            return frozenset()
        seals = dict(self._rows("seals", keys))
        return frozenset(
            key
            for key, value in self._rows("entries", list(seals))
            if holds(self._key, key, value, seals[key])
        )

    def _rows(self, table: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The rows of some keys; ``table`` is one of the two names in this module."""
        column = "value" if table == "entries" else "seal"
        with self._errors():
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                some = keys[start : start + _KEYS_AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT key, {column} FROM {table} WHERE key IN ({marks})"  # noqa: S608 - only marks
                yield from self._connection.execute(query, some).fetchall()

    def put(self, values: Mapping[str, object]) -> None:
        """Add values in one transaction; keys that exist keep theirs.

        Raises:
            RunStorageError: nothing was written.
        """
        rows = [(key, json.dumps(value, allow_nan=False)) for key, value in values.items()]
        with self._errors(), self._transaction():
            # The first answer stored is the one that every process returns, then and later.
            self._connection.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?)", rows)
            if self._key is not None:
                # Where another value was first, this seal does not fit it: it stays unsealed.
                seals = [(key, sealed(self._key, key, value)) for key, value in rows]
                self._connection.executemany("INSERT OR IGNORE INTO seals VALUES (?, ?)", seals)

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        self._connection.close()

    def _parsed(self, key: str, value: str) -> JsonValue:
        try:
            parsed: JsonValue = json.loads(value)
        except ValueError:
            raise self.broken(f"the value of {key[:12]}... is no JSON") from None
        return parsed

    def broken(self, what: str) -> RunStorageError:
        """Return the error for a file with broken contents."""
        return RunStorageError(
            f"the cache {str(self.path)!r} is broken: {what}; delete it and its answers are "
            "computed again"
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as problem:
            raise RunStorageError(
                f"the cache {str(self.path)!r} cannot be used: {problem}; {_fix(str(problem))}"
            ) from problem
        except sqlite3.ProgrammingError:
            raise  # a bug in the caller, such as use after close; the file is sound
        except sqlite3.DatabaseError as problem:
            raise self.broken(str(problem)) from problem


def _fix(reason: str) -> str:
    if "readonly" in reason:
        return "make it and its folder writable, or name another file"
    if "full" in reason:
        return "free some disk space, or name a file on another disk"
    if "locked" in reason:
        return "another process holds it; wait for it, or name another file"
    return "name a file in an existing, writable folder on a local disk"
