"""Engines by name, each loaded only when it is asked for.

A new engine is one module and one line in ``ENGINES``. Importing this package loads no tensor
library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import cast

from evalsuite.engines.cache import CachingEngine
from evalsuite.engines.liveness import Check, ChecksLiveness, LivenessCheck, LivenessReport
from evalsuite.engines.numerics import Numerics, resolve_numerics, transformers_identity
from evalsuite.engines.resident import Resident
from evalsuite.errors import EngineError
from evalsuite.generation import Engine
from evalsuite.models import BaseRef, Tuned

__all__ = [
    "ENGINES",
    "CachingEngine",
    "Check",
    "ChecksLiveness",
    "LivenessCheck",
    "LivenessReport",
    "Numerics",
    "Resident",
    "load_engine",
    "open_engine",
    "resolve_numerics",
    "transformers_identity",
]

ENGINES: Mapping[str, str] = MappingProxyType(
    {
        "transformers": "evalsuite.engines.transformers:TransformersEngine",
        "scripted": "evalsuite.engines.scripted:ScriptedEngine",
        "cache": "evalsuite.engines.cache:CachingEngine",
    }
)


def load_engine(name: str, *arguments: object, **options: object) -> Engine:
    """Build an engine by its registered name, with that engine's own arguments.

    Raises:
        EngineError: no engine has this name.
    """
    if name not in ENGINES:
        raise EngineError(f"engine={name!r} is unknown; use one of: {', '.join(ENGINES)}")
    module, _, attribute = ENGINES[name].partition(":")
    return cast(Engine, getattr(import_module(module), attribute)(*arguments, **options))


def open_engine(
    base: BaseRef,
    adapters: Sequence[Tuned] = (),
    *,
    cache: Path | str,
    numerics: Numerics | None = None,
    progress: Callable[[int, int], None] | None = None,
    resident: Resident | None = None,
) -> CachingEngine:
    """Return the transformers engine behind a cache; nothing is loaded until an answer is missing.

    Args:
        base: The base model.
        adapters: The adapters, and whole models, that requests may name by digest.
        cache: The SQLite file that remembers answers and liveness reports.
        numerics: Where and how models run, from :func:`resolve_numerics`; None: as it chooses.
        progress: Called with (answered, in all) after each batch that a model runs.
        resident: Keeps the base loaded for whoever comes after; None: it is let go.

    Raises:
        TemplateError: the base's chat template belongs to no known family.
        RunStorageError: the cache file cannot be used.
    """
    from evalsuite.template import load_template

    chosen = numerics or resolve_numerics()
    identity = transformers_identity(
        base, load_template(base.path, family=base.family).fingerprint, chosen
    )

    def build() -> Engine:
        if resident is not None:
            return resident.engine(base, adapters, chosen, progress)
        return load_engine("transformers", base, adapters, chosen, progress=progress)

    return CachingEngine(build, cache, identity)
