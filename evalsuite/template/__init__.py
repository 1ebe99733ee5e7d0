"""Chat templates: conversations to token ids and back, the same for training and serving.

``load_template(folder)`` reads a tokenizer folder and returns its chat template: of the family that
says the same as the maker's own template, or inferred from that. A new family is one :class:`Wire`
in a module of :mod:`evalsuite.template.families`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
from evalsuite.template.inference.naming import INFERRED, given
from evalsuite.template.ownformat import own_format, own_wire
from evalsuite.template.properties import check
from evalsuite.template.rendering import WireTemplate
from evalsuite.template.spelling import THOUGHT
from evalsuite.template.tokenizerfolder import TokenizerFiles, read_tokenizer
from evalsuite.template.wire import Wire, fits

__all__ = [
    "FAMILIES",
    "INFERRED",
    "THOUGHT",
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
    "read_tokenizer",
]


def load_template(folder: Path | str, *, family: str | None = None) -> ChatTemplate:
    """Return the chat template of a tokenizer folder.

    Reads ``tokenizer.json``, and where present ``tokenizer_config.json``, ``chat_template.jinja``
    and ``generation_config.json``. The folder's own template is run in a process of its own, with
    limits, and what it says is remembered in the user's cache.

    Args:
        folder: that holds them.
        family: a key of :data:`FAMILIES`; ``inferred``: whatever the folder's own template says, or
            with what it is given ``inferred:enable_thinking=false``; None: the family that says the
            same as the folder's own template, or else the format inferred from that; without a
            template, the one family whose tokens are there.

    Raises:
        TemplateError: a broken file, an unknown family, a template that nothing explains, or
            without one a tokenizer of no family or of several.
    """
    arguments = {} if family is None else given(family)
    if family is not None and arguments is None and family not in FAMILIES:
        known = ", ".join((*FAMILIES, INFERRED))
        raise TemplateError(f"family={family!r} is unknown; use one of: {known}")
    files = read_tokenizer(folder)
    if family is not None and arguments is None:
        return WireTemplate(FAMILIES[family], files)
    if files.chat_template is not None:
        return WireTemplate(_decided(files, arguments or {}, named=family is None), files)
    if family is not None:
        raise TemplateError(
            f"{files.folder}: it ships no chat template to infer a format from; put its maker's "
            "chat_template.jinja into it, or name a family"
        )
    return WireTemplate(_recognised(files), files)


def _decided(files: TokenizerFiles, arguments: Mapping[str, bool], *, named: bool) -> Wire:
    """The format of a folder's own template: a family's that says the same, or its own."""
    found = own_format(files, arguments)
    possible = [w for w in FAMILIES.values() if fits(w, files) and not w.arguments]
    speaking = [wire for wire in possible if named and found.departure(wire) is None]
    wire = speaking[0] if speaking else own_wire(files, found, arguments)
    own = found.format
    return replace(wire, reserved=own.reserved, parts=own.parts, distinct=own.distinct)


def _recognised(files: TokenizerFiles) -> Wire:
    """The one family whose tokens a tokenizer has, where it ships no template."""
    possible = [wire for wire in FAMILIES.values() if fits(wire, files) and not wire.by_name]
    if not possible:
        raise TemplateError(
            f"{files.folder / 'tokenizer.json'}: its added tokens ({_some(files)}) are those of no "
            f"known family, and the folder ships no chat template; put its maker's "
            f"chat_template.jinja into it (known families: {', '.join(FAMILIES)})"
        )
    ranks = [(not wire.variant, len(wire.controls)) for wire in possible]
    best = [wire for wire, rank in zip(possible, ranks, strict=True) if rank == max(ranks)]
    if len(best) != 1:
        names = ", ".join(wire.name for wire in best)
        raise TemplateError(
            f"{files.folder}: it ships no chat template, and its tokens fit each family of: "
            f"{names}; put its maker's chat_template.jinja into it, or say which it is, as in "
            f"{files.folder}#{best[0].name}"
        )
    return best[0]


def _some(files: TokenizerFiles) -> str:
    """A few of a tokenizer's added tokens, for a person."""
    shown = [*files.added][:5]
    more = len(files.added) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])]) or "none"
