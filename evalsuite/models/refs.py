"""Base models and adapters as files: found, checked and named by digest before anything loads them.

An adapter folder may come from anybody. Nothing in it is executed or followed: its configuration
is read by a closed schema, its weights must be finite safetensors of the declared rank, and the
base it was made for is compared by digest. Loading into a model is the engine's business; no
tensor library is imported here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalsuite.errors import BaseMismatch, ModelError, ModelNotFound, UnsafeAdapter
from evalsuite.files.jsonnodes import strict_json
from evalsuite.files.safetensors import first_not_finite, read_header
from evalsuite.models.adapterconfig import AdapterConfig, Provenance, parse_config, parse_provenance
from evalsuite.models.adaptertensors import check_shapes, check_tensors

__all__ = [
    "PROVENANCE_FILE", "AdapterConfig", "AdapterRef", "BaseRef", "Provenance", "cached_base",
    "digest_file", "digest_tree", "read_adapter", "resolve_base", "without_family",
    "write_provenance",
]  # fmt: skip

CONFIG_FILE: Final = "adapter_config.json"
WEIGHTS_FILE: Final = "adapter_model.safetensors"
PROVENANCE_FILE: Final = "evalsuite.json"
MAX_WEIGHTS_BYTES: Final = 8 * 2**30
MAX_TEXT_BYTES: Final = 2**20

EMBEDDED_MARK: Final = "evalsuite_base"
"""Key of a configuration that names an embedded base."""
NANO: Final = Path(__file__).parent.parent / "nano" / "weights"
TOKENIZER_FILES: Final = (
    "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json",
    "added_tokens.json",
)  # fmt: skip
_HUB_FILES: Final = ("config.json", "generation_config.json", "*.safetensors",
                     "model.safetensors.index.json", *TOKENIZER_FILES)  # fmt: skip
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}(@[\w./-]{1,128})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class BaseRef:
    """A base model on this machine."""

    name: str
    """What the person asked for: ``nano``, a folder or a hub id."""
    path: Path
    digest: str
    """SHA-256 over configuration and weights; see :func:`digest_tree`."""
    tokenizer_digest: str
    """The same over the tokenizer's files and its chat template."""
    embedded: bool = False
    """Whether it is nano, as shipped or trained anew: it is judged by rules of its own."""
    family: str | None = None
    """The family of its chat template, where the name says so (``folder#llama-2``)."""

    @property
    def location(self) -> str:
        """The name without the family: a folder or a hub id that other libraries know too."""
        return self.name.removesuffix(f"#{self.family}") if self.family else self.name


@dataclass(frozen=True, slots=True)
class AdapterRef:
    """An adapter folder that passed every check that needs no model."""

    path: Path
    digest: str
    """SHA-256 over configuration, weights and provenance; see :func:`digest_tree`."""
    config: AdapterConfig
    provenance: Provenance | None
    """None when the folder does not say where it comes from."""


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_tree(path: Path, names: Iterable[str] | None = None) -> str:
    """Return one SHA-256 over the names and contents of files below ``path``.

    The digest is taken over lines ``<sha256 of the file>  <relative name>``, sorted by name, so
    that ``sha256sum`` can repeat it.

    Args:
        path: The folder.
        names: Relative names with ``/``; default: every file below the folder.

    Raises:
        ModelNotFound: a named file is absent.
    """
    if names is None:
        names = [p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()]
    total = hashlib.sha256()
    for name in sorted(set(names)):
        if not (path / name).is_file():
            raise ModelNotFound(f"the file {name!r} is missing from {str(path)!r}; restore it")
        total.update(f"{digest_file(path / name)}  {name}\n".encode())
    return total.hexdigest()


# --- bases ------------------------------------------------------------------------------------


def resolve_base(name: str | Path) -> BaseRef:
    """Find a base model and take its digests.

    Args:
        name: ``nano`` (the embedded model), a folder, or a hub id ``owner/model[@revision]``,
            which is looked up in the local cache first and downloaded only if it is not there;
            with ``#family`` after it where the tokenizer may be of several families of templates.

    Raises:
        ModelNotFound: there is no such model, or a file of it is missing.
        ModelError: the folder is an adapter, or its weights are no safetensors.
    """
    return _base_ref(str(name), _base_folder(without_family(name)), embedded=is_embedded(name))


def cached_base(hub_id: str) -> BaseRef:
    """Find a base in the local Hugging Face cache; no folder is tried, nothing is downloaded.

    Raises:
        ModelNotFound: it is no hub id, or the cache does not hold all of it.
        ModelError: its weights are no safetensors.
    """
    return _base_ref(hub_id, _cached_folder(without_family(hub_id)))


def _base_ref(name: str, path: Path, *, embedded: bool = False) -> BaseRef:
    weights = _weight_names(path)
    family = name[len(without_family(name)) + 1 :]
    tokenizer = [n for n in TOKENIZER_FILES if (path / n).is_file()]
    if "tokenizer.json" not in tokenizer:
        raise ModelNotFound(f"{str(path)!r} has no tokenizer.json; save the fast tokenizer there")
    return BaseRef(
        name=name,
        path=path,
        digest=digest_tree(path, ["config.json", *weights]),
        tokenizer_digest=digest_tree(path, tokenizer),
        embedded=embedded,
        family=family or None,
    )


def without_family(name: str | Path) -> str:
    """Return the name of a base up to ``#``, unless a folder is called so."""
    whole = str(name)
    if "#" not in whole or _is_folder(whole):
        return whole
    known, _, family = whole.rpartition("#")
    if not known or not family:
        raise ModelNotFound(
            f"base model {whole!r} is not there; a model and the family of its chat template are "
            "written MODEL#FAMILY, such as path/to/model#llama-2"
        )
    return known


def _is_folder(name: str) -> bool:
    try:
        return Path(name).expanduser().is_dir()
    except (RuntimeError, OSError, ValueError):  # no such home, or no name of a file
        return False


def is_embedded(name: str | Path) -> bool:
    """Whether a base is nano, as its configuration says; only local files are read."""
    known = without_family(name)
    path = NANO if known == "nano" else Path(known).expanduser()
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get(EMBEDDED_MARK) == "nano"


def _base_folder(name: str) -> Path:
    if name == "nano":
        if not (NANO / "config.json").is_file():
            raise ModelNotFound(
                "the embedded model 'nano' is missing from this installation; reinstall the "
                "package, or make it with: evalsuite nano pretrain"
            )
        return NANO
    try:
        folder = Path(name).expanduser()
    except RuntimeError as problem:
        raise ModelNotFound(f"base model {name!r} is not there: {problem}") from None
    if folder.is_dir():
        return folder.resolve()
    if folder.exists():
        raise ModelNotFound(f"base model {name!r} is a file; name the folder that holds it")
    if not _HUB_ID.match(name) or ".." in name:
        raise ModelNotFound(
            f"base model {name!r} is not there; name 'nano', an existing folder or a hub id "
            "such as 'owner/model'"
        )
    return _hub_folder(name)


def _hub_folder(name: str) -> Path:
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return _cached_folder(name)
    except ModelNotFound:
        try:
            return _snapshot(name, local=False)
        except (HfHubHTTPError, OSError, ValueError) as problem:
            raise ModelNotFound(
                f"base model {name!r} is no folder, is not in the local cache, and could not be "
                f"downloaded ({type(problem).__name__}); check the spelling or give a folder"
            ) from problem


def _cached_folder(name: str) -> Path:
    """Return the snapshot of a hub id in the local cache, if its weights are in it."""
    try:
        # A ValueError: an id that the hub itself would refuse.
        cached = _snapshot(name, local=True)
    except (OSError, ValueError):
        raise ModelNotFound(f"base {name!r} is not in the local cache; name its folder") from None
    _weight_names(cached)
    return cached


def _snapshot(name: str, *, local: bool) -> Path:
    from huggingface_hub import snapshot_download

    repo, _, revision = name.partition("@")
    return Path(
        snapshot_download(
            repo,
            revision=revision or None,
            local_files_only=local,
            allow_patterns=list(_HUB_FILES),
        )
    )


def _weight_names(path: Path) -> list[str]:
    if (path / CONFIG_FILE).is_file():
        raise ModelError(
            f"{str(path)!r} is an adapter, not a base model; give it as the adapter and its base "
            "as the base model"
        )
    if not (path / "config.json").is_file():
        raise ModelNotFound(f"{str(path)!r} is not a model folder: it has no config.json")
    if (path / "model.safetensors").is_file():
        return ["model.safetensors"]
    index = path / "model.safetensors.index.json"
    if index.is_file():
        return _indexed(index)
    if any(path.glob("*.bin")) or any(path.glob("*.pt")):
        raise ModelError(
            f"{str(path)!r} holds its weights as a pickle, which can run code when it is read; "
            "convert them to safetensors first"
        )
    raise ModelNotFound(f"{str(path)!r} holds no weights: model.safetensors is missing")


def _indexed(index: Path) -> list[str]:
    try:
        shards = set(strict_json(index.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ModelError(f"{str(index)!r} is no index of weights: {problem}") from None
    for shard in shards:
        if not isinstance(shard, str) or "/" in shard or not (index.parent / shard).is_file():
            raise ModelNotFound(f"{str(index)!r} names the file {shard!r}, which is not there")
    return [index.name, *sorted(shards)]


# --- adapters ---------------------------------------------------------------------------------


def read_adapter(path: str | Path, base: BaseRef | None = None) -> AdapterRef:
    """Check an adapter folder and name it by digest, without loading it.

    Args:
        path: The folder with ``adapter_config.json`` and ``adapter_model.safetensors``.
        base: When given, the adapter must have been made for it: the digest in its provenance
            and the shapes of its matrices are compared.

    Raises:
        ModelNotFound: there is no such folder, or it holds no adapter.
        UnsafeAdapter: a pickle, a broken or endless file, a pattern, a rank or key out of bounds,
            weights that are not finite.
        BaseMismatch: it belongs to another base.
    """
    folder = Path(path).expanduser()
    _check_folder(folder)
    config = parse_config(folder / CONFIG_FILE, _small(folder / CONFIG_FILE))
    weights = folder / WEIGHTS_FILE
    provenance = None
    names = [CONFIG_FILE, WEIGHTS_FILE]
    if (folder / PROVENANCE_FILE).is_file():
        provenance = parse_provenance(folder / PROVENANCE_FILE, _small(folder / PROVENANCE_FILE))
        names.append(PROVENANCE_FILE)
    # First of all: shapes that do not fit would only repeat, less clearly, what this one says.
    if base is not None and provenance is not None:
        _check_base(folder, provenance, base)
    tensors = read_header(weights)
    check_tensors(weights, tensors, config)
    if base is not None:
        matrices = {
            tensor.name: tensor.shape
            for name in _weight_names(base.path)
            if name.endswith(".safetensors")
            for tensor in read_header(base.path / name)
        }
        check_shapes(folder, tensors, base.name, matrices)
    bad = first_not_finite(weights, tensors)
    if bad is not None:
        raise UnsafeAdapter(
            f"{str(weights)!r}: tensor {bad.name!r} holds NaN or an infinity; training diverged, "
            "train again with a lower learning rate"
        )
    return AdapterRef(folder.resolve(), digest_tree(folder, names), config, provenance)


def write_provenance(folder: Path, provenance: Provenance) -> None:
    """Write ``evalsuite.json`` into an adapter folder; :func:`read_adapter` reads it back."""
    text = json.dumps(provenance.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (folder / PROVENANCE_FILE).write_text(text + "\n", encoding="utf-8")


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise ModelNotFound(f"adapter {str(folder)!r} does not exist; check the path")
    if not folder.is_dir():
        raise ModelNotFound(f"adapter {str(folder)!r} is a file; name the folder that holds it")
    if not (folder / CONFIG_FILE).is_file():
        raise ModelNotFound(
            f"{str(folder)!r} is not an adapter folder: it has no {CONFIG_FILE}; name the folder "
            "that training wrote"
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
