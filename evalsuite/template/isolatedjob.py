"""What the two processes of an isolated render say to each other, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NotRequired, TypeAlias, TypeVar

from typing_extensions import TypedDict

Told = TypeVar("Told")
Turns: TypeAlias = tuple[tuple[tuple[str, str], ...], bool]
"""Turns as (role, content), and whether an answer is asked for."""


class Raw(TypedDict):
    """A conversation of any roles."""

    turns: Sequence[Sequence[str]]
    """Each a role and a content."""
    asks: bool


class RenderTask(TypedDict):
    """What is to be done to the conversations."""

    folder: str
    own: bool
    """Whether the folder's own template renders, or ours."""
    reactions: bool
    """Whether to try what its source names."""
    family: NotRequired[str | None]
    arguments: NotRequired[dict[str, bool]]
    raw: NotRequired[list[Raw]]
    parts: NotRequired[bool]
    """Whether the template wants contents as lists of parts."""
    infer: NotRequired[bool]
    """Whether to learn the format of the folder's own template, and nothing else."""
    tokens: NotRequired[list[str]]
    """The tokenizer's control tokens, which inference tries as contents."""


class Job(RenderTask):
    """A task with its conversations, its dates and its limits."""

    conversations: list[list[tuple[str, str]]]
    dates: Sequence[str | None]
    """None: without a clock that a template could ask."""
    processor_seconds: int
    memory_bytes: int


class RenderedText(TypedDict, total=False):
    """The text of a conversation by the maker's template, or its ids by ours, or the error."""

    text: str
    ids: list[int]
    error: str


EVERY = "every role"
"""Whose messages all say what a reaction is to."""


class Reaction(TypedDict, total=False):
    """A content, in the message of a role, that a template does something to; or a problem."""

    role: str
    content: str
    problem: str
    clock: str
    """What it decides by the clock."""


class RuleTold(TypedDict, Generic[Told]):
    """A rule: what a value depends on, and each value with what it is due to."""

    features: list[str]
    values: list[tuple[list[bool], Told]]


class FormatTold(TypedDict):
    """A format that was inferred."""

    gaps: list[tuple[str, str, RuleTold[str]]]
    trims: list[tuple[str, RuleTold[tuple[str | None, str | None]]]]
    system: RuleTold[str] | None
    parts: bool
    reserved: list[str]
    distinct: bool


class InferenceTold(TypedDict, total=False):
    """A format, or why there is none."""

    format: FormatTold
    dated: bool
    refused: str
    turns: list[tuple[str, str]] | None
    """The conversation that shows why."""


class RenderAnswer(TypedDict, total=False):
    """What one date gave: for the folder's own template, or for ours."""

    own: list[RenderedText] | None
    """None: the folder ships no template."""
    reactions: list[Reaction]
    fingerprint: str
    renders: list[RenderedText]
    inferred: InferenceTold
