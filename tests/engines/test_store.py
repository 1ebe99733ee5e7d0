"""The SQLite file: first value wins, several processes, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from evalsuite.engines.store import Store
from evalsuite.errors import RunStorageError

WRITER = """
import sys
from pathlib import Path
from evalsuite.engines.store import Store
store = Store(Path(sys.argv[1]))
for i in range(200):
    store.put({f"key{i}": [sys.argv[2], i], f"{sys.argv[2]}-{i}": i})
print(len(store.get([f"key{i}" for i in range(200)])))
"""


def test_values_come_back_after_reopening(tmp_path: Path) -> None:
    values = {f"k{i}": {"n": i, "text": "它\u2028\x00"} for i in range(1200)}
    store = Store(tmp_path / "c.sqlite")
    store.put(values)
    store.close()
    assert Store(tmp_path / "c.sqlite").get([*values, "absent"]) == values


def test_the_first_value_of_a_key_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "c.sqlite")
    store.put({"k": 1})
    store.put({"k": 2, "other": 3})
    assert store.get(["k", "other"]) == {"k": 1, "other": 3}


def test_a_value_that_is_no_json_writes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "c.sqlite")
    with pytest.raises(ValueError, match="JSON"):
        store.put({"good": 1, "bad": float("nan")})
    assert store.get(["good"]) == {}


def test_several_processes_may_open_and_write_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "c.sqlite")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, name], stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b", "c")
    ]
    assert [(w.communicate(timeout=60)[0].strip(), w.returncode) for w in writers] == [
        ("200", 0)
    ] * 3
    store = Store(Path(path))
    own = store.get([f"{name}-{i}" for name in "abc" for i in range(200)])
    assert len(own) == 600
    rows: dict[str, Any] = {**store.get(["key7"])}
    assert all(v[0] in "abc" and v[1] == int(k[3:]) for k, v in rows.items())


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"these are not the answers" * 100)
    with pytest.raises(RunStorageError, match=r"c\.sqlite' is broken.*delete it"):
        Store(path)
    assert path.read_bytes().startswith(b"these")


def test_a_truncated_database_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    store = Store(path)
    store.put({f"k{i}": "x" * 500 for i in range(200)})
    store.close()
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(RunStorageError, match=r"broken|cannot be used"):
        Store(path).get([f"k{i}" for i in range(200)])


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE customers (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(RunStorageError, match="not a cache of this version; name another file"):
        Store(path)
    assert path.read_bytes() == before


def test_a_broken_value_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    store = Store(path)
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO entries VALUES ('k', '{half')")
    with pytest.raises(RunStorageError, match="no JSON; delete it"):
        store.get(["k"])


@pytest.mark.parametrize("name", ["file/c.sqlite", ""])
def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunStorageError, match="name a file in an existing, writable folder"):
        Store(tmp_path / name)


def test_a_full_disk_is_told_with_the_fix_and_what_was_there_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "c.sqlite")
    store.put({"k": 1})
    # SQLite says the same of a file that may not grow as of a disk that is full.
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(RunStorageError, match=r"is full; free some disk space, or name a file on"):
        store.put({f"k{i}": "x" * 500 for i in range(200)})
    assert store.get(["k", "k0"]) == {"k": 1}


def test_the_folder_of_a_cache_is_made(tmp_path: Path) -> None:
    Store(tmp_path / "not" / "yet" / "c.sqlite").close()
    assert (tmp_path / "not" / "yet" / "c.sqlite").is_file()


def test_a_read_only_folder_is_refused_with_the_fix() -> None:
    # Not tmp_path: its parents are closed to the other user that root has to become.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "c.sqlite"
        Store(path).close()
        path.chmod(0o444)
        folder.chmod(0o555)
        opening = f"""
import os, pathlib
from evalsuite.engines.store import Store
from evalsuite.errors import RunStorageError
if os.geteuid() == 0:  # root may write anywhere
    os.setresuid(65534, 65534, 65534)
try:
    Store(pathlib.Path({str(path)!r}))
except RunStorageError as error:
    print(error)
"""
        done = subprocess.run(
            [sys.executable, "-c", opening], capture_output=True, text=True, timeout=60
        )
        folder.chmod(0o755)
    assert "cannot be used" in done.stdout, done.stderr
    assert "writable" in done.stdout
