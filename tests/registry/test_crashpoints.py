"""A command that ended at one of its file operations is run again, and nothing tells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EVERY = {"gate": 8, "promote": 6}
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("how", ["kill", "full"])
@pytest.mark.parametrize("command", EVERY)
def test_a_second_run_ends_as_an_undisturbed_one(
    command: str, how: str, candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [
            sys.executable, "-W", "ignore", "-m", "tests.registry.crashpoints", command,
            str(tmp_path / "work"), str(candidate), str(small_policy), str(few_cases),
            str(candidate.parent / "outputs.sqlite3"), str(EVERY[command]), how,
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *tries, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last.pop("ended") == 0
    assert last["left"] == []
    assert {one["ended"] for one in tries} <= ({-9} if how == "kill" else {3})
    for one in tries:
        assert {key: one[key] for key in last if key != "step"} == {
            key: value for key, value in last.items() if key != "step"
        }
