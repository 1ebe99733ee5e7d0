"""Renders, masks, parses and truncates every family, from its wire format alone.

Pieces are encoded one by one, control tokens by looking them up, so three things hold by
construction: text in a message never becomes a control token, the loss mask is exact, and where the
format allows it a prompt is a token prefix of the training render. No default system prompt is ever
supplied: a conversation without a system message renders without one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, cached_property
from pathlib import Path

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import ContextOverflow, EvalsuiteError, InvalidConversation, TemplateError
from evalsuite.template.base import Equivalence, PropertyResult, Rendered
from evalsuite.template.files import Prefix, TokenizerFiles, guarded, token_text
from evalsuite.template.properties import check
from evalsuite.template.wire import Block, Control, Literal, Piece, Slot, Wire, parse_block

_CANONICAL = Conversation.of(
    ("system", "Rewrite. 改写。"),
    ("user", "Which is faster, A or B?\n哪个更快？"),
    ("assistant", "B. 乙。"),
    ("user", " How is its memory?  <|im_end|> e\u0301 \U0001f600 1234"),
    ("assistant", "\nHow is B's memory?\n"),
)


class Place(Enum):
    """Where a piece stands in a render, which decides whether a tokenizer puts a blank there."""

    FIRST = "at the start"
    AFTER_CONTROL = "after a control token"
    WITHIN = "within a text"


class WireTemplate:
    """A chat template of one family; see :class:`evalsuite.template.ChatTemplate` for the contract.

    Args:
        wire: the family.
        files: the tokenizer.

    Raises:
        TemplateError: the tokenizer lacks a control token of the family.
    """

    def __init__(self, wire: Wire, files: TokenizerFiles) -> None:
        self.wire = wire = wire.read_by(files.swallowing)
        self.family = wire.name
        self.keeps_prefixes = wire.keeps_prefixes
        self.bos_each_turn = wire.bos_each_turn
        self.arguments: Mapping[str, bool] = dict(wire.arguments)
        self.first_user_differs = wire.first_user is not None
        self._files = files
        self._path = files.folder / "tokenizer.json"
        missing = [token for token in wire.controls if token not in files.added]
        if missing:
            raise TemplateError(
                f"{self._path}: no added tokens {' and '.join(missing)}, which the family "
                f"{wire.name} needs; give the tokenizer of such a model, or name another family"
            )
        self.control_ids: Mapping[str, int] = files.added
        self.stop_id = files.added[wire.stop]
        self.bos_id: int | None = None if wire.bos is None else files.added[wire.bos]
        self.pad_id = self._pad(files)
        self.vocab_size = files.vocab_size
        self.source: Path | None = files.folder
        self.generation_stops = files.stops
        self._texts = {i: token for token, i in files.added.items()}
        self._literals: dict[str, tuple[int, ...]] = {}
        bare = wire.begin if wire.begin_bare is None else wire.begin_bare
        self.frames = parse_block(bare), parse_block(wire.begin)
        """What stands in front of everything: without a system message, and with one."""
        self.end = parse_block(wire.end)
        self.header = tuple(itertools.takewhile(lambda p: not p.learned, wire.answers[-1]))
        """What a prompt ends with."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over family, control ids, headers, a canonical render, own template."""
        canonical = self._canonical
        content = {
            "family": self.family,
            "control": sorted((i, token) for token, i in self.control_ids.items()),
            "stop": self.stop_id,
            "headers": {str(role): ids for role, ids in self._headers().items()},
            "render": canonical.ids,
            "mask": canonical.loss_mask,
            "own_template": self._files.chat_template,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _canonical(self) -> Rendered:
        fits = self.wire.takes_system
        return self.render(_CANONICAL if fits else Conversation(_CANONICAL.turns))

    @property
    def canonical_tokens(self) -> tuple[str, ...]:
        """A fixed conversation rendered: id and text of each token, for people to compare."""
        return tuple(f"{token} {self.decode([token])!r}" for token in self._canonical.ids)

    def render(self, conversation: Conversation) -> Rendered:
        """Return the training render of all turns."""
        answered = conversation.messages[-1].role is Role.ASSISTANT
        return self._rendered(conversation, self.end if answered else ())

    def prompt(self, conversation: Conversation) -> tuple[int, ...]:
        """Return the ids of a history that ends with the user, plus the generation header."""
        last = len(conversation.messages) - 1
        if conversation.messages[last].role is not Role.USER:
            raise InvalidConversation(
                f"message {last} is from the {conversation.messages[last].role}, but a prompt ends "
                "with a user message; add one, or render the conversation for training"
            )
        return self._rendered(conversation, self.header).ids

    def _rendered(self, conversation: Conversation, last: Block) -> Rendered:
        """Render all turns and what comes after them."""
        ids: list[int] = []
        mask: list[bool] = []
        place, carried = Place.FIRST, self.frames[conversation.system is not None]
        told = [*self._turns(conversation), (last, {}, len(conversation.messages))]
        for block, contents, index in told:
            body, tail = cut(block)
            pieces = joined(carried, body)
            for segment, learned in self._segments(pieces, contents, index, place):
                ids.extend(segment)
                mask.extend([learned] * len(segment))
            place, carried = place_after(pieces, place), tail
        for segment, learned in self._segments(carried, {}, 0, place):
            ids.extend(segment)
            mask.extend([learned] * len(segment))
        return Rendered(tuple(ids), tuple(mask))

    def samples(self, conversation: Conversation) -> tuple[Rendered, ...]:
        """Return what to train on: every answer is learned once, after the prompt that asks for it.

        One sample where prompts are prefixes of the whole render, else one for each answer.
        """
        if self.wire.keeps_prefixes:
            return (self.render(conversation),)
        messages = conversation.messages
        return tuple(
            self._last_answer(Conversation(messages[: index + 1]))
            for index, message in enumerate(messages)
            if message.role is Role.ASSISTANT
        )

    def _last_answer(self, conversation: Conversation) -> Rendered:
        whole = self.render(conversation)
        prompt = len(self.prompt(Conversation(conversation.messages[:-1])))
        kept = (False,) * prompt + whole.loss_mask[prompt:]
        return Rendered(whole.ids, kept)

    def parse(self, ids: Sequence[int]) -> Conversation:
        """Return the conversation that ``render`` or ``prompt`` gave these ids."""
        messages = tuple(_Reader(self, tuple(ids)).messages())
        if not messages:
            raise TemplateError("ids is empty; give the ids of a render")
        try:
            return Conversation(messages)
        except InvalidConversation as error:
            raise TemplateError(f"the ids are no render: {error}") from error

    def refusal(self, conversation: Conversation) -> str | None:
        """Return why this family cannot carry a conversation that others can; None: it can."""
        if conversation.system is not None and not self.wire.takes_system:
            return f"message 0 (system): the family {self.family} has no place for a system message"
        for index, message in enumerate(conversation.messages):
            if self._files.sentencepiece and not message.content.replace("▁", " ").strip():
                return (
                    f"message {index} ({message.role}) holds nothing but ▁, with which its "
                    "tokenizer writes blanks"
                )
            for text in self.wire.delimiters:
                if text in message.content:
                    return (
                        f"message {index} ({message.role}) holds {text!r}, which separates "
                        f"messages in the family {self.family} and is no control token there"
                    )
        return None

    @property
    def equivalences(self) -> tuple[Equivalence, ...]:
        """What parsing does not give back."""
        merged = (
            Equivalence.SYSTEM_IN_FIRST_USER
            if self.wire.first_user is not None
            else Equivalence.SYSTEM_IN_LAST_USER
        )
        held = {
            Equivalence.NFC: self._files.normalizes,
            Equivalence.BLANKS: self._files.sentencepiece,
            Equivalence.STRIPPED: self.wire.strips,
            merged: self.wire.merges_system,
            Equivalence.DEFAULT_SYSTEM: self.wire.default_system is not None,
        }
        return tuple(name for name, holds in held.items() if holds)

    @property
    def says_by_itself(self) -> str | None:
        """What stands in front of a conversation without a system message only; None: nothing."""
        bare, told = self.frames
        return None if bare == told else self.decode(self.fixed(bare, Place.FIRST))

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the ids of plain content; control text in it stays plain text."""
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TemplateError(
                f"character {error.start} of the text is a lone surrogate "
                f"({text[error.start]!r}), which no token can carry; remove it"
            ) from error
        with guarded(self._path, "encoding"):
            return tuple(self._files.encoder.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of answer ids; control tokens and unknown ids (``<|id N|>``) show."""
        pieces: list[str] = []
        run: list[int] = []
        for token in ids:
            if (text := self.visible(token)) is None:
                run.append(token)
            else:
                pieces += [self._plain(run), text]
                run = []
        return "".join([*pieces, self._plain(run)])

    def answer(self, ids: Sequence[int]) -> str:
        """Return what a generated answer says: its text without what the format puts around it."""
        block = self.wire.answers[-1]
        at = next(i for i, piece in enumerate(block) if piece.learned and isinstance(piece, Slot))
        before = [p for p in block[:at] if p.learned]
        said, started = tuple(ids), tuple(self.answer_tokens)
        if (after := _last(said, started)) is not None:
            said = said[after + 1 :]
        text = self.decode(said)
        slot, rest = block[at], block[at + 1]
        if before and isinstance(before[-1], Literal):
            text = text.removeprefix(before[-1].text)
        if isinstance(slot, Slot):
            text = text.removeprefix(
                self.lead(slot, place_after(block[len(self.header) : at], self._answered_at))
            )
        return text.removesuffix(rest.text) if isinstance(rest, Literal) else text

    def answer_ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of an answer as a model has to say it, without the stop token."""
        learned = self.wire.answers[-1][len(self.header) :]
        said = itertools.takewhile(lambda piece: piece != Control(self.wire.stop, True), learned)
        segments = self._segments(tuple(said), {"": text}, 0, self._answered_at)
        return tuple(token for part, _ in segments for token in part)

    @property
    def _answered_at(self) -> Place:
        """Where the first piece that a model says stands."""
        return place_after((*parse_block(self.wire.user), *self.header), Place.WITHIN)

    @cached_property
    def answer_tokens(self) -> frozenset[int]:
        """Control tokens that an answer is meant to hold, beside the one that it stops on."""
        learned = (piece for block in self.wire.answers for piece in block if piece.learned)
        told = {self.control_ids[p.text] for p in learned if isinstance(p, Control)}
        return frozenset(told - {self.stop_id})

    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        """Drop the oldest turns until prompt (or render) is at most ``max_tokens`` ids long."""
        conversation.require_alternating()
        messages = conversation.messages
        first = len(messages) - len(conversation.turns)
        starts = [i for i, message in enumerate(messages) if message.role is Role.USER]
        size = 0
        for start in starts:
            kept = Conversation(messages[:first] + messages[start:])
            asked = messages[-1].role is Role.USER
            size = len(self.prompt(kept) if asked else self.render(kept).ids)
            if size <= max_tokens:
                return kept
        raise ContextOverflow(
            f"max_tokens={max_tokens}, but the system message and the turns from message "
            f"{starts[-1]} on need {size} tokens; shorten them or the demonstrations, or use a "
            "model with a longer context"
        )

    def check(self) -> list[PropertyResult]:
        """Check every property over a built-in adversarial set of conversations."""
        return check(self)

    def _turns(self, conversation: Conversation) -> Iterator[tuple[Block, Mapping[str, str], int]]:
        """Which block is due for each message, and what goes into its slots."""
        conversation.require_alternating()
        if (problem := self.refusal(conversation)) is not None:
            raise InvalidConversation(problem)
        wire, messages = self.wire, conversation.messages
        told = {} if conversation.system is None else {"system": self._carried(conversation.system)}
        apart = self._merging(messages) if told and wire.system is None else None
        for index, message in enumerate(messages):
            contents = {**told, "": self._carried(message.content)}
            if message.role is Role.SYSTEM:
                if wire.system is not None:
                    yield parse_block(wire.system), contents, index
            elif message.role is Role.USER:
                merged = wire.first_user or wire.last_user if index == apart else None
                yield parse_block(merged or wire.user), contents, index
            else:
                last = index == len(messages) - 1
                yield self.wire.answers[-1 if last else 0], contents, index

    def _merging(self, messages: Sequence[Message]) -> int:
        """Which user message carries the system message."""
        users = [i for i, message in enumerate(messages) if message.role is Role.USER]
        return users[0] if self.wire.first_user is not None else users[-1]

    def _carried(self, content: str) -> str:
        return content.strip() if self.wire.strips else content

    def _segments(
        self, pieces: Block, contents: Mapping[str, str], index: int, place: Place
    ) -> Iterator[tuple[tuple[int, ...], bool]]:
        """Split pieces into (ids, learned) segments.

        Args:
            pieces: a block, or a part of it.
            contents: of its slots, by name.
            index: of the message.
            place: where the first piece stands.
        """
        for piece in pieces:
            if isinstance(piece, Control):
                yield (self.control_ids[piece.text],), piece.learned
            elif isinstance(piece, Literal):
                yield self._literal(self._led(place) + piece.text), piece.learned
            else:
                try:
                    text = self.lead(piece, place) + contents[piece.name]
                    yield self.encode(text), piece.learned
                except EvalsuiteError as error:
                    role = "system" if piece.name else ("user", "assistant")[piece.learned]
                    raise TemplateError(f"message {index} ({role}): {error}") from error
            place = place_after((piece,), place)

    def fixed(self, pieces: Block, place: Place) -> tuple[int, ...]:
        """The ids of pieces that hold no content."""
        return tuple(t for ids, _ in self._segments(pieces, {}, 0, place) for t in ids)

    def lead(self, slot: Slot, place: Place) -> str:
        """The blanks that are encoded with a content."""
        return self._led(place) + slot.lead

    def _led(self, place: Place) -> str:
        """The blank that the tokenizer puts in front of a text in this place."""
        prefix = self._files.prefix
        first = prefix is Prefix.FIRST and place is Place.FIRST
        return " " if first or (prefix is Prefix.ALWAYS and place is not Place.WITHIN) else ""

    def _literal(self, text: str) -> tuple[int, ...]:
        if text not in self._literals:
            self._literals[text] = self.encode(text)
        return self._literals[text]

    def _headers(self) -> dict[Role, tuple[int, ...]]:
        """The ids in front of each role's content, where the role has a block of its own."""
        own = {
            Role.SYSTEM: self.wire.system,
            Role.USER: self.wire.user,
            Role.ASSISTANT: self.wire.assistant,
        }
        return {
            role: self.fixed(head(parse_block(block)), Place.AFTER_CONTROL)
            for role, block in own.items()
            if block is not None
        }

    def visible(self, token: int) -> str | None:
        """Return the text to show for an id that is not content, or None for content."""
        if token in self._texts:
            return self._texts[token]
        return None if 0 <= token < self.vocab_size else f"<|id {token}|>"

    def _plain(self, ids: Sequence[int]) -> str:
        if not ids:
            return ""
        with guarded(self._path, "decoding"):
            return str(self._files.encoder.decode(list(ids), skip_special_tokens=False))

    def _pad(self, files: TokenizerFiles) -> int:
        named = (token_text(files.config.get("pad_token")), *self.wire.pad)
        return next((files.added[name] for name in named if name in files.added), self.stop_id)


class _Reader:
    """Reads a render back from the left, block by block."""

    def __init__(self, template: WireTemplate, ids: tuple[int, ...]) -> None:
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


def _last(ids: tuple[int, ...], wanted: Collection[int]) -> int | None:
    """Where the last of some ids stands."""
    return max((at for at, token in enumerate(ids) if token in wanted), default=None)


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
