"""How fast the report of a large run is in a browser.

    nox -s browser -- --figures        (or: python benchmarks/browsing.py, where Playwright is)

The run is the one that benchmarks/reporting.py reports, made without a model. Each figure is the
median of several fresh pages in a headless Chromium; the page is a file, so nothing is fetched.
Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine
from reporting import write

from evalsuite.report import write_reports
from evalsuite.runs.folder import load_run

_PAINTED = """() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
    const [page] = performance.getEntriesByType("navigation");
    const usable = performance.now();
    done({ interactive: page.domInteractive, loaded: page.loadEventEnd, usable });
})))"""
_NARROWED = """() => new Promise((done) => {
    const count = document.querySelector("#count");
    const sought = document.querySelector("#words-sought");
    const began = performance.now();
    new MutationObserver(() => requestAnimationFrame(() => done(performance.now() - began)))
        .observe(count, { childList: true, characterData: true, subtree: true });
    sought.value = "tessick 19";
    sought.dispatchEvent(new Event("input", { bubbles: true }));
})"""
_ORDERED = """() => new Promise((done) => {
    const began = performance.now();
    const order = document.querySelector("#order");
    order.value = "name";
    order.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""


def measured(file: Path, repeats: int) -> dict[str, Any]:
    """Return medians over fresh pages, in milliseconds, and what the scripts take, in MB."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    rows: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(repeats):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(file.as_uri())
            row = dict(page.evaluate(_PAINTED))
            row["narrowed"] = page.evaluate(_NARROWED)
            row["ordered"] = page.evaluate(_ORDERED)
            row["heap_mb"] = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
            rows.append(row)
            page.close()
        version = browser.version
        browser.close()
    medians = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    return {**medians, "version": version}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "browsing.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        write(folder, args.cases, 3)
        file = write_reports(load_run(folder))[0]
        size = file.stat().st_size / 1e6
        found: dict[str, Any] = measured(file, args.repeats)
    result = {"machine": machine(), "cases": args.cases, "size_mb": size, **found}
    figures = [
        Figure(name=f"size with {args.cases} cases", value=size, bound=Bound.AT_MOST, target=5,
               unit="MB"),
        Figure(name="usable after", value=found["usable"], bound=Bound.AT_MOST, target=1000,
               unit="ms"),
        Figure(name="search narrows after", value=found["narrowed"], bound=Bound.AT_MOST,
               target=1000, unit="ms"),
        Figure(name="another order after", value=found["ordered"], bound=Bound.AT_MOST,
               target=1000, unit="ms"),
    ]  # fmt: skip
    return conclude(figures, result, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
