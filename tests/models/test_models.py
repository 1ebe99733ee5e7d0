"""Bases and adapters as files: what is accepted, and why each hostile or broken one is not."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from evalsuite.errors import BaseMismatch, ModelError, ModelNotFound, UnsafeAdapter
from evalsuite.files import safetensors
from evalsuite.files.safetensors import Tensor, first_not_finite, read_header
from evalsuite.models import (
    EMBEDDED_MARK,
    AdapterConfig,
    BaseRef,
    Provenance,
    digest_file,
    digest_tree,
    is_embedded,
    read_adapter,
    resolve_base,
    without_family,
    write_provenance,
)

PREFIX = "base_model.model.model.layers.0.self_attn"
CONFIG: dict[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": 4,
    "lora_alpha": 8,
    "target_modules": ["q_proj"],
    "base_model_name_or_path": "../../etc/passwd",
}
Change = Callable[..., Path]
POINTER = "version https://git-lfs.example/spec/v1\noid sha256:0\nsize 9\n"


def tensors(rank: int = 4, width: int = 6, out: int = 8) -> dict[str, np.ndarray[Any, Any]]:
    return {
        f"{PREFIX}.q_proj.lora_A.weight": np.full((rank, width), 0.5, np.float32),
        f"{PREFIX}.q_proj.lora_B.weight": np.full((out, rank), 0.25, np.float32),
    }


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG))
    save_file(tensors(), folder / "adapter_model.safetensors")
    return folder


@pytest.fixture
def base(tmp_path: Path) -> BaseRef:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    (folder / "tokenizer.json").write_text("{}")
    weight = {"model.layers.0.self_attn.q_proj.weight": np.zeros((8, 6), np.float32)}
    save_file(weight, folder / "model.safetensors")
    return resolve_base(folder)


def provenance(base: BaseRef, **changes: Any) -> Provenance:
    fields: dict[str, Any] = {
        "recipe": "dora",
        "recipe_digest": "0" * 64,
        "base_name": base.name,
        "base_digest": base.digest,
        "data_digest": "1" * 64,
        "template_fingerprint": "2" * 64,
        "quantization": "none",
        "seed": 3,
        "evalsuite_version": "0.1.0",
    }
    return Provenance(**{**fields, **changes})


def configure(folder: Path, **changes: Any) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({**CONFIG, **changes}))


def shorten(file: Path, by: int) -> None:
    file.write_bytes(file.read_bytes()[:-by])


def write_raw(folder: Path, header: str, data: bytes = b"") -> None:
    raw = header.encode()
    file = folder / "adapter_model.safetensors"
    file.write_bytes(len(raw).to_bytes(8, "little") + raw + data)


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


# --- digests ----------------------------------------------------------------------------------


def test_a_file_digest_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc" * 100_000)
    assert digest_file(tmp_path / "f") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_a_tree_digest_can_be_repeated_with_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "sub" / "a.txt").write_text("a")
    lines = subprocess.run(
        ["sha256sum", "b.txt", "sub/a.txt"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert digest_tree(tmp_path) == hashlib.sha256(lines).hexdigest()


def test_a_tree_digest_sees_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    first = digest_tree(tmp_path)
    assert first == digest_tree(tmp_path, ["b", "a", "a"]) != digest_tree(tmp_path, ["a"])
    (tmp_path / "b").rename(tmp_path / "c")
    assert digest_tree(tmp_path) != first


def test_a_missing_file_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"'weights' is missing from"):
        digest_tree(tmp_path, ["weights"])


# --- bases ------------------------------------------------------------------------------------


def test_a_base_is_named_by_weights_and_configuration(base: BaseRef) -> None:
    same = resolve_base(str(base.path))
    assert (same.digest, same.tokenizer_digest) == (base.digest, base.tokenizer_digest)
    (base.path / "README.md").write_text("notes")
    assert resolve_base(base.path).digest == base.digest
    (base.path / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    changed = resolve_base(base.path)
    assert changed.digest == base.digest
    assert changed.tokenizer_digest != base.tokenizer_digest
    (base.path / "config.json").write_text('{"model_type": "qwen3"}')
    assert resolve_base(base.path).digest != base.digest


def test_nano_is_known_by_its_mark_wherever_it_lies(base: BaseRef) -> None:
    config = base.path / "config.json"
    assert not resolve_base(base.path).embedded
    config.write_text(json.dumps({**json.loads(config.read_text("utf-8")), EMBEDDED_MARK: "nano"}))
    assert resolve_base(base.path).embedded
    config.write_text("[]")
    assert not is_embedded(base.path)
    assert not is_embedded("owner/model")
    assert is_embedded("nano")


def test_shards_are_part_of_the_digest_and_must_be_there(base: BaseRef) -> None:
    shard = base.path / "model-00001-of-00001.safetensors"
    (base.path / "model.safetensors").rename(shard)
    index = {"weight_map": {"w": shard.name}}
    (base.path / "model.safetensors.index.json").write_text(json.dumps(index))
    first = resolve_base(base.path).digest
    save_file({"w": np.ones(3, np.float32)}, shard)
    assert resolve_base(base.path).digest != first
    shard.unlink()
    with pytest.raises(ModelNotFound, match=r"names the file 'model-00001-of-00001.safetensors'"):
        resolve_base(base.path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no such model", "is not there; name 'nano', 'smollm2', an existing folder or a hub id"),
        ("../escape/x", "is not there"),
        ("a/b/c", "is not there"),
        ("owner/..", "is not there"),
    ],
)
def test_a_name_that_is_nothing_is_refused_without_asking_the_network(
    name: str, message: str
) -> None:
    with pytest.raises(ModelNotFound, match=message):
        resolve_base(name)


def resolved_elsewhere(name: str, cache: Path, hub: str | None = None) -> str:
    """Resolve a name in a process with its own cache; what it printed.

    It has no network but a hub of ours, where one is given.
    """
    reach = {"HF_HUB_OFFLINE": "1"} if hub is None else {"HF_ENDPOINT": hub}
    code = f"""
from evalsuite.models import resolve_base
try:
    print(resolve_base({name!r}).digest)
except Exception as error:
    print(type(error).__name__, error)
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"HF_HUB_CACHE": str(cache), "HF_HOME": str(cache), "PATH": "", **reach},
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()


def test_a_hub_id_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    said = resolved_elsewhere("owner/absent@main", tmp_path)
    assert said == (
        "ModelNotFound base model 'owner/absent@main' is no folder, is not in the local cache, and "
        "HF_HUB_OFFLINE is set, so that nothing is downloaded; unset it once, or give a folder"
    )


class Hub(BaseHTTPRequestHandler):
    """A hub that refuses everything, with the code and the reason that it was told."""

    reply = (404, "")

    def do_GET(self) -> None:
        code, reason = self.reply
        self.send_response(code)
        self.send_header("X-Error-Code", reason)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *parts: object) -> None:
        pass


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ((403, "GatedRepo"), "accept its terms; accept them on the model's page and log in with"),
        ((401, "RepoNotFound"), "no public model of that name; check the spelling, log in with"),
        ((404, "RevisionNotFound"), "but not in the revision 'main'; check that name"),
        ((500, ""), "could not be downloaded (LocalEntryNotFoundError: "),
    ],
)
def test_what_the_hub_refuses_is_told_with_what_helps(
    tmp_path: Path, reply: tuple[int, str], says: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Hub,), {"reply": reply}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        said = resolved_elsewhere("owner/model", tmp_path, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    begins = "ModelNotFound base model 'owner/model' is no folder, is not in the local cache, and "
    assert said.startswith(begins)
    assert says in said


def test_half_a_model_in_the_cache_is_told_from_none(base: BaseRef, tmp_path: Path) -> None:
    (base.path / "model.safetensors").unlink()
    cached = tmp_path / "models--owner--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("a" * 40)
    (cached / "snapshots").mkdir()
    base.path.rename(cached / "snapshots" / ("a" * 40))
    said = resolved_elsewhere("owner/model", tmp_path)
    assert "is not whole in the local cache (" in said
    assert "model.safetensors is missing" in said
    assert "HF_HUB_OFFLINE is set" in said


def test_a_hub_id_is_found_in_the_local_cache(base: BaseRef, tmp_path: Path) -> None:
    commit = "a" * 40
    cached = tmp_path / "models--owner--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    (cached / "snapshots").mkdir()
    base.path.rename(cached / "snapshots" / commit)
    assert resolved_elsewhere("owner/model", tmp_path) == base.digest


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda p: (p / "config.json").unlink(), ModelNotFound, "it has no config.json"),
        (
            lambda p: (p / "tokenizer.json").unlink(),
            ModelNotFound,
            r"has no tokenizer.json; make one .* with transformers: AutoTokenizer",
        ),
        (
            lambda p: (p / "model.safetensors").unlink(),
            ModelNotFound,
            "holds no weights: model.safetensors is missing; fetch it",
        ),
        (
            lambda p: shorten(p / "model.safetensors", 3),
            ModelError,
            r"model.safetensors' is refused: the file is truncated: \d+ bytes, but .* of \d+; ",
        ),
        (
            lambda p: (p / "model.safetensors").write_bytes(b"x" * 100),
            ModelError,
            r"model.safetensors' is refused: .* no whole header",
        ),
        (
            lambda p: (p / "model.safetensors").write_bytes(b"\x02" + bytes(7) + b"{]"),
            ModelError,
            r"model.safetensors' is refused: its header cannot be used",
        ),
        (
            lambda p: (p / "model.safetensors").write_text(POINTER),
            ModelError,
            r"model.safetensors' is a pointer of Git LFS .* git lfs pull",
        ),
        (
            lambda p: shorten(p / "config.json", 3),
            ModelError,
            r"config.json' is not JSON: .*; it is truncated or damaged, fetch it again",
        ),
        (
            lambda p: (p / "config.json").write_text("[]"),
            ModelError,
            r"config.json' holds list; a JSON object is due",
        ),
        (
            lambda p: (p / "model.safetensors").rename(p / "pytorch_model.bin"),
            ModelError,
            "as a pickle, which can run code",
        ),
        (
            lambda p: (p / "adapter_config.json").write_text("{}"),
            ModelError,
            "is an adapter, not a base model",
        ),
    ],
    ids=[
        "config",
        "tokenizer",
        "weights",
        "half weights",
        "no weights",
        "broken header",
        "pointer",
        "half config",
        "odd config",
        "pickle",
        "adapter",
    ],
)
def test_a_folder_that_is_no_base_is_refused(
    base: BaseRef, spoil: Callable[[Path], object], error: type[ModelError], message: str
) -> None:
    spoil(base.path)
    with pytest.raises(error, match=message):
        resolve_base(base.path)


def test_a_damaged_base_has_a_digest_all_the_same(base: BaseRef) -> None:
    shorten(base.path / "model.safetensors", 3)
    (base.path / "config.json").write_text("{")
    damaged = resolve_base(base.path, to_load=False)
    assert damaged.digest != base.digest
    assert damaged.tokenizer_digest == base.tokenizer_digest


def test_a_file_is_no_base(base: BaseRef) -> None:
    with pytest.raises(ModelNotFound, match="is a file; name the folder"):
        resolve_base(base.path / "config.json")


# --- adapters that are accepted ---------------------------------------------------------------


def test_a_plain_adapter_is_read_and_its_base_path_is_only_text(adapter: Path) -> None:
    found = read_adapter(adapter)
    assert found.config.base_model_name_or_path == "../../etc/passwd"
    assert (found.config.r, found.config.target_modules) == (4, ("q_proj",))
    assert found.provenance is None
    names = ["adapter_config.json", "adapter_model.safetensors"]
    assert found.digest == digest_tree(adapter, names)


def test_notes_do_not_change_the_digest_and_provenance_does(adapter: Path, base: BaseRef) -> None:
    first = read_adapter(adapter).digest
    (adapter / "README.md").write_text("notes")
    assert read_adapter(adapter).digest == first
    write_provenance(adapter, provenance(base))
    assert read_adapter(adapter, base).digest != first


@settings(max_examples=50)
@given(
    st.builds(
        Provenance,
        recipe=st.text(max_size=50).map(lambda t: t.encode("utf-8", "ignore").decode()),
        recipe_digest=st.just("a" * 64),
        base_name=st.just("nano"),
        base_digest=st.just("b" * 64),
        data_digest=st.just("c" * 64),
        template_fingerprint=st.just("d" * 64),
        template_tokens=st.sampled_from([(), ("1 '<s>'", "2 'x'")]),
        quantization=st.sampled_from(["none", "nf4"]),
        seed=st.integers(0, 2**63 - 1),
        evalsuite_version=st.just("1"),
        lineage=st.sampled_from(["", "谱系"]),
    )
)
def test_provenance_is_read_as_it_was_written(written: Provenance) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configure(folder)
        save_file(tensors(), folder / "adapter_model.safetensors")
        write_provenance(folder, written)
        assert read_adapter(folder).provenance == written


def test_dora_weights_have_magnitudes(adapter: Path) -> None:
    configure(adapter, use_dora=True)
    magnitude = {f"{PREFIX}.q_proj.lora_magnitude_vector": np.ones(8, np.float32)}
    save_file({**tensors(), **magnitude}, adapter / "adapter_model.safetensors")
    assert read_adapter(adapter).config.use_dora


def test_a_rank_pattern_decides_the_rank_of_its_modules(adapter: Path) -> None:
    configure(adapter, r=16, rank_pattern={"self_attn.q_proj": 4})
    assert read_adapter(adapter).config.rank_of("model.layers.0.self_attn.q_proj") == 4


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floating_types_are_read(adapter: Path, dtype: Any) -> None:
    converted = {name: value.astype(dtype) for name, value in tensors().items()}
    save_file(converted, adapter / "adapter_model.safetensors")
    assert read_adapter(adapter).config.r == 4


# --- folders and bases that do not fit --------------------------------------------------------


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"nowhere' does not exist; check the path"):
        read_adapter(tmp_path / "nowhere")


def test_a_folder_without_an_adapter(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"is not an adapter folder: it has no adapter_config"):
        read_adapter(tmp_path)


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        (["checkpoint-900"], r"name the adapter inside, '.*checkpoint-900'\Z"),
        (
            ["checkpoint-900", "checkpoint-1000", "checkpoint-1000/deeper"],
            r"inside, '.*checkpoint-1000' \(or another of the 2 adapters inside\)\Z",
        ),
    ],
)
def test_the_folder_around_checkpoints_names_the_last_of_them(
    adapter: Path, tmp_path: Path, inside: list[str], named: str
) -> None:
    for name in inside:
        (tmp_path / "around" / name).mkdir(parents=True)
        shutil.copy(adapter / "adapter_config.json", tmp_path / "around" / name)
    with pytest.raises(ModelNotFound, match=named):
        read_adapter(tmp_path / "around")


def test_a_pointer_in_place_of_an_adapters_weights_is_told(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").write_text(POINTER.replace(".example", ".github.com"))
    with pytest.raises(UnsafeAdapter, match=r"is a pointer of Git LFS .* git lfs pull"):
        read_adapter(adapter)


def test_a_file_instead_of_a_folder(adapter: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"is a file; name the folder"):
        read_adapter(adapter / "adapter_config.json")


def test_an_adapter_without_weights(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelNotFound, match=r"has no adapter_model.safetensors; save the adapter"):
        read_adapter(adapter)


@pytest.mark.parametrize("beside", [False, True], ids=["instead", "beside"])
def test_a_pickle_is_refused_and_not_opened(adapter: Path, beside: bool) -> None:
    marker = adapter / "executed"
    pickled = f"cbuiltins\nexec\n(Vopen({str(marker)!r},'w')\ntR.".encode()
    (adapter / "adapter_model.bin").write_bytes(pickled)
    if not beside:
        (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(UnsafeAdapter, match=r"adapter_model.bin' is a pickle, which can run code"):
        read_adapter(adapter)
    assert not marker.exists()


def test_an_adapter_of_another_base_names_both(adapter: Path, base: BaseRef) -> None:
    write_provenance(adapter, provenance(base, base_name="nano", base_digest="f" * 64))
    with pytest.raises(BaseMismatch) as caught:
        read_adapter(adapter, base)
    for part in ("'nano'", "f" * 64, repr(base.name), base.digest, "train it again"):
        assert part in str(caught.value)


def test_an_adapter_without_provenance_must_fit_the_shapes_of_its_base(
    adapter: Path, base: BaseRef
) -> None:
    assert read_adapter(adapter, base).provenance is None
    save_file(tensors(width=7), adapter / "adapter_model.safetensors")
    with pytest.raises(BaseMismatch, match=r"lora_A.weight' has shape \[4, 7\], .* \[8, 6\]"):
        read_adapter(adapter, base)
    save_file(tensors(out=9), adapter / "adapter_model.safetensors")
    with pytest.raises(BaseMismatch, match=r"lora_B.weight' has shape \[9, 4\]"):
        read_adapter(adapter, base)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_digest": "xyz"}, "base_digest='xyz'"),
        ({"seed": -1}, "seed=-1"),
        ({"quantization": "int8"}, "quantization='int8'"),
        ({"extra": 1}, "the key 'extra' is unknown"),
    ],
)
def test_provenance_of_another_form_is_refused(
    adapter: Path, base: BaseRef, changes: dict[str, Any], message: str
) -> None:
    fields = {**provenance(base).model_dump(mode="json"), **changes}
    (adapter / "evalsuite.json").write_text(json.dumps(fields))
    with pytest.raises(ModelError, match=message):
        read_adapter(adapter, base)


# --- configurations that are refused ----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"r": 10**9}, r"r=1000000000: .*\(the rank must lie between 1 and 1024\)"),
        ({"r": 0}, "r=0"),
        ({"r": "4"}, "r='4'"),
        ({"r": True}, "r=True"),
        ({"rank_pattern": {"q_proj": 10**9}}, "rank_pattern.q_proj=1000000000"),
        ({"rank_pattern": {"(a+)+$": 4}}, "rank_pattern.*never patterns"),
        ({"alpha_pattern": {"q|v": 4}}, "alpha_pattern.*never patterns"),
        ({"lora_alpha": 1e9}, "lora_alpha"),
        (
            {"target_modules": "a" * 5000},
            "target_modules='aaa.*a list of at most 4096 module names",
        ),
        ({"target_modules": ["q_proj", "(x*)*"]}, r"entry 1 is '\(x\*\)\*'; a list holds plain"),
        ({"target_modules": ["q_proj", 3]}, "entry 1 is '3'; a list holds plain"),
        ({"target_modules": {"q_proj": 1}}, "give a list of at most 4096 module names"),
        ({"exclude_modules": [".*"]}, r"entry 0 is '\.\*'; a list holds plain"),
        ({"layers_pattern": "(a|a)*"}, "no patterns"),
        ({"auto_mapping": "os.system"}, "auto_mapping='os.system'"),
        ({"surprise": 1}, "the key 'surprise' is unknown; remove it"),
        ({"surprise": []}, "the key 'surprise' is unknown; remove it"),
        ({"modules_to_save": "lm_head"}, "modules_to_save='lm_head': give a list"),
        ({"bias": "some"}, "bias='some'.*none, all and lora_only"),
        ({"trainable_token_indices": [-1]}, "give a list of token ids"),
        ({"trainable_token_indices": [2**24]}, "give a list of token ids"),
        ({"trainable_token_indices": {"x": 1}}, "give a list of token ids"),
        ({"init_lora_weights": "pissa_niter_16"}, "moves a part of the base's weights into the"),
        ({"init_lora_weights": "loftq"}, "give the base that was saved with it"),
        ({"init_lora_weights": "surprise"}, "this start is unknown"),
        ({"init_lora_weights": 3}, "this start is unknown"),
        ({"peft_type": "IA3"}, "peft_type='IA3': only LORA .* merge it with peft"),
        ({"peft_type": ["LORA"]}, "only LORA"),
        ({"task_type": "SEQ_CLS"}, "task_type='SEQ_CLS'.*causal language model"),
        ({"layer_replication": [[0, 10**9]]}, "layer_replication.*repeats layers of the base"),
        ({"megatron_config": {"a": 1}}, "save the adapter for plain linear layers"),
        ({"base_model_name_or_path": "x" * 5000}, "base_model_name_or_path='xxx"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value) + "-" + str(value)[-12:],
)
def test_a_configuration_beyond_plain_lora_is_refused(
    adapter: Path, changes: dict[str, Any], message: str
) -> None:
    configure(adapter, **changes)
    start = time.monotonic()
    with pytest.raises(UnsafeAdapter, match=message) as caught:
        read_adapter(adapter)
    assert time.monotonic() - start < 5
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"target_modules": "(a+)+$"},  # text: nothing matches it before the engine does, in time
        {"target_modules": "all-linear"},
        {"target_modules": ["lm_head"]},
        {"exclude_modules": ".*"},
        {"auto_mapping": {"base_model_class": "X", "parent_library": "os", "unsloth_fixed": True}},
        {"modules_to_save": ["lm_head"], "bias": "all", "lora_bias": True},
        {"trainable_token_indices": [0, 7]},
        {"trainable_token_indices": {"embed_tokens": [7]}},
        {"target_parameters": ["mlp.experts.down_proj"]},
        {"init_lora_weights": "eva", "eva_config": {"rho": 2.0}},
        {"init_lora_weights": True, "corda_config": {}, "loftq_config": {"bits": 4}},
        {"rank_pattern": {"^model.layers.0.self_attn.q_proj$": 4}},
        {"use_something_new": False, "something_new_config": None, "arrow_config": None},
        {"use_bdlora": False, "use_qalora": None},
    ],
    ids=str,
)
def test_a_configuration_of_what_can_be_merged_is_read(
    adapter: Path, changes: dict[str, Any]
) -> None:
    configure(adapter, **changes)
    assert read_adapter(adapter).config.r == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON"),
        ('{"r": 1, "r": 4}', "the key 'r' occurs twice"),
        ('{"lora_alpha": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "nested too deep"),
        ("[]", "is refused"),
        ("\ufffe", "is not JSON"),
        ("{}", "the key 'peft_type' is missing"),
        (" " * 2**21, "is larger than 1048576 bytes"),
    ],
    ids=["broken", "twice", "nan", "deep", "list", "binary", "empty", "huge"],
)
def test_a_configuration_that_is_no_closed_json_is_refused(
    adapter: Path, text: str, message: str
) -> None:
    (adapter / "adapter_config.json").write_bytes(
        text.encode("utf-16" if "\ufffe" in text else "utf-8")
    )
    with pytest.raises(UnsafeAdapter, match=message):
        read_adapter(adapter)


def test_a_configuration_is_refused_with_every_line_and_key(adapter: Path) -> None:
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps({**CONFIG, "r": 0, "surprise": 1}, indent=2))
    with pytest.raises(UnsafeAdapter) as caught:
        read_adapter(adapter)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{file}:4: r=0: ")
    assert second.startswith(f"{file}:10: the key 'surprise' is unknown")


def test_the_schema_knows_every_field_that_peft_saves(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    peft.LoraConfig(r=4, target_modules=["q_proj"], task_type="CAUSAL_LM").save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "adapter_config.json").read_text())
    assert set(saved) <= set(AdapterConfig.model_fields)
    AdapterConfig.model_validate_json(json.dumps({**saved, "peft_type": "LORA"}))


# --- weights that are refused -----------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_that_are_not_finite_are_named(adapter: Path, bad: float, dtype: Any) -> None:
    weights = {name: value.astype(dtype) for name, value in tensors().items()}
    weights[f"{PREFIX}.q_proj.lora_B.weight"][3, 1] = bad
    save_file(weights, adapter / "adapter_model.safetensors")
    with pytest.raises(UnsafeAdapter, match=r"q_proj.lora_B.weight' holds NaN or an infinity"):
        read_adapter(adapter)


@pytest.mark.parametrize(
    ("bits", "finite"), [(0x3F80, True), (0x7F7F, True), (0x7F80, False), (0xFFC0, False)]
)
def test_bfloat16_is_examined_by_its_bits(tmp_path: Path, bits: int, finite: bool) -> None:
    (tmp_path / "t").write_bytes(np.array([0, bits, 0x8000], "<u2").tobytes())
    tensor = Tensor("t", "BF16", (3,), 0, 6)
    assert (first_not_finite(tmp_path / "t", (tensor,)) is None) is finite


def test_slices_cover_every_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors, "SLICE_BYTES", 16)
    for place in range(10):
        values = np.zeros(10, "<f4")
        values[place] = np.nan
        (tmp_path / "t").write_bytes(values.tobytes())
        assert first_not_finite(tmp_path / "t", (Tensor("t", "F32", (10,), 0, 40),)) is not None


@given(st.integers(0, 400))
@settings(max_examples=60)
def test_a_truncated_file_is_refused_wherever_it_is_cut(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configure(folder)
        file = folder / "adapter_model.safetensors"
        save_file(tensors(), file)
        whole = file.read_bytes()
        file.write_bytes(whole[: min(cut, len(whole) - 1)])
        with pytest.raises(UnsafeAdapter, match=r"truncated"):
            read_adapter(folder)


A, B = f"{PREFIX}.q_proj.lora_A.weight", f"{PREFIX}.q_proj.lora_B.weight"


@pytest.mark.parametrize(
    ("header", "size", "message"),
    [
        (f'{{"{A}": {{}}, "{A}": {{}}}}', 0, "occurs twice"),
        (
            f'{{"{A}": {{"dtype": "F32", "dtype": "F64", "shape": [1], "data_offsets": [0, 4]}}}}',
            4,
            "the key 'dtype' occurs twice",
        ),
        (json.dumps({A: entry([4, 6], 0, 96), B: entry([8, 4], 90, 218)}), 218, "overlaps"),
        (json.dumps({A: entry([4, 6], 0, 96), B: entry([8, 4], 100, 228)}), 228, "a gap of"),
        (json.dumps({A: entry([4, 6], 0, 96)}), 50, "the file is truncated"),
        (json.dumps({A: entry([4, 6], 0, 96)}), 99, "3 unnamed bytes follow"),
        (json.dumps({A: entry([4, 6], 0, 90)}), 90, "does not fill its offsets"),
        (json.dumps({A: entry([4, -6], 0, 96)}), 96, "impossible shape"),
        (json.dumps({A: entry([2**61, 2**61], 0, 96)}), 96, "does not fill its offsets"),
        (json.dumps({A: entry([4, 6], 96, 0)}), 96, "does not fill its offsets"),
        (json.dumps({A: entry([4, 6], 0, 10**30)}), 96, "impossible data_offsets"),
        (json.dumps({A: entry([4, 6], 0, 96, "F99")}), 96, "unknown dtype 'F99'"),
        (json.dumps({A: {**entry([4, 6], 0, 96), "code": "x"}}), 96, "exactly dtype, shape"),
        (json.dumps({"a/../b": entry([4, 6], 0, 96)}), 96, "characters outside"),
        (json.dumps({"__metadata__": {"a": 1}}), 0, "__metadata__"),
        ("{}", 0, "holds no weights"),
        ("[]", 0, "does not start with"),
        ('{"a": ', 0, "cannot be used"),
        ('{"a":' * 50_000, 0, "nested too deep"),
    ],
    ids=lambda value: None if isinstance(value, int) or len(value) > 40 else value,
)
def test_a_header_that_lies_is_refused(adapter: Path, header: str, size: int, message: str) -> None:
    write_raw(adapter, header, bytes(size))
    with pytest.raises(UnsafeAdapter, match=message):
        read_adapter(adapter)


def test_a_header_that_claims_gigabytes_is_refused_unread(adapter: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    with file.open("wb") as stream:
        stream.write((2**31).to_bytes(8, "little"))
        stream.truncate(2**31 + 16)
    start = time.monotonic()
    with pytest.raises(UnsafeAdapter, match=r"its header has 2147483648 bytes, the limit is"):
        read_adapter(adapter)
    assert time.monotonic() - start < 5


def test_weights_beyond_the_size_limit_are_refused_unread(adapter: Path) -> None:
    with (adapter / "adapter_model.safetensors").open("r+b") as stream:
        stream.truncate(9 * 2**30)
    with pytest.raises(UnsafeAdapter, match=r"the limit for an adapter is 8589934592"):
        read_adapter(adapter)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (tensors(rank=5), r"shape \[5, 6\], which is not that of a lora_A.weight of rank 4"),
        ({n: t.astype(np.int32) for n, t in tensors().items()}, "is I32; use one of"),
        ({n: t[None] for n, t in tensors().items()}, "which is not that of"),
        ({n: t[:, :0] if n == A else t for n, t in tensors().items()}, "which is not that of"),
    ],
    ids=["rank", "integers", "dimensions", "empty"],
)
def test_weights_that_the_configuration_does_not_announce_are_refused(
    adapter: Path, weights: dict[str, np.ndarray[Any, Any]], message: str
) -> None:
    save_file(weights, adapter / "adapter_model.safetensors")
    with pytest.raises(UnsafeAdapter, match=message):
        read_adapter(adapter)


names = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True)
arrays = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda s: np.zeros(s, np.float32))


@given(st.dictionaries(names, arrays, max_size=6))
@settings(max_examples=60)
def test_headers_written_by_the_library_are_read_back(
    written: dict[str, np.ndarray[Any, Any]],
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "t.safetensors"
        save_file(written, file)
        found = {t.name: (t.shape, t.end - t.begin) for t in read_header(file)}
        assert found == {n: (a.shape, a.nbytes) for n, a in written.items()}


def test_reading_models_loads_no_tensor_library() -> None:
    code = "import sys, evalsuite.models; print('torch' in sys.modules, 'peft' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False False"


def test_a_base_may_be_named_with_the_family_of_its_template(tmp_path: Path) -> None:
    plain = resolve_base("nano")
    named = resolve_base("nano#chatml")
    assert (named.family, named.location, named.embedded) == ("chatml", "nano", True)
    assert (named.digest, named.tokenizer_digest) == (plain.digest, plain.tokenizer_digest)
    assert (plain.family, plain.location) == (None, "nano")
    odd = tmp_path / "a#b"
    odd.mkdir()
    assert without_family(odd) == str(odd)
    assert without_family(f"{odd}#llama-2") == str(odd)


@pytest.mark.parametrize("name", ["#llama-2", "nano#", "~nobody-lives-here#x"])
def test_half_of_such_a_name_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFound):
        resolve_base(name)


def test_a_prompt_of_evalsuites_own_leaves_no_mark(base: BaseRef, tmp_path: Path) -> None:
    write_provenance(tmp_path, provenance(base))
    assert '"prompt' not in (tmp_path / "evalsuite.json").read_text("utf-8")
    write_provenance(tmp_path, provenance(base, prompt="tags", prompt_digest="a" * 64))
    assert '"prompt": "tags"' in (tmp_path / "evalsuite.json").read_text("utf-8")
