"""Lineages of a registry: which candidates are attempts at one goal, and so share an error budget.

A candidate cannot choose its lineage. What its own files say (a recipe, the source of its data) can
be written by anybody, so a lineage is the base that it is gated on, and nothing else, until a
person adds a name to the registry's list and gives that name when gating. The list grows only, and
every report of a run in a named lineage says who added the name, when, and why: each is another
whole error budget.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from evalsuite.errors import RegistryError
from evalsuite.registry.chain import locked
from evalsuite.registry.entries import Entry, Kept, Said, append_entry, read_entries

LINEAGES = "lineages"
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?\Z")


class Lineage(Entry):
    """A name that the registry knows."""

    name: Annotated[str, Field(pattern=_NAME.pattern.removesuffix(r"\Z") + "$")]
    by: Said
    reason: Said


def lineage_of(base: str, name: str = "") -> str:
    """Return what the attempts of a lineage have in common, as a SHA-256 in hexadecimal.

    Args:
        base: digest of the base that candidates are gated on.
        name: of the registry's list; empty: every candidate of the base that names none.
    """
    return hashlib.sha256(json.dumps(["lineage", base, name]).encode()).hexdigest()


def read_lineages(registry: Path) -> tuple[Lineage, ...]:
    """Return the names of a registry, oldest first.

    Raises:
        RegistryError: the list was changed.
    """
    folder = Path(registry).absolute() / LINEAGES
    return tuple(one.content for one in read_entries(folder, Lineage, "lineage"))


def require_lineage(registry: Path, name: str) -> Lineage:
    """Return the entry of a name.

    Raises:
        RegistryError: the registry does not know it.
    """
    known = read_lineages(registry)
    for one in known:
        if one.name == name:
            return one
    names = f"it knows {', '.join(repr(one.name) for one in known)}" if known else "it knows none"
    raise RegistryError(
        f"lineage={name!r} is not in the list of the registry {str(registry)!r}: {names}; leave it "
        f"out, or add it with: evalsuite registry add-lineage {_shown(name)} --by WHO --reason WHY"
    )


def add_lineage(registry: Path, name: str, *, by: str, reason: str, now: datetime) -> Lineage:
    """Add a name to the list: candidates that are gated under it start at attempt 1.

    Args:
        registry: the registry; made where it is not there.
        name: lower-case letters, digits, ``.``, ``_`` and ``-``.
        by: who adds it.
        reason: why it is a goal of its own; every report of a run in it says so.
        now: with a time zone.

    Raises:
        RegistryError: it is no name, or is there already; or nobody gives a reason.
    """
    registry = Path(registry).absolute()
    if not _NAME.match(name):
        raise RegistryError(
            f"lineage={name!r} is no name: use 1 to 64 lower-case letters, digits, '.', '_' and "
            "'-', such as rewriter-zh"
        )
    if not by.strip() or not reason.strip():
        raise RegistryError("name who adds the lineage (--by) and why (--reason)")
    folder = registry / LINEAGES
    with locked(registry):
        found: tuple[Kept[Lineage], ...] = read_entries(folder, Lineage, "lineage")
        if any(one.content.name == name for one in found):
            raise RegistryError(f"lineage={name!r} is in the list already; give it when gating")
        return append_entry(
            folder,
            Lineage(
                sequence=len(found) + 1,
                created=now,
                previous=found[-1].link if found else None,
                name=name,
                by=by.strip(),
                reason=reason.strip(),
            ),
        ).content


def _shown(name: str) -> str:
    return name if _NAME.match(name) else "NAME"
