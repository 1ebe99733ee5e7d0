"""Where two templates of one format have to agree, and where they first do not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import zip_longest

from evalsuite.conversation import Conversation, Role
from evalsuite.template.base import ChatTemplate


def first_difference(template: ChatTemplate, theirs: Sequence[int], ours: Sequence[int]) -> str:
    """Say which token is the first that two renders do not share."""
    for place, (there, here) in enumerate(zip_longest(theirs, ours)):
        if there != here:
            told = [
                "nothing" if token is None else f"{token} {template.decode([token])!r}"
                for token in (there, here)
            ]
            return f"token {place} is {told[0]} there and {told[1]} here"
    return "no token differs"


def spoken(template: ChatTemplate, conversation: Conversation) -> tuple[int, ...]:
    """Return the prompt of a conversation that waits for an answer, the render of any other.

    Without the last stop token, and the system message, where the maker's text lacks it, too.
    """
    if conversation.messages[-1].role == "user":
        return template.prompt(conversation)
    if template.prompts_only:
        conversation = Conversation(conversation.turns)
    ids = template.render(conversation).ids
    if not template.open_end:
        return ids
    return ids[: len(ids) - 1 - ids[::-1].index(template.stop_id)]


def is_harmless(conversation: Conversation, tokens: Collection[str]) -> bool:
    """Whether any two templates of one format have to agree.

    No content holds a token, and no answer begins with white space: that may make one token with
    the end of the header, inside which no prompt can end, so training and serving cut there.
    """
    answers = (m.content for m in conversation.messages if m.role is Role.ASSISTANT)
    if any(answer[0].isspace() for answer in answers):
        return False
    return not any(token in m.content for m in conversation.messages for token in tokens)
