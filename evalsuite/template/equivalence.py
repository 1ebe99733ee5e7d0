"""What two conversations may differ in when one of them has been through a chat format.

A family declares what it loses; here that is applied, without asking the family how it renders, so
that a defect cannot excuse itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.template.base import ChatTemplate, Equivalence

_MERGED = (Equivalence.SYSTEM_IN_FIRST_USER, Equivalence.SYSTEM_IN_LAST_USER)


def returned(content: str, equivalences: Collection[Equivalence]) -> str:
    """Return a content as it comes back from the wire."""
    if Equivalence.BLANKS in equivalences:
        content = content.replace("▁", " ")
    if Equivalence.STRIPPED in equivalences:
        content = content.strip()
    # Every tokenizer may compose characters; whether this one does is declared where it matters.
    return unicodedata.normalize("NFC", content)


def first_change(template: ChatTemplate, before: Conversation, after: Conversation) -> str | None:
    """Say what was lost or changed first; None: nothing but what the family declares."""
    equivalences = template.equivalences
    # White space is lost as declared, by message, and before a tokenizer reads any ▁ as a blank.
    spoken = [Equivalence.BLANKS] if Equivalence.BLANKS in equivalences else []
    due = [
        Message(m.role, returned(template.trim(before, index)(m.content), spoken))
        for index, m in enumerate(before.messages)
    ]
    found = [Message(m.role, unicodedata.normalize("NFC", m.content)) for m in after.messages]
    if before.system is not None and any(one in equivalences for one in _MERGED):
        last = Equivalence.SYSTEM_IN_LAST_USER in equivalences
        due = _merged(due, template.system_joint, last=last)
    if before.system is not None and after.system is None and _says_anyway(template, due[0]):
        del due[0]
    for index, (old, new) in enumerate(zip(due, found, strict=False)):
        if old != new:
            return f"message {index} ({old.role}): it came back as {new.role} {new.content[:60]!r}"
    if len(due) != len(found):
        return f"messages: {len(due)} went in, {len(found)} came back"
    return None


def _says_anyway(template: ChatTemplate, system: Message) -> bool:
    """Whether a system message is the one that the format says without any."""
    default = template.default_system
    return default is not None and system.content == returned(default, template.equivalences)


def _merged(due: Sequence[Message], joint: str, *, last: bool) -> list[Message]:
    """What is due when the system message stands at the beginning of a user message."""
    system, *rest = due
    users = [i for i, message in enumerate(rest) if message.role is Role.USER]
    if users:
        at = users[-1] if last else users[0]
        rest[at] = Message(Role.USER, f"{system.content}{joint}{rest[at].content}")
    return rest
