"""What the steps of a run hand to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from evalsuite.engines import CachingEngine, LivenessReport
from evalsuite.gates import Hopeless, Verdict
from evalsuite.pipeline.inputs import GateRequest, Inputs
from evalsuite.pipeline.questions import Question, Samples
from evalsuite.pipeline.scoring import Answered, Measured
from evalsuite.runs import Counts, FlipsInfo


@dataclass(frozen=True, slots=True)
class Event:
    """Progress: which step is at work, and how far it is."""

    step: str
    done: int = 0
    total: int = 0


Listener = Callable[[Event], None]


@dataclass(slots=True, kw_only=True)
class State:
    """What the steps have made so far; every field is set by one step and then only read."""

    request: GateRequest
    tell: Listener
    inputs: Inputs = field(init=False)
    engine: CachingEngine = field(init=False)
    liveness: LivenessReport = field(init=False)
    samples: Samples = field(init=False)
    questions: tuple[Question, ...] = ()
    answered: tuple[Answered, ...] = ()
    whole: bool = False
    """Whether panels are asked whole, whatever the policy plans."""
    ask_dead: bool = False
    """Whether an adapter that is not alive is asked all the same."""
    hopeless: tuple[Hopeless, ...] = ()
    """Why the run stopped at a look."""
    seen: float = 1.0
    """Share of every panel that was asked."""
    flipped: frozenset[tuple[str, str]] = frozenset()
    """Panel and id of every case that was asked again in float32."""
    flips: FlipsInfo | None = None
    confirming: Counts = field(default_factory=Counts)
    """The work that confirming took."""
    measured: Measured = field(init=False)
    verdicts: tuple[Verdict, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)


def work_of(engine: CachingEngine) -> Counts:
    """Return how much an engine has done so far."""
    return Counts(model_calls=engine.calls, cache_hits=engine.hits, cache_misses=engine.misses)
