"""deepeval through the bridge sends nothing, and lets the working folder be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("deepeval")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent

# Refuses every connection before it is made, and says so; asyncio's own socket pairs connect to
# nothing and pass.
GUARD = """
import os, sys
def guard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        print("NETWORK", event, file=sys.stderr, flush=True)
        raise PermissionError(event)
sys.addaudithook(guard)
"""
MEASURE = """
from evalsuite.integrations.deepeval import llm_test_case, metric
from tests.integrations.samples import ANSWERED
import deepeval
test_case = llm_test_case(ANSWERED)
metric("right").measure(test_case)
deepeval.assert_test(test_case, [metric("literal_leak")])
result = deepeval.evaluate([test_case], [metric("literal_leak")])
print("RESULT", result.test_results[0].success, os.environ.get("FROM_DOTENV"))
"""
IMPORT_FIRST = """
import deepeval
"""


def ran(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEEPEVAL")}
    working, home = folder / "working", folder / "home"
    working.mkdir()
    home.mkdir()
    (working / ".env").write_text("FROM_DOTENV=1\nDEEPEVAL_TELEMETRY_OPT_OUT=0\n")
    here = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", GUARD + script],
        capture_output=True,
        text=True,
        cwd=working,
        env={**kept, **here, **environment},
        timeout=300,
    )


def test_measuring_opens_no_connection_and_leaves_the_working_folder_alone(tmp_path: Path) -> None:
    done = ran(MEASURE, tmp_path)
    assert "RESULT True None" in done.stdout, done.stderr
    assert "NETWORK" not in done.stderr
    assert [path.name for path in (tmp_path / "working").iterdir()] == [".env"]
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["cache"]


def test_telemetry_is_sent_for_those_who_ask_for_it(tmp_path: Path) -> None:
    done = ran(MEASURE, tmp_path, DEEPEVAL_TELEMETRY_OPT_OUT="0")
    assert "RESULT True None" in done.stdout, done.stderr
    assert "NETWORK" in done.stderr


def test_telemetry_stops_where_deepeval_was_imported_before(tmp_path: Path) -> None:
    # Its pytest plugin is. What it read from .env by then stays, telemetry included.
    done = ran(IMPORT_FIRST + MEASURE, tmp_path, DEEPEVAL_DISABLE_DOTENV="1")
    assert "RESULT True None" in done.stdout, done.stderr
    assert "NETWORK" not in done.stderr
