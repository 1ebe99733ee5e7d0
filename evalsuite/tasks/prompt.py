"""How a task is put to a model."""

from __future__ import annotations

from typing import assert_never

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.generation import Output, Sampling
from evalsuite.prompts import DEFAULT_PROMPT
from evalsuite.tasks.task import Choice, Rewriting, Skill, Task, Text
from evalsuite.template import ChatTemplate

REWRITE = Sampling(max_tokens=DEFAULT_PROMPT.max_tokens)
"""How a rewrite is asked for in the built-in prompts."""
_ANSWER = Sampling(max_tokens=48)


def prompt_of(task: Task) -> Conversation:
    """The conversation that asks; it ends with the user."""
    match task:
        case Rewriting():
            return task.prompt.build(task.case, task.demonstrations)
        case Skill(chat=None):
            return task.item.question
        case Skill(chat=turns):
            return Conversation((*(turns or ()), Message(Role.USER, task.item.prompt)))
        case Choice() | Text():
            return task.item.question
        case _:
            assert_never(task)


def prefill_of(task: Task) -> str:
    """What of the answer is written for the model."""
    return task.prompt.prefill if isinstance(task, Rewriting) else ""


def prompt_ids(task: Task, template: ChatTemplate) -> tuple[int, ...]:
    """What a model reads of a task: the rendered prompt, and behind it the prefill."""
    ids = template.prompt(template.carried(prompt_of(task)))
    prefill = prefill_of(task)
    return (*ids, *template.answer_ids(prefill)) if prefill else ids


def continuation_ids(task: Rewriting, rewrite: str, template: ChatTemplate) -> tuple[int, ...]:
    """What a model has to say behind :func:`prompt_ids` to answer with a rewrite."""
    whole = template.answer_ids(task.prompt.write(rewrite))
    return whole[len(template.answer_ids(task.prompt.prefill)) :] if task.prompt.prefill else whole


def answer_of(task: Task, output: Output) -> str:
    """The answer in what came back, as the task's prompt reads it."""
    return task.prompt.read(output.text).answer if isinstance(task, Rewriting) else output.text


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
            return Sampling(max_tokens=task.prompt.max_tokens)
        case Skill(chat=None):
            most = task.item.max_tokens
            return _ANSWER if most is None else Sampling(max_tokens=most)
        case Skill():
            # Asked in searches, side by side with rewrites: one length for all of them.
            return REWRITE
        case Choice() | Text():
            return Sampling()
        case _:
            assert_never(task)
