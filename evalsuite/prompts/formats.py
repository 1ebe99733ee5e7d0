"""The table of prompt formats."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalsuite.errors import InvalidInput
from evalsuite.prompts.chatform import CHAT
from evalsuite.prompts.content import PromptFormat, PromptStyle
from evalsuite.prompts.jsonform import JSON
from evalsuite.prompts.textformats import MARKDOWN, PLAIN, XML
from evalsuite.prompts.yamlform import YAML

DEFAULT_FORMAT = "xml"
FORMATS: Mapping[str, PromptFormat] = MappingProxyType(
    {"xml": XML, "json": JSON, "markdown": MARKDOWN, "plain": PLAIN}
)
"""Those that pack the history into one message and read it back; the embedded model knows them."""
STYLES: Mapping[str, PromptStyle] = MappingProxyType({**FORMATS, "yaml": YAML, "chat": CHAT})
"""Every format that a prompt can have by name."""


def get_format(name: str) -> PromptStyle:
    """Return the format of that name.

    Raises:
        InvalidInput: there is none.
    """
    try:
        return STYLES[name]
    except KeyError:
        known = ", ".join(STYLES)
        raise InvalidInput(f"format={name!r} is unknown; use one of: {known}") from None
