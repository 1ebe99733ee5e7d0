"""Adapters by the id that they have on the hub: found in the cache, or why they cannot be had."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from evalsuite.errors import ModelNotFound
from evalsuite.models import adapter_folder, digest_tree, hub, read_adapter, read_model

COMMIT = "a" * 40
NAMES = ["adapter_config.json", "adapter_model.safetensors"]


def cached_adapter(cache: Path) -> Path:
    """Lay an adapter into a cache as the hub's own package does."""
    place = cache / "models--owner--adapter"
    folder = place / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (place / "refs").mkdir()
    for revision in ("main", "v1"):
        (place / "refs" / revision).write_text(COMMIT)
    config = {"peft_type": "LORA", "r": 2, "target_modules": ["q_proj"]}
    (folder / NAMES[0]).write_text(json.dumps(config))
    start = "base_model.model.model.layers.0.self_attn.q_proj"
    parts = {"A": np.ones((2, 4), np.float32), "B": np.ones((4, 2), np.float32)}
    save_file({f"{start}.lora_{n}.weight": t for n, t in parts.items()}, folder / NAMES[1])
    return folder


def read_elsewhere(name: str, cache: Path, work: Path) -> str:
    """Read an adapter in a process with its own cache and no network; what it printed."""
    code = f"""
from pathlib import Path
from evalsuite.models import read_adapter
try:
    print(read_adapter(Path({name!r})).digest)
except Exception as error:
    print(type(error).__name__, error)
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=work,
        env={
            "HF_HUB_CACHE": str(cache),
            "HF_HOME": str(cache),
            "HF_HUB_OFFLINE": "1",
            "PATH": "",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()


@pytest.mark.parametrize("name", ["owner/adapter", "owner/adapter@v1", f"owner/adapter@{COMMIT}"])
def test_an_adapter_is_found_by_id_and_revision(name: str, tmp_path: Path) -> None:
    folder = cached_adapter(tmp_path)
    assert read_elsewhere(name, tmp_path, tmp_path) == digest_tree(folder, NAMES)


def test_a_revision_that_the_cache_lacks_is_told(tmp_path: Path) -> None:
    cached_adapter(tmp_path)
    assert read_elsewhere("owner/adapter@v2", tmp_path, tmp_path) == (
        "ModelNotFound adapter 'owner/adapter@v2' is no folder, is not in the local cache, and "
        "HF_HUB_OFFLINE is set, so that nothing is downloaded; unset it once, or give a folder"
    )


def test_half_an_adapter_in_the_cache_is_told_by_its_file(tmp_path: Path) -> None:
    (cached_adapter(tmp_path) / NAMES[1]).unlink()
    said = read_elsewhere("owner/adapter", tmp_path, tmp_path)
    assert "is not whole in the local cache (adapter_model.safetensors is missing)" in said


def test_a_folder_goes_before_an_id(tmp_path: Path) -> None:
    cached_adapter(tmp_path)
    (tmp_path / "owner").mkdir()
    said = read_elsewhere("owner/adapter", tmp_path, tmp_path)
    assert said == "ModelNotFound adapter 'owner/adapter' does not exist; check the path"


@given(st.text(alphabet="ab/@.-#~ ", max_size=12))
def test_what_is_no_id_is_a_path(name: str) -> None:
    if hub.is_id(name):
        return
    try:
        due = Path(name).expanduser()
    except RuntimeError:
        with pytest.raises(ModelNotFound, match="home directory"):
            adapter_folder(name)
    else:
        assert adapter_folder(name) == due


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://huggingface.co/owner/name", "its hub id, such as 'owner/name'"),
        ("https://huggingface.co/owner/name/tree/main", "its hub id, such as 'owner/name'"),
        ("HTTP://hf.co/owner/name", "its hub id, such as 'owner/name'"),
        ("https://server.example/a.zip", "or its hub id"),
        ("s3://bucket/adapter", "or its hub id"),
    ],
)
def test_the_address_of_an_adapter_is_no_folder(address: str, hint: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        read_adapter(Path(address))
    said = str(caught.value)
    assert said.startswith(f"adapter '{address}' is an address, and no folder; name the folder")
    assert said.endswith(hint)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("https://hf.co/owner/name", r"is an address.*: hf download owner/name --local-dir DIR"),
        ("https://x.example/y", r"is an address.*: hf download OWNER/NAME --local-dir DIR"),
        ("owner/name", r"check the path; .*: hf download owner/name --local-dir DIR"),
        ("owner/name@v1", r"hf download owner/name --revision v1 --local-dir DIR"),
        ("nano", r"'nano' is a base model, to be given with --base-model"),
    ],
)
def test_a_whole_model_is_a_folder(
    asked: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound, match=said):
        read_model(Path(asked))


def test_a_wrong_path_in_a_folder_that_exists_is_taken_for_no_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    with pytest.raises(ModelNotFound, match=r"does not exist; check the path\Z"):
        read_model(Path("models/name"))
