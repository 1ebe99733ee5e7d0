"""The notation of wire formats: what a block consists of, and how it is read.

``«token»`` is a control token, ``{}`` and ``{system}`` are contents, ``⟦ ⟧`` stands around what a
model learns to say, and all else, a single brace too, is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from evalsuite.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Control:
    """A control token."""

    text: str
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that the format supplies; encoded with the text that it meets."""

    text: str
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a content goes."""

    name: str
    """Empty for the content of the block's own message; ``system`` for the system's."""
    learned: bool = False


Piece = Control | Literal | Slot
Block = tuple[Piece, ...]

_NOTATION = re.compile(
    r"«(?P<control>[^»]+)»|\{(?P<slot>system)?\}|(?P<mark>[⟦⟧])|(?P<text>[^«{⟦⟧]+|\{)"
)


@cache
def parse_block(text: str) -> Block:
    """Return the pieces of a block, or of a frame without a content.

    Raises:
        TemplateError: the text is not in the notation.
    """
    pieces: list[Piece] = []
    learned = False
    for piece in _pieces(text):
        if isinstance(piece, str):
            if (piece == "⟦") is learned:
                raise TemplateError(f"{text!r}: ⟦ and ⟧ do not match")
            learned = not learned
            continue
        marked, before = replace(piece, learned=learned), pieces[-1] if pieces else None
        if (
            isinstance(marked, Literal)
            and isinstance(before, Literal)
            and marked.learned is before.learned
        ):
            marked = replace(marked, text=before.text + marked.text)
            del pieces[-1]
        pieces.append(marked)
    if learned:
        raise TemplateError(f"{text!r}: ⟦ has no ⟧")
    return tuple(pieces)


def _pieces(text: str) -> Iterator[Piece | str]:
    position = 0
    while position < len(text):
        found = _NOTATION.match(text, position)
        if found is None:
            raise TemplateError(
                f"{text!r}: {text[position]!r} at {position} is not in the notation"
            )
        if found["control"]:
            yield Control(found["control"])
        elif found["mark"]:
            yield found["mark"]
        elif found["text"]:
            yield Literal(found["text"])
        else:
            yield Slot(found["slot"] or "")
        position = found.end()
