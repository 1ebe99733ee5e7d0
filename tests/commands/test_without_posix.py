"""What Windows can do: look at cases, runs and records, without any part of POSIX."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.cli import main
from tests.registry.world import World
from tests.report.factory import write_run

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import json, os, signal, sys, tempfile

ABSENT = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

# What the interpreter took on its own way up, it keeps.
for name in ABSENT & {*sys.modules}:
    del sys.modules[name]
sys.meta_path.insert(0, Absent())
for module, names in (
    (os, "O_DIRECTORY O_NOFOLLOW O_NONBLOCK pread pwrite fchmod fork killpg setsid getuid mkfifo"),
    (signal, "SIGKILL SIGHUP SIGALRM SIGXFSZ"),
):
    for name in names.split():
        delattr(module, name)
try:
    import fcntl
except ModuleNotFoundError:
    from evalsuite.cli import main
    sys.exit(main(json.loads(sys.argv[1])))
"""
"""Runs one command as if this system were no POSIX one."""


def ends_as_here(
    capsys: pytest.CaptureFixture[str], *arguments: object, status: int
) -> subprocess.CompletedProcess[str]:
    """Run a command there and here: it says the same and ends the same."""
    spelt = [str(argument) for argument in arguments]
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(spelt)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    capsys.readouterr()
    assert main(spelt) == there.returncode == status, there.stderr
    assert there.stdout == capsys.readouterr().out
    return there


def test_cases_are_linted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ends_as_here(capsys, "cases", "lint", ROOT / "cases", status=0)
    (tmp_path / "bad.yaml").write_text("cases:\n  - id: a\n    langauge: en\n", "utf-8")
    assert "bad.yaml:3" in ends_as_here(capsys, "cases", "lint", tmp_path, status=1).stdout


def test_a_run_is_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", failing=True)
    ends_as_here(capsys, "report", run.folder, "--junit", status=1)
    for name in ("report.html", "report.md", "junit.xml"):
        assert (run.folder / name).stat().st_size > 1000


def test_runs_are_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old, new = write_run(tmp_path / "old"), write_run(tmp_path / "new", failing=True)
    page = tmp_path / "page.md"
    there = ends_as_here(capsys, "compare", old.folder, new.folder, "--markdown", page, status=2)
    assert "regressed" in there.stdout
    assert page.is_file()


def test_a_record_is_verified(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    world = World(tmp_path)
    record = world.promoted()
    ends_as_here(capsys, "verify", record.path, status=2)
    (world.adapter() / "adapter_model.safetensors").write_bytes(b"another")
    assert "NOT verified" in ends_as_here(capsys, "verify", record.path, status=1).stdout
