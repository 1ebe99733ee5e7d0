"""Ids and kinds of imported cases, made of what a record says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType

from evalsuite.cases.case import Kind

_CLUES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.ORDINAL: r"\b(?:former|latter)\b|\bthe (?:first|second|third|last) one\b"
        r"|前者|后者|第[一二三]个",
        Kind.PERSON: r"\b(?:s?he|him|his|hers?)\b|(?<![其吉])[他她](?!们)",
        Kind.PLURAL: r"\b(?:they|them|theirs?|these|those|both)\b|[他她它]们|这些|那些|两者",
        Kind.SINGLE: r"\b(?:its?|this|that|there|one)\b|它|这|那|其(?![他实])",
    }
)


def guess_kind(query: str, *, unchanged: bool) -> Kind:
    """Guess the kind of a query from its words alone."""
    if unchanged:
        return Kind.STANDALONE
    found = (kind for kind, clue in _CLUES.items() if re.search(clue, query, re.IGNORECASE))
    return next(found, Kind.DROPPED_SUBJECT)


def identifier(format: str, name: str) -> str:
    """Make an id of any name: readable where it can be, never the same for two names."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower())
    identifier = f"{format}-{slug}"
    if slug != name or len(identifier) > 80:
        identifier = f"{identifier[:67]}-{short_digest(name)}"
    return identifier


def short_digest(text: str) -> str:
    """Twelve hexadecimal digits by which two texts are told apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
