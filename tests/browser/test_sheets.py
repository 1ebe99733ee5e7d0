"""Sheets that people fill: what is filled stays, and is saved as a file that is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalsuite.cli import main
from evalsuite.review import load_key, sheets_of
from evalsuite.review.raters import read_sheets
from tests.browser.conftest import Opener
from tests.review.world import filled, specs, write_run

pytestmark = [
    pytest.mark.browser,
    # As in test_report.py.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """The folder of a review of 12 rows."""
    write_run(tmp_path / "run", [*specs(12), *specs(12, wrong=True, answer="How much is Flindo?")])
    out = tmp_path / "review"
    assert main(["review", "draw", str(tmp_path / "run"), "--out", str(out), "--n", "12"]) == 0
    return out


def answer(page: Any) -> None:
    """Say yes to what is right and no to copies, everywhere."""
    for name, value in (("right", "yes"), ("copied", "no")):
        for box in page.query_selector_all(f"input[name$='-{name}'][value='{value}']"):
            box.check()


def test_a_sheet_is_filled_kept_and_saved(drawn: Path, open_page: Opener, tmp_path: Path) -> None:
    key = load_key(drawn)
    first, second = sorted((drawn / "sheets").glob("*.html"))
    opened = open_page(first)
    answer(opened.page)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(opened.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    opened.page.reload()
    assert "12 of 12 rows are answered" in opened.page.inner_text("body")
    with opened.page.expect_download() as waiting:
        opened.page.get_by_role("button", name="Save as CSV").click()
    saved = tmp_path / "a.csv"
    waiting.value.save_as(saved)
    other = tmp_path / "b.csv"
    other.write_bytes(filled(key, sheets_of(key)[1], lambda _: ("no", "no", "")).encode())
    readings = read_sheets(key, [saved, other])
    assert len(readings.differing) == 12
    assert not [url for url in opened.asked if not url.startswith(("file:", "blob:"))]
    assert opened.told == []
    assert second.exists()
