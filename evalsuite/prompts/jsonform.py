"""The json format: one object per message, one line per part.

JSON brings its own escaping. The layout is fixed, so reading accepts exactly what was written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalsuite.cases import Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import PromptFormatError
from evalsuite.prompts.content import (
    Demonstration,
    PromptParts,
    guess_language,
    require_canonical,
    split_messages,
)


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """The json prompt format."""

    name: str = "json"

    def format(self, parts: PromptParts) -> Conversation:
        """Write the parts as ``[system, user]``."""
        system = f'{{"task": {_dump(parts.task)}'
        if parts.demonstrations:
            shown = ",\n".join(_dump(example_of(d)) for d in parts.demonstrations)
            system += f',\n"examples": [\n{shown}\n]'
        history = _dump([turn_of(message) for message in parts.history])
        user = f'{{"history": {history},\n"query": {_dump(parts.query)}}}'
        return Conversation.of(("system", system + "}"), ("user", user))

    def parse(self, conversation: Conversation) -> PromptParts:
        """Read back what :meth:`format` wrote.

        Raises:
            PromptFormatError: naming the part that is missing or malformed.
        """
        system, user = split_messages(self.name, conversation)
        parts = parts_of(
            _load("the system message", system), _load("the user message", user), self.name
        )
        require_canonical(self, parts, conversation)
        return parts


JSON = JsonFormat()


def parts_of(system: object, user: object, name: str) -> PromptParts:
    """Return what the two messages of a prompt hold, read as plain data.

    Args:
        system: the system message's data.
        user: the user message's.
        name: the format's, for errors.

    Raises:
        PromptFormatError: naming the part that is missing or malformed.
    """
    read = _Reader(name)
    head = read.mapping("the system message", system)
    tail = read.mapping("the user message", user)
    shown = read.sequence("the demonstrations", head.get("examples", []))
    return PromptParts(
        task=read.text("the task", head.get("task")),
        demonstrations=tuple(read.example(i, item) for i, item in enumerate(shown)),
        history=read.turns("the history", tail.get("history")),
        query=read.text("the query", tail.get("query")),
    )


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _load(part: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PromptFormatError(f"{part} is not in the json format: {error}") from error


def turn_of(message: Message) -> dict[str, str]:
    """A turn as plain data."""
    return {str(message.role): message.content}


def example_of(shown: Demonstration) -> dict[str, object]:
    """A demonstration as plain data; its language only where a reader would guess another."""
    named = {} if shown.language is shown.evident_language else {"language": str(shown.language)}
    turns = [turn_of(message) for message in shown.history]
    return named | {"history": turns, "query": shown.query, "rewrite": shown.rewrite}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Checks the parts of plain data; ``format`` is named in errors."""

    format: str

    def example(self, index: int, item: object) -> Demonstration:
        part = f"demonstration {index}"
        fields = self.mapping(part, item)
        query = self.text(f"{part}, query", fields.get("query"))
        rewrite = self.text(f"{part}, rewrite", fields.get("rewrite"))
        named = fields.get("language")
        if named is not None and named not in set(Language):
            raise PromptFormatError(
                f"{part}: language={named!r}; use one of: {', '.join(Language)}"
            )
        language = Language(named) if isinstance(named, str) else guess_language(query + rewrite)
        history = self.turns(f"{part}, history", fields.get("history"))
        return Demonstration(history=history, query=query, rewrite=rewrite, language=language)

    def turns(self, part: str, value: object) -> tuple[Message, ...]:
        turns: list[Message] = []
        for index, item in enumerate(self.sequence(part, value)):
            entries = list(self.mapping(f"{part}, turn {index}", item).items())
            if len(entries) != 1 or entries[0][0] not in (Role.USER, Role.ASSISTANT):
                raise PromptFormatError(
                    f"{part}, turn {index} is {item!r}; write one key, user or assistant, with a "
                    "text"
                )
            said = self.text(f"{part}, turn {index}", entries[0][1])
            turns.append(Message(Role(entries[0][0]), said))
        return tuple(turns)

    def mapping(self, part: str, value: object) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise PromptFormatError(f"{part} is not in the {self.format} format: an object is due")
        return value

    def sequence(self, part: str, value: object) -> Sequence[object]:
        if not isinstance(value, list):
            raise PromptFormatError(f"{part} is not in the {self.format} format: an array is due")
        return value

    def text(self, part: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise PromptFormatError(
                f"{part} is not in the {self.format} format: a non-empty string is due"
            )
        return value
