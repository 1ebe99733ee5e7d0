"""A policy as it was resolved: which file, and which line of it, says each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalsuite.files.located import Place
from evalsuite.gates.policy import Policy


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file that holds a policy, or changes to one."""

    policy: str
    """The policy's name."""
    path: str
    """As messages write it."""
    shipped: bool = False

    @property
    def called(self) -> str:
        """Its path; of a shipped one the name, since it lies wherever evalsuite does."""
        return Path(self.path).name if self.shipped else self.path


@dataclass(frozen=True, slots=True)
class Written:
    """Where a value was written."""

    file: PolicyFile
    line: int
    """From 1; of the key, or of the entry of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPolicy:
    """A whole policy, and who wrote what of it."""

    policy: Policy
    files: tuple[PolicyFile, ...]
    """Its own, then the one that it extends, then the one that this extends."""
    written: Mapping[Place, Written]
    """Every mapping, list and value that stands in one of the files and was not replaced; what a
    schema fills in is not here."""

    @property
    def own(self) -> PolicyFile:
        """The file that was asked for."""
        return self.files[0]

    def origin(self, place: Place) -> Written | None:
        """Who wrote the value at a place; None: nobody, it is the schema's default."""
        return self.written.get(place)

    def where(self, place: Place) -> str:
        """``file:line`` of the innermost part of ``place`` that somebody wrote."""
        for end in range(len(place), 0, -1):
            found = self.written.get(place[:end])
            if found is not None:
                return f"{found.file.called}:{found.line}"
        return f"{self.own.called}:1"
