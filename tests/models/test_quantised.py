"""Quantised bases: what their configuration says, and what is needed to read them."""

from __future__ import annotations

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import EngineError, EvalsuiteError, ModelError, ModelNotFound
from evalsuite.models import BaseRef, resolve_base
from evalsuite.models.quantised import Quantisation, quantisation_of, stored_as


@pytest.fixture
def folder(nano: BaseRef, tmp_path: Path) -> Path:
    return Path(shutil.copytree(nano.path, tmp_path / "model"))


def stored(folder: Path, told: object, *, within: str | None = None) -> Path:
    config = json.loads((folder / "config.json").read_text())
    place = {within: {"quantization_config": told}} if within else {"quantization_config": told}
    (folder / "config.json").write_text(json.dumps({**config, **place}))
    return folder


GROUPS = {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float"}}}
KNOWN: list[tuple[dict[str, Any], Quantisation]] = [
    ({"quant_method": "bitsandbytes", "load_in_4bit": True}, Quantisation("bitsandbytes", 4)),
    ({"load_in_8bit": True}, Quantisation("bitsandbytes", 8)),
    ({"quant_method": "gptq", "bits": 4}, Quantisation("gptq", 4)),
    ({"quant_method": "awq", "w_bit": 4}, Quantisation("awq", 4)),
    ({"quant_method": "fp8"}, Quantisation("fp8", 8)),
    ({"quant_method": "mxfp4"}, Quantisation("mxfp4", 4)),
    ({"quant_method": "compressed-tensors", "config_groups": GROUPS},
     Quantisation("compressed-tensors", 8)),
    ({"quant_method": "hqq"}, Quantisation("hqq", None)),
]  # fmt: skip


@pytest.mark.parametrize(("told", "found"), KNOWN, ids=[str(q.told) for _, q in KNOWN])
def test_how_weights_are_stored_is_read(
    folder: Path, told: dict[str, Any], found: Quantisation
) -> None:
    assert quantisation_of(folder) is None
    assert quantisation_of(stored(folder, told)) == found
    assert stored_as(folder) == found.told


def test_the_text_part_of_a_model_that_sees_is_read(folder: Path) -> None:
    told = {"quant_method": "gptq", "bits": 8}
    assert quantisation_of(stored(folder, told, within="text_config")) == Quantisation("gptq", 8)


REFUSED = {
    "gptq": ({"quant_method": "gptq", "bits": 4}, r"\(gptq, 4 bits\): transformers runs them "
             r"by the kernels of optimum and gptqmodel.*give the unquantised model"),
    "awq": ({"quant_method": "awq", "bits": 4}, r"kernels of gptqmodel.*give the unquantised"),
    "unknown": ({"quant_method": "aqlm"}, r"\(aqlm\), of a method that is not read here"),
    "no method": ({"bits": 4}, r"quant_method=None, which names no method"),
    "no object": ("4bit", r"quantization_config='4bit' must be an object"),
}  # fmt: skip


@pytest.mark.parametrize(("told", "said"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_read_is_refused_before_it_is_loaded(
    folder: Path, told: object, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        resolve_base(stored(folder, told))


def test_a_missing_package_is_named_with_its_command(folder: Path) -> None:
    if find_spec("compressed_tensors") is not None:
        pytest.skip("compressed-tensors is installed here")
    told = {"quant_method": "compressed-tensors", "config_groups": GROUPS}
    with pytest.raises(EngineError, match=r"pip install compressed-tensors, or give the unquant"):
        resolve_base(stored(folder, told))


@pytest.mark.parametrize("name", ["http://localhost:8000/v1", "https://models.example/v1"])
def test_a_server_is_pointed_to_what_judges_answers(name: str) -> None:
    with pytest.raises(ModelNotFound, match=r"address of a server.*evalsuite score CASES ANSWERS"):
        resolve_base(name)


def test_a_folder_of_gguf_files_names_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model-Q4.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelNotFound, match=re.escape("model-Q4.gguf', or better the maker's")):
        resolve_base(tmp_path)


@pytest.mark.parametrize("content", [b"", b"GGU", b"PK\x03\x04" + b"x" * 90])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.gguf").write_bytes(content)
    with pytest.raises(ModelError, match="is no GGUF file: it does not begin with 'GGUF'"):
        resolve_base(tmp_path / "x.gguf")


def test_a_broken_gguf_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gguf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "x.gguf").write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 200)
    with pytest.raises(EvalsuiteError, match="cannot be read as a model"):
        resolve_base(tmp_path / "x.gguf")
    left = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert all(name.endswith(".lock") for name in left)
