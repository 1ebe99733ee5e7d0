"""Which characters a tokenizer can carry.

A vocabulary need not hold every byte: what is not in it is dropped from a text in silence, or
becomes the unknown token. So a text is asked before it is encoded. What is lost is a matter of one
message, not of the model.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

EVERY_BYTE: Final = "".join(
    map(
        chr,
        (
            *range(0x100),
            *range(0x100, 0x800, 0x40),
            *(0x800, *range(0x1000, 0x10000, 0x1000)),
            *(0x10000, *range(0x40000, 0x110000, 0x40000)),
        ),
    )
)
"""One character for each byte that can occur in UTF-8 text."""
ORDINARY: Final = "\n" + "".join(map(chr, range(0x20, 0x7F)))
"""What every text is made of: without these, it is a broken file and no peculiar vocabulary."""
_BLANK: Final = "▁"


def _byte_symbols() -> tuple[str, ...]:
    """The character with which a byte-level tokenizer writes each byte.

    The table of GPT-2: a byte that Latin-1 prints is written as that, the others by the characters
    from U+0100 on, in their order.
    """
    printed = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte) if byte in printed else chr(next(others)) for byte in range(256))


BYTE_SYMBOLS: Final = _byte_symbols()


@dataclass(frozen=True, slots=True)
class Symbols:
    """What a vocabulary has to write the bytes of a text with."""

    missing: frozenset[int] = frozenset()
    """The bytes that it has no symbol for."""
    whole: frozenset[str] = frozenset()
    """Characters that hold such a byte and that it has as a whole; of SentencePiece only."""
    composes: bool = False
    """Whether the tokenizer brings text to Unicode NFC first."""

    def carries(self, char: str) -> bool:
        """Whether a character comes through."""
        return self.missing.isdisjoint(char.encode("utf-8")) or char in self.whole

    def kept(self, text: str) -> str:
        """Return a text without what does not come through."""
        if not self.missing:
            return text
        return "".join(char for char in self._read(text) if self.carries(char))

    def lost(self, text: str) -> str | None:
        """Say what of a text cannot be carried: the character, its place and what to do.

        None: all of it can.
        """
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            return (
                f"character {error.start} of the text is a lone surrogate ({text[error.start]!r}), "
                "which no token can carry; remove it"
            )
        if not self.missing or (not self.composes and self.missing.isdisjoint(data)):
            return None
        for place, char in enumerate(self._read(text)):
            if not self.carries(char):
                at = place if text[place : place + 1] == char else max(text.find(char), 0)
                byte = next(byte for byte in char.encode("utf-8") if byte in self.missing)
                return (
                    f"character {at} of the text is U+{ord(char):04X} ({char!a}), but this "
                    f"tokenizer has no symbol for its byte 0x{byte:02X} and would lose it; "
                    "remove it"
                )
        return None

    def _read(self, text: str) -> str:
        return unicodedata.normalize("NFC", text) if self.composes else text


def byte_level_symbols(vocab: Mapping[str, int], *, composes: bool) -> Symbols:
    """Return what a byte-level vocabulary can write."""
    missing = (byte for byte, symbol in enumerate(BYTE_SYMBOLS) if symbol not in vocab)
    return Symbols(frozenset(missing), composes=composes)


def fallback_symbols(vocab: Mapping[str, int], *, composes: bool) -> Symbols:
    """Return what a vocabulary of characters can write, with bytes for those that it lacks."""
    missing = frozenset(byte for byte in range(256) if f"<0x{byte:02X}>" not in vocab)
    if not missing:
        return Symbols(composes=composes)
    letters = {token for token in vocab if len(token) == 1}
    letters |= {" "} if _BLANK in letters else set()
    return Symbols(missing, frozenset(letters), composes)
