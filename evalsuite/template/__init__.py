"""Chat templates: conversations to token ids and back, the same for training and serving.

``load_template(folder)`` reads a tokenizer folder and returns the template of its family. A new
family is one :class:`Wire` in a module of :mod:`evalsuite.template.families`.
"""

from __future__ import annotations

from pathlib import Path

from evalsuite.errors import TemplateError
from evalsuite.template.base import (
    ChatTemplate,
    Property,
    PropertyResult,
    PropertyStatus,
    Rendered,
)
from evalsuite.template.families import FAMILIES
from evalsuite.template.familymatch import FamilyMatch, family_matches
from evalsuite.template.properties import check
from evalsuite.template.rendering import WireTemplate
from evalsuite.template.tokenizerfolder import TokenizerFiles, read_tokenizer
from evalsuite.template.wire import Wire, fits

__all__ = [
    "FAMILIES",
    "ChatTemplate",
    "FamilyMatch",
    "Property",
    "PropertyResult",
    "PropertyStatus",
    "Rendered",
    "TokenizerFiles",
    "Wire",
    "WireTemplate",
    "check",
    "family_matches",
    "load_template",
]


def load_template(folder: Path | str, *, family: str | None = None) -> ChatTemplate:
    """Return the chat template of a tokenizer folder.

    Reads ``tokenizer.json``, and where present ``tokenizer_config.json``, ``chat_template.jinja``
    and ``generation_config.json``. Runs no code from the folder.

    Args:
        folder: that holds them.
        family: a key of :data:`FAMILIES`; None: the one whose tokens, and whose words in the
            folder's own template, are there.

    Raises:
        TemplateError: a broken file, an unknown family, or a tokenizer of none or of several.
    """
    if family is not None and family not in FAMILIES:
        raise TemplateError(f"family={family!r} is unknown; use one of: {', '.join(FAMILIES)}")
    files = read_tokenizer(folder)
    wire = _recognised(files) if family is None else FAMILIES[family]
    return WireTemplate(wire, files)


def _recognised(files: TokenizerFiles) -> Wire:
    own = files.chat_template
    possible = [wire for wire in FAMILIES.values() if fits(wire, files) and not wire.by_name]
    if not possible:
        raise TemplateError(
            f"{files.folder / 'tokenizer.json'}: its added tokens ({_some(files)}) are those of no "
            f"known family; known: {', '.join(FAMILIES)}"
        )
    fitting = [w for w in possible if own is None or all(sign in own for sign in w.signs)]
    ranks = [
        (not wire.signs if own is None else len(wire.signs), len(wire.controls)) for wire in fitting
    ]
    best = [wire for wire, rank in zip(fitting, ranks, strict=True) if rank == max(ranks)]
    if len(best) != 1:
        names = ", ".join(wire.name for wire in best or possible)
        raise TemplateError(
            f"{files.folder}: it may be of any family of: {names}; say which it is, as in "
            f"{files.folder}#{(best or possible)[0].name}"
        )
    return best[0]


def _some(files: TokenizerFiles) -> str:
    """A few of a tokenizer's added tokens, for a person."""
    shown = [*files.added][:5]
    more = len(files.added) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])]) or "none"
