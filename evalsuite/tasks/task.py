"""What can be asked: one frozen type for each kind of task, and their union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.cases import Case
from evalsuite.conversation import Message
from evalsuite.errors import InvalidCase
from evalsuite.prompts import DEFAULT_PROMPT, Demonstration, Prompt
from evalsuite.scenarios import SkillItem, TextItem


class Asks(StrEnum):
    """What a case file, a regression or a drawn history asks for."""

    REWRITE = "rewrite"
    """The query, rewritten so that it stands alone."""
    SKILL = "skill"
    """What the query itself asks for; the accepted rewrites are the accepted answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """Rewrite the last query of a conversation so that it stands alone."""

    case: Case
    demonstrations: tuple[Demonstration, ...] = ()
    """What the prompt shows, in order."""
    prompt: Prompt = DEFAULT_PROMPT

    @property
    def id(self) -> str:
        """The case's."""
        return self.case.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Follow one plain instruction that has one right answer."""

    item: SkillItem
    chat: tuple[Message, ...] | None = None
    """The turns before it, in a chat without a system message; None: asked as the suites do,
    alone and behind their system message."""

    @property
    def id(self) -> str:
        """The item's."""
        return self.item.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Say how likely one of several answers to a question is: nothing is generated.

    An item makes a task of each of its options; the first, which is right, is where its score
    stands.
    """

    item: SkillItem
    option: int = 0
    """Index into the item's options."""

    @property
    def id(self) -> str:
        """The item's."""
        return self.item.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Predict a given text: nothing is generated, its tokens are scored."""

    item: TextItem

    @property
    def id(self) -> str:
        """The item's."""
        return self.item.id


Task = Rewriting | Skill | Choice | Text
"""What a model can be asked."""


def task_of(
    case: Case,
    demonstrations: Sequence[Demonstration] = (),
    *,
    asks: Asks = Asks.REWRITE,
    prompt: Prompt = DEFAULT_PROMPT,
) -> Rewriting | Skill:
    """The task that a case stands for.

    Args:
        case: a rewriting case, or one whose query is an instruction.
        demonstrations: what a rewriting prompt shows; a skill shows none.
        asks: what the case asks for.
        prompt: how a rewrite is asked for.

    Raises:
        InvalidCase: a skill is asked for, and the case accepts no answer.
    """
    if asks is Asks.REWRITE:
        return Rewriting(case=case, demonstrations=tuple(demonstrations), prompt=prompt)
    if not case.expect.rewrites:
        raise InvalidCase(
            f"case {case.id!r}: asks for a skill, so it needs the right answer as expect.rewrites"
        )
    right, *accepted = case.expect.rewrites
    item = SkillItem(
        id=case.id,
        skill=case.kind.value,
        language=case.language,
        cluster=case.cluster,
        prompt=case.query,
        answer=right,
        accepted=tuple(accepted),
        others=case.expect.must_not_name,
        source=case.source,
    )
    return Skill(item=item, chat=case.history)
