"""What a gate is going to ask: prompts and tokens for each side, before a model is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalsuite.generation import Request
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.questions import Question, questions, sample
from evalsuite.pipeline.request import GateRequest
from evalsuite.runs import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one side is asked of one part of the run."""

    side: Side
    panel: str
    """``panel``, a golden set's name, ``skills``, ``texts`` or ``regressions``."""
    prompts: int
    read: int
    """Tokens of prompts, and of texts that are scored; what prompts share is counted each time."""
    written: int
    """Tokens that answers may have at most."""


def plan(request: GateRequest) -> tuple[Share, ...]:
    """Draw everything that a gate would ask, and count it.

    Nothing is asked, no weights are read, no attempt is counted. A policy that looks at a part of
    its panels first may ask less; what the cache knows is not asked again.

    Raises:
        InvalidInput: something a person wrote is wrong.
        ModelError: the base or the adapter must not be used.
        TemplateError: the base has no chat template to ask with.
    """
    inputs = resolve(request)
    return shares(questions(inputs, sample(inputs)))


def summary(planned: Iterable[Share]) -> str:
    """Say on one line what every side is asked."""
    by_side: dict[Side, list[Share]] = {}
    for share in planned:
        by_side.setdefault(share.side, []).append(share)
    return "; ".join(
        f"{side}: {sum(s.prompts for s in found):,} prompts of {sum(s.read for s in found):,} "
        f"tokens, at most {sum(s.written for s in found):,} tokens to write"
        for side, found in by_side.items()
    )


def shares(asked: Iterable[Question]) -> tuple[Share, ...]:
    """Count questions by side and part, in the order in which they are asked."""
    found: dict[tuple[Side, str], list[Request]] = {}
    for question in asked:
        found.setdefault((question.side, question.row.panel), []).append(question.request)
    return tuple(
        Share(
            side=side,
            panel=panel,
            prompts=len(requests),
            read=sum(len(r.prompt) + len(r.target or ()) for r in requests),
            written=sum(r.sampling.max_tokens for r in requests if r.target is None),
        )
        for (side, panel), requests in found.items()
    )
