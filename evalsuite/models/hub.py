"""Models and adapters by their id on the hub: from the local cache, else downloaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from evalsuite.errors import ModelNotFound

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}(@[\w./-]{1,128})?\Z", re.ASCII)

_ADDRESS = re.compile(
    r"(?P<scheme>https?|s3|gs|hf|file)://?(?P<rest>[^/].*)", re.IGNORECASE | re.DOTALL
)
_PAGE = re.compile(r"(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<id>[\w.-]+/[\w.-]+)", re.ASCII)


def is_id(name: str) -> bool:
    """Whether a name is ``owner/name`` or ``owner/name@revision``."""
    return _ID.match(name) is not None and ".." not in name


def refuse_address(name: str | Path, what: str) -> None:
    """Refuse the address of a page or a store in place of a folder.

    Args:
        name: as the person wrote it, or as a path, which takes one of two strokes away.
        what: ``adapter`` or ``candidate``.

    Raises:
        ModelNotFound: it is an address; with its hub id, where the address shows one.
    """
    found = _ADDRESS.match(str(name))
    if found is None:
        return
    scheme, rest = found["scheme"], found["rest"]
    page = _PAGE.match(rest)
    known = f", such as {page['id']!r}" if page else ""
    how = {
        "adapter": f"name the folder that it was downloaded to, or its hub id{known}",
        "candidate": "name the folder that it was downloaded to: hf download "
        f"{page['id'] if page else 'OWNER/NAME'} --local-dir DIR",
    }
    raise ModelNotFound(f"{what} '{scheme}://{rest}' is an address, and no folder; {how[what]}")


def snapshot(name: str, files: Sequence[str], *, local: bool) -> Path:
    """Return the folder of a hub id in the local cache.

    Args:
        name: ``owner/name[@revision]``.
        files: patterns of the files that are wanted.
        local: whether to look in the cache only, and to download nothing.

    Raises:
        OSError, ValueError: it cannot be had; all that the hub raises is an OSError, too.
    """
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    return Path(
        snapshot_download(
            repository,
            revision=revision or None,
            local_files_only=local,
            allow_patterns=list(files),
        )
    )


def download(name: str, files: Sequence[str], *, what: str, missing: str) -> Path:
    """Download what the local cache lacks.

    Args:
        name: ``owner/name[@revision]``.
        files: patterns of the files that are wanted.
        what: ``base model`` or ``adapter``.
        missing: why the cache does not do, such as ``is not in the local cache``.

    Raises:
        ModelNotFound: it cannot be had; says why, and what helps.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise ModelNotFound(
            f"{what} {name!r} is no folder, {missing}, and HF_HUB_OFFLINE is set, so that "
            "nothing is downloaded; unset it once, or give a folder"
        )
    try:
        return snapshot(name, files, local=False)
    except (OSError, ValueError) as problem:
        raise ModelNotFound(
            f"{what} {name!r} is no folder, {missing}, and {_why_not(name, problem)}"
        ) from problem


def _why_not(name: str, problem: Exception) -> str:
    """Say why something could not be had from the hub, and what helps."""
    from huggingface_hub import errors

    _, _, revision = name.partition("@")
    if isinstance(problem, errors.GatedRepoError):
        return (
            "its maker gives it only to those who accept its terms; accept them on the model's "
            "page and log in with: hf auth login"
        )
    if isinstance(problem, errors.RevisionNotFoundError):
        return f"the hub has it, but not in the revision {revision or 'main'!r}; check that name"
    if isinstance(problem, errors.RepositoryNotFoundError):
        return (
            "the hub has no public model of that name; check the spelling, log in with "
            "hf auth login if it is a private one, or give a folder"
        )
    reason = (str(problem).splitlines() or [type(problem).__name__])[0][:200]
    return (
        f"it could not be downloaded ({type(problem).__name__}: {reason}); check the network and "
        "try again, or give a folder"
    )
