"""Tasks: everything that a model can be asked here, how it is put, scored and described.

A new kind of task is a dataclass and a member of the union in :mod:`~evalsuite.tasks.task`, and one
branch each in :mod:`~evalsuite.tasks.prompt`, :mod:`~evalsuite.tasks.scoring` and
:mod:`~evalsuite.tasks.description`; the type checker names every branch that is missing.
"""

from evalsuite.tasks.description import Description, describe
from evalsuite.tasks.promises import Broken, Promise, broken_promises
from evalsuite.tasks.prompt import (
    answer_of,
    answer_to_score,
    continuation_ids,
    prompt_ids,
    prompt_of,
    sampling_of,
)
from evalsuite.tasks.scoring import REFERENCES, Counterpart, Known, applicable, score
from evalsuite.tasks.task import Asks, Choice, Rewriting, Skill, Task, Text, task_of

__all__ = [
    "REFERENCES",
    "Asks",
    "Broken",
    "Choice",
    "Counterpart",
    "Description",
    "Known",
    "Promise",
    "Rewriting",
    "Skill",
    "Task",
    "Text",
    "answer_of",
    "answer_to_score",
    "applicable",
    "broken_promises",
    "continuation_ids",
    "describe",
    "prompt_ids",
    "prompt_of",
    "sampling_of",
    "score",
    "task_of",
]
