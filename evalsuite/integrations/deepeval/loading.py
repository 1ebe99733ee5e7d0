"""Importing deepeval, quietly: the one place where it happens.

On import deepeval reads ``.env`` files and a key file of the working directory into the process's
environment, makes a folder there, and afterwards reports what is measured to its makers. None of
that belongs into a gate, so all of it is off unless the environment asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evalsuite.errors import MissingDependency

QUIET: Mapping[str, str] = MappingProxyType(
    {
        # Usage events, and the identity file that goes with them. Read anew at every event.
        "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
        # .env, .env.local, .env.<APP_ENV> of the working directory.
        "DEEPEVAL_DISABLE_DOTENV": "1",
        # The key file .deepeval/.deepeval of the working directory.
        "DEEPEVAL_DISABLE_LEGACY_KEYFILE": "1",
    }
)
"""What is set before the import, each only where the environment does not say otherwise."""
_TELEMETRY = "DEEPEVAL_TELEMETRY_OPT_OUT"
_TELEMETRY_TOO = "DEEPEVAL_TELEMETRY_ENABLED"
_FOLDER = "DEEPEVAL_CACHE_FOLDER"


def load(module: str) -> Any:
    """Import ``deepeval.<module>`` with telemetry off.

    Raises:
        MissingDependency: deepeval is not installed.
    """
    hush(os.environ, imported="deepeval" in sys.modules)
    try:
        return import_module(f"deepeval.{module}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "deepeval":
            raise
        raise MissingDependency("deepeval", "deepeval", "evalsuite in deepeval") from None


def hush(environment: MutableMapping[str, str], *, imported: bool) -> None:
    """Set :data:`QUIET`, and a folder for deepeval's files outside the working directory.

    Args:
        environment: what to change; a variable that is there stays as it is.
        imported: whether deepeval was imported before, as its pytest plugin does; it has chosen its
            folder then, and naming another one would split its files between the two.
    """
    for name, value in QUIET.items():
        if name == _TELEMETRY and _TELEMETRY_TOO in environment:
            continue
        environment.setdefault(name, value)
    if not imported:
        root = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        environment.setdefault(_FOLDER, str(Path(root) / "evalsuite" / "deepeval"))
