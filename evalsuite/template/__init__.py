"""Chat templates: conversations to token ids and back, the same for training and serving.

``load_template(folder)`` reads a tokenizer folder and returns the template of its family. A new
family is one class with the methods of :class:`ChatTemplate` and one line in ``FAMILIES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from evalsuite.errors import TemplateError
from evalsuite.template.base import ChatTemplate, PropertyResult, PropertyStatus, Rendered
from evalsuite.template.chatml import ChatMLTemplate
from evalsuite.template.files import TokenizerFiles, read_tokenizer
from evalsuite.template.properties import check

__all__ = [
    "FAMILIES",
    "ChatMLTemplate",
    "ChatTemplate",
    "Family",
    "PropertyResult",
    "PropertyStatus",
    "Rendered",
    "TokenizerFiles",
    "check",
    "load_template",
]


class Family(Protocol):
    """A template class: it says which tokenizers are its own and is called with their files."""

    def recognises(self, files: TokenizerFiles) -> bool:
        """Return whether the tokenizer has this family's control tokens."""

    def __call__(self, files: TokenizerFiles) -> ChatTemplate:
        """Return the template of the tokenizer."""


FAMILIES: Mapping[str, Family] = MappingProxyType({"chatml": ChatMLTemplate})


def load_template(folder: Path | str) -> ChatTemplate:
    """Return the chat template of a tokenizer folder.

    Reads ``tokenizer.json``, and where present ``tokenizer_config.json``, ``chat_template.jinja``
    and ``generation_config.json``. Runs no code from the folder.

    Raises:
        TemplateError: a broken file, or a tokenizer of no known family.
    """
    files = read_tokenizer(folder)
    for family in FAMILIES.values():
        if family.recognises(files):
            return family(files)
    known = ", ".join(FAMILIES)
    raise TemplateError(
        f"{files.folder}: its control tokens belong to no known family; known: {known}"
    )
