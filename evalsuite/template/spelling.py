"""What a wire format writes for a conversation: control tokens and texts, before any tokenizer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.template.notation import Block, Control, Literal, parse_block
from evalsuite.template.pieces import Spelled, filled
from evalsuite.template.wire import Wire

THOUGHT = ("<think>", "</think>")
"""The control tokens around a thought."""
Trimming: TypeAlias = Callable[[str, str], str]
"""Returns what is left of a content, given it and the name of its block."""


def trimmed(wire: Wire) -> Trimming:
    """Return what a format does to the ends of contents."""
    return lambda content, block: wire.trim(block)(content)


def frames(wire: Wire) -> tuple[Block, Block]:
    """Return what stands in front of everything: without a system message, and with one."""
    bare = wire.begin if wire.begin_bare is None else wire.begin_bare
    return parse_block(bare), parse_block(wire.begin)


def header(wire: Wire) -> Block:
    """Return what a prompt ends with."""
    if wire.generation is not None:
        return parse_block(wire.generation)
    return tuple(itertools.takewhile(lambda piece: not piece.learned, wire.answers[-1]))


def opens_thought(wire: Wire) -> bool:
    """Whether a prompt ends inside a thought, which the model goes on with."""
    said = [piece for piece in header(wire) if isinstance(piece, Control)]
    marks = [piece.text for piece in said if piece.text in THOUGHT]
    return bool(marks) and marks[-1] == THOUGHT[0]


def learned(wire: Wire) -> Block:
    """Return what a model says after a prompt: the newest answer up to its stop token.

    Where a header of its own opens a thought, an answer closes it at once, as makers write an
    answer without thoughts.
    """
    said = tuple(piece for piece in wire.answers[-1] if piece.learned)
    if wire.generation is None or not opens_thought(wire):
        return said
    return (Literal("\n", True), Control(THOUGHT[1], True), Literal("\n\n", True), *said)


def spelled(
    wire: Wire, conversation: Conversation, last: Block, trim: Trimming
) -> Iterator[Spelled]:
    """Yield every turn as control tokens and texts, then what comes after them."""
    yield from filled(frames(wire)[conversation.system is not None], {})
    for block, contents in _turns(wire, conversation, trim):
        yield from filled(block, contents)
    yield from filled(last, {})


def written(wire: Wire, conversation: Conversation, trim: Trimming) -> Iterator[Spelled]:
    """Yield a prompt where the user has the last word, else a dialogue, as its maker writes it."""
    asked = conversation.messages[-1].role is Role.USER
    last = header(wire) if asked else parse_block(wire.end)
    if wire.prompts_only and not asked:
        conversation = Conversation(conversation.turns)
    pieces = tuple(spelled(wire, conversation, last, trim))
    if wire.open_end and not asked:
        ends = [at for at, p in enumerate(pieces) if p.learned and isinstance(p, Control)]
        pieces = pieces[: ends[-1]]
    yield from pieces


def text(wire: Wire, conversation: Conversation) -> str:
    """Return the text of a prompt where the user has the last word, else that of a dialogue."""
    return "".join(piece.text for piece in written(wire, conversation, trimmed(wire)))


def _turns(
    wire: Wire, conversation: Conversation, trim: Trimming
) -> Iterator[tuple[Block, Mapping[str, str]]]:
    """Which block is due for each message, and what goes into its slots."""
    told = {} if conversation.system is None else {"system": conversation.system}
    for index, message in enumerate(conversation.messages):
        name = block_of(wire, conversation, index)
        block = getattr(wire, name)
        if block is not None:
            slots = {**told, "": message.content}
            kept = {slot: trim(said, slot or name) for slot, said in slots.items()}
            yield parse_block(block), kept


def _merging(wire: Wire, messages: Sequence[Message]) -> int:
    """Which user message carries the system message."""
    users = [i for i, message in enumerate(messages) if message.role is Role.USER]
    return users[0] if wire.first_user is not None else users[-1]


def block_of(wire: Wire, conversation: Conversation, index: int) -> str:
    """Return the name of the block that a message is told in."""
    messages = conversation.messages
    role = messages[index].role
    if role is Role.SYSTEM:
        return "system"
    if role is Role.ASSISTANT:
        newest = index == len(messages) - 1 and wire.newest is not None
        return "newest" if newest else "assistant"
    apart = conversation.system is not None and wire.system is None and wire.takes_system
    if not apart or index != _merging(wire, messages):
        return "user"
    return "first_user" if wire.first_user is not None else "last_user"
