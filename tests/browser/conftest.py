"""A headless Chromium of the system, one for the session; every page counts what it asks for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from evalsuite.runs.folder import Run
from tests.report.factory import hostile_run, write_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]


@dataclass
class Opened:
    """One page in one browser context, and all that it did beside being read."""

    page: Any
    asked: list[str] = field(default_factory=list)
    """Addresses of all requests."""
    answered: list[str] = field(default_factory=list)
    """Those that nothing stopped."""
    told: list[str] = field(default_factory=list)
    """Messages of the console, and errors."""
    dialogs: list[str] = field(default_factory=list)


class Opener(Protocol):
    """Opens a file in a context of its own."""

    def __call__(self, file: Path, *, fragment: str = "", **context: Any) -> Opened: ...


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    sync = pytest.importorskip("playwright.sync_api", reason="runs in the session browser")
    if CHROMIUM is None:
        pytest.fail("no chromium: install it from the system's packages", pytrace=False)
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _dismissed(dialog: Any, opened: Opened) -> None:
    opened.dialogs.append(dialog.message)
    dialog.dismiss()


@contextmanager
def _watched(browser: Any, **context: Any) -> Iterator[Opened]:
    made = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | context)
    opened = Opened(made.new_page())
    opened.page.on("request", lambda request: opened.asked.append(request.url))
    opened.page.on("requestfinished", lambda request: opened.answered.append(request.url))
    opened.page.on("console", lambda message: opened.told.append(message.text))
    opened.page.on("pageerror", lambda error: opened.told.append(str(error)))
    opened.page.on("dialog", lambda dialog: _dismissed(dialog, opened))
    try:
        yield opened
    finally:
        made.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Opener]:
    """Return a function that opens a file; everything it opened is closed after the test."""

    with ExitStack() as stack:

        def opening(file: Path, *, fragment: str = "", **context: Any) -> Opened:
            opened = stack.enter_context(_watched(chromium, **context))
            opened.page.goto(file.absolute().as_uri() + fragment)
            return opened

        yield opening


@pytest.fixture(scope="session")
def failed_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that failed."""
    return write_run(tmp_path_factory.mktemp("failed") / "run", failing=True)


@pytest.fixture(scope="session")
def nasty_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which every text is hostile."""
    return hostile_run(tmp_path_factory.mktemp("nasty") / "run")
