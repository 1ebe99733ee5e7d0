"""The ChatML family, as Qwen2.5 speaks it.

Wire format, one block per message::

    <|im_start|>role\\n content <|im_end|>\\n

Header, content and trailing newline are encoded separately, control tokens by looking them up, so
three things hold by construction: text in a message never becomes a control token, a prompt is
always a token prefix of the training render, and the loss mask is exact. No default system prompt
is ever supplied: a conversation without a system message renders without one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import ContextOverflow, EvalsuiteError, InvalidConversation, TemplateError
from evalsuite.template.base import PropertyResult, Rendered
from evalsuite.template.files import TokenizerFiles, guarded, token_text
from evalsuite.template.properties import check

START = "<|im_start|>"
END = "<|im_end|>"
_PAD = "<|endoftext|>"
_CANONICAL = Conversation.of(
    ("system", "Rewrite. 改写。"),
    ("user", "Which is faster, A or B?\n哪个更快？"),
    ("assistant", "B. 乙。"),
    ("user", " How is its memory?  <|im_end|> e\u0301 \U0001f600 1234"),
    ("assistant", "\nHow is B's memory?\n"),
)


class ChatMLTemplate:
    """Renders and parses ChatML; see :class:`evalsuite.template.ChatTemplate` for the contract.

    Raises:
        TemplateError: the tokenizer has no ChatML control tokens.
    """

    family = "chatml"

    def __init__(self, files: TokenizerFiles) -> None:
        self._files = files
        self._path = files.folder / "tokenizer.json"
        if not self.recognises(files):
            raise TemplateError(
                f"{self._path}: no added tokens {START} and {END}; ChatML needs both"
            )
        self.control_ids: Mapping[str, int] = files.added
        self._start = files.added[START]
        self.stop_id = files.added[END]
        self.bos_id: int | None = None
        self.pad_id = self._pad(files)
        self.vocab_size = files.vocab_size
        self.source: Path | None = files.folder
        self.generation_stops = files.stops
        self._texts = {i: token for token, i in files.added.items()}
        self._newline = self.encode("\n")
        self._headers = {r: (self._start, *self.encode(f"{r}\n")) for r in Role}

    @classmethod
    def recognises(cls, files: TokenizerFiles) -> bool:
        """Return whether the tokenizer has this family's control tokens."""
        return START in files.added and END in files.added

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over family, control ids, headers, a canonical render, own template."""
        files, canonical = self._files, self.render(_CANONICAL)
        content = {
            "family": self.family,
            "control": sorted((i, token) for token, i in self.control_ids.items()),
            "stop": self.stop_id,
            "headers": {str(role): ids for role, ids in self._headers.items()},
            "render": canonical.ids,
            "mask": canonical.loss_mask,
            "own_template": files.chat_template,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def render(self, conversation: Conversation) -> Rendered:
        """Return the training render of all turns."""
        conversation.require_alternating()
        ids: list[int] = []
        mask: list[bool] = []
        for index, message in enumerate(conversation.messages):
            for segment, learned in self._segments(index, message):
                ids.extend(segment)
                mask.extend([learned] * len(segment))
        return Rendered(tuple(ids), tuple(mask))

    def prompt(self, conversation: Conversation) -> tuple[int, ...]:
        """Return the ids of a history that ends with the user, plus the generation header."""
        last = len(conversation.messages) - 1
        if conversation.messages[last].role is not Role.USER:
            raise InvalidConversation(
                f"message {last} is from the {conversation.messages[last].role}, but a prompt ends "
                "with a user message; add one, or render the conversation for training"
            )
        return self.render(conversation).ids + self._headers[Role.ASSISTANT]

    def parse(self, ids: Sequence[int]) -> Conversation:
        """Return the conversation that ``render`` or ``prompt`` gave these ids, up to NFC."""
        ids = tuple(ids)
        messages: list[Message] = []
        position = 0
        while position < len(ids):
            role = self._role_at(ids, position)
            position += len(self._headers[role])
            if position == len(ids) and role is Role.ASSISTANT and messages:
                break
            message, position = self._body_at(ids, position, role)
            messages.append(message)
        if not messages:
            raise TemplateError("ids is empty; give the ids of a render")
        try:
            return Conversation(tuple(messages))
        except InvalidConversation as error:
            raise TemplateError(f"the ids are no render: {error}") from error

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
            if (text := self._visible(token)) is None:
                run.append(token)
            else:
                pieces += [self._plain(run), text]
                run = []
        return "".join([*pieces, self._plain(run)])

    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        """Drop the oldest turns until prompt (or render) is at most ``max_tokens`` ids long."""
        conversation.require_alternating()
        messages = conversation.messages
        sizes = [self._size(index, message) for index, message in enumerate(messages)]
        first = len(messages) - len(conversation.turns)
        fixed = sum(sizes[:first])
        if messages[-1].role is Role.USER:
            fixed += len(self._headers[Role.ASSISTANT])
        starts = [i for i, message in enumerate(messages) if message.role is Role.USER]
        for start in starts:
            if fixed + sum(sizes[start:]) <= max_tokens:
                return Conversation(messages[:first] + messages[start:])
        raise ContextOverflow(
            f"max_tokens={max_tokens}, but the system message and the turns from message "
            f"{starts[-1]} on need {fixed + sum(sizes[starts[-1] :])} tokens; shorten them or the "
            "demonstrations, or use a model with a longer context"
        )

    def check(self) -> list[PropertyResult]:
        """Check every property over a built-in adversarial set of conversations."""
        return check(self)

    def _segments(self, index: int, message: Message) -> tuple[tuple[tuple[int, ...], bool], ...]:
        """Split one message into (ids, learned) segments: the single place that knows the wire."""
        try:
            content = self.encode(message.content)
        except EvalsuiteError as error:
            raise TemplateError(f"message {index} ({message.role}): {error}") from error
        learned = message.role is Role.ASSISTANT
        return (
            (self._headers[message.role], False),
            ((*content, self.stop_id), learned),
            (self._newline, False),
        )

    def _size(self, index: int, message: Message) -> int:
        return sum(len(segment) for segment, _ in self._segments(index, message))

    def _role_at(self, ids: tuple[int, ...], position: int) -> Role:
        for role, header in self._headers.items():
            if ids[position : position + len(header)] == header:
                return role
        raise TemplateError(
            f"ids[{position}]={ids[position]} starts no message; a header {START}role is due"
        )

    def _body_at(self, ids: tuple[int, ...], start: int, role: Role) -> tuple[Message, int]:
        try:
            end = ids.index(self.stop_id, start)
        except ValueError:
            raise TemplateError(
                f"the {role} message at ids[{start}] has no {END} (id {self.stop_id}); "
                "give the whole render"
            ) from None
        for offset, token in enumerate(ids[start:end], start=start):
            if (text := self._visible(token)) is not None:
                raise TemplateError(f"ids[{offset}]={token} is {text} inside a {role} message")
        after = end + 1 + len(self._newline)
        if ids[end + 1 : after] != self._newline:
            raise TemplateError(f"ids[{end + 1}]: a newline is due after {END}")
        try:
            return Message(role, self._plain(ids[start:end])), after
        except InvalidConversation as error:
            raise TemplateError(f"the {role} message at ids[{start}]: {error}") from error

    def _visible(self, token: int) -> str | None:
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
        named = token_text(files.config.get("pad_token"))
        return files.added.get(named, files.added.get(_PAD, self.stop_id))
