"""Renders, masks, parses and truncates every family, from its wire format alone.

Control tokens are looked up, and the texts between them are encoded with a tokenizer that knows
none, each as one text; only where learning begins it is cut. So four things hold by construction:
text in a message never becomes a control token, the tokens are those of the maker's whole text, the
loss mask is exact, and where the format allows it a prompt is a token prefix of the training
render.
No system message is supplied but the one that a family's own format says where none is given.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidConversation, TemplateError
from evalsuite.template.base import Equivalence, PropertyResult, Rendered
from evalsuite.template.generated import Generated
from evalsuite.template.notation import Block, Control, parse_block
from evalsuite.template.parsing import Reader
from evalsuite.template.pieces import Place, Spelled, filled, head, joined
from evalsuite.template.properties import check
from evalsuite.template.refusals import lost, refused
from evalsuite.template.spelling import (
    block_of,
    frames,
    header,
    learned,
    opens_thought,
    spelled,
    written,
)
from evalsuite.template.tokenizerfolder import Prefix, TokenizerFiles, guarded, token_text
from evalsuite.template.truncation import last_turns
from evalsuite.template.wire import Trim, Wire

_LONGEST_CACHED, _MOST_CACHED = 80, 4096
"""Characters of a text whose ids are remembered, and how many of them are."""
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
        self.reserved, self.parts = wire.reserved, wire.parts
        self.distinct, self.open_end = wire.distinct, wire.open_end
        self.prompts_only = wire.prompts_only
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
        self._texts_cached: dict[str, tuple[int, ...]] = {}
        self.frames = frames(wire)
        self.end = parse_block(wire.end)
        self.header = header(wire)
        self._learned = learned(wire)

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
            "bare": self._unrefused(Conversation(self._told.turns[:1]), self.header).ids,
            "tokenizer": self._files.digest,
            "own_template": self._files.chat_template,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _canonical(self) -> Rendered:
        fits = self.wire.takes_system
        told = self._told if fits else Conversation(self._told.turns)
        return self._unrefused(told, self.end)

    @cached_property
    def _told(self) -> Conversation:
        """The canonical conversation without what the tokenizer has no symbols for."""
        kept = self._files.symbols.kept
        return Conversation(tuple(Message(m.role, kept(m.content)) for m in _CANONICAL.messages))

    def _unrefused(self, conversation: Conversation, last: Block) -> Rendered:
        return self._encoded(spelled(self.wire, conversation, last, self._trimmed))

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
        conversation.require_alternating()
        self._require_carried(conversation)
        return self._unrefused(conversation, last)

    def _encoded(self, pieces: Iterable[Spelled], place: Place = Place.FIRST) -> Rendered:
        """Encode pieces of which the first stands in a place."""
        ids: list[int] = []
        mask: list[bool] = []
        for piece in joined(pieces):
            if isinstance(piece, Control):
                ids.append(self.control_ids[piece.text])
                place = Place.AFTER_CONTROL
            else:
                ids.extend(self._cached(self.led(place) + piece.text))
                place = Place.WITHIN
            mask.extend([piece.learned] * (len(ids) - len(mask)))
        return Rendered(tuple(ids), tuple(mask))

    def uncut(self, conversation: Conversation) -> tuple[int, ...]:
        """Return the ids as the whole text gives them, without a cut where learning begins."""
        self._require_carried(conversation)
        pieces = written(self.wire, conversation, self._trimmed)
        return self._encoded(replace(piece, learned=False) for piece in pieces).ids

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
        """The newest answer after the prompt that asks for it."""
        asked = self._rendered(Conversation(conversation.messages[:-1]), self.header).ids
        said = self._encoded(self._said(conversation.messages[-1].content), self._answered_at)
        behind = itertools.dropwhile(lambda p: not p.learned, self.wire.answers[-1])
        rest = self._encoded(
            (*filled(itertools.dropwhile(lambda p: p.learned, behind), {}), *filled(self.end, {})),
            Place.AFTER_CONTROL,
        )
        mask = (False,) * len(asked) + said.loss_mask + rest.loss_mask
        return Rendered(asked + said.ids + rest.ids, mask)

    def _said(self, answer: str) -> Iterator[Spelled]:
        """What a model has to say for the newest answer, with its stop token."""
        self._files.require_carried(answer)
        place = "assistant" if self.wire.newest is None else "newest"
        return filled(self._learned, {"": self._trimmed(answer, place)})

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
        found = lost(self._files, conversation)
        return found or refused(self.wire, self._files, conversation)

    def _require_carried(self, conversation: Conversation) -> None:
        if (problem := lost(self._files, conversation)) is not None:
            raise TemplateError(problem)
        if (problem := refused(self.wire, self._files, conversation)) is not None:
            raise InvalidConversation(problem)

    @property
    def blocks(self) -> Mapping[str, str]:
        """The format in the notation of families, by the name of each block."""
        return self.wire.notated

    def trim(self, conversation: Conversation, index: int) -> Trim:
        """Return what a message loses of the white space at its ends, as the format declares."""
        return self.wire.trim(block_of(self.wire, conversation, index))

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
            Equivalence.STRIPPED: self.wire.loses_blanks,
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
        return self._generated.thought(tuple(ids))

    def answer(self, ids: Sequence[int]) -> str:
        """Return what a generated answer says: its text without what the format puts around it."""
        return self._generated.answer(tuple(ids))

    @cached_property
    def _generated(self) -> Generated:
        return Generated(self, self._learned, self._answered_at, opened=opens_thought(self.wire))

    def answer_ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of an answer as a model has to say it, without the stop token."""
        return self._encoded(self._said(text), self._answered_at).ids[:-1]

    @cached_property
    def _answered_at(self) -> Place:
        """Where the first piece that a model says stands."""
        before = (*parse_block(self.wire.user), *self.header)
        return Place.AFTER_CONTROL if isinstance(before[-1], Control) else Place.WITHIN

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

    def _trimmed(self, content: str, block: str) -> str:
        return self.wire.trim(block)(content)

    def fixed(self, pieces: Block, place: Place) -> tuple[int, ...]:
        """The ids of pieces that hold no content."""
        return self._encoded(filled(pieces, {}), place).ids

    def led(self, place: Place) -> str:
        """The blank that the tokenizer puts in front of a text in this place."""
        prefix = self._files.prefix
        first = prefix is Prefix.FIRST and place is Place.FIRST
        return " " if first or (prefix is Prefix.ALWAYS and place is not Place.WITHIN) else ""

    def _cached(self, text: str) -> tuple[int, ...]:
        """The ids of a text; headers and line breaks come again with every message."""
        if len(text) > _LONGEST_CACHED:
            return self.encode(text)
        if text not in self._texts_cached:
            if len(self._texts_cached) >= _MOST_CACHED:
                self._texts_cached.clear()
            self._texts_cached[text] = self.encode(text)
        return self._texts_cached[text]

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
