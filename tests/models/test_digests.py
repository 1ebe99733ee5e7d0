"""Files that were digested are the files that are loaded."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.engines.numerics import Device, Dtype, Numerics
from evalsuite.engines.transformers_loading import attach, load_base, load_candidate, logits_of
from evalsuite.errors import ModelError
from evalsuite.models import BaseRef, digest_tree, open_adapter, read_model, resolve_base
from evalsuite.models.adapters import WEIGHTS_FILE
from evalsuite.models.digests import digest_contents, stamped

FP32 = Numerics(Device.CPU, Dtype.FLOAT32)
PROBES = ((1, 5, 9, 30), (2, 7, 8))
NAMES = ["config.json", "model.safetensors"]


@given(
    files=st.dictionaries(
        st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?[.]x", fullmatch=True), st.binary()
    )
)
def test_the_digest_of_contents_is_that_of_the_folder_with_them(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    assert digest_contents(files) == digest_tree(folder) == stamped(folder, files).digest


@pytest.fixture
def folder(nano: BaseRef, tmp_path: Path) -> Path:
    """A base of one's own, which may be changed."""
    shutil.copytree(nano.path, tmp_path / "base")
    return tmp_path / "base"


def rewritten(path: Path) -> None:
    """Other weights under the same name."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def exchanged_for_a_moment(path: Path) -> None:
    """Another file for the time of one load, and the first one back."""
    away = path.with_name("away")
    path.rename(away)
    shutil.copy(away, path)
    rewritten(path)
    path.unlink()
    away.rename(path)


def written_and_written_back(path: Path) -> None:
    """Other bytes and the first ones back, with the time of writing set as it was."""
    before = path.stat()
    rewritten(path)
    rewritten(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "change", [rewritten, exchanged_for_a_moment, written_and_written_back, Path.unlink]
)
def test_files_that_were_touched_after_their_digest_are_refused(
    folder: Path, change: Callable[[Path], None], name: str
) -> None:
    found = stamped(folder, NAMES)
    found.require_same()
    change(folder / name)
    with pytest.raises(ModelError, match=r"start again"):
        found.require_same()


def test_a_base_is_not_loaded_from_other_bytes_than_were_digested(folder: Path) -> None:
    base = resolve_base(folder)
    load_base(base, FP32)
    written_and_written_back(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model.safetensors' was touched between its digest"):
        load_base(base, FP32)
    load_base(resolve_base(folder), FP32)


def test_somebody_who_keeps_writing_is_named(folder: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(0.001):
            (folder / "config.json").touch()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(ModelError, match="somebody writes to"):
            stamped(folder, NAMES)
    finally:
        ended.set()
        writer.join()


def test_a_whole_model_is_named_by_the_bytes_of_its_own_digest(folder: Path) -> None:
    read = read_model(folder)
    assert read.digest == digest_tree(folder, read.files)
    assert read.model.files is not None
    assert read.model.digest == read.model.files.digest == digest_tree(folder, NAMES)


def test_an_adapter_is_loaded_from_the_bytes_that_were_digested(
    nano: BaseRef, candidate: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(candidate, adapter)
    opened = open_adapter(adapter, nano)
    expected = logits_of(attach(load_base(nano, FP32), opened).peft, PROBES)
    (adapter / WEIGHTS_FILE).write_bytes(b"something else")
    (adapter / "adapter_config.json").write_text("{}")
    found = logits_of(attach(load_base(nano, FP32), opened).peft, PROBES)
    assert all(map(lambda a, b: a.equal(b), found, expected))
    plain = logits_of(load_base(nano, FP32), PROBES)
    assert not any(map(lambda a, b: a.equal(b), found, plain))


def test_an_adapter_that_was_exchanged_after_it_was_read_is_refused(
    nano: BaseRef, candidate: Path, tmp_path: Path
) -> None:
    shutil.copytree(candidate, tmp_path / "adapter")
    ref = open_adapter(tmp_path / "adapter", nano).ref
    with pytest.raises(ModelError, match="changed since it was read"):
        load_candidate(nano, replace(ref, digest="0" * 64), FP32)
