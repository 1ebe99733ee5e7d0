"""Whole models as candidates: merged or fully fine-tuned folders, checked and named by digest.

A candidate folder is what a server would be given, so its digest covers every file that a server
may read, the tokenizer and the template among them. No tensor library is imported.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from evalsuite.errors import BaseMismatch, ModelError, ModelNotFound
from evalsuite.models import hub
from evalsuite.models.adapterconfig import CONFIG_FILE
from evalsuite.models.adapters import AdapterRef, read_adapter
from evalsuite.models.bases import NAMED, BaseRef, resolve_base
from evalsuite.models.digests import digest_file, digest_of_digests

TEMPLATES: Final = "additional_chat_templates"
_UNREAD: Final = (
    ".*", "*.md", "license*", "notice*", "optimizer.*", "scheduler.*", "scaler.*", "rng_state*",
    "trainer_state.json", "training_args.bin",
)  # fmt: skip
"""Texts for people, and what training keeps to go on: no server reads them."""
_SHAPE: Final = (
    "model_type", "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads",
    "intermediate_size", "head_dim", "num_experts",
)  # fmt: skip
"""Keys of ``config.json`` that fine-tuning does not change. Not the size of the vocabulary, which
grows with added tokens, and not how positions are scaled."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A whole model as a candidate: a folder that passed every check that needs no tensor."""

    path: Path
    digest: str
    """SHA-256 over all files that a server may read; see :func:`digest_tree`."""
    files: Mapping[str, str]
    """Relative name to SHA-256 of each of them."""
    model: BaseRef
    """The same folder as the model that it is: digests of its weights and of its tokenizer."""

    @property
    def provenance(self) -> None:
        """A whole model does not record its training."""
        return


Tuned: TypeAlias = AdapterRef | ModelRef
"""What was made out of a base by training: an adapter, or a whole model."""


def read_tuned(folder: Path, base: BaseRef | None = None) -> Tuned:
    """Read what lies in a folder: an adapter, or else a whole model.

    Raises:
        ModelError: as :func:`read_adapter` and :func:`read_model`.
    """
    whole = not (folder / CONFIG_FILE).is_file() and (folder / "config.json").is_file()
    return read_model(folder, base) if whole else read_adapter(folder, base)


def read_model(path: str | Path, base: BaseRef | None = None) -> ModelRef:
    """Check a model folder and name it by digest, without loading it.

    Args:
        path: The folder, with configuration, weights and tokenizer.
        base: When given, the model must be of its architecture.

    Raises:
        ModelNotFound: there is no such folder, or a file is missing.
        ModelError: it is an adapter, its weights are a pickle, or a file is damaged.
        BaseMismatch: it is of another architecture or size than its base.
    """
    folder = Path(path).expanduser()
    if not folder.exists():
        hub.refuse_address(folder, "candidate")
        raise ModelNotFound(f"candidate {str(folder)!r} does not exist; {_how_named(folder)}")
    if not folder.is_dir():
        raise ModelNotFound(f"candidate {str(folder)!r} is a file; name the folder that holds it")
    if (folder / CONFIG_FILE).is_file():
        if (folder / "config.json").is_file():
            raise ModelError(
                f"candidate {str(folder)!r} holds a whole model and an adapter (config.json and "
                f"{CONFIG_FILE}), and servers differ in which of them they take; gate the adapter "
                f"with --adapter, or remove {CONFIG_FILE} and its weights from the merged model"
            )
        raise ModelError(
            f"candidate {str(folder)!r} is an adapter, no whole model; give it with --adapter"
        )
    # Absolute, so that a folder that is called like a model on the hub is still the folder.
    model = resolve_base(folder.resolve())
    if base is not None:
        _require_same_shape(folder, base)
    weights = tuple(model.files.stamps) if model.files else ()
    names = sorted({*model_files(model.path), *weights})
    files = {name: digest_file(model.path / name) for name in names}
    if digest_of_digests({name: files[name] for name in weights}) != model.digest:
        raise ModelError(
            f"{str(folder)!r} changed while it was read; start again when nobody writes to it"
        )
    return ModelRef(path=model.path, digest=digest_of_digests(files), files=files, model=model)


def _how_named(folder: Path) -> str:
    """What to do about a folder that is not there, by what its name may have meant."""
    name = folder.as_posix()
    if name in NAMED:
        return f"{name!r} is a base model, to be given with --base-model; name a folder here"
    if hub.is_id(name) and not folder.parent.is_dir():
        return (
            "check the path; a whole model of the hub is gated as a folder: "
            f"hf download {name.replace('@', ' --revision ')} --local-dir DIR"
        )
    return "check the path"


def model_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files of a model folder that a server may read, sorted."""
    return tuple(sorted(_read_by_servers(folder)))


def _read_by_servers(folder: Path) -> Iterator[str]:
    for place in (folder, folder / TEMPLATES):
        for path in place.iterdir() if place.is_dir() else ():
            if path.is_file() and not _unread(path.name):
                yield path.relative_to(folder).as_posix()


def _unread(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in _UNREAD)


def _require_same_shape(folder: Path, base: BaseRef) -> None:
    """Raise BaseMismatch for the sizes in which a candidate is not of its base's architecture."""
    own, theirs = _shape(folder), _shape(base.path)
    differing = [
        f"{key}={own[key]!r} (the base: {theirs[key]!r})"
        for key in _SHAPE
        if key in own and key in theirs and own[key] != theirs[key]
    ]
    if differing:
        raise BaseMismatch(
            f"candidate {str(folder)!r} was not made from base {base.name!r}: its config.json says "
            f"{', '.join(differing)}; name the model that it was made from with --base-model"
        )


def _shape(folder: Path) -> Mapping[str, object]:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    # Models that also see or hear keep the sizes of their text part apart.
    text = config.get("text_config")
    return {**config, **text} if isinstance(text, dict) else dict(config)
