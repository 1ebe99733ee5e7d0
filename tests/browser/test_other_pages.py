"""The pages of a qualification and of several candidates in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalsuite.report import render_qualification
from evalsuite.report.candidates import Row, render_candidates
from tests.browser.conftest import Opener
from tests.report.factory import write_run

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
pytestmark = [
    pytest.mark.browser,
    # As in test_report.py.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_qualification_is_quiet_and_without_serious_fault(
    open_page: Opener, tmp_path: Path, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    file = tmp_path / "index.html"
    data = json.loads((RESULTS / "qualification-nano.json").read_bytes())
    file.write_text(render_qualification(data), "utf-8")
    opened = open_page(file, color_scheme=scheme)
    assert (opened.asked, opened.told) == ([file.as_uri()], [])
    nulls = data["nulls"]
    said = f"{nulls['alarms']} of {nulls['runs']} good candidates"
    assert said in opened.page.locator("main").inner_text()
    found = axe.Axe().run(opened.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_of_several_candidates_fits_its_window(
    open_page: Opener, tmp_path: Path, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    run = write_run(tmp_path / "run", failing=True)
    rows = [Row(name=f"candidate-{n}", seconds=1234.5, run=run) for n in range(2)]
    rows.append(Row(name="none", seconds=0.1, run=None, problem="it was not there"))
    file = tmp_path / "index.html"
    file.write_text(render_candidates(rows, "Candidates on nano"), "utf-8")
    opened = open_page(file, viewport={"width": width, "height": 900})
    assert (opened.asked, opened.told) == ([file.as_uri()], [])
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(opened.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
