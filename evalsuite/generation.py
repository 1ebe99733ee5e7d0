"""What is asked of a model and what comes back: the seam between the suite and any engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from evalsuite.conversation import Conversation
from evalsuite.errors import EngineError


class Finish(StrEnum):
    """Why a generation ended."""

    STOP = "stop"
    """The model emitted its stop token."""
    LENGTH = "length"
    """``max_tokens`` was reached first; the text is cut off."""
    SCORED = "scored"
    """Nothing was generated: the target's log-probabilities were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to decode. Greedy unless a temperature is given."""

    max_tokens: int = 64
    temperature: float = 0.0
    seed: int = 0
    """Used only when ``temperature > 0``."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise EngineError(f"max_tokens={self.max_tokens} must be at least 1")
        if not 0.0 <= self.temperature <= 2.0:
            raise EngineError(f"temperature={self.temperature} must lie between 0 and 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One prompt for one side.

    With ``target`` None the engine generates; otherwise it scores ``target`` (token ids that
    would follow ``prompt``) and generates nothing.
    """

    prompt: tuple[int, ...]
    """Token ids, rendered by the template layer with a generation prompt. Never re-tokenised."""
    adapter: str | None = None
    """Digest of the adapter to apply, or None for the bare base model."""
    sampling: Sampling = Sampling()
    target: tuple[int, ...] | None = None
    conversation: Conversation | None = None
    """What ``prompt`` was rendered from; for engines and people that read text."""
    begun: int = 0
    """How many ids at the end of ``prompt`` already belong to the answer, and not to the
    conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What came back for one request."""

    text: str
    """Decoded answer without the stop token; control tokens that the model emitted stay visible."""
    ids: tuple[int, ...]
    """Generated ids without the stop token; for a scored request, the target."""
    finish: Finish
    logprobs: tuple[float, ...] = ()
    """Natural-log probability of each id (and of the stop token, last, when one was emitted)."""

    @property
    def logprob(self) -> float:
        """Sum of the log-probabilities, in nats."""
        return sum(self.logprobs)


@runtime_checkable
class Engine(Protocol):
    """Anything that answers requests, in order, all of them or an exception."""

    @property
    def name(self) -> str:
        """The engine's registered name."""

    @property
    def identity(self) -> str:
        """Digest of everything but the request that can change an answer.

        Weights, tokenizer, template, dtype, device kind, merged or not, library versions.
        """

    def infer(self, requests: Sequence[Request]) -> list[Output]:
        """Answer every request; ``result[i]`` belongs to ``requests[i]``.

        Raises:
            EngineError: inference failed; nothing is returned.
        """
