"""A tokenizer folder, read without trusting it.

This module owns what of ``tokenizer.json`` and its neighbours a template may rely on. The files
may come from anywhere, so every shape is checked, sizes are capped, and the panics that the
``tokenizers`` package raises on malformed input become ordinary errors that name the file.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from tokenizers import Tokenizer

from evalsuite.errors import TemplateError

_MAX_TOKENIZER_BYTES = 64 * 1024 * 1024
_MAX_CONFIG_BYTES = 16 * 1024 * 1024
_MAX_TEMPLATE_CHARS = 200_000
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
# One character for each byte that can occur in UTF-8 text.
_EVERY_BYTE = "".join(
    map(
        chr,
        (
            *range(0x100),
            *range(0x100, 0x800, 0x40),
            *(0x800, *range(0x1000, 0x10000, 0x1000)),
            *(0x10000, *range(0x40000, 0x110000, 0x40000)),
        ),
    )
)
_CANARY = "Straße 他的内存管理怎么样？\n\n  e\u0301 \U0001f600 <|x|>\t'quoted' \\ 1234 "


class Prefix(StrEnum):
    """Where a tokenizer puts a blank in front of text by itself."""

    NEVER = "never"
    FIRST = "first"
    """In front of a text, unless a token comes first."""
    ALWAYS = "always"
    """And after every added token."""


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """What a chat template needs from a tokenizer folder."""

    folder: Path
    encoder: Tokenizer
    """Encodes content: it knows no added token, so no text can become one."""
    document: Mapping[str, object]
    """``tokenizer.json`` as written."""
    config: Mapping[str, object]
    """``tokenizer_config.json``, or empty."""
    added: Mapping[str, int]
    """Every added token and its id, but for those that are white space, which are text."""
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


def read_tokenizer(folder: Path | str) -> TokenizerFiles:
    """Read a tokenizer folder.

    Raises:
        TemplateError: naming the file and what is wrong with it.
    """
    folder = Path(folder)
    path = folder / "tokenizer.json"
    document = _read_object(path, _MAX_TOKENIZER_BYTES)
    config_path = folder / "tokenizer_config.json"
    config = _read_object(config_path, _MAX_CONFIG_BYTES) if config_path.exists() else {}
    model = _require_bpe(path, document)
    added = _added_tokens(path, document)
    encoder = _encoder(path, document, model, added)
    return TokenizerFiles(
        folder=folder,
        encoder=encoder,
        document=MappingProxyType(document),
        config=MappingProxyType(config),
        added=MappingProxyType(added),
        vocab_size=1 + max((*model.vocab.values(), *(one.id for one in _listed(document)))),
        digest=_digest(document, model),
        normalizes=document.get("normalizer") in _NFC,
        sentencepiece=_is_sentencepiece(document),
        prefix=_prefix(document),
        swallowing=frozenset(one.content for one in _listed(document) if one.written.get("rstrip")),
        chat_template=_chat_template(folder, config),
        stops=_stops(folder, config, added),
    )


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


def full_tokenizer(files: TokenizerFiles) -> Tokenizer:
    """Return the maker's tokenizer as written: it recognises added tokens in text."""
    path = files.folder / "tokenizer.json"
    plain = {**files.document, "truncation": None, "padding": None}
    with guarded(path, "loading"):
        return Tokenizer.from_str(json.dumps(plain))


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


@dataclass(frozen=True, slots=True)
class _Model:
    """``model`` of ``tokenizer.json``, checked."""

    written: Mapping[str, object]
    vocab: Mapping[str, int]
    merges: Sequence[str | list[str]]
    """Each two texts, or both with a blank between them."""

    def pairs(self) -> list[list[str]]:
        """The merges in the one way of writing them."""
        return [m.split(" ", 1) if isinstance(m, str) else m for m in self.merges]


@dataclass(frozen=True, slots=True)
class _Added:
    """One of ``added_tokens`` of ``tokenizer.json``, checked."""

    written: Mapping[str, object]
    content: str
    id: int

    @property
    def is_text(self) -> bool:
        """Whether it is text: Gemma's list runs of line breaks and blanks among them."""
        return not self.written.get("special") and not self.content.replace(_BLANK, " ").strip()


def _require_bpe(path: Path, document: Mapping[str, object]) -> _Model:
    model = document.get("model")
    if not isinstance(model, dict) or model.get("type") != "BPE":
        raise TemplateError(
            f"{path}: model.type must be 'BPE', of bytes or with their fallback; use such a one"
        )
    vocab = model.get("vocab")
    if not isinstance(vocab, dict) or not vocab or not all(_is_id(v) for v in vocab.values()):
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
    return _Model(model, vocab, model["merges"])


def _is_sentencepiece(document: Mapping[str, object]) -> bool:
    pre = document.get("pre_tokenizer")
    metaspace = isinstance(pre, dict) and pre.get("type") == "Metaspace"
    return document.get("normalizer") in _SENTENCEPIECE or metaspace


def _prefix(document: Mapping[str, object]) -> Prefix:
    pre = document.get("pre_tokenizer")
    if document.get("normalizer") == _SENTENCEPIECE[-1]:
        return Prefix.ALWAYS
    if not isinstance(pre, dict) or pre.get("type") != "Metaspace":
        return Prefix.NEVER
    scheme = pre.get("prepend_scheme", "always")
    return Prefix(scheme) if scheme in tuple(Prefix) else Prefix.ALWAYS


def _without_prefix(document: Mapping[str, object], model: _Model) -> dict[str, object]:
    """Return normalizer, pre-tokenizer and decoder that add and remove no blank by themselves.

    A content is encoded by itself, and a blank in front of it is the business of its family.
    """
    if not _is_sentencepiece(document):
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


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _added_tokens(path: Path, document: Mapping[str, object]) -> dict[str, int]:
    """Return the added tokens that are no text, after checking all of them."""
    entries = document.get("added_tokens") or []
    if not isinstance(entries, list):
        raise TemplateError(f"{path}: added_tokens must be a list")
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        content = entry.get("content") if isinstance(entry, dict) else None
        if not isinstance(content, str) or not content or not _is_id(entry.get("id")):
            raise TemplateError(f"{path}: added_tokens[{index}] needs a content and an id")
        if content in seen or entry["id"] in seen.values():
            raise TemplateError(f"{path}: added_tokens[{index}] repeats a content or an id")
        seen[content] = entry["id"]
    return {one.content: one.id for one in _listed(document) if not one.is_text}


def _listed(document: Mapping[str, object]) -> list[_Added]:
    """The added tokens, which were checked before."""
    entries = document.get("added_tokens") or []
    assert isinstance(entries, list)
    return [_Added(entry, entry["content"], entry["id"]) for entry in entries]


def _digest(document: Mapping[str, object], model: _Model) -> str:
    parts = ("model", "normalizer", "pre_tokenizer", "decoder", "added_tokens")
    decisive = {name: document.get(name) for name in parts}
    decisive["model"] = {**model.written, "merges": model.pairs()}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _encoder(
    path: Path, document: Mapping[str, object], model: _Model, added: Mapping[str, int]
) -> Tokenizer:
    """Build the content tokenizer: no added token but text, none of their ids in its vocabulary."""
    with guarded(path, "reading model.merges"):
        products = {left + right for left, right in model.pairs()}
    reachable = [token for token in added if token in products]
    if reachable:
        raise TemplateError(
            f"{path}: ordinary text can become the added token {reachable[0]!r}; "
            "give control tokens a spelling that the merges do not make"
        )
    ids = set(added.values())
    vocab = {token: i for token, i in model.vocab.items() if i not in ids and token not in added}
    stripped = {**document, **_without_prefix(document, model)}
    texts = [one for one in _listed(document) if one.is_text]
    # Where a token is not in the vocabulary, the library gives it an id of its own.
    vocab |= {one.content: one.id for one in texts}
    stripped |= {"added_tokens": [one.written for one in texts], "post_processor": None}
    stripped |= {"truncation": None, "padding": None, "model": {**model.written, "vocab": vocab}}
    with guarded(path, "loading"):
        encoder = Tokenizer.from_str(json.dumps(stripped))
        _require_lossless(path, encoder)
    return encoder


def _require_lossless(path: Path, encoder: Tokenizer) -> None:
    for text in (_CANARY, _EVERY_BYTE):
        ids = encoder.encode(text, add_special_tokens=False).ids
        back = encoder.decode(ids, skip_special_tokens=False)
        if back not in (text, unicodedata.normalize("NFC", text)):
            raise TemplateError(
                f"{path}: decode(encode(text)) changes text: {text[:30]!r} came back as "
                f"{back[:30]!r}; use a byte-level tokenizer without added prefix spaces"
            )


def _chat_template(folder: Path, config: Mapping[str, object]) -> str | None:
    path = folder / "chat_template.jinja"
    source: object = config.get("chat_template")
    if path.exists():
        with guarded(path, "reading"):
            source = path.read_bytes().decode("utf-8")
    if isinstance(source, list):
        named = [e for e in source if isinstance(e, dict) and e.get("name") == "default"]
        source = named[0].get("template") if named else None
    if source is None:
        return None
    where = path if path.exists() else folder / "tokenizer_config.json"
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
    """What generation stops on, in the order in which transformers asks for it."""
    for name in ("generation_config.json", "config.json"):
        path = folder / name
        if not path.exists():
            continue
        value = _read_object(path, _MAX_CONFIG_BYTES).get("eos_token_id")
        if value is None:
            continue
        stops = value if isinstance(value, list) else [value]
        if not stops or not all(_is_id(stop) for stop in stops):
            raise TemplateError(
                f"{path}: eos_token_id={value!r} must be the id of a token, or a list of ids"
            )
        return tuple(stops)
    named = token_text(config.get("eos_token"))
    return (added[named],) if named in added else None


def token_text(value: object) -> str:
    """Return the text of a token entry of a tokenizer config: a string or an object."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""
