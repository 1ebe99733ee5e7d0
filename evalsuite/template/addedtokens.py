"""The added tokens of a tokenizer, and which of them are ordinary text.

Makers list more than control tokens there: runs of blanks and line breaks, the tags of HTML, words
of a language. Such a token is text to everybody who serves the model, so it is text here. What may
be a control token stays one: then text of a user can never become it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalsuite.errors import TemplateError

_BLANK: Final = "▁"
_MARKED: Final = re.compile(r"[<>\[\]{}|｜]")
"""How control tokens are told from words: by brackets and bars."""
_ELEMENTS: Final = frozenset(
    "a abbr article aside b big blockquote body br caption center cite code col colgroup dd del "
    "details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html "
    "i iframe img ins kbd li nav ol p pre q s samp section small span strike strong sub sup table "
    "tbody td tfoot th thead title tr tt u ul var".split()
)
_TAG: Final = re.compile(r"</?([a-z][a-z0-9]*) ?/?>")
_SPARE: Final = re.compile(r"[<\[](unused|reserved|extra|spare)[a-z_]*\d+[>\]]")


@dataclass(frozen=True, slots=True)
class AddedToken:
    """One of ``added_tokens`` of ``tokenizer.json``, checked."""

    written: Mapping[str, object]
    content: str
    id: int

    @property
    def swallows(self) -> bool:
        """Whether it swallows white space after it."""
        return bool(self.written.get("rstrip"))

    @property
    def is_blank(self) -> bool:
        """Whether it is white space: Gemma's list holds runs of line breaks and of blanks."""
        return not self.written.get("special") and not self.content.replace(_BLANK, " ").strip()

    @property
    def is_ordinary(self) -> bool:
        """Whether it is text by its own word, and spelled like text.

        That is a word without brackets and bars, a tag of HTML, or one of many spare tokens that a
        number tells apart. One that swallows white space around it would change a text.
        """
        if any(self.written.get(key) for key in ("special", "lstrip", "rstrip")):
            return False
        if not _MARKED.search(self.content):
            return True
        tag = _TAG.fullmatch(self.content)
        return (tag is not None and tag[1] in _ELEMENTS) or bool(_SPARE.fullmatch(self.content))


def is_marked(content: str) -> bool:
    """Whether a text is spelled like a control token, and not like what people write."""
    return _MARKED.search(content) is not None


def read_added_tokens(path: Path, document: Mapping[str, object]) -> tuple[AddedToken, ...]:
    """Return the added tokens of a ``tokenizer.json``.

    Raises:
        TemplateError: one has no text or no id, or two share one.
    """
    entries = document.get("added_tokens") or []
    if not isinstance(entries, list):
        raise TemplateError(f"{path}: added_tokens must be a list")
    texts: set[str] = set()
    ids: set[int] = set()
    for index, entry in enumerate(entries):
        content = entry.get("content") if isinstance(entry, dict) else None
        if not isinstance(content, str) or not content or not is_id(entry.get("id")):
            raise TemplateError(f"{path}: added_tokens[{index}] needs a content and an id")
        if content in texts or entry["id"] in ids:
            raise TemplateError(f"{path}: added_tokens[{index}] repeats a content or an id")
        texts.add(content)
        ids.add(entry["id"])
    return tuple(AddedToken(entry, entry["content"], entry["id"]) for entry in entries)


def named_tokens(config: Mapping[str, object]) -> frozenset[str]:
    """Return the tokens that ``tokenizer_config.json`` gives a part, or calls special."""
    named = {token_text(value) for key, value in config.items() if key.endswith("_token")}
    for key in ("additional_special_tokens", "extra_special_tokens"):
        listed = config.get(key)
        several = [*listed.values()] if isinstance(listed, dict) else listed
        named |= {token_text(value) for value in several} if isinstance(several, list) else set()
    decoder = config.get("added_tokens_decoder")
    if isinstance(decoder, dict):
        entries = (entry for entry in decoder.values() if isinstance(entry, dict))
        named |= {token_text(entry) for entry in entries if entry.get("special")}
    return frozenset(named - {""})


def is_id(value: object) -> bool:
    """Whether a value can be the id of a token."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def token_text(value: object) -> str:
    """Return the text of a token entry of a tokenizer config: a string or an object."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""
