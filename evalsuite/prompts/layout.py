"""A layout of a person's own: the prompt as it is served, with names in braces for its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidPrompt
from evalsuite.files.problems import suggestion

SYSTEM = ("task", "demonstrations")
USER = ("task", "demonstrations", "history", "query")
DEMONSTRATION = ("number", "history", "query", "rewrite", "answer")
TURN = ("number", "text")
_BRACED = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Turns:
    """How a turn of each role is written; ``number`` counts the turns of its role from 1."""

    user: str = "user: {text}"
    assistant: str = "assistant: {text}"

    def write(self, history: Sequence[Message]) -> str:
        """Write a history, a turn a line."""
        return "\n".join(self._lines(history))

    def _lines(self, history: Sequence[Message]) -> Iterator[str]:
        counted = {Role.USER: 0, Role.ASSISTANT: 0}
        for turn in history:
            counted[turn.role] += 1
            text = self.user if turn.role is Role.USER else self.assistant
            yield filled(text, {"number": str(counted[turn.role]), "text": turn.content})


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration as a layout shows it."""

    history: Sequence[Message]
    query: str
    rewrite: str
    answer: str
    """The rewrite in the form of a right answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The texts of a prompt's messages. Names in braces are replaced, all else stays as it is.

    Raises:
        InvalidPrompt: a text names a part that it cannot hold, or nothing says the query.
    """

    system: str = ""
    """Empty: there is no system message."""
    user: str
    demonstration: str = ""
    turns: Turns = Turns()

    def __post_init__(self) -> None:
        texts = {
            "system": (self.system, SYSTEM),
            "user": (self.user, USER),
            "demonstration": (self.demonstration, DEMONSTRATION),
            "turns.user": (self.turns.user, TURN),
            "turns.assistant": (self.turns.assistant, TURN),
        }
        known = {name for _, names in texts.values() for name in names}
        for key, (text, names) in texts.items():
            for name in _BRACED.findall(text):
                meant = "" if name in known else suggestion(name.casefold(), known)
                if name not in names and (name in known or meant or name.casefold() in known):
                    listed = ", ".join(f"{{{n}}}" for n in names)
                    raise InvalidPrompt(
                        f"layout.{key} names {{{name}}}{meant}; it can hold {listed}"
                    )
        if "{history}" not in self.user:
            raise InvalidPrompt(
                "layout.user has no place for the history; write {history} where it belongs"
            )
        if "{query}" not in self.user:
            raise InvalidPrompt(
                "layout.user has no place for the query; write {query} where it belongs"
            )
        for role, text in (("user", self.turns.user), ("assistant", self.turns.assistant)):
            if "{text}" not in text:
                raise InvalidPrompt(
                    f"layout.turns.{role} has no place for what was said; write {{text}} there"
                )
        if self.shows and not self.demonstration:
            raise InvalidPrompt(
                "the layout names {demonstrations}, and layout.demonstration does not say how one "
                "is written; add it, with {history}, {query} and {answer}"
            )
        if self.demonstration and not {"{answer}", "{rewrite}"} & {
            f"{{{name}}}" for name in _NAME.findall(self.demonstration)
        }:
            raise InvalidPrompt(
                "layout.demonstration shows no answer; write {answer} where it belongs"
            )

    @property
    def shows(self) -> bool:
        """Whether it has a place for demonstrations."""
        return "{demonstrations}" in self.system + self.user

    @property
    def instruction(self) -> str:
        """What its messages say beside the parts: an answer that repeats it copies the prompt."""
        return _NAME.sub(" ", f"{self.system}\n{self.user}")

    def format(
        self, task: str, shown: Sequence[Shown], history: Sequence[Message], query: str
    ) -> Conversation:
        """Write a prompt as ``[system, user]``, or as ``[user]``."""
        parts = {
            "task": task,
            "demonstrations": "\n".join(
                self._demonstration(number, one) for number, one in enumerate(shown, start=1)
            ),
            "history": self.turns.write(history),
            "query": query,
        }
        user = Message(Role.USER, filled(self.user, parts))
        system = filled(self.system, parts)
        if not system.strip():
            return Conversation((user,))
        return Conversation((Message(Role.SYSTEM, system), user))

    def _demonstration(self, number: int, shown: Shown) -> str:
        return filled(
            self.demonstration,
            {
                "number": str(number),
                "history": self.turns.write(shown.history),
                "query": shown.query,
                "rewrite": shown.rewrite,
                "answer": shown.answer,
            },
        )


def filled(text: str, parts: Mapping[str, str]) -> str:
    """Put each part in place of its name in braces, once: what a part says is not looked into."""
    return _NAME.sub(lambda match: parts.get(match[1], match[0]), text)
