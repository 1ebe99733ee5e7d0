"""Every family of chat formats: each module here declares some, and is found by being here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from evalsuite.template.wire import Wire


def _declared() -> dict[str, Wire]:
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    wires = [w for module in modules for w in vars(module).values() if isinstance(w, Wire)]
    return {wire.name: wire for wire in wires}


FAMILIES: Mapping[str, Wire] = MappingProxyType(_declared())
"""By name, in the order of modules and, in each, of declaration."""
