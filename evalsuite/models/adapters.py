"""Adapters as files: checked and named by digest before anything loads them.

An adapter folder may come from anybody. Nothing in it is executed or followed: its configuration
is read by a closed schema, its weights must be finite safetensors of the declared rank, and the
base it was made for is compared by digest. Loading into a model is the engine's business; no
tensor library is imported here.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalsuite.errors import BaseMismatch, ModelNotFound, UnsafeAdapter
from evalsuite.files.safetensors import first_not_finite, read_header
from evalsuite.models import hub
from evalsuite.models.adapterconfig import (
    CONFIG_FILE,
    AdapterConfig,
    Provenance,
    parse_config,
    parse_provenance,
)
from evalsuite.models.adaptertensors import check_shapes, check_tensors
from evalsuite.models.bases import TOKENIZER_FILES, BaseRef, weight_names
from evalsuite.models.digests import digest_contents

WEIGHTS_FILE: Final = "adapter_model.safetensors"
PROVENANCE_FILE: Final = "evalsuite.json"
_HUB_FILES: Final = (CONFIG_FILE, WEIGHTS_FILE, PROVENANCE_FILE, *TOKENIZER_FILES)
MAX_WEIGHTS_BYTES: Final = 8 * 2**30
MAX_TEXT_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class AdapterRef:
    """An adapter folder that passed every check that needs no model."""

    path: Path
    digest: str
    """SHA-256 over configuration, weights and provenance; see :func:`digest_tree`."""
    config: AdapterConfig
    provenance: Provenance | None
    """None when the folder does not say where it comes from."""


@dataclass(frozen=True, slots=True)
class OpenedAdapter:
    """An adapter whose files were read once: what was checked and digested is what is loaded."""

    ref: AdapterRef
    weights: bytes
    """The content of ``adapter_model.safetensors``."""


def read_adapter(path: str | Path, base: BaseRef | None = None) -> AdapterRef:
    """Check an adapter folder and name it by digest, without loading it.

    As :func:`open_adapter`, which keeps the weights.
    """
    return open_adapter(path, base).ref


def open_adapter(path: str | Path, base: BaseRef | None = None) -> OpenedAdapter:
    """Check an adapter folder and name it by digest; each file is read once.

    Args:
        path: The folder with ``adapter_config.json`` and ``adapter_model.safetensors``, or a hub
            id ``owner/name[@revision]``, which is looked up in the local cache first and
            downloaded only if it is not there.
        base: When given, the adapter must have been made for it: the digest in its provenance
            and the shapes of its matrices are compared.

    Raises:
        ModelNotFound: there is no such folder, or it holds no adapter.
        UnsafeAdapter: a pickle, a broken or endless file, a rank or key out of bounds, a method
            that rewrites the base, weights that are not finite.
        BaseMismatch: it belongs to another base.
    """
    folder = adapter_folder(path)
    _check_folder(folder)
    files = {CONFIG_FILE: _small(folder / CONFIG_FILE)}
    config = parse_config(folder / CONFIG_FILE, files[CONFIG_FILE])
    weights = folder / WEIGHTS_FILE
    provenance = None
    if (folder / PROVENANCE_FILE).is_file():
        files[PROVENANCE_FILE] = _small(folder / PROVENANCE_FILE)
        provenance = parse_provenance(folder / PROVENANCE_FILE, files[PROVENANCE_FILE])
    # First of all: shapes that do not fit would only repeat, less clearly, what this one says.
    if base is not None and provenance is not None:
        _check_base(folder, provenance, base)
    read_header(weights)  # before gigabytes of nothing are read
    files[WEIGHTS_FILE] = weights.read_bytes()
    stream = io.BytesIO(files[WEIGHTS_FILE])  # shares the bytes
    tensors = read_header(weights, stream)
    check_tensors(weights, tensors, config)
    if base is not None:
        matrices = {
            tensor.name: tensor.shape
            for name in weight_names(base.path)
            if name.endswith(".safetensors")
            for tensor in read_header(base.path / name)
            # Bytes into which four bits are packed do not have the shape of their matrix.
            if tensor.dtype != "U8"
        }
        check_shapes(folder, tensors, base.name, matrices, turned=config.fan_in_fan_out)
    bad = first_not_finite(weights, tensors, stream)
    if bad is not None:
        raise UnsafeAdapter(
            f"{str(weights)!r}: tensor {bad.name!r} holds NaN or an infinity; training diverged, "
            "train again with a lower learning rate"
        )
    ref = AdapterRef(folder.resolve(), digest_contents(files), config, provenance)
    return OpenedAdapter(ref, files[WEIGHTS_FILE])


def adapter_folder(name: str | Path) -> Path:
    """Return the folder of an adapter that is named by its path or by its id on the hub.

    Raises:
        ModelNotFound: it is not on the hub, or cannot be had from there.
    """
    try:
        folder, asked = Path(name).expanduser(), Path(name).as_posix()
    except RuntimeError as problem:
        raise ModelNotFound(f"adapter {str(name)!r} is not there: {problem}") from None
    if folder.exists() or not hub.is_id(asked) or folder.parent.is_dir():
        return folder  # in a folder that there is, a wrong path is likelier than an id
    try:
        cached = hub.snapshot(asked, _HUB_FILES, local=True)
    except (OSError, ValueError):
        missing = "is not in the local cache"
    else:
        lacking = [n for n in (CONFIG_FILE, WEIGHTS_FILE) if not (cached / n).is_file()]
        if not lacking:
            return cached
        missing = f"is not whole in the local cache ({lacking[0]} is missing)"
    return hub.download(asked, _HUB_FILES, what="adapter", missing=missing)


def write_provenance(folder: Path, provenance: Provenance) -> None:
    """Write ``evalsuite.json`` into an adapter folder; :func:`read_adapter` reads it back."""
    plain = provenance.model_dump(mode="json")
    # Left out where it is evalsuite's own: the file is part of the adapter's digest.
    said = {key: value for key, value in plain.items() if value or not key.startswith("prompt")}
    text = json.dumps(said, indent=2, ensure_ascii=False)
    (folder / PROVENANCE_FILE).write_text(text + "\n", encoding="utf-8")


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        hub.refuse_address(folder, "adapter")
        raise ModelNotFound(f"adapter {str(folder)!r} does not exist; check the path")
    if not folder.is_dir():
        raise ModelNotFound(f"adapter {str(folder)!r} is a file; name the folder that holds it")
    if not (folder / CONFIG_FILE).is_file() and (folder / "config.json").is_file():
        raise ModelNotFound(
            f"{str(folder)!r} holds a whole model, no adapter: it has config.json and no "
            f"{CONFIG_FILE}; gate it with --candidate"
        )
    if not (folder / CONFIG_FILE).is_file():
        raise ModelNotFound(
            f"{str(folder)!r} is not an adapter folder: it has no {CONFIG_FILE}; name "
            f"{_inside(folder) or 'the folder that training wrote'}"
        )
    for pickle in (folder / "adapter_model.bin", folder / "adapter_model.pt"):
        if pickle.exists():
            raise UnsafeAdapter(
                f"{str(pickle)!r} is a pickle, which can run code when it is read; save the "
                f"adapter as {WEIGHTS_FILE} and remove this file"
            )
    if not (folder / WEIGHTS_FILE).is_file():
        raise ModelNotFound(f"{str(folder)!r} has no {WEIGHTS_FILE}; save the adapter again")
    size = (folder / WEIGHTS_FILE).stat().st_size
    if size > MAX_WEIGHTS_BYTES:
        raise UnsafeAdapter(
            f"{str(folder / WEIGHTS_FILE)!r} has {size} bytes; the limit for an adapter is "
            f"{MAX_WEIGHTS_BYTES}"
        )


def _inside(folder: Path) -> str:
    """The last of the folders inside that are adapters, as checkpoints of a training are."""
    found = [path.parent for path in folder.glob(f"*/{CONFIG_FILE}") if path.is_file()]
    if not found:
        return ""
    # By number: checkpoint-900 is older than checkpoint-1000.
    last = max(found, key=lambda path: (len(path.name), path.name))
    others = f" (or another of the {len(found)} adapters inside)" if len(found) > 1 else ""
    return f"the adapter inside, {str(last)!r}{others}"


def _small(path: Path) -> bytes:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise UnsafeAdapter(f"{str(path)!r} is larger than {MAX_TEXT_BYTES} bytes")
    return path.read_bytes()


def _check_base(folder: Path, provenance: Provenance, base: BaseRef) -> None:
    if provenance.base_digest != base.digest:
        raise BaseMismatch(
            f"adapter {str(folder)!r} was made for base {provenance.base_name!r} "
            f"({provenance.base_digest}), not for {base.name!r} ({base.digest}); give the base "
            "it was trained on, or train it again on this one"
        )
