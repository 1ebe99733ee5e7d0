"""Blocks of a wire format put one behind the other, as a tokenizer sees them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import Enum
from functools import cache

from evalsuite.template.wire import Block, Control, Literal, Piece, Slot


class Place(Enum):
    """Where a piece stands in a render, which decides whether a tokenizer puts a blank there."""

    FIRST = "at the start"
    AFTER_CONTROL = "after a control token"
    WITHIN = "within a text"


def head(block: Sequence[Piece]) -> Block:
    """Return the pieces in front of the first content."""
    return tuple(itertools.takewhile(lambda piece: not isinstance(piece, Slot), block))


@cache
def cut(block: Block) -> tuple[Block, Block]:
    """Split a block into what ends its message, and what stands before the next one.

    The latter is text after a control token. A tokenizer may join it to the text that follows, so
    it is encoded with that.
    """
    end = len(block)
    while end and isinstance(block[end - 1], Literal):
        end -= 1
    if not end or not isinstance(block[end - 1], Control):
        end = len(block)
    return block[:end], block[end:]


@cache
def joined(*blocks: Block) -> Block:
    """Return the pieces of several blocks; texts that meet become one."""
    pieces: list[Piece] = []
    for piece in itertools.chain(*blocks):
        before = pieces[-1] if pieces else None
        if (
            isinstance(piece, Literal)
            and isinstance(before, Literal)
            and piece.learned is before.learned
        ):
            pieces[-1] = Literal(before.text + piece.text, piece.learned)
        else:
            pieces.append(piece)
    return tuple(pieces)


def place_after(pieces: Block, place: Place) -> Place:
    """Return where the piece after these stands, when the first of them stands in ``place``."""
    if not pieces:
        return place
    return Place.AFTER_CONTROL if isinstance(pieces[-1], Control) else Place.WITHIN
