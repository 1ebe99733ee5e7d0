"""Runs for conversions that need no model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from evalsuite.runs.folder import Run
from tests.report.factory import write_run


@pytest.fixture(scope="session")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run in which two answers leak."""
    return write_run(tmp_path_factory.mktemp("failed") / "run", failing=True)


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of its own for each test: deepeval runs in the thread's loop, and never closes one."""
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    yield mine
    mine.close()
    asyncio.set_event_loop(None)
