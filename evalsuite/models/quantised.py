"""Quantised bases: what ``config.json`` says of their weights, read before anything is loaded.

What is gated is what the stored numbers stand for: weights are turned back into plain ones, so that
an adapter can be merged into them. A method that leaves no way back is refused by its name. No
tensor library is imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

from evalsuite.errors import EngineError, ModelError

_KEY: Final = "quantization_config"
STORED: Final = "evalsuite_stored"
"""Key of ``config.json`` of a folder that was made out of a file of another format."""
_PLAIN: Final = "give the unquantised model that it was made from"


@dataclass(frozen=True, slots=True)
class _Method:
    """A method of quantisation that transformers can undo."""

    packages: tuple[str, ...]
    """As they are imported; the package index has ``-`` where these have ``_``."""


READABLE: Final[Mapping[str, _Method]] = MappingProxyType(
    {
        "bitsandbytes": _Method(("bitsandbytes", "accelerate")),
        "fp8": _Method(("accelerate",)),
        "mxfp4": _Method(("accelerate",)),
        "compressed-tensors": _Method(("compressed_tensors", "accelerate")),
    }
)
"""Methods whose weights are turned back into plain ones."""
_KERNELS: Final = MappingProxyType({"gptq": ("optimum", "gptqmodel"), "awq": ("gptqmodel",)})
"""Methods that transformers runs by the kernels of other packages, and cannot undo."""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How the weights of a model are stored."""

    method: str
    """``quant_method``, such as ``bitsandbytes``, ``gptq`` or ``fp8``."""
    bits: int | None
    """Of one weight; None: the configuration does not say it plainly."""

    @property
    def told(self) -> str:
        """For a person: ``bitsandbytes, 4 bits``."""
        return self.method if self.bits is None else f"{self.method}, {self.bits} bits"


def quantisation_of(folder: Path) -> Quantisation | None:
    """Return how a model's weights are stored; None: plainly.

    Raises:
        ModelError: ``quantization_config`` says nothing that can be understood.
    """
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    told = config.get(_KEY)
    text = config.get("text_config")
    if told is None and isinstance(text, dict):
        told = text.get(_KEY)
    if told is None:
        return None
    if not isinstance(told, dict):
        raise ModelError(
            f"{str(path)!r}: {_KEY}={told!r} must be an object with quant_method; fetch the file "
            "again, or remove the key if the weights are plain"
        )
    method = told.get("quant_method")
    if method is None and (told.get("load_in_4bit") or told.get("load_in_8bit")):
        method = "bitsandbytes"  # as its first versions wrote it
    if not isinstance(method, str) or not method:
        raise ModelError(
            f"{str(path)!r}: {_KEY} has quant_method={method!r}, which names no method of "
            "quantisation; fetch the file again, or remove the key if the weights are plain"
        )
    return Quantisation(method, _bits(told))


def stored_as(folder: Path) -> str | None:
    """Return how the weights of a model are, or were, packed, for a person; None: they never were.

    Raises:
        ModelError: as :func:`quantisation_of`.
    """
    found = quantisation_of(folder)
    if found is not None:
        return found.told
    made = json.loads((folder / "config.json").read_text("utf-8")).get(STORED)
    return made if isinstance(made, str) else None


def require_readable(name: str, folder: Path) -> Quantisation | None:
    """Return how a model's weights are stored, if this machine can turn them back into plain ones.

    Args:
        name: What the person asked for.
        folder: Of the model.

    Raises:
        ModelError: nothing turns them back, or the configuration cannot be understood.
        EngineError: a package is missing; the command that installs it is named.
    """
    found = quantisation_of(folder)
    if found is None:
        return None
    if found.method not in READABLE:
        raise ModelError(f"model {name!r} {_no_way_back(found)}")
    packages = READABLE[found.method].packages
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise EngineError(
            f"model {name!r} holds quantised weights ({found.told}), and "
            f"{_not_there(missing)}; {_install(missing)}, or {_PLAIN}"
        )
    return found


def _no_way_back(found: Quantisation) -> str:
    told = f"holds quantised weights ({found.told})"
    packages = _KERNELS.get(found.method)
    if packages is None:
        return f"{told}, of a method that is not read here; {_PLAIN}"
    return (
        f"{told}: transformers runs them by the kernels of {' and '.join(packages)}, which keep "
        f"them packed, so that no adapter can be merged into them; {_PLAIN}"
    )


def _not_there(missing: Sequence[str]) -> str:
    named = " and ".join(_package(name) for name in missing)
    return f"the package{'s' if len(missing) > 1 else ''} {named} would be needed to read them"


def _install(missing: Sequence[str]) -> str:
    return f"install {'them' if len(missing) > 1 else 'it'} with: pip install " + " ".join(
        map(_package, missing)
    )


def _package(module: str) -> str:
    return module.replace("_", "-")


def _bits(told: Mapping[str, object]) -> int | None:
    if told.get("load_in_4bit"):
        return 4
    if told.get("load_in_8bit"):
        return 8
    stated = told.get("bits", told.get("w_bit"))
    if isinstance(stated, int):
        return stated
    if told.get("quant_method") in ("fp8", "mxfp4"):
        return 8 if told["quant_method"] == "fp8" else 4
    groups = told.get("config_groups")
    weights = [
        group["weights"].get("num_bits")
        for group in (groups.values() if isinstance(groups, dict) else ())
        if isinstance(group, dict) and isinstance(group.get("weights"), dict)
    ]
    known = {bits for bits in weights if isinstance(bits, int)}
    return known.pop() if len(known) == 1 else None
