"""A remembered null is found again by whoever runs the same code, however it was installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.qualification.nulls import digest_of_sources


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "rules.py").write_text("LIMIT = 1\n", "utf-8")
    (tmp_path / "gates" / "default.yaml").write_text("limit: 1\n", "utf-8")
    return tmp_path


def test_what_ships_with_a_wheel_alone_names_no_other_code(package: Path) -> None:
    before = digest_of_sources(package)
    cases = package / "shipped" / "cases" / "leakage"
    cases.mkdir(parents=True)
    (cases / "names_en.yaml").write_text("cases: []\n", "utf-8")
    assert digest_of_sources(package) == before


@pytest.mark.parametrize("name", ["rules.py", "default.yaml", "new.py"])
def test_other_code_or_data_has_another_digest(package: Path, name: str) -> None:
    before = digest_of_sources(package)
    (package / "gates" / name).write_text("limit: 2\n", "utf-8")
    assert digest_of_sources(package) != before
