"""Files of text that a stranger wrote: their bytes, their encoding, characters nobody can see."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from evalsuite.errors import InvalidInput

MAX_BYTES = 5_000_000
"""Largest file that is read."""

_JOINERS = "\u200c\u200d"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def read_text(path: Path, name: str, *, most: int = MAX_BYTES) -> str:
    """Read a UTF-8 file; a leading byte order mark is dropped.

    Raises:
        InvalidInput: no such file, not a plain file, unreadable, larger than ``most`` bytes, empty,
            or not UTF-8.
    """
    try:
        if not path.is_file():
            what = "is no plain file" if path.exists() else "does not exist"
            raise InvalidInput(f"{name}: {what}; name a plain text file in UTF-8")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{name}: cannot be read ({error}); check its name and rights") from None
    if len(data) > most:
        raise InvalidInput(f"{name}: is larger than {most:,} bytes; split it into several files")
    text = decoded(data, name)
    if not text.strip():
        raise InvalidInput(f"{name}:1: the file is empty; fill it or remove it")
    return text


def decoded(data: bytes, name: str) -> str:
    """Decode the bytes of a UTF-8 file; a leading byte order mark is dropped.

    Raises:
        InvalidInput: ``name:line`` of the first byte that is not UTF-8, and what else it may be.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        hint = _other_encoding(data)
        raise InvalidInput(
            f"{name}:{line}: byte 0x{byte:02X} is not UTF-8{hint}; save the file as UTF-8"
        ) from None


def _other_encoding(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return " (the file looks like UTF-16)"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return " (the file may be GB18030: iconv -f GB18030 -t UTF-8)"


def unseen(char: str) -> str | None:
    """Return what kind of invisible character this is, or None for one that a reader sees.

    The joiners U+200C and U+200D pass: emoji and some scripts are spelled with them.
    """
    if char in _JOINERS:
        return None
    if char in _BIDI:
        return "bidirectional control"
    if ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF:
        return "noncharacter"
    kinds = {"Cc": "control", "Cf": "invisible format", "Cs": "lone surrogate"}
    kinds |= {"Zl": "line separator", "Zp": "paragraph separator"}
    return kinds.get(unicodedata.category(char))


def code_point(char: str) -> str:
    """Name a character: ``U+202E RIGHT-TO-LEFT OVERRIDE``."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()
