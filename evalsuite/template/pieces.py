"""Blocks of a wire format put one behind the other, as a tokenizer sees them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from evalsuite.template.notation import Block, Control, Literal, Piece, Slot

Spelled: TypeAlias = Control | Literal
"""What a render consists of once every content is in its place."""


class Place(Enum):
    """Where a text stands in a render, which decides whether a tokenizer puts a blank there."""

    FIRST = "at the start"
    AFTER_CONTROL = "after a control token"
    WITHIN = "within a text"


def head(block: Sequence[Piece]) -> Block:
    """Return the pieces in front of the first content."""
    return tuple(itertools.takewhile(lambda piece: not isinstance(piece, Slot), block))


def filled(block: Iterable[Piece], contents: Mapping[str, str]) -> Iterator[Spelled]:
    """Put contents, by the name of their slots, into a block."""
    for piece in block:
        if isinstance(piece, Slot):
            yield Literal(contents[piece.name], piece.learned)
        else:
            yield piece


def joined(pieces: Iterable[Spelled]) -> Iterator[Spelled]:
    """Make texts that meet one, as a tokenizer does that is given all of them.

    But where learning begins, a prompt ends. What is learned is encoded by itself, or the prompt
    would be no token prefix of the sample that learns its answer.
    """
    before: Literal | None = None
    for piece in pieces:
        if isinstance(piece, Literal):
            if before is None:
                before = piece
                continue
            if before.learned is piece.learned:
                before = Literal(before.text + piece.text, piece.learned)
                continue
        if before is not None:
            yield before
        before = piece if isinstance(piece, Literal) else None
        if before is None:
            yield piece
    if before is not None:
        yield before
