"""Atomic writes, write-once files and locks, on the real file system."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.errors import RunStorageError
from evalsuite.files.storage import (
    FileLock,
    atomic_write,
    storage_errors,
    sweep,
    write_named,
    write_once,
)


def test_an_atomic_write_replaces_the_whole_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old and longer")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_disk_that_fills_up_in_the_middle_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with (
            pytest.raises(RunStorageError, match="free some space"),
            storage_errors(path, RunStorageError),
        ):
            atomic_write(path, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_file_written_once_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_once(path, b"first")
    with pytest.raises(FileExistsError):
        write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]
    assert path.stat().st_mode & 0o222 == 0


def test_a_lock_keeps_a_second_holder_out_until_it_is_released(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / ".lock"), FileLock(tmp_path / ".lock")
    assert first.acquire()
    assert not second.acquire()
    assert second.owner() == str(os.getpid())
    first.release()
    assert second.acquire()
    second.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from evalsuite.files.storage import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); print(lock.acquire(), flush=True); time.sleep(60)"
    )
    path = tmp_path / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        mine = FileLock(path)
        assert not mine.acquire()
        child.kill()
        child.wait()
        assert mine.acquire(timeout=5)
        mine.release()


def test_a_link_is_followed_only_where_a_person_named_it(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_named(link, b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    atomic_write(link, b"newer")
    assert not link.is_symlink()
    assert (link.read_text(), target.read_text()) == ("newer", "new")


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_named(pipe, b"told")
    assert os.read(reader, 10) == b"told"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_lock_that_is_a_link_overwrites_nothing(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept", "utf-8")
    (tmp_path / ".lock").symlink_to(target)
    with pytest.raises(OSError, match="is a link; remove it"):
        FileLock(tmp_path / ".lock").acquire()
    assert target.read_text("utf-8") == "kept"
    (tmp_path / ".lock").unlink()
    (tmp_path / ".lock").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="is a link; remove it"):
        FileLock(tmp_path / ".lock").acquire()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_lock_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(OSError, match="is no regular file; remove it"):
        FileLock(tmp_path / ".lock").acquire(timeout=5)


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / ".HEAD.json.0123456789ab.tmp"
    others = [
        tmp_path / name
        for name in ("HEAD.json", ".HEAD.json.tmp", ".other.json.0123456789ab.tmp", "notes.tmp")
    ]
    for path in (left, *others):
        path.write_text("x")
    sweep(tmp_path, "HEAD.json")
    sweep(tmp_path / "absent")
    assert sorted(tmp_path.iterdir()) == sorted(others)
