"""What every chat template promises: the types and the protocol, no family in particular."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from evalsuite.conversation import Conversation
from evalsuite.errors import TemplateError
from evalsuite.template.wire import Trim


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as token ids, and which of them a model is trained to produce.

    Raises:
        TemplateError: the two differ in length.
    """

    ids: tuple[int, ...]
    loss_mask: tuple[bool, ...]
    """Same length as ``ids``; True exactly on assistant content and its stop token."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(self.ids))
        object.__setattr__(self, "loss_mask", tuple(self.loss_mask))
        if len(self.ids) != len(self.loss_mask):
            raise TemplateError(
                f"{len(self.ids)} ids but {len(self.loss_mask)} mask values; build both in one pass"
            )


class PropertyStatus(StrEnum):
    """What a check of one property found."""

    HOLDS = "holds"
    """Every conversation tried satisfies the property."""
    VIOLATED = "violated"
    """At least one does not; ``detail`` describes the smallest."""
    DECLARED = "declared"
    """Something was compared, and the property holds within a limit that ``detail`` states."""
    UNTESTED = "untested"
    """Nothing was compared, so it neither holds nor is refuted; ``detail`` says why."""


class Equivalence(StrEnum):
    """What a family loses on the wire; whatever else parsing does not give back is a defect."""

    NFC = "Unicode NFC"
    """The tokenizer composes characters."""
    BLANKS = "▁ is a blank"
    """SentencePiece writes blanks as ▁."""
    STRIPPED = "stripped"
    """White space around a content is not carried."""
    SYSTEM_IN_FIRST_USER = "system in the first user message"
    """Nobody can tell where the system message ends."""
    SYSTEM_IN_LAST_USER = "system in the last user message"
    """The same, and it moves on with every turn."""
    DEFAULT_SYSTEM = "a system message that the format says anyway"
    """Nobody can tell it from none."""


class Property(StrEnum):
    """What a chat template must keep, by the name that reports and scores use."""

    PREFIX = "R1 prefix"
    MASK = "R2 mask"
    NO_FORGED_CONTROL = "R3 no forged control"
    PARSE_BACK = "R4 parse back"
    SYSTEM_ONCE = "R5 system once"
    STABLE = "R6 stable"
    NO_SILENT_DROP = "R7 no silent drop"
    TRUNCATION = "R8 truncation"
    BOS_AND_STOP = "R9 one BOS, right stop"
    TRAIN_EQUALS_SERVE = "R10 train equals serve"
    OWN_TEMPLATE = "own template"
    """The ids are those of the folder's own template."""

    @property
    def number(self) -> str:
        """``R1`` to ``R10``; ``own`` for the one without a number."""
        return self.value.partition(" ")[0]

    @property
    def needs_provenance(self) -> bool:
        """Whether only an adapter that records its training can be asked."""
        return self is Property.TRAIN_EQUALS_SERVE


@dataclass(frozen=True, slots=True)
class PropertyResult:
    """One property of a template, checked."""

    name: Property
    status: PropertyStatus
    detail: str


@runtime_checkable
class ChatTemplate(Protocol):
    """Turns conversations into token ids and back; one object per tokenizer folder."""

    family: str
    """Key of the table of families."""
    stop_id: int
    """The id that ends an assistant turn; generation stops on it."""
    pad_id: int
    bos_id: int | None
    """The id every render starts with, or None where the family has none."""
    vocab_size: int
    """One more than the largest id of the tokenizer; a model may have more rows than this."""
    control_ids: Mapping[str, int]
    """Every added token of the tokenizer. Text can never become one of these ids."""
    source: Path | None
    """The folder it was loaded from."""
    generation_stops: tuple[int, ...] | None
    """The ids that generation stops on by that folder's word, or None where it says nothing."""
    keeps_prefixes: bool
    """Whether the prompt of every turn is a prefix of the render of the whole dialogue."""
    bos_each_turn: bool
    """Whether every user message starts with ``bos_id``, and not the render alone."""
    arguments: Mapping[str, bool]
    """What the maker's own template is given to speak this family."""
    reserved: tuple[str, ...]
    """Texts that the maker's own template reacts to; a content that holds one is refused."""
    distinct: bool
    """Whether two equal messages are refused: the maker's own template takes them for one."""
    prompts_only: bool
    """Whether the maker's text leaves the system message out of a dialogue."""
    open_end: bool
    """Whether the maker's text of a dialogue lacks the stop token of its last answer."""
    parts: bool
    """Whether the maker's own template is given contents as lists of parts."""
    first_user_differs: bool
    """Whether the first user message looks different when there is a system message."""

    def thought(self, ids: Sequence[int]) -> int:
        """Return how many ids at the start of a generated answer are thoughts, and no answer.

        All of them, where a thought was begun and not ended.
        """

    @property
    def blocks(self) -> Mapping[str, str]:
        """The format in the notation of families, by the name of each block."""

    def trim(self, conversation: Conversation, index: int) -> Trim:
        """Return what a message loses of the white space at its ends, as the format declares."""

    @property
    def equivalences(self) -> tuple[Equivalence, ...]:
        """What parsing does not give back."""

    @property
    def default_system(self) -> str | None:
        """The system message that nobody can tell from none, because the format says it anyway."""

    @property
    def system_joint(self) -> str:
        """What stands between a system message and the user's in one turn; empty: they do not."""

    @property
    def says_by_itself(self) -> str | None:
        """What stands in front of a conversation without a system message only; None: nothing."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that decides the bytes of a render."""

    @property
    def canonical_tokens(self) -> tuple[str, ...]:
        """A fixed conversation rendered: id and text of each token, for people to compare."""

    def refusal(self, conversation: Conversation) -> str | None:
        """Return why this family cannot carry a conversation that others can; None: it can."""

    def carried(self, conversation: Conversation) -> Conversation:
        """Return a conversation as this family can carry it.

        Where it has no place for a system message, that goes in front of the first user message,
        with an empty line between them, as people do who serve such models.
        """

    def render(self, conversation: Conversation) -> Rendered:
        """Return the render of all turns.

        Raises:
            InvalidConversation: the turns do not alternate, naming the first out of order, or
                :meth:`refusal` says why not.
            TemplateError: a content that no token sequence can carry.
        """

    def samples(self, conversation: Conversation) -> tuple[Rendered, ...]:
        """Return what to train on, so that every answer is learned once, after its own prompt.

        One sample where prompts are prefixes of the whole render, else one for each answer.
        """

    def prompt(self, conversation: Conversation) -> tuple[int, ...]:
        """Return the ids of a history that ends with the user, plus the generation header.

        It is a token prefix of the sample in which the answer is learned.

        Raises:
            InvalidConversation: as :meth:`render`, or the last message is not the user's.
        """

    def uncut(self, conversation: Conversation) -> tuple[int, ...]:
        """Return the ids of a prompt or a dialogue as the maker's whole text gives them.

        :meth:`prompt` and :meth:`render` give the same, but where the end of an answer's header
        and the answer's beginning make one token, such as two line breaks: no prompt can end inside
        a token, so training and serving cut there.
        """

    def parse(self, ids: Sequence[int]) -> Conversation:
        """Return the conversation that ``render`` or ``prompt`` gave these ids.

        It is the same up to :attr:`equivalences`.

        Raises:
            TemplateError: the ids are no render, naming the first id out of place.
        """

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the ids of plain content; control text in it stays plain text."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of answer ids; control tokens stay visible."""

    def answer(self, ids: Sequence[int]) -> str:
        """Return what a generated answer says: its text without what the format puts around it.

        Blanks of the format and leading thoughts are left out; other control tokens stay visible.
        Empty where a thought was begun and not ended.
        """

    def answer_ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of an answer as a model has to say it, without the stop token."""

    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        """Drop the oldest turns until prompt (or render) is at most ``max_tokens`` ids long.

        Raises:
            ContextOverflow: the system message and the last user turn alone are longer.
        """

    def check(self) -> list[PropertyResult]:
        """Check every property over a built-in adversarial set of conversations."""
