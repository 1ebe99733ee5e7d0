"""What the gates judge: plain records that the run layer makes from detector scores.

An observation is one case with its loss on every side. Losses are 0 for good and 1 for a defect,
or nats per token; None means that the measurement is missing, which no gate ever takes for good.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evalsuite.detectors import Detector
from evalsuite.errors import InvalidInput
from evalsuite.gates.verdict import Gate, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One case, measured.

    Raises:
        InvalidInput: a loss that is negative or not finite, or an empty id or cluster.
    """

    case_id: str
    """Unique within its list; the same observation given twice counts once."""
    cluster: str
    """Cases that share a cluster (a template, a history) are not independent."""
    language: str
    kind: str
    """The case's kind; of a skill item the skill that it exercises."""
    candidate: float | None
    baseline: float | None = None
    """Needed only where the candidate is compared with the base."""
    champion: float | None = None
    """Needed only where the candidate is compared with a champion."""
    guessed: float = 0.0
    """How often guessing makes this a success: of three answers to choose from, in a third."""
    floor: float | None = None
    """How much of the rest counts as having its skill; None: as the policy says."""

    def __post_init__(self) -> None:
        if not self.case_id or not self.cluster:
            raise InvalidInput(f"case_id={self.case_id!r}, cluster={self.cluster!r}: name both")
        for name in ("candidate", "baseline", "champion"):
            loss = getattr(self, name)
            if loss is not None and not (math.isfinite(loss) and loss >= 0):
                raise InvalidInput(
                    f"case {self.case_id!r}: {name}={loss} must be a finite loss of 0 or more; "
                    "pass None for what could not be measured"
                )


TASK_PROMPTS = "task"
"""The kind of observations on prompts of the task itself, where others are general."""
ByDetector = Mapping[Detector, tuple[Observation, ...]]
"""Cases by what looked at them."""


@dataclass(frozen=True, slots=True)
class Check:
    """A question with a yes or a no."""

    name: str
    ok: bool | None
    """None: it could not be asked."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opponent:
    """Whom the gate ``regression`` compares the candidate with."""

    name: str = "the base"
    """As the sentences of the verdict say it, such as ``the champion (record 3)``."""
    asked: bool = False
    """Whether it answered as a side of its own; else it is the base."""
    because: str = "No champion yet: compared with the base."
    """One sentence that says why it is this one; empty where there is nothing to explain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that one run measured. An empty part makes its gate INCONCLUSIVE."""

    liveness: tuple[Check, ...] = ()
    """Load result, base digest, logits differ from the base, detaching restores the base."""
    literal_leaks: tuple[Observation, ...] = ()
    """Answers that hold a name or phrase of a demonstration."""
    swap_leaks: tuple[Observation, ...] = ()
    """Answers that change when only the demonstrations' entities change."""
    golden_leaks: Mapping[str, tuple[Observation, ...]] = field(default_factory=dict)
    """Either of these in hand-written cases, by set."""
    control_leaks: tuple[Observation, ...] = ()
    """The same search for names that were in no prompt: the detector's false alarms."""
    pronouns: tuple[Observation, ...] = ()
    """The fresh panel, every side."""
    parts: ByDetector = field(default_factory=dict)
    """Of the same panel in what way a rewrite is wrong, each part where it was asked."""
    goldens: Mapping[str, tuple[Observation, ...]] = field(default_factory=dict)
    """Hand-written cases by set; the policy says which sets are blocking."""
    golden_parts: Mapping[str, ByDetector] = field(default_factory=dict)
    """Of these in what way a rewrite is wrong, by set."""
    words: Mapping[str, ByDetector] = field(default_factory=dict)
    """Shares of words lost and new, every side, by set: of cases whose rewrites people worded as
    they liked, so that one rewrite alone shows nothing."""
    template_properties: tuple[Check, ...] = ()
    """Properties of the chat template; a declared exception is ok, with its detail."""
    round_trips: tuple[Observation, ...] = ()
    """Conversations sent through the template and back: loss 1 when they changed."""
    control_tokens: tuple[Observation, ...] = ()
    """The candidate's answers, whatever was asked: loss 1 when one holds a control token."""
    endings: tuple[Observation, ...] = ()
    """The same answers: loss 1 when one was cut off before it ended."""
    skills: tuple[Observation, ...] = ()
    """General-skill items, every side; the kind is the skill."""
    texts: tuple[Observation, ...] = ()
    """General texts, every side, loss in nats per token."""
    divergences: tuple[Observation, ...] = ()
    """What the base answered by chance, candidate and base, loss in nats per token; the kind of
    the task's own prompts is :data:`TASK_PROMPTS`."""
    preferences: tuple[Observation, ...] = ()
    """Questions with a right fact and wrong ones: loss 1 when a wrong one is at least as likely."""
    as_turns: tuple[Observation, ...] = ()
    """The candidate's rewrites twice: as ``candidate`` with the history as turns, as ``baseline``
    with the history packed into one text."""
    regressions: Mapping[tuple[Gate, Tier], tuple[Observation, ...]] = field(default_factory=dict)
    """Histories that broke a candidate once, by the gate they count against: loss 1 when one broke
    this candidate too."""
    opponent: Opponent = Opponent()


def worst_loss(losses: Sequence[float | None], expected: int) -> float | None:
    """Return the worst of one case's losses; None while ``expected`` of them could still show one.

    A silent detector is a missing loss, unless another has found a defect already.
    """
    known = [loss for loss in losses if loss is not None]
    return max(known) if any(known) or len(known) == expected else None


def distinct(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """Return each observation once, ordered by id, so that order and copies change nothing.

    Raises:
        InvalidInput: two different observations share an id.
    """
    by_id: dict[str, Observation] = {}
    for observation in observations:
        known = by_id.setdefault(observation.case_id, observation)
        if known != observation:
            raise InvalidInput(
                f"case_id={observation.case_id!r} stands for two different measurements; give each "
                "its own id, for example with the name of the prompt format behind it"
            )
    return tuple(by_id[case_id] for case_id in sorted(by_id))


def lost_parts(parts: ByDetector) -> dict[str, int]:
    """Return how many of the candidate's rewrites lose each part, where some do."""
    counts = {
        detector.value: sum(case.candidate == 1.0 for case in distinct(cases))
        for detector, cases in parts.items()
    }
    return {name: n for name, n in counts.items() if n}
