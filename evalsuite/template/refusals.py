"""What a format, or its tokenizer, cannot carry: said by message, before anything is encoded."""

from __future__ import annotations

from evalsuite.conversation import Conversation
from evalsuite.template.tokenizerfolder import TokenizerFiles
from evalsuite.template.wire import Wire, repeated, reserved_in


def lost(files: TokenizerFiles, conversation: Conversation) -> str | None:
    """Return which character of which message the tokenizer would lose; None: none."""
    for index, message in enumerate(conversation.messages):
        if (problem := files.lost(message.content)) is not None:
            return f"message {index} ({message.role}): {problem}"
    return None


def refused(wire: Wire, files: TokenizerFiles, conversation: Conversation) -> str | None:
    """Return why a format cannot carry a conversation that others can; None: it can."""
    if conversation.system is not None and not wire.takes_system:
        return f"message 0 (system): the family {wire.name} has no place for a system message"
    same = repeated([m.content for m in conversation.messages]) if wire.distinct else None
    if same is not None:
        return (
            f"message {same} ({conversation.messages[same].role}) says what an earlier message "
            "says, and the model's own template takes the two for one; word it otherwise"
        )
    for index, message in enumerate(conversation.messages):
        if files.sentencepiece and not message.content.replace("▁", " ").strip():
            return (
                f"message {index} ({message.role}) holds nothing but ▁, with which its tokenizer "
                "writes blanks"
            )
        if (text := reserved_in(wire.reserved, message.content)) is not None:
            return (
                f"message {index} ({message.role}) holds {text!r}, which the model's own template "
                "treats as its own; leave it out, or write it otherwise"
            )
        if (text := _first(wire.delimiters, message.content)) is not None:
            return (
                f"message {index} ({message.role}) holds {text!r}, which separates messages in the "
                f"family {wire.name} and is no control token there"
            )
    return None


def _first(texts: tuple[str, ...], content: str) -> str | None:
    return next((text for text in texts if text in content), None)
