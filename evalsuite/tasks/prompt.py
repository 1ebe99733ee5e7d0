"""How a task is put to a model."""

from __future__ import annotations

from typing import assert_never

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.generation import Sampling
from evalsuite.prompts import build
from evalsuite.tasks.task import Choice, Rewriting, Skill, Task, Text

REWRITE = Sampling(max_tokens=96)
"""How a rewrite is asked for."""
_ANSWER = Sampling(max_tokens=48)


def prompt_of(task: Task) -> Conversation:
    """The conversation that asks; it ends with the user."""
    match task:
        case Rewriting():
            return build(task.case, format=task.prompt_format, demonstrations=task.demonstrations)
        case Skill(chat=None):
            return task.item.question
        case Skill(chat=turns):
            return Conversation((*(turns or ()), Message(Role.USER, task.item.prompt)))
        case Choice() | Text():
            return task.item.question
        case _:
            assert_never(task)


def answer_to_score(task: Task) -> Conversation | None:
    """The conversation whose answer is scored as it is; None: the answer is generated."""
    match task:
        case Rewriting() | Skill():
            return None
        case Choice():
            return task.item.question.then(Role.ASSISTANT, task.item.options[task.option])
        case Text():
            return task.item.conversation
        case _:
            assert_never(task)


def sampling_of(task: Task) -> Sampling:
    """How the answer is generated: greedily, up to a length. Texts and options are only scored."""
    match task:
        case Rewriting():
            return REWRITE
        case Skill(chat=None):
            return _ANSWER
        case Skill():
            # Asked in searches, side by side with rewrites: one length for all of them.
            return REWRITE
        case Choice() | Text():
            return Sampling()
        case _:
            assert_never(task)
