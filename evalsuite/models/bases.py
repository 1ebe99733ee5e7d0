"""Base models as files: found by name, named by digest, and looked at before anything loads them.

A name is that of a model which evalsuite brings (``nano``) or makes (``smollm2``), of a folder, or
of a model on the hub. What cannot be a whole model is refused here, with the file and what to do,
because a loader would fail later, and say less. No tensor library is imported.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from evalsuite.errors import ModelError, ModelNotFound, UnsafeAdapter
from evalsuite.files.jsonnodes import strict_json
from evalsuite.files.safetensors import require_whole
from evalsuite.models import hub, smollm2
from evalsuite.models.adapterconfig import CONFIG_FILE
from evalsuite.models.digests import Stamped, digest_tree, stamped
from evalsuite.models.gguffile import SUFFIX, gguf_folder
from evalsuite.models.quantised import require_readable

EMBEDDED_MARK: Final = "evalsuite_base"
"""Key of a configuration that names an embedded base."""
NANO: Final = Path(__file__).parent.parent / "nano" / "weights"
NAMED: Final = ("nano", smollm2.NAME)
"""Bases that have a name of their own, whatever folder is called so."""
TOKENIZER_FILES: Final = (
    "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json",
    "added_tokens.json",
)  # fmt: skip
_HUB_FILES: Final = ("config.json", "generation_config.json", "*.safetensors",
                     "model.safetensors.index.json", *TOKENIZER_FILES)  # fmt: skip
_SERVER = re.compile(r"(https?|unix)://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BaseRef:
    """A base model on this machine."""

    name: str
    """What the person asked for: ``nano``, ``smollm2``, a folder or a hub id."""
    path: Path
    digest: str
    """SHA-256 over configuration and weights; see :func:`digest_tree`."""
    tokenizer_digest: str
    """The same over the tokenizer's files and its chat template."""
    embedded: bool = False
    """Whether it is nano, as shipped or trained anew: it is judged by rules of its own."""
    family: str | None = None
    """The family of its chat template, where the name says so (``folder#llama-2``)."""
    files: Stamped | None = field(default=None, compare=False, repr=False)
    """Configuration and weights as they were digested."""

    @property
    def location(self) -> str:
        """The name without the family: a folder or a hub id that other libraries know too."""
        return self.name.removesuffix(f"#{self.family}") if self.family else self.name


def resolve_base(name: str | Path, *, to_load: bool = True) -> BaseRef:
    """Find a base model and take its digests.

    Args:
        name: ``nano`` (the embedded model), ``smollm2`` (made from an installed package), a folder,
            or a hub id ``owner/model[@revision]``, which is looked up in the local cache first and
            downloaded only if it is not there; with ``#family`` after it where the tokenizer may be
            of several families of templates.
        to_load: whether it is going to be loaded; else it is only named by its digests, which a
            damaged model has, too.

    Raises:
        ModelNotFound: there is no such model, or a file of it is missing.
        ModelError: the folder is an adapter, its weights are no safetensors, or a file is damaged.
    """
    known = without_family(name)
    base = _base_ref(str(name), _base_folder(known), embedded=is_embedded(name))
    if to_load:
        _require_whole(base.path)
        require_readable(base.name, base.path)
    if to_load and known == smollm2.NAME:
        smollm2.require_known(base.path, base.digest, base.tokenizer_digest)
    return base


def cached_base(hub_id: str) -> BaseRef:
    """Find a base in the local Hugging Face cache; no folder is tried, nothing is downloaded.

    Raises:
        ModelNotFound: it is no hub id, or the cache does not hold all of it.
        ModelError: its weights are no safetensors.
    """
    try:
        folder = _cached_folder(without_family(hub_id))
    except ModelNotFound as problem:
        raise ModelNotFound(f"base {hub_id!r} {problem}; name its folder") from None
    return _base_ref(hub_id, folder)


def _base_ref(name: str, path: Path, *, embedded: bool = False) -> BaseRef:
    weights = weight_names(path)
    family = name[len(without_family(name)) + 1 :]
    tokenizer = [n for n in TOKENIZER_FILES if (path / n).is_file()]
    if "tokenizer.json" not in tokenizer:
        raise ModelNotFound(
            f"{str(path)!r} has no tokenizer.json; make one from the tokenizer's other files with "
            "transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
        )
    files = stamped(path, ["config.json", *weights])
    return BaseRef(
        name=name,
        path=path,
        digest=files.digest,
        files=files,
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
    if known == smollm2.NAME:
        return False
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
    if name == smollm2.NAME:
        return smollm2.smollm2_folder()
    try:
        folder = Path(name).expanduser()
    except RuntimeError as problem:
        raise ModelNotFound(f"base model {name!r} is not there: {problem}") from None
    if folder.is_dir():
        return folder.resolve()
    if folder.is_file() and folder.suffix.lower() == SUFFIX:
        return gguf_folder(folder)
    if folder.exists():
        raise ModelNotFound(f"base model {name!r} is a file; name the folder that holds it")
    if _SERVER.match(name):
        raise ModelNotFound(
            f"base model {name!r} is the address of a server, and a gate needs the weights: name "
            "their folder or hub id; answers that a server gave are judged with: evalsuite score "
            "CASES ANSWERS (docs/score.md)"
        )
    if not hub.is_id(name):
        raise ModelNotFound(
            f"base model {name!r} is not there; name {', '.join(map(repr, NAMED))}, an existing "
            "folder or a hub id such as 'owner/model'"
        )
    return _hub_folder(name)


def _hub_folder(name: str) -> Path:
    try:
        return _cached_folder(name)
    except ModelNotFound as lacking:
        return hub.download(name, _HUB_FILES, what="base model", missing=str(lacking))


def _cached_folder(name: str) -> Path:
    """Return the snapshot of a hub id in the local cache, if its weights are in it."""
    try:
        # A ValueError: an id that the hub itself would refuse.
        cached = hub.snapshot(name, _HUB_FILES, local=True)
    except (OSError, ValueError):
        raise ModelNotFound("is not in the local cache") from None
    try:
        weight_names(cached)
    except ModelNotFound as problem:
        raise ModelNotFound(f"is not whole in the local cache ({problem})") from None
    return cached


def weight_names(path: Path) -> list[str]:
    """Return the names of a model's files of weights, with their index where there is one.

    Raises:
        ModelNotFound: it is no model folder, or a file is missing.
        ModelError: it is an adapter, or its weights are a pickle.
    """
    if (path / CONFIG_FILE).is_file():
        raise ModelError(
            f"{str(path)!r} is an adapter, not a base model; give it as the adapter and its base "
            "as the base model"
        )
    packed = sorted(path.glob(f"*{SUFFIX}"))
    if (
        packed
        and not (path / "model.safetensors").is_file()
        and not (path / "model.safetensors.index.json").is_file()
    ):
        raise ModelNotFound(
            f"{str(path)!r} holds GGUF files and no safetensors; name one of the files, such as "
            f"{str(packed[0])!r}, or better the maker's model folder"
        )
    if not (path / "config.json").is_file():
        raise ModelNotFound(
            f"{str(path)!r} is not a model folder: it has no config.json; name the folder that "
            "save_pretrained wrote, or fetch the file"
        )
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
    raise ModelNotFound(
        f"{str(path)!r} holds no weights: model.safetensors is missing; fetch it, or name a model "
        "that is kept as safetensors"
    )


def _require_whole(path: Path) -> None:
    """Refuse a configuration that is no JSON, and weights that end too early."""
    config = path / "config.json"
    try:
        told = json.loads(config.read_bytes())
    except (ValueError, RecursionError) as problem:
        raise ModelError(
            f"{str(config)!r} is not JSON: {problem}; it is truncated or damaged, fetch it again"
        ) from None
    if not isinstance(told, dict):
        raise ModelError(f"{str(config)!r} holds {type(told).__name__}; a JSON object is due")
    for name in weight_names(path):
        if name.endswith(".safetensors"):
            try:
                require_whole(path / name)
            except UnsafeAdapter as problem:
                raise ModelError(str(problem)) from None


def _indexed(index: Path) -> list[str]:
    try:
        shards = set(strict_json(index.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ModelError(
            f"{str(index)!r} is no index of weights: {problem}; fetch it again"
        ) from None
    for shard in shards:
        if not isinstance(shard, str) or "/" in shard or not (index.parent / shard).is_file():
            raise ModelNotFound(
                f"{str(index)!r} names the file {shard!r}, which is not there; fetch it into that "
                "folder, or save the model again"
            )
    return [index.name, *sorted(shards)]
