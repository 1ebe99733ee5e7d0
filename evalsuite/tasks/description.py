"""What a reader sees of a task: the same few fields for every kind of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from evalsuite.cases import Expectation
from evalsuite.conversation import Message
from evalsuite.rewrites import Standard, standard_of
from evalsuite.tasks.task import Choice, Rewriting, Skill, Task, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A task as reports show it."""

    id: str
    language: str
    kind: str
    """The case's kind, the skill, or ``text``."""
    cluster: str
    query: str
    """What the user asks last."""
    history: tuple[Message, ...] = ()
    """The turns before it."""
    expect: Expectation | None = None
    """What a good answer says; None: there is no right answer."""
    source: str = ""
    standard: Standard | None = None
    """By what a rewrite is judged; None: it is no rewrite."""


def describe(task: Task) -> Description:
    """What a reader sees of a task."""
    match task:
        case Rewriting(case=case):
            return Description(
                id=case.id,
                language=case.language.value,
                kind=case.kind.value,
                cluster=case.cluster,
                query=case.query,
                history=case.history,
                expect=case.expect,
                source=case.source,
                standard=standard_of(case),
            )
        case Skill(item=skill) | Choice(item=skill):
            return Description(
                id=skill.id,
                language=skill.language.value,
                kind=skill.skill,
                cluster=skill.cluster,
                query=skill.prompt,
                history=_history(task),
                expect=skill.expectation,
                source=skill.source,
            )
        case Text(item=text):
            return Description(
                id=text.id,
                language=text.language.value,
                kind="text",
                cluster=text.cluster,
                query=text.prompt,
                source=text.source,
            )
        case _:
            assert_never(task)


def _history(task: Skill | Choice) -> tuple[Message, ...]:
    """The turns before a question: of the chat that it is put into, else its own."""
    chat = task.chat if isinstance(task, Skill) else None
    return task.item.history if chat is None else chat
