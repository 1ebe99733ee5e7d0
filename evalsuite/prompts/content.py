"""What a prompt says, before any format writes it down.

The parts are the same for every format: a task, demonstrations, the history, the query. Formats
(:mod:`evalsuite.prompts.textformats`, :mod:`evalsuite.prompts.jsonform`) only decide how they look.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from evalsuite.cases import Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidCase, PromptFormatError

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

_TASKS = {
    Language.EN: (
        "Rewrite the last query so that it stands alone; copy it unchanged if it already does "
        "or if the reference cannot be settled. Answer with the query only."
    ),
    Language.ZH: (
        "改写最后的问题，使它脱离上文也能看懂；已经完整或无法确定所指时，原样照抄。只回答问题本身。"
    ),
}


ANSWER_TASKS = {
    Language.EN: (
        "Answer the last question by what the conversation says. Where it does not say it, say so."
    ),
    Language.ZH: "根据对话内容回答最后一个问题。对话里没有提到的，就说没有提到。",
}
"""The instruction where the query is to be answered."""


def task_text(language: Language) -> str:
    """Return the default instruction in the given language."""
    return _TASKS[Language(language)]


def guess_language(text: str) -> Language:
    """Return Chinese when the text holds a Han character, else English."""
    return Language.ZH if _HAN.search(text) else Language.EN


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """One solved rewriting, shown in the system message.

    Raises:
        InvalidCase: an empty query, rewrite or entity, or a system message in the history.
    """

    history: tuple[Message, ...]
    """Turns before the query, oldest first; may be empty."""
    query: str
    rewrite: str
    language: Language
    entities: tuple[str, ...] = field(default=(), compare=False)
    """Names in it that must never turn up in an answer. The prompt's text does not carry them,
    so two demonstrations that differ only here are equal."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "language", Language(self.language))
        object.__setattr__(self, "history", tuple(self.history))
        object.__setattr__(self, "entities", tuple(self.entities))
        _require_text("the demonstration's query", self.query)
        _require_text("the demonstration's rewrite", self.rewrite)
        _require_turns("the demonstration's history", self.history)
        for index, entity in enumerate(self.entities):
            _require_text(f"the demonstration's entities[{index}]", entity)

    @property
    def evident_language(self) -> Language:
        """The language a reader would guess; formats name the language only where it differs."""
        return guess_language(self.query + self.rewrite)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptParts:
    """Everything a prompt format writes down.

    Raises:
        InvalidCase: an empty task or query, or a system message in the history.
    """

    task: str
    demonstrations: tuple[Demonstration, ...] = ()
    history: tuple[Message, ...] = ()
    query: str
    solution: str = field(default="rewrite", compare=False)
    """What the answer of a demonstration is called, where a style says so."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "demonstrations", tuple(self.demonstrations))
        object.__setattr__(self, "history", tuple(self.history))
        _require_text("the task", self.task)
        _require_text("the query", self.query)
        _require_turns("the history", self.history)


@runtime_checkable
class PromptStyle(Protocol):
    """A way to write :class:`PromptParts` as a conversation that ends with the user."""

    @property
    def name(self) -> str:
        """The style's key in the table of formats."""

    def format(self, parts: PromptParts) -> Conversation:
        """Write the parts."""


@runtime_checkable
class PromptFormat(PromptStyle, Protocol):
    """A style that packs the history into one message; ``format`` and ``parse`` are inverse.

    The system message holds the task and all demonstrations, the user message the history and
    the query, so that the system message is one shared token prefix for thousands of cases.
    """

    def parse(self, conversation: Conversation) -> PromptParts:
        """Read back what :meth:`format` wrote; demonstrations come back without entities.

        Raises:
            PromptFormatError: naming the part that is missing or malformed.
        """


def split_messages(name: str, conversation: Conversation) -> tuple[str, str]:
    """Return the system and the user text of a prompt.

    Raises:
        PromptFormatError: the messages are not exactly system, user.
    """
    roles = [message.role for message in conversation.messages]
    if roles != [Role.SYSTEM, Role.USER]:
        found = ", ".join(roles)
        raise PromptFormatError(
            f"a {name} prompt is one system and one user message, but these are: {found}; "
            "pass the conversation that format() returned, without an answer"
        )
    return conversation.messages[0].content, conversation.messages[1].content


def require_canonical(format: PromptFormat, parts: PromptParts, read: Conversation) -> None:
    """Raise unless writing the parts again gives the text they were read from.

    Raises:
        PromptFormatError: naming the message and the first line that differs.
    """
    written = format.format(parts)
    for theirs, ours in zip(read.messages, written.messages, strict=True):
        if theirs.content != ours.content:
            raise PromptFormatError(
                f"the {theirs.role} message is not what the {format.name} format writes: "
                + _difference(theirs.content, ours.content)
            )


def _difference(theirs: str, ours: str) -> str:
    left, right = theirs.split("\n"), ours.split("\n")
    for number, (a, b) in enumerate(zip(left, right, strict=False), start=1):
        if a != b:
            return f"line {number} is {a!r} where {b!r} is due"
    return f"it has {len(left)} lines where {len(right)} are due"


def _require_text(what: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidCase(f"{what} is {value!r}; write at least one visible character")


def _require_turns(what: str, turns: Sequence[Message]) -> None:
    for index, turn in enumerate(turns):
        if turn.role is Role.SYSTEM:
            raise InvalidCase(f"{what}[{index}] is a system message; use user or assistant")
