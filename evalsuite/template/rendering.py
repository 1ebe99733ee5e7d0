"""Renders, masks, parses and truncates every family, from its wire format alone.

Control tokens are looked up, texts that meet are encoded as one, and each content by itself, so
three things hold by construction: text in a message never becomes a control token, the loss mask is
exact, and where the format allows it a prompt is a token prefix of the training render. No system
message is supplied but the one that a family's own format says where none is given.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import EvalsuiteError, InvalidConversation, TemplateError
from evalsuite.template.base import Equivalence, PropertyResult, Rendered
from evalsuite.template.parsing import Reader
from evalsuite.template.pieces import Place, cut, head, joined, place_after
from evalsuite.template.properties import check
from evalsuite.template.tokenizerfolder import Prefix, TokenizerFiles, guarded, token_text
from evalsuite.template.truncation import last_turns
from evalsuite.template.wire import Block, Control, Literal, Slot, Wire, parse_block

# What formats get wrong most easily: white space at the ends, a token as text, a combining mark,
# both languages. Every fingerprint rests on it: with another conversation R10 would refute every
# adapter that was trained before.
_CANONICAL = Conversation.of(
    ("system", "Rewrite. 改写。"),
    ("user", "Which is faster, A or B?\n哪个更快？"),
    ("assistant", "B. 乙。"),
    ("user", " How is its memory?  <|im_end|> e\u0301 \U0001f600 1234"),
    ("assistant", "\nHow is B's memory?\n"),
)


class _Unencodable(TemplateError):
    """A content that no token sequence can carry, by the slot that it was for."""

    def __init__(self, slot: str, problem: str) -> None:
        super().__init__(problem)
        self.slot = slot


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
        self.first_user_differs = not (wire.first_user or wire.user).endswith(wire.user)
        self._files = files = files.for_controls((*wire.controls, *wire.pad))
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
        """SHA-256 (hex) over family, control ids, headers, renders, tokenizer, own template."""
        canonical = self._canonical
        content = {
            "family": self.family,
            "control": sorted((i, token) for token, i in self.control_ids.items()),
            "stop": self.stop_id,
            "headers": {str(role): ids for role, ids in self._headers().items()},
            "render": canonical.ids,
            "mask": canonical.loss_mask,
            "bare": self.prompt(Conversation(self._told.turns[:1])),
            "tokenizer": self._files.digest,
            "own_template": self._files.chat_template,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _canonical(self) -> Rendered:
        fits = self.wire.takes_system
        return self.render(self._told if fits else Conversation(self._told.turns))

    @cached_property
    def _told(self) -> Conversation:
        """The canonical conversation without what the tokenizer has no symbols for."""
        kept = self._files.symbols.kept
        return Conversation(tuple(Message(m.role, kept(m.content)) for m in _CANONICAL.messages))

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
            where = {"": index, "system": 0}
            try:
                for segment, learned in self._segments(pieces, contents, place):
                    ids.extend(segment)
                    mask.extend([learned] * len(segment))
            except _Unencodable as error:
                at = where[error.slot]
                role = conversation.messages[at].role
                raise TemplateError(f"message {at} ({role}): {error}") from error.__cause__
            place, carried = place_after(pieces, place), tail
        for segment, learned in self._segments(carried, {}, place):
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
        messages = tuple(Reader(self, tuple(ids)).messages())
        if not messages:
            raise TemplateError("ids is empty; give the ids of a render")
        try:
            return Conversation(messages)
        except InvalidConversation as error:
            raise TemplateError(f"the ids are no render: {error}") from error

    def refusal(self, conversation: Conversation) -> str | None:
        """Return why this family cannot carry a conversation that others can; None: it can."""
        if (lost := self._lost(conversation)) is not None:
            return lost
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

    def _lost(self, conversation: Conversation) -> str | None:
        """Return which character of which message the tokenizer would lose; None: none."""
        for index, message in enumerate(conversation.messages):
            if (lost := self._files.lost(message.content)) is not None:
                return f"message {index} ({message.role}): {lost}"
        return None

    def _require_carried(self, conversation: Conversation) -> None:
        if (lost := self._lost(conversation)) is not None:
            raise TemplateError(lost)
        if (problem := self.refusal(conversation)) is not None:
            raise InvalidConversation(problem)

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
    def default_system(self) -> str | None:
        """The system message that nobody can tell from none, because the format says it anyway."""
        return self.wire.default_system

    @property
    def system_joint(self) -> str:
        """What stands between a system message and the user's in one turn; empty: they do not."""
        return self.wire.system_joint

    def carried(self, conversation: Conversation) -> Conversation:
        """Return a conversation as this family can carry it."""
        if self.wire.takes_system or conversation.system is None or not conversation.turns:
            return conversation
        first, *rest = conversation.turns
        if first.role is not Role.USER:
            return conversation
        told = Message(Role.USER, f"{conversation.system}\n\n{first.content}")
        return Conversation((told, *rest))

    @property
    def says_by_itself(self) -> str | None:
        """What stands in front of a conversation without a system message only; None: nothing."""
        bare, told = self.frames
        return None if bare == told else self.decode(self.fixed(bare, Place.FIRST))

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the ids of plain content; control text in it stays plain text."""
        self._files.require_carried(text)
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

    def thought(self, ids: Sequence[int]) -> int:
        """Return how many ids at the start of a generated answer are thoughts, and no answer."""
        tokens = self._thoughts
        if not tokens or not ids or ids[0] != tokens[0]:
            return 0
        return ids.index(tokens[-1]) + 1 if tokens[-1] in ids else len(ids)

    def answer(self, ids: Sequence[int]) -> str:
        """Return what a generated answer says: its text without what the format puts around it."""
        block, start = self.wire.answers[-1], self.thought(ids)
        at = next(i for i, piece in enumerate(block) if piece.learned and isinstance(piece, Slot))
        text, before = self.decode(ids[start:]), block[len(self.header) : at]
        if before and isinstance(before[-1], Literal) and (start or not self._thoughts):
            text = text.removeprefix(before[-1].text)
        slot, rest = block[at], block[at + 1]
        if isinstance(slot, Slot):
            text = text.removeprefix(self.lead(slot, place_after(before, self._answered_at)))
        return text.removesuffix(rest.text) if isinstance(rest, Literal) else text

    def answer_ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of an answer as a model has to say it, without the stop token."""
        learned = self.wire.answers[-1][len(self.header) :]
        said = itertools.takewhile(lambda piece: piece != Control(self.wire.stop, True), learned)
        segments = self._segments(tuple(said), {"": text}, self._answered_at)
        return tuple(token for part, _ in segments for token in part)

    @property
    def _answered_at(self) -> Place:
        """Where the first piece that a model says stands."""
        return place_after((*parse_block(self.wire.user), *self.header), Place.WITHIN)

    @cached_property
    def _thoughts(self) -> tuple[int, ...]:
        """The control tokens that an answer is meant to hold before what it says."""
        learned = (p for p in self.wire.answers[-1] if p.learned and isinstance(p, Control))
        return tuple(self.control_ids[p.text] for p in learned if p.text != self.wire.stop)

    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        """Drop the oldest turns until prompt (or render) is at most ``max_tokens`` ids long."""
        conversation.require_alternating()
        # Else it would depend on the length that is asked for whether a turn is met at all.
        self._require_carried(conversation)
        asked = conversation.messages[-1].role is Role.USER

        def size(kept: Conversation) -> int:
            return len(self.prompt(kept) if asked else self.render(kept).ids)

        return last_turns(conversation, max_tokens, size)

    def check(self) -> list[PropertyResult]:
        """Check every property over a built-in adversarial set of conversations."""
        return check(self)

    def _turns(self, conversation: Conversation) -> Iterator[tuple[Block, Mapping[str, str], int]]:
        """Which block is due for each message, and what goes into its slots."""
        conversation.require_alternating()
        self._require_carried(conversation)
        wire, messages = self.wire, conversation.messages
        told = {} if conversation.system is None else {"system": self._trimmed(conversation.system)}
        apart = self._merging(messages) if told and wire.system is None else None
        for index, message in enumerate(messages):
            contents = {**told, "": self._trimmed(message.content)}
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

    def _trimmed(self, content: str) -> str:
        return content.strip() if self.wire.strips else content

    def _segments(
        self, pieces: Block, contents: Mapping[str, str], place: Place
    ) -> Iterator[tuple[tuple[int, ...], bool]]:
        """Split pieces into (ids, learned) segments.

        Args:
            pieces: a block, or a part of it.
            contents: of its slots, by name.
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
                    raise _Unencodable(piece.name, str(error)) from error
            place = place_after((piece,), place)

    def fixed(self, pieces: Block, place: Place) -> tuple[int, ...]:
        """The ids of pieces that hold no content."""
        return tuple(t for ids, _ in self._segments(pieces, {}, place) for t in ids)

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
