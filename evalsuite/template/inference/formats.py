"""A chat format as it can be seen from outside: the texts between contents, and what they lose.

Nothing here knows a tokenizer, or a family. A format predicts the text that its maker's template
gives for a conversation, character by character.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from evalsuite.template.inference.rules import Place, Rule
from evalsuite.template.wire import Trim, repeated, reserved_in

Turns: TypeAlias = Sequence[tuple[str, str]]
"""Messages as (role, content)."""


class Kind(StrEnum):
    """What stands on one side of a text between contents."""

    BEGIN = "begin"
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    PROMPT = "end of a prompt"
    DIALOGUE = "end of a dialogue"


class SystemPlace(StrEnum):
    """Where the system message is told."""

    FIRST = "before the first user message"
    LAST = "before the last user message"
    DROPPED = "nowhere"


Gap: TypeAlias = tuple[Kind, Kind]


@dataclass(frozen=True, slots=True)
class Said:
    """A content where it stands in the text, and what is so there."""

    kind: Kind
    index: int
    """Of its message."""
    first: bool
    """Of its role."""
    last: bool
    """The last user message, or an answer that nobody has followed up."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a template does with conversations, as far as it can be told from its texts."""

    gaps: Mapping[Gap, Rule[str]]
    trims: Mapping[Kind, Rule[Trim]]
    system: Rule[SystemPlace] | None
    """None: it refuses a system message."""
    parts: bool = False
    """Whether contents are given as ``[{"type": "text", "text": ...}]``."""
    reserved: tuple[str, ...] = ()
    """Texts in a content that the template reacts to; what it does then is not known."""
    distinct: bool = False
    """Whether the template takes equal messages for one, so that no two may be equal."""

    def text(self, turns: Turns) -> str:
        """Return the text of a conversation: a prompt where the user has the last word.

        Raises:
            Unseen: it is of no kind that the format was learned from.
        """
        order = ordered(turns, self.system)
        told = [self.trims[said.kind](where(said, turns))(turns[said.index][1]) for said in order]
        gaps = [self.gaps[kinds](place) for kinds, place in between(order, turns)]
        return "".join(a + b for a, b in zip(gaps, (*told, ""), strict=True))

    def reserves(self, content: str) -> str | None:
        """Return the reserved text that a content holds; None: none."""
        return reserved_in(self.reserved, content)

    def carries(self, turns: Turns) -> bool:
        """Whether what the template gives for a conversation is known."""
        if self.distinct and repeated([content for _, content in turns]) is not None:
            return False
        return not any(self.reserves(content) for _, content in turns)


def asks(turns: Turns) -> bool:
    """Whether the user has the last word, so that an answer is asked for."""
    return turns[-1][0] == "user"


def ordered(turns: Turns, system: Rule[SystemPlace] | None) -> list[Said]:
    """Return the contents in the order in which they are told.

    Raises:
        Unseen: the rule of the system message was learned from no conversation like this.
    """
    users = [i for i, (role, _) in enumerate(turns) if role == "user"]
    answers = [i for i, (role, _) in enumerate(turns) if role == "assistant"]
    found: list[Said] = []
    for index, (role, _) in enumerate(turns):
        kind = Kind(role)
        if kind is Kind.SYSTEM:
            continue
        same = users if kind is Kind.USER else answers
        last = index == (users[-1] if kind is Kind.USER else len(turns) - 1)
        found.append(Said(kind, index, index == same[0], last))
    if turns[0][0] == "system" and system is not None:
        told = Said(Kind.SYSTEM, 0, True, True)
        match system({"asks": asks(turns), "system": True}):
            case SystemPlace.FIRST:
                found.insert(0, told)
            case SystemPlace.LAST:
                at = next(i for i, said in enumerate(found) if said.index == users[-1])
                found.insert(at, told)
            case SystemPlace.DROPPED:
                pass
    return found


def where(said: Said, turns: Turns) -> Place:
    """Return what is so where a content stands."""
    return {
        "system": turns[0][0] == "system",
        "asks": asks(turns),
        "next_first": said.first,
        "next_last": said.last,
    }


def between(order: Sequence[Said], turns: Turns) -> list[tuple[Gap, Place]]:
    """Return the texts between contents, by what stands around them and what is so there."""
    end = Kind.PROMPT if asks(turns) else Kind.DIALOGUE
    kinds = [Kind.BEGIN, *(said.kind for said in order), end]
    around = [None, *order, None]
    common = {"system": turns[0][0] == "system", "asks": asks(turns)}
    found: list[tuple[Gap, Place]] = []
    for at in range(len(kinds) - 1):
        before, after = around[at], around[at + 1]
        place = {
            **common,
            "previous_first": before is None or before.first,
            "previous_last": before is None or before.last,
            "next_first": after is None or after.first,
            "next_last": after is None or after.last,
        }
        found.append(((kinds[at], kinds[at + 1]), place))
    return found
