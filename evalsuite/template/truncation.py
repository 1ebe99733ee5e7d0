"""Which turns of a history stay when not all of them fit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from evalsuite.conversation import Conversation, Role
from evalsuite.errors import ContextOverflow


def last_turns(
    conversation: Conversation, max_tokens: int, size: Callable[[Conversation], int]
) -> Conversation:
    """Keep the system message and as many whole last turns as fit.

    Args:
        conversation: turns that alternate.
        max_tokens: that may be kept.
        size: ids of a render; every turn that goes must make it smaller.

    Raises:
        ContextOverflow: not even the last turn fits.
    """
    messages = conversation.messages
    first = len(messages) - len(conversation.turns)
    starts = [i for i, message in enumerate(messages) if message.role is Role.USER]

    def kept(start: int) -> Conversation:
        return Conversation(messages[:first] + messages[start:])

    # Every turn that goes takes its control tokens along, so sizes only fall: of a long history a
    # few are rendered, not all.
    place = bisect_left(starts, -max_tokens, key=lambda start: -size(kept(start)))
    if place < len(starts):
        return kept(starts[place])
    raise ContextOverflow(
        f"max_tokens={max_tokens}, but the system message and the turns from message "
        f"{starts[-1]} on need {size(kept(starts[-1]))} tokens; shorten them or the "
        "demonstrations, or use a model with a longer context"
    )
