"""The gate as a process: interrupted, without room on the disk, and twice at once."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.runs.folder import load_run

Gate = Callable[..., "subprocess.Popen[str]"]
VERDICT = {0, 1, 2}
SECONDS = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the run and the cache of a test lie."""
    return tmp_path


@pytest.fixture
def gate(folder: Path, candidate: Path, small_policy: Path, few_cases: Path) -> Gate:
    """Start a gate in a process of its own; ``limit`` bounds every file it writes, in KiB."""

    def start(limit: int | None = None) -> subprocess.Popen[str]:
        command = [
            sys.executable, "-W", "ignore", "-m", "evalsuite.cli", "gate", "--adapter", candidate,
            "--policy", small_policy, "--cases", few_cases, "--out", folder / "run",
            "--cache", folder / "outputs.sqlite3", "--seed", "5",
            "--registry", folder / "registry",
        ]  # fmt: skip
        argv = [str(part) for part in command]
        if limit is not None:
            argv = ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "limited", *argv]
        return subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Status and everything that the process said."""
    said = process.communicate(timeout=SECONDS)
    return process.returncode, "".join(said)


def answers(cache: Path) -> int:
    """How many answers the cache holds; 0 as long as it is not there."""
    if not cache.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{cache}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM entries").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def written(run: Path) -> dict[str, bytes]:
    """What a reader of the run sees."""
    return {p.name: p.read_bytes() for p in run.iterdir() if not p.name.startswith(".")}


@pytest.mark.slow
def test_an_interrupted_gate_says_so_and_goes_on_where_it_stopped(gate: Gate, folder: Path) -> None:
    process = gate()
    deadline = time.monotonic() + SECONDS
    while answers(folder / "outputs.sqlite3") < 10:
        assert process.poll() is None, ended(process)
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    if status not in VERDICT:  # it may have been faster than the signal
        assert status == 130
        assert "run the same command again" in said
        assert "Traceback" not in said
    known = answers(folder / "outputs.sqlite3")
    status, said = ended(gate())
    assert status in VERDICT, said
    # One entry is the examination of the adapter; every other one is asked for at least once.
    assert load_run(folder / "run").info.counts.cache_hits >= known - 1 > 0


@pytest.mark.slow
def test_a_full_disk_is_a_sentence_and_the_older_run_stays(gate: Gate, folder: Path) -> None:
    assert ended(gate())[0] in VERDICT
    before = written(folder / "run")
    (folder / "outputs.sqlite3").unlink()
    status, said = ended(gate(limit=16))
    assert status == 3, said
    assert "Traceback" not in said
    assert str(folder) in said
    assert written(folder / "run") == before


@pytest.mark.slow
def test_two_gates_at_once_leave_one_whole_run(gate: Gate, folder: Path) -> None:
    statuses = [ended(process) for process in (gate(), gate())]
    for status, said in statuses:
        assert status in VERDICT or (status == 3 and "is writing a run into" in said), said
    assert any(status in VERDICT for status, _ in statuses)
    assert load_run(folder / "run").verdicts
