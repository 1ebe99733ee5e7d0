"""From "some conversation fails" to the smallest one, described so that a person sees why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from evalsuite.conversation import Conversation, Message
from evalsuite.errors import EvalsuiteError
from evalsuite.template.base import Property, PropertyResult, PropertyStatus

Probe: TypeAlias = Callable[[Conversation], str | None]
"""Returns what is wrong with one conversation, or None."""

_MAX_STEPS = 300
_SHOWN = 60


def judge(name: Property, conversations: Sequence[Conversation], probe: Probe) -> PropertyResult:
    """Return HOLDS, or VIOLATED with the smallest failing conversation; UNTESTED without any."""
    probe = _catching(probe)
    # The smallest first: it needs the least shrinking.
    for conversation in sorted(conversations, key=size):
        if probe(conversation) is not None:
            smallest = shrink(conversation, probe)
            detail = f"{probe(smallest)}; smallest conversation: {describe(smallest)}"
            return PropertyResult(name, PropertyStatus.VIOLATED, detail)
    if not conversations:
        return PropertyResult(name, PropertyStatus.UNTESTED, "no conversation was tried; give some")
    count = len(conversations)
    return PropertyResult(name, PropertyStatus.HOLDS, f"{count} conversations")


def shrink(conversation: Conversation, probe: Probe) -> Conversation:
    """Return a conversation that still fails and that no single reduction makes smaller."""
    steps = 0
    progress = True
    while progress and steps < _MAX_STEPS:
        progress = False
        for smaller in _reductions(conversation):
            steps += 1
            if steps > _MAX_STEPS:
                break
            if probe(smaller) is not None:
                conversation, progress = smaller, True
                break
    return conversation


def describe(conversation: Conversation) -> str:
    """Return the conversation on one line; long contents and long middles are cut."""
    shown = [f"{m.role} {_cut(m.content)!r}" for m in conversation.messages]
    if len(shown) > 6:
        shown = [*shown[:3], f"({len(shown) - 6} more)", *shown[-3:]]
    return " | ".join(shown)


def size(conversation: Conversation) -> tuple[int, int]:
    """Order conversations by messages, then by characters."""
    return len(conversation.messages), sum(len(m.content) for m in conversation.messages)


def _catching(probe: Probe) -> Probe:
    def caught(conversation: Conversation) -> str | None:
        try:
            return probe(conversation)
        # An error where an answer is due refutes a property as a wrong answer does.
        except EvalsuiteError as error:
            return f"{type(error).__name__}: {error}"

    return caught


def _reductions(conversation: Conversation) -> Iterator[Conversation]:
    messages = conversation.messages
    first = len(messages) - len(conversation.turns)
    if first and conversation.turns:
        yield Conversation(messages[first:])
    # Two at a time, so that user and assistant still alternate.
    for start in range(first, len(messages) - 2, 2):
        yield Conversation(messages[:start] + messages[start + 2 :])
    if len(conversation.turns) > 1:
        yield Conversation(messages[:-1])
    for index, message in enumerate(messages):
        for content in _shorter(message.content):
            reduced = Message(message.role, content)
            yield Conversation((*messages[:index], reduced, *messages[index + 1 :]))


def _shorter(content: str) -> Iterator[str]:
    half = len(content) // 2
    for candidate in ("x", content[:half], content[half:], content[1:], content[:-1]):
        if candidate.strip() and len(candidate) < len(content):
            yield candidate


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
