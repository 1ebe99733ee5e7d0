"""What an adapter's configuration says of its base, in names, against the base that is gated.

Names prove nothing, and a contradiction between them is worth a question: the adapter of an
instruct model on the pretrained one loads without a word, and so does that of a base in four bits.
"""

from __future__ import annotations

import json
import re
from typing import Final

from evalsuite.models import smollm2
from evalsuite.models.adapters import AdapterRef
from evalsuite.models.bases import NAMED, BaseRef

NAME_KEY: Final = "base_model_name_or_path"
CLASS_KEY: Final = "auto_mapping"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}\Z", re.ASCII)
_CACHED = re.compile(r"models--(?P<owner>[^/]+?)--(?P<name>[^/]+)\Z")
_STORED = re.compile(
    r"[-_](?:unsloth-)?(?P<how>bnb-4bit|bnb-8bit|4bit|8bit|gptq(?:-int[48])?|awq|int[48]|fp8|nf4)\Z"
)
"""How the weights of a base are stored, where its name says so."""


def compare_name(adapter: AdapterRef, base: BaseRef) -> tuple[bool | None, str] | None:
    """Compare the name of the base that an adapter records with the one that is gated.

    Returns:
        Whether they agree (None: they cannot be compared) and a phrase that says why; None where
        nothing is recorded, or where a digest has said more already.
    """
    recorded = adapter.config.base_model_name_or_path
    if not recorded or adapter.provenance is not None:
        return None
    theirs, how = _plain(recorded)
    ours = _names(base)
    known = {_plain(name) for name in ours}
    if base.location == smollm2.NAME:
        # What the package holds is the maker's model in four bits.
        known.add((_plain(smollm2.MAKERS)[0], smollm2.STORED))
    shown = f"{recorded!r}, gated is {base.location!r}"
    if (theirs, how) in known:
        return True, f"{recorded!r}"
    if theirs in {name for name, _ in known}:
        return False, (
            f"{shown}: the weights that it was trained on are stored in another way "
            f"({how or 'unquantised'}); gate it on the base it is served with"
        )
    # Where it is known which model of the hub the base is, or that it is none of them.
    settled = base.location in NAMED or any(_REPOSITORY.match(name) for name in ours)
    if _REPOSITORY.match(recorded) and settled:
        return False, f"{shown}: another model; give the base it was trained on"
    if any(_related(theirs, name) for name, _ in known):
        return False, f"{shown}: another model of that family; give the base it was trained on"
    return None, f"{shown}: names that cannot be compared"


def compare_class(adapter: AdapterRef, base: BaseRef) -> tuple[bool | None, str] | None:
    """Compare the class of model that peft wrote down with the one of the base.

    Returns:
        As :func:`compare_name`; None where either says none.
    """
    recorded = (adapter.config.auto_mapping or {}).get("base_model_class")
    listed = _config(base).get("architectures")
    if not isinstance(recorded, str) or not isinstance(listed, list) or not listed:
        return None
    if recorded in listed:
        return True, repr(recorded)
    return False, f"trained was a {recorded}, the base is a {listed[0]}"


def _names(base: BaseRef) -> list[str]:
    """What a base is called: as it was asked for, by the hub's cache, by its own configuration."""
    location = base.location
    found = [location.partition("@")[0] if _REPOSITORY.match(location.partition("@")[0]) else ""]
    found.append(base.path.name)
    found.append(location if location in NAMED else "")
    for part in base.path.parts:
        if cached := _CACHED.match(part):
            found = [f"{cached['owner']}/{cached['name']}"]
    own = _config(base).get("_name_or_path")
    found.append(own if isinstance(own, str) else "")
    return [name for name in found if name]


def _config(base: BaseRef) -> dict[str, object]:
    try:
        found = json.loads((base.path / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(name: str) -> tuple[str, str]:
    """The last part of a name in small letters, and how it says that the weights are stored."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1].lower()
    stored = _STORED.search(last)
    return (last[: stored.start()], stored["how"]) if stored else (last, "")


def _related(one: str, other: str) -> bool:
    """Whether two names begin with the same family and version, such as ``qwen2.5``."""
    heads = [re.split(r"[-_]", name, maxsplit=1)[0] for name in (one, other)]
    return heads[0] == heads[1] and any(sign.isdigit() for sign in heads[0])
