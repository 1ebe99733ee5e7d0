"""Modules, files and names of the package that the documentation mentions exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TABLE = re.compile(r"^\| module of `evalsuite\.(\w+)` \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)


def _tables() -> list[tuple[str, set[str]]]:
    """Each package that a page lists the modules of, and the modules in the first cells."""
    found = [table for page in PAGES for table in TABLE.findall(page.read_text(encoding="utf-8"))]
    return [
        (package, set(re.findall(r"^\| `(\w+)`", rows, re.MULTILINE))) for package, rows in found
    ]


def test_a_table_of_modules_is_read() -> None:
    assert "qualification" in [package for package, _ in _tables()]


@pytest.mark.parametrize(("package", "named"), _tables(), ids=[name for name, _ in _tables()])
def test_a_table_of_modules_names_each_module_there_is(package: str, named: set[str]) -> None:
    there = {path.stem for path in (ROOT / "evalsuite" / package).glob("*.py")}
    assert named == there - {"__init__"}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:evalsuite|tests|benchmarks)/[\w./]+)`", page.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []
