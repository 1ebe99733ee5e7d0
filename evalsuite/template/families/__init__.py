"""Every family of chat formats: each module here declares some, and is found by being here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from evalsuite.errors import TemplateError
from evalsuite.template.wire import Wire


def _declared() -> dict[str, Wire]:
    found: dict[str, Wire] = {}
    for module in (import_module(f"{__name__}.{known.name}") for known in iter_modules(__path__)):
        for wire in (w for w in vars(module).values() if isinstance(w, Wire)):
            if found.setdefault(wire.name, wire) is not wire:
                raise TemplateError(f"{module.__file__}: the family {wire.name} is declared twice")
    return found


FAMILIES: Mapping[str, Wire] = MappingProxyType(_declared())
"""By name, in the order of modules and, in each, of declaration."""
