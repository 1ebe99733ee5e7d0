"""Fixtures that several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The public data sets: ``EVALSUITE_DATA``, else ``../shared/data``; skips if absent."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("EVALSUITE_DATA") or root.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no public data sets in {folder}; set EVALSUITE_DATA to their folder")
    return folder
