"""Fixtures of runs beside a champion."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsuite.pipeline import evaluate
from evalsuite.registry import promote
from tests.pipeline.released import RULE, Released, scaled

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def released(
    candidate: Path,
    good: Path,
    small_policy: Path,
    few_cases: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Released:
    found = Released(tmp_path_factory.mktemp("released"), candidate.parent / "outputs.sqlite3")
    shutil.copytree(good, found.champion)
    shutil.copytree(few_cases, found.folder / "cases")
    (found.folder / "policy.yaml").write_text(small_policy.read_text("utf-8") + RULE, "utf-8")
    scaled(found.champion, found.folder / "next", 1.001)
    # What the champion learned, turned round: wrong often enough to fail beside it, and not always,
    # because the gates of references alone must still pass it, on any processor.
    scaled(found.champion, found.folder / "worse", -1.0)
    first = replace(found.request, adapter=found.champion, out=found.folder / "first")
    promote(evaluate(first).folder, found.registry, now=NOW)
    return found
