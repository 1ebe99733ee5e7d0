"""The pictures of docs/images, taken from two reports in a headless Chromium.

    python benchmarks/screenshots.py FAILED_RUN PASSED_RUN

Needs Playwright and the system's Chromium (``nox -s browser`` installs both). The pictures show
whatever the runs hold, so take them from runs on the embedded base.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import ROOT

from evalsuite.report import Interface, read_attachments, render_html
from evalsuite.runs.folder import load_run

IMAGES = ROOT / "docs" / "images"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TALL = DESK | {"height": 1150}
_OPENED = """(card) => { card.open = true; card.querySelector('.tokens').open = true;
    card.scrollIntoView({ behavior: 'instant' }) }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture."""

    name: str
    failed: bool
    at: str
    """Selector of what stands at the top."""
    viewport: dict[str, int]
    scheme: str = "light"
    language: Interface = Interface.EN
    act: str = ""
    """Script that is given the element."""


SHOTS = (
    Shot(name="verdict", failed=True, at="body", viewport=DESK),
    Shot(name="case", failed=True, at="#cards > details:has(.tokens)", viewport=TALL, act=_OPENED),
    Shot(name="where", failed=True, at="#where", viewport=DESK, scheme="dark"),
    Shot(name="sight", failed=False, at="#sight", viewport=DESK),
    Shot(name="chinese", failed=False, at="body", viewport=DESK, language=Interface.ZH),
    Shot(name="phone", failed=True, at="#cases", viewport=PHONE),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("failed", type=Path)
    parser.add_argument("passed", type=Path)
    parser.add_argument("--search", type=Path, help="of the passed run's adapter")
    parser.add_argument("--out", type=Path, default=IMAGES)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for shot in SHOTS:
            file = Path(name) / f"{shot.name}.html"
            file.write_text(_html(shot, args), "utf-8")
            _take(browser, shot, file, args.out)
        browser.close()
    return 0


def _html(shot: Shot, args: argparse.Namespace) -> str:
    run = load_run(args.failed if shot.failed else args.passed)
    attachments = read_attachments(run, search=None if shot.failed else args.search)
    return render_html(run, language=shot.language, attachments=attachments)


def _take(browser: Any, shot: Shot, file: Path, out: Path) -> None:
    page = browser.new_page(viewport=shot.viewport, color_scheme=shot.scheme)
    page.goto(file.as_uri())
    act = shot.act or "(element) => element.scrollIntoView({ behavior: 'instant' })"
    page.locator(shot.at).first.evaluate(act)
    page.wait_for_timeout(300)
    page.screenshot(path=out / f"{shot.name}.png")
    page.close()


if __name__ == "__main__":
    raise SystemExit(main())
