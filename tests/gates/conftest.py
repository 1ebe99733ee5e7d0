"""Tests of this folder drive a candidate; without one there is nothing here to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.plugin.options import is_asked


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if is_asked(config) else True
