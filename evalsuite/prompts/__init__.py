"""Prompts: how a case becomes the conversation that a model is given, and how its answer is read.

A :class:`Prompt` is the whole of it. The built-in ones (:data:`BUILT_IN`) are ``[system: task +
demonstrations][user: history + query]`` in a format, and their answer is the bare rewrite; others
come from files (:func:`load_prompt`).
"""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite.cases import Case
from evalsuite.conversation import Conversation
from evalsuite.prompts.content import Demonstration, PromptFormat, PromptParts, task_text
from evalsuite.prompts.demonstrations import (
    dump_demonstrations,
    load_demonstrations,
)
from evalsuite.prompts.formats import DEFAULT_FORMAT, FORMATS, STYLES, get_format
from evalsuite.prompts.prefills import require_prefill
from evalsuite.prompts.prompt import (
    ANSWER_PROMPT,
    BUILT_IN,
    DEFAULT_PROMPT,
    Prompt,
    Read,
    built_in,
    others,
    put_in,
)
from evalsuite.prompts.promptfile import load_prompt, prompt_named, prompt_of_definition
from evalsuite.prompts.selection import POOL, Selection

__all__ = [
    "ANSWER_PROMPT",
    "BUILT_IN",
    "DEFAULT_FORMAT",
    "DEFAULT_PROMPT",
    "FORMATS",
    "POOL",
    "STYLES",
    "Demonstration",
    "Prompt",
    "PromptFormat",
    "PromptParts",
    "Read",
    "Selection",
    "build",
    "built_in",
    "dump_demonstrations",
    "get_format",
    "load_demonstrations",
    "load_prompt",
    "others",
    "prompt_named",
    "prompt_of_definition",
    "put_in",
    "require_prefill",
    "task_text",
]


def build(
    case: Case, *, format: str = DEFAULT_FORMAT, demonstrations: Sequence[Demonstration] = ()
) -> Conversation:
    """Return the conversation that asks in a built-in prompt to rewrite the case's query.

    Raises:
        InvalidInput: an unknown format.
    """
    return built_in(format).build(case, demonstrations)
