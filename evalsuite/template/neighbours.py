"""What lies beside an adapter, held against the tokenizer and template that it is gated with.

Training saves its tokenizer and chat template next to the weights. They say how the adapter was
asked while it learned, and many servers take them before the base's. Files are compared by what
they do: another layout of the same vocabulary, or a template that says the same in other words, is
no difference.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalsuite.errors import TemplateError
from evalsuite.template.base import ChatTemplate
from evalsuite.template.beside import further_tokens, same_renders
from evalsuite.template.tokenizerfolder import (
    read_template,
    read_tokenizer,
    token_text,
    tokens_beyond,
)

TOKENIZER: Final = "tokenizer.json"
CONFIG: Final = "tokenizer_config.json"
TEMPLATE: Final = "chat_template.jinja"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One thing that an adapter's folder says of how it was trained."""

    name: str
    """The file, or the key of ``adapter_config.json``."""
    same: bool | None
    """Whether it agrees with what is gated; None: it says nothing that could be compared."""
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


def compare_neighbours(template: ChatTemplate, folder: Path) -> tuple[Neighbour, ...]:
    """Compare the tokenizer and the chat template of a folder with those of a template.

    Args:
        template: that the adapter is asked with; loaded from the folder of its base.
        folder: of the adapter; files that are not there are not compared.

    Returns:
        One entry for each thing that is there. What cannot be read or rendered does not agree.
    """
    if template.source is None:
        return ()
    found = []
    if (folder / TOKENIZER).is_file():
        found.append(_tokenizer(template.source, folder))
    try:
        text, config = read_template(folder)
    except TemplateError as problem:
        # The file that the problem names; a template is read from its own file where it has one.
        at = next((n for n in (TEMPLATE, CONFIG) if str(folder / n) in str(problem)), CONFIG)
        return (*found, Neighbour(at, same=False, detail=f"cannot be read: {problem}"))
    end = token_text(config.get("eos_token"))
    if end:
        found.append(_end(template.source, end))
    if text is not None:
        where = TEMPLATE if (folder / TEMPLATE).is_file() else CONFIG
        found.append(_template(template, where, text))
    return tuple(found)


def _tokenizer(base: Path, folder: Path) -> Neighbour:
    if (base / TOKENIZER).read_bytes() == (folder / TOKENIZER).read_bytes():
        return Neighbour(TOKENIZER, same=True, detail="byte by byte the base's")
    try:
        theirs, ours = read_tokenizer(folder), read_tokenizer(base)
    except TemplateError as problem:
        return Neighbour(TOKENIZER, same=False, detail=f"cannot be read: {problem}")
    if theirs.digest == ours.digest:
        return Neighbour(TOKENIZER, same=True, detail="makes the same tokens as the base's")
    beyond = tokens_beyond(theirs, ours)
    if beyond:
        found = further_tokens(beyond)
        return Neighbour(TOKENIZER, same=found.agrees, detail=found.detail)
    moved = sorted(
        token
        for token in theirs.added.keys() | ours.added.keys()
        if theirs.added.get(token) != ours.added.get(token)
    )
    what = f"{theirs.vocab_size} ids, the base's has {ours.vocab_size}"
    if moved:
        first = moved[0]
        was, now = (f.added.get(first, "nothing") for f in (theirs, ours))
        what += f"; {first!r} is {was} there and {now} in the base"
        what += f", and {len(moved) - 1} others differ" if len(moved) > 1 else ""
    return Neighbour(TOKENIZER, same=False, detail=f"makes other tokens: {what}")


def _end(base: Path, end: str) -> Neighbour:
    name = f"{CONFIG}: eos_token"
    try:
        own = token_text(read_template(base)[1].get("eos_token"))
    except TemplateError:
        own = ""
    if not own or own == end:
        return Neighbour(name, same=True if own else None, detail=repr(end))
    return Neighbour(name, same=False, detail=f"{end!r}, the base ends a text with {own!r}")


def _template(template: ChatTemplate, name: str, text: str) -> Neighbour:
    """Compare by text, then by what it makes of conversations, with the base's tokenizer."""
    assert template.source is not None
    try:
        own, _ = read_template(template.source)
    except TemplateError:
        own = None
    if own == text:
        return Neighbour(name, same=True, detail="letter by letter the base's")
    with tempfile.TemporaryDirectory(prefix="evalsuite-neighbours-") as scratch:
        staged = Path(scratch)
        for kept in (TOKENIZER, CONFIG):
            if (template.source / kept).is_file():
                shutil.copyfile(template.source / kept, staged / kept)
        (staged / TEMPLATE).write_text(text, "utf-8")
        found = same_renders(template, staged)
    said = found.detail.replace(str(staged), "the adapter's folder")
    if found.agrees:
        return Neighbour(name, same=True, detail=f"says the same: {said}")
    return Neighbour(name, same=False, detail=f"is not the template that is gated with: {said}")
