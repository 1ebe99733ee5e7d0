"""Prompts: how a case becomes the conversation that a model is given.

``build(case)`` is the whole of it: ``[system: task + demonstrations][user: history + query]``.
The answer expected from the assistant is the bare rewrite in every format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from evalsuite.cases import Case
from evalsuite.conversation import Conversation
from evalsuite.errors import InvalidInput
from evalsuite.prompts.content import Demonstration, PromptFormat, PromptParts, task_text
from evalsuite.prompts.demonstrations import (
    dump_demonstrations,
    load_demonstrations,
)
from evalsuite.prompts.jsonform import JSON
from evalsuite.prompts.textformats import MARKDOWN, PLAIN, XML

__all__ = [
    "DEFAULT_FORMAT",
    "FORMATS",
    "Demonstration",
    "PromptFormat",
    "PromptParts",
    "build",
    "dump_demonstrations",
    "get_format",
    "load_demonstrations",
    "task_text",
]

DEFAULT_FORMAT = "xml"
FORMATS: Mapping[str, PromptFormat] = MappingProxyType(
    {"xml": XML, "json": JSON, "markdown": MARKDOWN, "plain": PLAIN}
)


def get_format(name: str) -> PromptFormat:
    """Return the format of that name.

    Raises:
        InvalidInput: there is none.
    """
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise InvalidInput(f"format={name!r} is unknown; use one of: {known}") from None


def build(
    case: Case, *, format: str = DEFAULT_FORMAT, demonstrations: Sequence[Demonstration] = ()
) -> Conversation:
    """Return the conversation that asks a model to rewrite the case's query.

    Raises:
        InvalidInput: an unknown format.
    """
    parts = PromptParts(
        task=task_text(case.language),
        demonstrations=tuple(demonstrations),
        history=case.history,
        query=case.query,
    )
    return get_format(format).format(parts)
