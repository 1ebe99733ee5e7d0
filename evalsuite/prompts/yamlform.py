"""The yaml format: one mapping per message, written by PyYAML and read back exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from evalsuite.conversation import Conversation
from evalsuite.errors import PromptFormatError
from evalsuite.prompts.content import PromptParts, require_canonical, split_messages
from evalsuite.prompts.jsonform import example_of, parts_of, turn_of

_SPACED = re.compile(r"[^\S ]|[\x85\u2028\u2029\ufeff]")
_WIDE = 2**31
"""Columns before PyYAML would fold a line."""


@dataclass(frozen=True, slots=True)
class YamlFormat:
    """The yaml prompt format."""

    name: str = "yaml"

    def format(self, parts: PromptParts) -> Conversation:
        """Write the parts as ``[system, user]``."""
        system: dict[str, object] = {"task": parts.task}
        if parts.demonstrations:
            system["examples"] = [example_of(shown) for shown in parts.demonstrations]
        user = {"history": [turn_of(turn) for turn in parts.history], "query": parts.query}
        return Conversation.of(("system", _dump(system)), ("user", _dump(user)))

    def parse(self, conversation: Conversation) -> PromptParts:
        """Read back what :meth:`format` wrote.

        Raises:
            PromptFormatError: naming the part that is missing or malformed.
        """
        system, user = split_messages(self.name, conversation)
        parts = parts_of(
            _load("the system message", system), _load("the user message", user), self.name
        )
        require_canonical(self, parts, conversation)
        return parts


YAML = YamlFormat()


class _Dumper(yaml.SafeDumper):
    """Writes a text with line breaks or other white space in double quotes.

    In single quotes PyYAML folds line breaks of Unicode, and reading loses them.
    """

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if _SPACED.search(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _dump(value: Mapping[str, object]) -> str:
    dumped: str = yaml.dump(
        dict(value), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDE
    )
    return dumped.removesuffix("\n")


def _load(part: str, text: str) -> object:
    try:
        read: Mapping[str, object] | Sequence[object] | str | None = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PromptFormatError(f"{part} is not in the yaml format: {error}") from error
    return read
