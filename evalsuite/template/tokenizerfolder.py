"""A tokenizer folder, read without trusting it.

This module owns what of ``tokenizer.json`` and its neighbours a template may rely on. The files
may come from anywhere, so every shape is checked, sizes are capped, and the panics that the
``tokenizers`` package raises on malformed input become ordinary errors that name the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from tokenizers import Tokenizer

from evalsuite.errors import TemplateError
from evalsuite.template.addedtokens import (
    AddedToken,
    is_id,
    named_tokens,
    read_added_tokens,
    token_text,
)
from evalsuite.template.contentencoder import (
    Model,
    Prefix,
    comes_back,
    content_encoder,
    guarded,
    is_sentencepiece,
    prefix_of,
    require_bpe,
)
from evalsuite.template.symbols import Symbols

__all__ = [
    "Prefix", "TokenizerFiles", "full_tokenizer", "guarded", "read_tokenizer", "token_text",
    "tokens_beyond",
]  # fmt: skip

NO_STOP = (
    "nothing says what generation stops on (generation_config.json, or where there is none "
    "config.json and eos_token)"
)
"""Why :attr:`TokenizerFiles.stops` is None."""
_GENERATION = "generation_config.json"
_MAX_TOKENIZER_BYTES = 64 * 1024 * 1024
_MAX_CONFIG_BYTES = 16 * 1024 * 1024
_MAX_TEMPLATE_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """What a chat template needs from a tokenizer folder."""

    folder: Path
    encoder: Tokenizer
    """Encodes content: it knows no added token but text, so no content can become one."""
    document: Mapping[str, object]
    """``tokenizer.json`` as written."""
    config: Mapping[str, object]
    """``tokenizer_config.json``, or empty."""
    added: Mapping[str, int]
    """Every added token and its id, but for those that are text; see :meth:`for_controls`."""
    vocab_size: int
    """One more than the largest id."""
    digest: str
    """SHA-256 (hex) over everything that decides the ids of a text."""
    normalizes: bool
    """True where content is brought to Unicode NFC."""
    sentencepiece: bool
    """True where blanks are written as ▁, which then cannot be told from a blank."""
    prefix: Prefix
    """Where the tokenizer puts a blank by itself when it is given a whole text."""
    swallowing: frozenset[str]
    """Added tokens that swallow the white space after them."""
    chat_template: str | None
    """The folder's own Jinja template, or None."""
    stops: tuple[int, ...] | None
    """The ids that generation stops on by the folder's own word, or None."""
    symbols: Symbols
    """What bytes the vocabulary can write."""

    @property
    def missing(self) -> frozenset[int]:
        """The bytes that no token writes; a message with such a byte cannot be carried."""
        return self.symbols.missing

    def lost(self, text: str) -> str | None:
        """Say which character of a text cannot be carried, where, and what to do; None: none."""
        return self.symbols.lost(text)

    def require_carried(self, text: str) -> None:
        """Refuse a text that its tokens could not give back.

        Raises:
            TemplateError: naming the character and its place.
        """
        if (problem := self.lost(text)) is not None:
            raise TemplateError(problem)

    def for_controls(self, controls: Collection[str]) -> TokenizerFiles:
        """Return the same, with every added token that is ordinary text read as text.

        Its encoder makes one token of each, as the maker's tokenizer does, and ``added`` lists it
        no more. Only white space is read so before a format is known: a format may use as a
        control token what another has as text.

        Args:
            controls: the tokens that the format uses, which stay what they are.

        Raises:
            TemplateError: one of them can be made of ordinary text.
        """
        path = self.folder / "tokenizer.json"
        model, listed = require_bpe(path, self.document), read_added_tokens(path, self.document)
        texts = _texts(listed, self.prefix, {*named_tokens(self.config), *controls})
        if texts == {one.content for one in listed} - {*self.added}:
            return self
        encoder, symbols = content_encoder(path, self.document, model, listed, texts)
        words = (one.content for one in listed if not one.is_blank and one.content in texts)
        broken = {text for text in words if not comes_back(encoder, text)}
        if broken:
            texts -= broken
            encoder, symbols = content_encoder(path, self.document, model, listed, texts)
        added = {one.content: one.id for one in listed if one.content not in texts}
        return replace(self, encoder=encoder, symbols=symbols, added=MappingProxyType(added))


def read_tokenizer(folder: Path | str) -> TokenizerFiles:
    """Read a tokenizer folder.

    Raises:
        TemplateError: naming the file and what is wrong with it.
    """
    folder = Path(folder)
    path = folder / "tokenizer.json"
    document = _read_object(path, _MAX_TOKENIZER_BYTES)
    source, config = read_template(folder)
    model = require_bpe(path, document)
    listed = read_added_tokens(path, document)
    prefix = prefix_of(document)
    # What ordinary merges make is text whoever asks.
    made = model.products(path)
    texts = _texts([one for one in listed if one.is_blank or one.content in made],
                   prefix, named_tokens(config))  # fmt: skip
    added = {one.content: one.id for one in listed if one.content not in texts}
    encoder, symbols = content_encoder(path, document, model, listed, texts)
    return TokenizerFiles(
        folder=folder,
        encoder=encoder,
        document=MappingProxyType(document),
        config=MappingProxyType(config),
        added=MappingProxyType(added),
        vocab_size=1 + max((*model.vocab.values(), *(one.id for one in listed))),
        digest=_digest(document, model),
        normalizes=symbols.composes,
        sentencepiece=is_sentencepiece(document),
        prefix=prefix,
        swallowing=frozenset(one.content for one in listed if one.swallows),
        chat_template=source,
        stops=_stops(folder, config, added),
        symbols=symbols,
    )


def tokens_beyond(files: TokenizerFiles, base: TokenizerFiles) -> tuple[str, ...] | None:
    """Return the added tokens that a tokenizer has and its base's has not.

    None: they differ in anything else that decides the ids of a text.

    Raises:
        TemplateError: naming the file and what is wrong with it.
    """
    path, known = files.folder / "tokenizer.json", base.folder / "tokenizer.json"
    listed = read_added_tokens(path, files.document)
    old = {token.content for token in read_added_tokens(known, base.document)}
    kept = [token.written for token in listed if token.content in old]
    document = {**files.document, "added_tokens": kept or base.document.get("added_tokens")}
    if _digest(document, require_bpe(path, document)) != base.digest:
        return None
    return tuple(token.content for token in listed if token.content not in old)


def read_template(folder: Path | str) -> tuple[str | None, dict[str, object]]:
    """Return a folder's own chat template, if it has one, and its tokenizer's configuration.

    Raises:
        TemplateError: naming the file and what is wrong with it.
    """
    folder = Path(folder)
    path = folder / "tokenizer_config.json"
    config = _read_object(path, _MAX_CONFIG_BYTES) if path.exists() else {}
    return _chat_template(folder, config), config


def full_tokenizer(folder: Path | str) -> Tokenizer:
    """Return the maker's tokenizer as written: it recognises added tokens in text.

    That of the last folder is kept, because a large one takes seconds.

    Raises:
        TemplateError: the file cannot be read.
    """
    path = Path(folder) / "tokenizer.json"
    with guarded(path, "loading"):
        written = path.stat()
        return _full_tokenizer(path, written.st_mtime_ns, written.st_size)


@lru_cache(maxsize=1)
def _full_tokenizer(path: Path, *_: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read_object(path: Path, limit: int) -> dict[str, object]:
    try:
        size = path.stat().st_size
        if size > limit:
            raise TemplateError(f"{path}: {size} bytes, but at most {limit} are read")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise TemplateError(
            f"{path}: {error.strerror}; give a folder that holds {path.name} and may be read"
        ) from error
    except (ValueError, RecursionError) as error:
        raise TemplateError(f"{path}: not JSON: {error}; download the file again") from error
    if not isinstance(value, dict):
        raise TemplateError(f"{path}: holds {type(value).__name__}; a JSON object is due")
    return value


def _texts(
    listed: Sequence[AddedToken], prefix: Prefix, controls: Collection[str]
) -> frozenset[str]:
    """Return which of some added tokens are text."""
    # Where a blank is put after every token, nobody could tell it from one of the text.
    kept = prefix is not Prefix.ALWAYS
    return frozenset(
        one.content
        for one in listed
        if one.is_blank or (kept and one.is_ordinary and one.content not in controls)
    )


def _digest(document: Mapping[str, object], model: Model) -> str:
    parts = ("model", "normalizer", "pre_tokenizer", "decoder", "added_tokens")
    decisive = {name: document.get(name) for name in parts}
    decisive["model"] = {**model.written, "merges": model.pairs()}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _chat_template(folder: Path, config: Mapping[str, object]) -> str | None:
    path = folder / "chat_template.jinja"
    source: object = config.get("chat_template")
    if path.exists():
        with guarded(path, "reading"):
            source = path.read_bytes().decode("utf-8")
    if isinstance(source, list):
        named = {e.get("name"): e.get("template") for e in source if isinstance(e, dict)}
        if "default" not in named:
            raise TemplateError(
                f"{folder / 'tokenizer_config.json'}: its chat templates are called "
                f"{', '.join(map(str, named)) or 'nothing'}, and none is the default; put the one "
                "that serving uses into chat_template.jinja"
            )
        source = named["default"]
    if source is None:
        return None
    where = path if path.exists() else folder / "tokenizer_config.json"
    if isinstance(source, str) and not source.strip():
        raise TemplateError(
            f"{where}: the chat template is empty; put its maker's into it, or remove it"
        )
    if not isinstance(source, str):
        raise TemplateError(f"{where}: the chat template is {type(source).__name__}; a text is due")
    if len(source) > _MAX_TEMPLATE_CHARS:
        raise TemplateError(
            f"{where}: the chat template has {len(source)} characters; at most "
            f"{_MAX_TEMPLATE_CHARS} are read"
        )
    return source


def _stops(
    folder: Path, config: Mapping[str, object], added: Mapping[str, int]
) -> tuple[int, ...] | None:
    """What generation stops on, as transformers reads it; None where nothing says it.

    A ``generation_config.json`` that is there has the only say: without ``eos_token_id`` in it
    transformers writes on for ever, whatever ``config.json`` says.
    """
    for name in (_GENERATION, "config.json"):
        path = folder / name
        if not path.exists():
            continue
        value = _read_object(path, _MAX_CONFIG_BYTES).get("eos_token_id")
        if value is None and name == _GENERATION:
            return None
        if value is None:
            continue
        stops = value if isinstance(value, list) else [value]
        if not stops or not all(is_id(stop) for stop in stops):
            raise TemplateError(
                f"{path}: eos_token_id={value!r} must be the id of a token, or a list of ids"
            )
        return tuple(stops)
    named = token_text(config.get("eos_token"))
    return (added[named],) if named in added else None
