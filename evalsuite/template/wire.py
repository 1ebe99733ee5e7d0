"""A chat format as data, in the notation in which its renders are recorded.

A family is written as its maker documents it, one block for each message::

    user       «<|im_start|>»user\\n{}«<|im_end|>»\\n
    assistant  «<|im_start|>»assistant\\n⟦{}«<|im_end|>»⟧\\n

``«token»`` is a control token, looked up by its text. ``{}`` is the content. ``⟦ ⟧`` is what a
model learns to say; what stands before it is the header that a prompt ends with, where
``generation`` gives no other. All else, a single brace too, is literal text. From this follow the
training render, its loss mask, the prompt, the parser and truncation:
:mod:`evalsuite.template.rendering` writes none of them down a second time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from evalsuite.errors import TemplateError
from evalsuite.template.notation import Block, Control, Literal, Piece, Slot, parse_block
from evalsuite.template.tokenizerfolder import Prefix, TokenizerFiles


@dataclass(frozen=True, slots=True)
class Trim:
    """White space that a content loses at its ends.

    Each side holds the characters that go, as :meth:`str.strip` takes them; None: every white
    space; empty: nothing.
    """

    left: str | None = ""
    right: str | None = ""

    def __call__(self, content: str) -> str:
        """Return the content without them."""
        if self.left != "":
            content = content.lstrip(self.left)
        return content if self.right == "" else content.rstrip(self.right)


def repeated(contents: Sequence[str]) -> int | None:
    """Return the first message that says what an earlier one says; None: all differ."""
    said = [content.strip() for content in contents]
    return next((at for at, content in enumerate(said) if content in said[:at]), None)


def reserved_in(reserved: Collection[str], content: str) -> str | None:
    """Return the reserved text that a content holds; None: none.

    A text that is reserved in small letters and in capitals is reserved in every mixture.
    """
    folded = content.casefold()
    for text in reserved:
        caseless = text.swapcase() in reserved and text.swapcase() != text
        if text in content or (caseless and text.casefold() in folded):
            return text
    return None


KEPT, STRIPPED = Trim(), Trim(None, None)
_NOTATED = (
    "user", "assistant", "system", "first_user", "last_user", "newest",
    "generation", "begin", "begin_bare", "end",
)  # fmt: skip
_USUAL = {"first_user": "user", "last_user": "user", "newest": "assistant"}
"""The block that one of another place is a variant of."""
_BASES = ("nano", "smollm2")
"""Names of bases, which ``template check`` takes, too."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*(:\w+=(true|false)(,\w+=(true|false))*)?")


@dataclass(frozen=True)
class Wire:
    """One family of chat formats.

    Raises:
        TemplateError: a block that is not in the notation, or that no parser could read back.
    """

    name: str
    """Key of the table of families."""
    source: str
    """Where its maker says so."""
    user: str
    assistant: str
    """With exactly one learned run, which ends with the stop token."""
    system: str | None = None
    """A block of its own; None where the family has none."""
    first_user: str | None = None
    """The first user's block of a conversation with a system message, if that is told there."""
    last_user: str | None = None
    """The last user's block of a conversation with a system message, if that is told there."""
    newest: str | None = None
    """The block of an answer that no user has followed up, where it is written differently."""
    generation: str | None = None
    """What a prompt ends with, where it is not the beginning of an answer's block."""
    begin: str = ""
    """Once, in front of everything."""
    begin_bare: str | None = None
    """The same for a conversation without a system message, where it differs."""
    end: str = ""
    """After a dialogue that ends with an answer."""
    open_end: bool = False
    """Whether the maker's text of a dialogue lacks the token that ends its last answer, and all
    behind it. Ours has them, because a model has to learn to stop."""
    bos: str | None = None
    """The token that every render starts with; None where the family has none."""
    sentencepiece: bool = False
    """Whether its tokenizers write blanks as ▁, in SentencePiece's manner."""
    prefix: Prefix = Prefix.NEVER
    """Where its tokenizers put a blank by themselves; the blocks are written without those."""
    swallows: bool = False
    """Whether its control tokens swallow the white space after them."""
    pattern: str | None = None
    """How its byte-level tokenizers cut text into words, where not as Qwen2.5's do."""
    texts: tuple[str, ...] = ()
    """White space that its tokenizers list among the added tokens."""
    nfc: bool = False
    """Whether its tokenizers bring text to Unicode NFC."""
    strips: bool = False
    """Whether all contents lose the white space around them."""
    trims: tuple[tuple[str, Trim], ...] = ()
    """By the name of a block, ``system`` for the system message wherever it is told: what its
    content loses at its ends, where contents do not all lose the same."""
    delimiters: tuple[str, ...] = ()
    """Plain text that separates messages; no content may hold it, because nobody could tell."""
    parts: bool = False
    """Whether the maker's own template is given contents as lists of one text part."""
    reserved: tuple[str, ...] = ()
    """Texts to which the maker's template reacts; a content that holds one is refused."""
    prompts_only: bool = False
    """Whether the maker's text tells the system message in prompts and leaves it out of a dialogue
    that ends with an answer. Ours tells it in both, because training learns what a prompt asks."""
    distinct: bool = False
    """Whether the maker's template takes equal messages for one; no two may be equal."""
    pad: tuple[str, ...] = ()
    """Tokens for padding, of which the first that exists is used; else it is the stop token."""
    arguments: tuple[tuple[str, bool], ...] = ()
    """What the maker's own template is given to speak this family, where it speaks several."""
    others: tuple[str, ...] = ()
    """Further control tokens of its tokenizers."""
    variant: bool = False
    """Whether another family's tokenizers have its tokens, and are taken for that where a folder
    ships no template."""
    by_name: bool = False
    """Whether no folder tells that it is meant, so that somebody has to say so."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _BASES:
            raise TemplateError(
                f"family {self.name!r}: a name is of small letters, digits, dots and hyphens, and "
                f"not that of a base ({', '.join(_BASES)})"
            )
        for field in _NOTATED:
            try:
                parse_block(getattr(self, field) or "")
            except TemplateError as error:
                raise TemplateError(f"family {self.name}, {field}: {error}") from error
        if self.bos is not None and self.bos not in self.controls:
            raise TemplateError(
                f"family {self.name}: bos={self.bos!r} stands in no block; write it in begin"
            )
        if [self.system, self.first_user, self.last_user].count(None) < 2:
            raise TemplateError(f"family {self.name}: the system message has two places; give one")
        learned = [[p for p in block if p.learned] for block in self.answers]
        for block, run in zip(self.answers, learned, strict=True):
            runs = sum(marked for marked, _ in itertools.groupby(p.learned for p in block))
            ends = bool(run) and isinstance(run[-1], Control)
            if runs != 1 or not ends or not any(_is_content(piece) for piece in run):
                raise TemplateError(
                    f"family {self.name}: the one learned run of an answer must hold {{}} and end "
                    "with the stop token, such as ⟦{}«</s>»⟧"
                )
        frames = (self.begin, self.begin_bare or "", self.end, self.generation or "")
        for text in frames:
            if any(isinstance(piece, Slot) for piece in parse_block(text)):
                raise TemplateError(
                    f"family {self.name}: {text!r} stands around messages and holds none; leave "
                    "out its {}"
                )
        for name, _ in self.trims:
            if name not in _NOTATED:
                raise TemplateError(f"family {self.name}: trims name {name!r}, which is no block")
        for block in self.blocks:
            _check_readable(self.name, block, self.delimiters)
        for merged in (self.first_user, self.last_user):
            if merged is not None and merged.count("{system}") != 1:
                raise TemplateError(
                    f"family {self.name}: {merged!r} must tell the system message once, as "
                    "{system}"
                )
        own = (self.system, self.user, self.assistant, self.newest)
        if any(block is not None and "{system}" in block for block in own):
            raise TemplateError(
                f"family {self.name}: only first_user and last_user may hold {{system}}"
            )

    def read_by(self, swallowing: Collection[str]) -> Wire:
        """Return the format as it is left by tokens that swallow the white space after them.

        Where a content follows such a token they swallow what it begins with, too.
        """
        named = "|".join(map(re.escape, sorted(swallowing)))
        if not named:
            return self
        swallowed = re.compile(rf"(«(?:{named})»[⟦⟧]*)\s+")
        blocks = {name: getattr(self, name) for name in _NOTATED}
        kept: dict[str, Any] = {
            name: swallowed.sub(r"\1", text) for name, text in blocks.items() if text is not None
        }
        reached = re.compile(rf"«(?:{named})»[⟦⟧]*\{{(system)?\}}")
        trims = dict(self.trims)
        for name, text in kept.items():
            for found in reached.finditer(text):
                place = found[1] or name
                trims[place] = replace(self.trim(place), left=None)
        return replace(self, **kept, trims=tuple(trims.items()))

    def trim(self, block: str) -> Trim:
        """Return what a content loses at its ends, by the name of its block."""
        told, usual = dict(self.trims), STRIPPED if self.strips else KEPT
        return told.get(block, told.get(_USUAL.get(block, ""), usual))

    @property
    def loses_blanks(self) -> bool:
        """Whether any content loses white space at its ends."""
        return self.strips or any(trim != KEPT for _, trim in self.trims)

    @property
    def notated(self) -> dict[str, str]:
        """The blocks that there are, by name, in the notation."""
        found = {name: getattr(self, name) for name in _NOTATED}
        return {name: text for name, text in found.items() if text}

    @cached_property
    def stop(self) -> str:
        """The token that ends an answer, and that generation stops on.

        An answer that was followed up may end with another one, which nobody learns to say.
        """
        return next(
            p.text for p in reversed(self.answers[-1]) if isinstance(p, Control) and p.learned
        )

    @cached_property
    def answers(self) -> tuple[Block, ...]:
        """The blocks of an answer: followed up, and newest where that differs."""
        return tuple(parse_block(b) for b in (self.assistant, self.newest) if b is not None)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every block that holds a content."""
        others = (self.user, self.system, self.first_user, self.last_user)
        return (*(parse_block(b) for b in others if b is not None), *self.answers)

    @cached_property
    def controls(self) -> tuple[str, ...]:
        """Every control token of the format, in order of first use."""
        told = (self.begin, self.begin_bare or "", self.end, self.generation or "")
        frames = (parse_block(b) for b in told)
        pieces = (p for block in (*frames, *self.blocks) for p in block)
        return tuple(dict.fromkeys(p.text for p in pieces if isinstance(p, Control)))

    @cached_property
    def system_block(self) -> Block:
        """The block of a system message; empty where it has none of its own."""
        return parse_block(self.system or "")

    @cached_property
    def merges_system(self) -> bool:
        """Whether nobody can tell the system message from the user's that it is told in."""
        place = self.first_user or self.last_user
        if place is None:
            return False
        block = parse_block(place)
        between = block[block.index(next(p for p in block if isinstance(p, Slot))) + 1]
        return isinstance(between, Literal) and not any(d in between.text for d in self.delimiters)

    @property
    def system_joint(self) -> str:
        """What stands between a system message and the user's in one turn; empty: they do not."""
        place = self.first_user or self.last_user
        if place is None or not self.merges_system:
            return ""
        return place.partition("{system}")[2].partition("{}")[0]

    @cached_property
    def default_system(self) -> str | None:
        """The system message that nobody can tell from none, because the format says it anyway."""
        place = self.system or self.first_user
        if self.begin_bare is None or place is None:
            return None
        before, _, rest = place.partition("{}" if self.system else "{system}")
        before, after = self.begin + before, rest.partition("{}")[0]
        said = self.begin_bare if self.system else self.begin_bare + self.user.partition("{}")[0]
        if not said.startswith(before) or not said.endswith(after):
            return None
        return said[len(before) : len(said) - len(after)].strip() or None

    @property
    def bos_each_turn(self) -> bool:
        """Whether every user message starts with the token that starts the render."""
        return self.bos is not None and Control(self.bos) in parse_block(self.user)

    @property
    def takes_system(self) -> bool:
        """Whether the family has a place for a system message."""
        return (self.system, self.first_user, self.last_user) != (None, None, None)

    @property
    def keeps_prefixes(self) -> bool:
        """Whether every prompt is a prefix of the training render of the whole dialogue.

        Where it is not, a dialogue is one training sample for each of its answers.
        """
        return self.newest is None and self.last_user is None and self.generation is None


def fits(wire: Wire, files: TokenizerFiles) -> bool:
    """Whether a tokenizer could be one of the family's: its kind, and which tokens it has."""
    return (
        wire.sentencepiece is files.sentencepiece
        and all(token in files.added for token in wire.controls)
        and not any(text in files.added for text in wire.delimiters)
    )


def _is_content(piece: Piece) -> bool:
    return isinstance(piece, Slot) and not piece.name


def _check_readable(name: str, block: Block, delimiters: Collection[str]) -> None:
    if sum(_is_content(piece) for piece in block) != 1:
        raise TemplateError(f"family {name}: each block holds its content once; write {{}} once")
    for at, piece in enumerate(block):
        if isinstance(piece, Slot) and not _ends(piece, block[at + 1 :], delimiters):
            raise TemplateError(
                f"family {name}: nothing tells where {{{piece.name}}} ends; a control token or one "
                "of its delimiters must follow"
            )


def _ends(slot: Slot, rest: Block, delimiters: Collection[str]) -> bool:
    """Whether a reader can tell where a content ends by what follows it.

    A system message may run into the user's, which the family then declares.
    """
    for piece in rest:
        if isinstance(piece, Slot):
            return False
        if isinstance(piece, Control) or slot.name:
            return True
        if piece.text.strip():
            return any(text in piece.text for text in delimiters)
    return False
