"""Reads a render back into the messages that it spells."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from typing import Protocol

from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidConversation, TemplateError
from evalsuite.template.pieces import Place, cut, head, joined, place_after
from evalsuite.template.wire import Block, Slot, Wire, parse_block


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

    def fixed(self, pieces: Block, place: Place) -> tuple[int, ...]:
        """The ids of pieces that hold no content."""

    def lead(self, slot: Slot, place: Place) -> str:
        """The blanks that are encoded with a content."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""

    def visible(self, token: int) -> str | None:
        """The text to show for an id that is not content, or None for content."""


class Reader:
    """Reads a render back from the left, block by block."""

    def __init__(self, template: Spelling, ids: tuple[int, ...]) -> None:
        self._template = template
        self._wire = template.wire
        self._ids = ids
        self._at = 0
        self._carried: Block = ()
        self._place = Place.FIRST

    def messages(self) -> Iterator[Message]:
        """Yield what was said.

        Raises:
            TemplateError: naming the first id out of place.
        """
        if not self._ids:
            return
        template, answers = self._template, [((), block) for block in self._wire.answers]
        system = self._wire.system_block
        block = yield from self._message(self._openings(), Role.USER)
        if block == system:
            yield from self._message([((), parse_block(self._wire.user))], Role.USER)
        while not self._ends((), template.header):
            yield from self._message(answers, Role.ASSISTANT)
            if self._ends(template.end):
                return
            yield from self._message([((), parse_block(self._wire.user))], Role.USER)

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

    def _ends(self, *endings: Block) -> bool:
        """Whether nothing but one of these is left."""
        rest = self._ids[self._at :]
        return any(
            rest == self._template.fixed(joined(self._carried, ending), self._place)
            for ending in endings
        )

    def _message(
        self, candidates: Sequence[tuple[Block, Block]], role: Role
    ) -> Generator[Message, None, Block]:
        """Yield what a block says, and return the block: of those that fit, the longest head's."""
        heads = {
            self._template.fixed(joined(self._carried, before, head(block)), self._place): (
                before,
                block,
            )
            for before, block in candidates
        }
        fitting = [ids for ids in heads if self._ids[self._at : self._at + len(ids)] == ids]
        if not fitting:
            raise self._out_of_place(list(heads))
        ids = max(fitting, key=len)
        before, block = heads[ids]
        body, tail = cut(block)
        self._at += len(ids)
        start = joined(self._carried, before, head(body))
        place, rest = place_after(start, self._place), body[len(head(body)) :]
        role = Role.SYSTEM if block == self._wire.system_block else role
        while rest:
            slot, ends = rest[0], head(rest[1:])
            assert isinstance(slot, Slot)
            yield self._content(slot, place, ends, Role.SYSTEM if slot.name else role)
            place, rest = place_after((slot, *ends), place), rest[1 + len(ends) :]
        self._place, self._carried = place, tail
        return block

    def _out_of_place(self, heads: Sequence[tuple[int, ...]]) -> TemplateError:
        """Name the first id that continues none of the heads that are due."""
        rest = self._ids[self._at :]
        same, due = max((_same(rest, due), due) for due in heads)
        found = rest[same] if same < len(rest) else "the end"
        text = self._template.decode(due[same:])
        return TemplateError(f"ids[{self._at + same}]={found} starts no message; {text!r} is due")

    def _content(self, slot: Slot, place: Place, fixed: Block, role: Role) -> Message:
        """Read up to the pieces that follow a content."""
        start, ends = self._at, self._template.fixed(fixed, Place.WITHIN)
        end = _find(self._ids, ends, start)
        if end is None:
            due = self._template.decode(ends)
            raise TemplateError(
                f"the {role} message at ids[{start}] has no {due!r} after it; give the whole render"
            )
        for offset, token in enumerate(self._ids[start:end], start=start):
            if (text := self._template.visible(token)) is not None:
                raise TemplateError(f"ids[{offset}]={token} is {text} inside a {role} message")
        self._at = end + len(ends)
        text, lead = self._template.decode(self._ids[start:end]), self._template.lead(slot, place)
        if not text.startswith(lead):
            raise TemplateError(f"ids[{start}]: {lead!r} is due before the {role} message")
        try:
            return Message(role, text[len(lead) :])
        except InvalidConversation as error:
            raise TemplateError(f"the {role} message at ids[{start}]: {error}") from error


def _same(ids: tuple[int, ...], others: tuple[int, ...]) -> int:
    """How many ids two runs have in common from their start on."""
    pairs = zip(ids, others, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _find(ids: tuple[int, ...], wanted: tuple[int, ...], start: int) -> int | None:
    """Where a run of ids first stands, from ``start`` on."""
    for at in range(start, len(ids) - len(wanted) + 1):
        if ids[at : at + len(wanted)] == wanted:
            return at
    return None
