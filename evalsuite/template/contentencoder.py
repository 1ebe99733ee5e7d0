"""The tokenizer that encodes contents, made from a ``tokenizer.json`` that is not trusted.

It knows no added token but those that are text, puts no blank in front of anything by itself, and
gives every text back that its symbols can write.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tokenizers import Tokenizer

from evalsuite.errors import TemplateError
from evalsuite.template.addedtokens import AddedToken, is_id
from evalsuite.template.symbols import (
    EVERY_BYTE,
    ORDINARY,
    Symbols,
    byte_level_symbols,
    fallback_symbols,
)

_NFC = ({"type": "NFC"}, {"type": "Sequence", "normalizers": [{"type": "NFC"}]})
_NOTHING = (None, {"type": "Sequence", "normalizers": []})
_BLANK = "▁"
# What SentencePiece's own normaliser becomes: a blank in front, and every blank a ▁.
_PREPEND = {"type": "Prepend", "prepend": _BLANK}
_REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": _BLANK}
_SENTENCEPIECE = (
    _REPLACE,
    {"type": "Sequence", "normalizers": [_REPLACE]},
    {"type": "Sequence", "normalizers": [_PREPEND, _REPLACE]},
)
_CANARY = "Straße 他的内存管理怎么样？\n\n  e\u0301 \U0001f600 <|x|>\t'quoted' \\ 1234 "


class Prefix(StrEnum):
    """Where a tokenizer puts a blank in front of text by itself."""

    NEVER = "never"
    FIRST = "first"
    """In front of a text, unless a token comes first."""
    ALWAYS = "always"
    """And after every added token."""


@contextmanager
def guarded(path: Path, action: str) -> Iterator[None]:
    """Turn whatever the tokenizers package raises, panics included, into a TemplateError."""
    try:
        yield
    except (TemplateError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # a Rust panic derives from BaseException
        raise TemplateError(
            f"{path}: {action} failed: {type(error).__name__}: {str(error)[:200]}; "
            "use the tokenizer files of the model's maker"
        ) from error


@dataclass(frozen=True, slots=True)
class Model:
    """``model`` of ``tokenizer.json``, checked."""

    written: Mapping[str, object]
    vocab: Mapping[str, int]
    merges: Sequence[str | list[str]]
    """Each two texts, or both with a blank between them."""

    def pairs(self) -> list[list[str]]:
        """The merges in the one way of writing them."""
        return [m.split(" ", 1) if isinstance(m, str) else m for m in self.merges]

    def products(self, path: Path) -> frozenset[str]:
        """What the merges make."""
        with guarded(path, "reading model.merges"):
            return frozenset(left + right for left, right in self.pairs())


def require_bpe(path: Path, document: Mapping[str, object]) -> Model:
    """Return the model of a tokenizer that can give every text back.

    Raises:
        TemplateError: it is of another kind, is broken, or changes text.
    """
    model = document.get("model")
    if not isinstance(model, dict) or model.get("type") != "BPE":
        raise TemplateError(
            f"{path}: model.type must be 'BPE', of bytes or with their fallback; use such a one"
        )
    vocab = model.get("vocab")
    if not isinstance(vocab, dict) or not vocab or not all(is_id(v) for v in vocab.values()):
        raise TemplateError(f"{path}: model.vocab must map every token to an id from 0 upwards")
    if not isinstance(model.get("merges"), list):
        raise TemplateError(f"{path}: model.merges must be a list")
    if model.get("dropout"):
        raise TemplateError(
            f"{path}: model.dropout={model['dropout']!r} makes renders random; set it to null"
        )
    if document.get("normalizer") not in (*_NFC, *_NOTHING, *_SENTENCEPIECE):
        raise TemplateError(
            f"{path}: normalizer={document['normalizer']!r} changes text beyond Unicode NFC and "
            "the blanks of SentencePiece; use null or NFC"
        )
    return Model(model, vocab, model["merges"])


def is_sentencepiece(document: Mapping[str, object]) -> bool:
    """Return whether blanks are written as ▁."""
    pre = document.get("pre_tokenizer")
    metaspace = isinstance(pre, dict) and pre.get("type") == "Metaspace"
    return document.get("normalizer") in _SENTENCEPIECE or metaspace


def prefix_of(document: Mapping[str, object]) -> Prefix:
    """Return where the tokenizer puts a blank in front of text by itself."""
    pre = document.get("pre_tokenizer")
    if document.get("normalizer") == _SENTENCEPIECE[-1]:
        return Prefix.ALWAYS
    if not isinstance(pre, dict) or pre.get("type") != "Metaspace":
        return Prefix.NEVER
    scheme = pre.get("prepend_scheme", "always")
    return Prefix(scheme) if scheme in tuple(Prefix) else Prefix.ALWAYS


def _without_prefix(document: Mapping[str, object], model: Model) -> dict[str, object]:
    """Return normalizer, pre-tokenizer and decoder that add and remove no blank by themselves.

    A content is encoded by itself, and a blank in front of it is the business of its family.
    """
    if not is_sentencepiece(document):
        return {}
    changed: dict[str, object] = {}
    pre = document.get("pre_tokenizer")
    if document.get("normalizer") in _SENTENCEPIECE:
        changed["normalizer"] = _REPLACE
    if isinstance(pre, dict) and pre.get("type") == "Metaspace":
        changed["pre_tokenizer"] = {**pre, "prepend_scheme": "never"}
    byte = [{"type": "ByteFallback"}] if model.written.get("byte_fallback") else []
    blank = {"type": "Replace", "pattern": {"String": _BLANK}, "content": " "}
    changed["decoder"] = {"type": "Sequence", "decoders": [blank, *byte, {"type": "Fuse"}]}
    return changed


def content_encoder(
    path: Path,
    document: Mapping[str, object],
    model: Model,
    listed: Sequence[AddedToken],
    texts: Collection[str],
) -> tuple[Tokenizer, Symbols]:
    """Build the content tokenizer: no added token but text, none of their ids in its vocabulary."""
    added = {one.content: one.id for one in listed if one.content not in texts}
    made = model.products(path)
    reachable = [token for token in added if token in made]
    if reachable:
        raise TemplateError(
            f"{path}: ordinary text can become the added token {reachable[0]!r}; "
            "give control tokens a spelling that the merges do not make"
        )
    ids = set(added.values())
    vocab = {token: i for token, i in model.vocab.items() if i not in ids and token not in added}
    symbols = _symbols(document, model, vocab)
    stripped = {**document, **_without_prefix(document, model)}
    told = [one for one in listed if one.content in texts]
    # Where a token is not in the vocabulary, the library gives it an id of its own.
    vocab |= {one.content: one.id for one in told}
    stripped |= {"added_tokens": [one.written for one in told], "post_processor": None}
    stripped |= {"truncation": None, "padding": None, "model": {**model.written, "vocab": vocab}}
    with guarded(path, "loading"):
        encoder = Tokenizer.from_str(json.dumps(stripped))
        _require_lossless(path, encoder, symbols)
    return encoder, symbols


def _symbols(document: Mapping[str, object], model: Model, vocab: Mapping[str, int]) -> Symbols:
    """Return what a vocabulary writes bytes with, where it writes text by its bytes at all."""
    composes = document.get("normalizer") in _NFC
    pre = document.get("pre_tokenizer")
    steps = pre.get("pretokenizers") if isinstance(pre, dict) else None
    several = steps if isinstance(steps, list) else [pre]
    if any(isinstance(step, dict) and step.get("type") == "ByteLevel" for step in several):
        return byte_level_symbols(vocab, composes=composes)
    if model.written.get("byte_fallback"):
        return fallback_symbols(vocab, composes=composes)
    return Symbols(composes=composes)


def _require_lossless(path: Path, encoder: Tokenizer, symbols: Symbols) -> None:
    lacking = [char for char in ORDINARY if not symbols.carries(char)]
    if lacking:
        raise TemplateError(
            f"{path}: model.vocab has no symbol for {lacking[0]!r}, without which no ordinary text "
            "can be carried; download the file again"
        )
    for text in map(symbols.kept, (_CANARY, EVERY_BYTE)):
        back = _back(encoder, text)
        if back not in (text, unicodedata.normalize("NFC", text)):
            raise TemplateError(
                f"{path}: decode(encode(text)) changes text: {text[:30]!r} came back as "
                f"{back[:30]!r}; use a byte-level tokenizer without added prefix spaces"
            )


def comes_back(encoder: Tokenizer, token: str) -> bool:
    """Whether a text that is one token survives, alone and in company."""
    told = (token, token + token, f"a{token}b", f" {token} ", f"\n{token}\n")
    return all(_back(encoder, text) == text for text in told)


def _back(encoder: Tokenizer, text: str) -> str:
    ids = encoder.encode(text, add_special_tokens=False).ids
    return str(encoder.decode(ids, skip_special_tokens=False))
