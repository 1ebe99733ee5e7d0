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
            shown = ",\n".join(_dump(_example(d)) for d in parts.demonstrations)
            system += f',\n"examples": [\n{shown}\n]'
        history = _dump([_turn(message) for message in parts.history])
        user = f'{{"history": {history},\n"query": {_dump(parts.query)}}}'
        return Conversation.of(("system", system + "}"), ("user", user))

    def parse(self, conversation: Conversation) -> PromptParts:
        """Read back what :meth:`format` wrote.

        Raises:
            PromptFormatError: naming the part that is missing or malformed.
        """
        system, user = split_messages(self.name, conversation)
        head = _object("the system message", _load("the system message", system))
        tail = _object("the user message", _load("the user message", user))
        shown = _array("the demonstrations", head.get("examples", []))
        parts = PromptParts(
            task=_text("the task", head.get("task")),
            demonstrations=tuple(_read_example(i, item) for i, item in enumerate(shown)),
            history=_read_turns("the history", tail.get("history")),
            query=_text("the query", tail.get("query")),
        )
        require_canonical(self, parts, conversation)
        return parts


JSON = JsonFormat()


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _load(part: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PromptFormatError(f"{part} is not in the json format: {error}") from error


def _turn(message: Message) -> dict[str, str]:
    return {str(message.role): message.content}


def _example(shown: Demonstration) -> dict[str, object]:
    named = {} if shown.language is shown.evident_language else {"language": str(shown.language)}
    turns = [_turn(message) for message in shown.history]
    return named | {"history": turns, "query": shown.query, "rewrite": shown.rewrite}


def _read_example(index: int, item: object) -> Demonstration:
    part = f"demonstration {index}"
    fields = _object(part, item)
    query = _text(f"{part}, query", fields.get("query"))
    rewrite = _text(f"{part}, rewrite", fields.get("rewrite"))
    named = fields.get("language")
    if named is not None and named not in set(Language):
        raise PromptFormatError(f"{part}: language={named!r}; use one of: {', '.join(Language)}")
    language = Language(named) if isinstance(named, str) else guess_language(query + rewrite)
    history = _read_turns(f"{part}, history", fields.get("history"))
    return Demonstration(history=history, query=query, rewrite=rewrite, language=language)


def _read_turns(part: str, value: object) -> tuple[Message, ...]:
    turns: list[Message] = []
    for index, item in enumerate(_array(part, value)):
        entries = list(_object(f"{part}, turn {index}", item).items())
        if len(entries) != 1 or entries[0][0] not in (Role.USER, Role.ASSISTANT):
            raise PromptFormatError(
                f"{part}, turn {index} is {item!r}; write one key, user or assistant, with a text"
            )
        turns.append(Message(Role(entries[0][0]), _text(f"{part}, turn {index}", entries[0][1])))
    return tuple(turns)


def _object(part: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise PromptFormatError(f"{part} is not in the json format: an object is due")
    return value


def _array(part: str, value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise PromptFormatError(f"{part} is not in the json format: an array is due")
    return value


def _text(part: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PromptFormatError(f"{part} is not in the json format: a non-empty string is due")
    return value
