"""Reads a render back into the messages that it spells."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidConversation, TemplateError
from evalsuite.template.notation import Block, Control, Literal, Piece, Slot, parse_block
from evalsuite.template.pieces import Place, head
from evalsuite.template.wire import Wire


class Spelling(Protocol):
    """What a reader needs to know of the template that wrote a render."""

    @property
    def wire(self) -> Wire:
        """The format."""

    @property
    def frames(self) -> tuple[Block, Block]:
        """What stands in front of everything: without a system message, and with one."""

    @property
    def header(self) -> Block:
        """What a prompt ends with."""

    @property
    def end(self) -> Block:
        """What stands after a dialogue that ends with an answer."""

    def led(self, place: Place) -> str:
        """The blank that the tokenizer puts in front of a text in this place."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""

    def visible(self, token: int) -> str | None:
        """The text to show for an id that is not content, or None for content."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """A control token, or all text up to the next one."""

    at: int
    """Of its first id."""
    text: str
    control: bool


@dataclass(frozen=True, slots=True)
class _Position:
    """How far a render is read."""

    atom: int = 0
    character: int = 0


class Reader:
    """Reads a render back from the left, block by block."""

    def __init__(self, template: Spelling, ids: tuple[int, ...]) -> None:
        self._template = template
        self._wire = template.wire
        self._ids = ids
        self._atoms = tuple(self._cut())
        self._here = _Position()

    def messages(self) -> Iterator[Message]:
        """Yield what was said.

        Raises:
            TemplateError: naming the first id out of place.
        """
        if not self._ids:
            return
        user, answers = parse_block(self._wire.user), [((), block) for block in self._wire.answers]
        opening = yield from self._message(self._openings(), Role.USER)
        if opening == self._wire.system_block:
            yield from self._message([((), user)], Role.USER)
        while not self._ends(()) and not self._ends(self._template.header):
            yield from self._message(answers, Role.ASSISTANT)
            if self._ends(self._template.end):
                return
            yield from self._message([((), user)], Role.USER)

    def _cut(self) -> Iterator[_Atom]:
        at, place = 0, Place.FIRST
        for plain, run in itertools.groupby(self._ids, lambda i: self._template.visible(i) is None):
            ids = tuple(run)
            if plain:
                text, lead = self._template.decode(ids), self._template.led(place)
                if not text.startswith(lead):
                    raise TemplateError(f"ids[{at}]={ids[0]}: {lead!r} is due in front of a text")
                yield _Atom(at, text[len(lead) :], control=False)
            else:
                for offset, token in enumerate(ids):
                    text = self._template.visible(token) or ""
                    yield _Atom(at + offset, text, control=True)
            at, place = at + len(ids), Place.AFTER_CONTROL

    def _openings(self) -> list[tuple[Block, Block]]:
        """What a render may start with: a frame, and the first message's block."""
        wire, (bare, told) = self._wire, self._template.frames
        user = parse_block(wire.user)
        found = [(bare, user)]
        if wire.system is not None:
            found.append((told, wire.system_block))
        elif wire.first_user is not None and not wire.merges_system:
            found.append((told, parse_block(wire.first_user)))
        elif bare != told:
            found.append((told, user))
        return found

    def _rest(self, here: _Position) -> _Atom | None:
        """What is left of the text, or the token, at a position; None: nothing."""
        if here.atom == len(self._atoms):
            return None
        atom = self._atoms[here.atom]
        return _Atom(atom.at, atom.text[here.character :], atom.control)

    def _after(self, pieces: Sequence[Piece], here: _Position) -> tuple[_Position, Piece | None]:
        """Read pieces without a content; return where they end, or where and which did not fit."""
        for piece in pieces:
            rest = self._rest(here)
            if isinstance(piece, Control):
                if rest is None or not rest.control or rest.text != piece.text:
                    return here, piece
                here = _Position(here.atom + 1)
            elif isinstance(piece, Literal):
                if rest is None or rest.control or not rest.text.startswith(piece.text):
                    return here, piece
                read = here.character + len(piece.text)
                whole = read == len(self._atoms[here.atom].text)
                here = _Position(here.atom + 1) if whole else _Position(here.atom, read)
        return here, None

    def _ends(self, ending: Block) -> bool:
        """Whether nothing but this is left."""
        return self._after(ending, self._here) == (_Position(len(self._atoms)), None)

    def _message(
        self, candidates: Sequence[tuple[Block, Block]], role: Role
    ) -> Generator[Message, None, Block]:
        """Yield what a block says, and return the block: of those that fit, the longest head's.

        Of two with one head it is that with the next token.
        """
        heads = [((*before, *head(block)), block) for before, block in candidates]
        reached = [(self._after(start, self._here), block) for start, block in heads]
        fitting = [(end, block) for (end, misfit), block in reached if misfit is None]
        if not fitting:
            raise self._out_of_place([(end, piece) for (end, piece), _ in reached if piece])
        self._here, block = max(
            fitting, key=lambda found: (found[0].atom, found[0].character, self._closes(*found))
        )
        role = Role.SYSTEM if block == self._wire.system_block else role
        rest = block[len(head(block)) :]
        while rest:
            slot, ends = rest[0], head(rest[1:])
            assert isinstance(slot, Slot)
            yield self._content(ends, Role.SYSTEM if slot.name else role)
            rest = rest[1 + len(ends) :]
        return block

    def _closes(self, here: _Position, block: Block) -> bool:
        """Whether the next token from a position on is the first behind a block's content."""
        rest = block[len(head(block)) :]
        due = next((piece.text for piece in rest if isinstance(piece, Control)), None)
        return due == next((a.text for a in self._atoms[here.atom :] if a.control), None)

    def _content(self, ends: Block, role: Role) -> Message:
        """Read a content, and the pieces that follow it."""
        start, rest = self._here, self._rest(self._here)
        if rest is None:
            raise self._unended(ends, start, role)
        if rest.control:
            rest = _Atom(rest.at, "", control=False)
        closed = len(ends) > 1 and isinstance(ends[1], Control)
        if isinstance(ends[0], Control) or closed:
            # All up to the next token, but what the format puts in front of that.
            tail = ends[0].text if isinstance(ends[0], Literal) else ""
            end = len(rest.text) - len(tail) if rest.text.endswith(tail) else -1
        else:
            assert isinstance(ends[0], Literal)
            end = rest.text.find(ends[0].text)
        after, misfit = start, ends[0] if end < 0 else None
        if misfit is None:
            read = self._after([Literal(rest.text[:end])] if end else [], start)[0]
            after, misfit = self._after(ends, read)
        if misfit is not None:
            if misfit is not ends[0]:
                raise self._out_of_place([(after, misfit)])
            raise self._unended(ends, after, role)
        self._here = after
        try:
            return Message(role, rest.text[:end])
        except InvalidConversation as error:
            raise TemplateError(f"the {role} message at ids[{rest.at}]: {error}") from error

    def _unended(self, ends: Block, reached: _Position, role: Role) -> TemplateError:
        """Say that a content has no end: another token stands in it, or nothing is left."""
        rest = self._rest(reached)
        if rest is not None and not rest.control:
            rest = self._rest(_Position(reached.atom + 1))
        if rest is not None and rest.control:
            return self._inside(rest, role)
        due = ends[0].text if not isinstance(ends[0], Slot) else ""
        at = self._atoms[min(self._here.atom, len(self._atoms) - 1)].at
        return TemplateError(
            f"the {role} message at ids[{at}] has no {due!r} after it; give the whole render"
        )

    def _inside(self, token: _Atom, role: Role) -> TemplateError:
        return TemplateError(
            f"ids[{token.at}]={self._ids[token.at]} is {token.text} inside a {role} message"
        )

    def _out_of_place(self, misfits: Sequence[tuple[_Position, Piece]]) -> TemplateError:
        """Name the first id that continues none of the heads that are due."""
        reached, due = max(misfits, key=lambda found: (found[0].atom, found[0].character))
        rest = self._rest(reached)
        text = "" if isinstance(due, Slot) else due.text
        if rest is None:
            return TemplateError(
                f"ids[{len(self._ids)}]=the end starts no message; {text!r} is due"
            )
        at = rest.at if rest.control else self._id_at(reached, text)
        return TemplateError(f"ids[{at}]={self._ids[at]} starts no message; {text!r} is due")

    def _id_at(self, reached: _Position, due: str) -> int:
        """The first id of a text that does not spell what is due there."""
        atom = self._atoms[reached.atom]
        pairs = zip(atom.text[reached.character :], due, strict=False)
        same = reached.character + sum(
            1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)
        )
        later = self._atoms[reached.atom + 1].at if reached.atom + 1 < len(self._atoms) else None
        ids = self._ids[atom.at : later]
        lengths = (len(self._template.decode(ids[: n + 1])) for n in range(len(ids)))
        return atom.at + next((n for n, length in enumerate(lengths) if length > same), 0)
