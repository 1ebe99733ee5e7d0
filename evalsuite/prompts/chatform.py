"""The chat format: the history as real turns, which the chat template renders.

Only so can be seen that a history was templated wrongly: a packed history is one text to the
template, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.prompts.content import PromptParts
from evalsuite.prompts.textformats import XML

_BETWEEN = "\n\n"
"""Between two messages of one role that become one."""


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """Task and demonstrations as system message, history and query as turns."""

    name: str = "chat"

    def format(self, parts: PromptParts) -> Conversation:
        """Write the parts as ``[system, user, assistant, ..., user]``."""
        shown = [XML.example_text(one, parts.solution) for one in parts.demonstrations]
        system = Message(Role.SYSTEM, "\n".join((parts.task, *shown)))
        turns = alternating((*parts.history, Message(Role.USER, parts.query)))
        return Conversation((system, *turns))


CHAT = ChatFormat()


def alternating(turns: Iterable[Message]) -> Iterator[Message]:
    """Join neighbours of one role, since chat templates want roles that alternate.

    Turns of an assistant before the first user's follow an empty-handed user who says ``...``.
    """
    for number, (role, same) in enumerate(groupby(turns, key=lambda turn: turn.role)):
        if number == 0 and role is Role.ASSISTANT:
            yield Message(Role.USER, "...")
        yield Message(role, _BETWEEN.join(turn.content for turn in same))
