"""The model asked again: are the answers of a run really those of its adapter?

A run's outputs may have come out of a cache, and ``outputs.jsonl`` is a file like any other. Some
of them are asked for again, without any cache and chosen by chance that nobody could know before.
"""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evalsuite.engines import open_engine
from evalsuite.engines.cache import request_key
from evalsuite.engines.numerics import Dtype
from evalsuite.generation import Output
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.questions import BOTH
from evalsuite.pipeline.recomputation import Recomputed
from evalsuite.runs import CheckInfo, Side
from evalsuite.runs.folder import Run

USUAL = 48
"""Answers that are asked for again unless somebody says otherwise: of a run with one answer in
twenty exchanged, 48 miss all of them once in twelve times; with one in ten, once in 160."""
_CANDIDATES = 0.75
"""Share of the candidate's own among these."""
_NATS = 0.02
"""How far the mean log-probability of a scored token may be off, in float32."""
_LOW_PRECISION = 0.1
"""Share that may differ where an answer depends on its batch, or on another machine's libraries."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking again."""

    n: int
    differing: tuple[str, ...]
    """Answers, and liveness checks, that came out otherwise."""
    exact: bool
    """Whether every answer has to come out the same: float32, and the libraries of the run."""

    @property
    def refuted(self) -> bool:
        """Whether these cannot be the answers of this adapter."""
        allowed = 0 if self.exact else math.floor(_LOW_PRECISION * self.n)
        return len(self.differing) > allowed


def ask_again(
    run: Run, recomputed: Recomputed, n: int, *, rng: random.Random | None = None
) -> Asked:
    """Ask the model again for some answers of a run, and for the liveness of its adapter.

    Args:
        run: the run.
        recomputed: what it was made from.
        n: how many answers.
        rng: chooses them; None: the operating system's chance.

    Raises:
        EngineError: the model cannot be asked here.
    """
    inputs = recomputed.inputs
    chosen = _chosen(run, recomputed.answered, n, rng or secrets.SystemRandom())
    with TemporaryDirectory(prefix="evalsuite-") as folder:
        engine = open_engine(
            inputs.base,
            (inputs.adapter,),
            cache=Path(folder) / "asked.sqlite3",
            numerics=inputs.numerics,
        )
        with closing(engine):
            same_engine = engine.identity == run.info.engine.identity
            liveness = engine.liveness(inputs.adapter.digest)
            outputs = engine.infer([answer.question.request for answer in chosen])
            engine.release()
    exact = same_engine and inputs.numerics.dtype is Dtype.FLOAT32
    differing = [
        f"{answer.question.row.panel}/{answer.question.row.case_id} ({answer.question.side})"
        for answer, output in zip(chosen, outputs, strict=True)
        if not _same(answer.output, output)
    ]
    found = {(check.name.value, check.ok) for check in liveness.checks}
    return Asked(len(chosen), (*_lively(run.info.liveness, found), *differing), exact)


def _lively(recorded: Sequence[CheckInfo], found: set[tuple[str, bool | None]]) -> Iterator[str]:
    for check in recorded:
        if (check.name, check.ok) not in found:
            yield f"liveness check {check.name}"


def _chosen(run: Run, answered: Sequence[Answered], n: int, rng: random.Random) -> list[Answered]:
    """Some of the answers of candidate and base, without what was confirmed in float32."""
    identity = run.info.engine.identity
    by_side: dict[Side, list[Answered]] = {side: [] for side in BOTH}
    for answer in answered:
        question = answer.question
        if question.side in by_side and answer.key == request_key(identity, question.request):
            by_side[question.side].append(answer)
    own = by_side[Side.CANDIDATE]
    mine = rng.sample(own, min(len(own), math.ceil(_CANDIDATES * n)))
    rest = by_side[Side.BASELINE]
    return [*mine, *rng.sample(rest, min(len(rest), n - len(mine)))]


def _same(said: Output, found: Output) -> bool:
    if said.finish is not found.finish or said.ids != found.ids:
        return False
    if not said.logprobs:
        return True  # of what was generated, a run keeps the tokens
    return abs(said.logprob - found.logprob) <= _NATS * len(said.logprobs)
