"""What the steps of a run hand to each other: one frozen record for each step.

Each record holds what the one before it held, and what its own step made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from evalsuite.engines import CachingEngine, LivenessReport, Resident
from evalsuite.gates import Hopeless, Policy, Verdict
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.beside import Aside
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.measurement import Measured
from evalsuite.pipeline.questions import Question, Samples
from evalsuite.pipeline.request import GateRequest
from evalsuite.registry.attempts import Attempt
from evalsuite.runs import Counts, FlipsInfo


@dataclass(frozen=True, slots=True)
class Event:
    """Progress: which step is at work, and how far it is."""

    step: str
    done: int = 0
    total: int = 0
    note: str = ""
    """What a person at a terminal wants to know once; it is no progress."""


Listener = Callable[[Event], None]
NO_WORK = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for; the first step's input."""

    request: GateRequest
    tell: Listener
    whole: bool = False
    """Whether panels are asked whole, whatever the policy plans."""
    ask_dead: bool = False
    """Whether an adapter that is not alive is asked all the same."""
    resident: Resident | None = None
    """Keeps the base loaded between the runs of several candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Asked):
    """Every name is resolved and every file read."""

    inputs: Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Resolved):
    """There is an engine to ask."""

    engine: CachingEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Loaded):
    """It is known whether the adapter is alive."""

    liveness: LivenessReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(Checked):
    """Panels are drawn, and the questions written down for every side."""

    samples: Samples
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Drawn):
    """The attempt is written down."""

    attempt: Attempt | None
    """Which attempt of its lineage this is; None: not counted, and judged as the first."""

    @property
    def judged_by(self) -> Policy:
        """The policy as it judges this attempt."""
        return self.inputs.policy.for_attempt(self.attempt.number if self.attempt else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was answered, and what of it was asked again in float32."""

    answered: tuple[Answered, ...] = ()
    flipped: frozenset[tuple[str, str]] = frozenset()
    """Panel and id of every case that was asked again."""
    flips: FlipsInfo | None = None
    """What that came to; None: nothing had to be."""
    confirming: Counts = NO_WORK
    """The work that it took."""
    confirmed_by: str = ""
    """Identity of the engine that answered again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred(Counted):
    """Every question is answered, up to the look that stopped the run."""

    answers: Answers
    aside: Aside = field(default_factory=Aside)
    """What was measured beside the questions: told, and deciding nothing."""
    hopeless: tuple[Hopeless, ...] = ()
    """Why the run stopped at a look."""
    seen: float = 1.0
    """Share of every panel that was asked."""

    @property
    def answered(self) -> tuple[Answered, ...]:
        """The answers that count."""
        return self.answers.answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored(Inferred):
    """Detectors have looked."""

    measured: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Scored):
    """Every gate is judged."""

    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One measured candidate without its engine: what qualification judges many times."""

    inputs: Inputs
    liveness: LivenessReport
    samples: Samples
    questions: tuple[Question, ...]
    answered: tuple[Answered, ...]
    measured: Measured

    @property
    def policy(self) -> Policy:
        """The policy, as it judges a first attempt."""
        return self.inputs.policy.for_attempt(1)


def held_by(record: Asked) -> dict[str, Any]:
    """The fields of a record by name: what the next record holds as well."""
    # Any, because a mapping has one type for all values. What a step adds is passed by name beside
    # it, and that the type checker does look at.
    return {field.name: getattr(record, field.name) for field in fields(record)}


def work_of(engine: CachingEngine) -> Counts:
    """Return how much an engine has done so far."""
    return Counts(
        model_calls=engine.calls,
        cache_hits=engine.hits,
        cache_misses=engine.misses,
        unsealed=engine.unsealed,
    )
