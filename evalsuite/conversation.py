"""Messages and conversations: the values that everything else is about.

Frozen and validated on construction, so that no later step has to ask whether a message is a
message. Order is *not* judged here: a golden case may have lost its assistant turns, which is a
history a person can read; whether a chat template can carry it is the template's question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from evalsuite.errors import InvalidConversation


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    """Instructions that hold for the whole conversation; at most one, and first."""
    USER = "user"
    """The person."""
    ASSISTANT = "assistant"
    """The model."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Raises:
        InvalidConversation: the role is unknown, or the content is empty or only white space.
    """

    role: Role
    content: str

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "role", Role(self.role))
        except ValueError:
            known = ", ".join(Role)
            raise InvalidConversation(
                f"role={self.role!r} is unknown; use one of: {known}"
            ) from None
        if not isinstance(self.content, str) or not self.content.strip():
            raise InvalidConversation(
                f"the content of a {self.role} message is {self.content!r}; "
                "write at least one visible character or leave the message out"
            )


@dataclass(frozen=True, slots=True)
class Conversation:
    """A sequence of messages; the system message, if any, comes first and once.

    Raises:
        InvalidConversation: no messages, or a system message that is not the first one.
    """

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(self.messages))
        if not self.messages:
            raise InvalidConversation("a conversation needs at least one message")
        for index, message in enumerate(self.messages):
            if message.role is Role.SYSTEM and index > 0:
                raise InvalidConversation(
                    f"message {index} is a system message; only message 0 may be one"
                )

    @classmethod
    def of(cls, *turns: tuple[str, str]) -> Self:
        """Build a conversation from ``(role, content)`` pairs."""
        return cls(tuple(Message(Role(role), content) for role, content in turns))

    @property
    def system(self) -> str | None:
        """The system text, or None."""
        first = self.messages[0]
        return first.content if first.role is Role.SYSTEM else None

    @property
    def turns(self) -> tuple[Message, ...]:
        """The messages after the system message."""
        return self.messages[1:] if self.system is not None else self.messages

    def require_alternating(self) -> None:
        """Raise unless the turns alternate user, assistant, user, ... and start with the user.

        Raises:
            InvalidConversation: naming the first message out of order.
        """
        offset = len(self.messages) - len(self.turns)
        expected = Role.USER
        for index, message in enumerate(self.turns, start=offset):
            if message.role is not expected:
                raise InvalidConversation(
                    f"message {index} is from the {message.role}, but after the system message "
                    f"turns alternate and a {expected} message is due"
                )
            expected = Role.ASSISTANT if expected is Role.USER else Role.USER
        if not self.turns:
            raise InvalidConversation(
                "the conversation has a system message only; a user turn is due"
            )

    def then(self, role: Role, content: str) -> Conversation:
        """Return this conversation with one more message at its end."""
        return Conversation((*self.messages, Message(role, content)))


def messages(turns: Iterable[tuple[str, str]]) -> tuple[Message, ...]:
    """Build a tuple of messages from ``(role, content)`` pairs; it may be empty."""
    return tuple(Message(Role(role), content) for role, content in turns)
