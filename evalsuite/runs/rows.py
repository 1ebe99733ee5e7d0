"""Cases, answers and scores of a run, a row each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from evalsuite.cases import Expectation
from evalsuite.conversation import Message
from evalsuite.detectors import PARTS as DETECTORS_OF_PARTS
from evalsuite.detectors import SHARES, Detector, Score
from evalsuite.errors import RunError
from evalsuite.generation import Finish
from evalsuite.rewrites import Standard
from evalsuite.runs.base import CLOSED, require_finite
from evalsuite.tasks import Task, describe

PANEL, SKILLS, TEXTS, REGRESSIONS = "panel", "skills", "texts", "regressions"
"""Names of the sampled parts and of the regressions; golden sets go by their own names."""
DIVERGENCE = "divergence"
"""The part under which answers of the base are scored: they are no cases."""
PARTS = tuple(part.value for part in DETECTORS_OF_PARTS)
"""The detectors that say in what way a rewrite is wrong, as rows name them."""
PROPERTIES = "template"
"""The panel under which the properties of a template are scored: they are no cases."""
ADVISORY = frozenset(
    {Detector.REFERENCE_LOSS, Detector.DIVERGENCE, Detector.PREFERRED, Detector.AS_TURNS}
)
"""Detectors that are told and that no gate judges."""
CONTROLS = frozenset({Detector.ABSENT_NAMES})
"""Detectors that search for what cannot be there: what they find is a false alarm of the search."""


class Side(StrEnum):
    """Whose answer it is."""

    CANDIDATE = "candidate"
    """The adapter under test."""
    BASELINE = "baseline"
    """The bare base model."""
    CHAMPION = "champion"
    """The adapter that the candidate would replace, where a registry has one."""


class Unit(StrEnum):
    """What a score's value counts."""

    DEFECT = "defect"
    """0.0 is good, 1.0 is a defect."""
    NATS = "nats"
    """A loss per token; only differences between the sides mean something."""
    SHARE = "share"
    """Of words, 0 to 1; only differences between the sides mean something."""

    @classmethod
    def of(cls, detector: Detector) -> Unit:
        """What the values of a detector count."""
        if detector in (Detector.TEXT_LOSS, Detector.REFERENCE_LOSS, Detector.DIVERGENCE):
            return cls.NATS
        return cls.SHARE if detector in SHARES else cls.DEFECT


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case as it was asked, so that a reader sees what the answer answers."""

    __pydantic_config__ = CLOSED

    panel: str
    """The panel or golden set that the case belongs to; ids are unique within it."""
    case_id: str
    language: str
    kind: str
    cluster: str
    history: tuple[Message, ...] = ()
    query: str = ""
    expect: Expectation | None = None
    source: str = ""
    demonstrations: str = ""
    """Name of the demonstration set in the prompt."""
    standard: Standard | None = field(default=None, compare=False)
    """By what its rewrite is judged, which follows from ``expect``; None: no rewrite is asked, or
    the run is of a version before 4."""

    @classmethod
    def of(cls, task: Task, *, panel: str, demonstrations: str = "") -> Self:
        """Return the row of a task, in the part of the run that it belongs to."""
        seen = describe(task)
        return cls(
            panel=panel,
            case_id=seen.id,
            language=seen.language,
            kind=seen.kind,
            cluster=seen.cluster,
            history=seen.history,
            query=seen.query,
            expect=seen.expect,
            source=seen.source,
            demonstrations=demonstrations,
            standard=seen.standard,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRow:
    """One answer of one side.

    Raises:
        RunError: ``logprob`` is not finite.
    """

    __pydantic_config__ = CLOSED

    key: str
    """Content address of the request and the engine; the cache's key. Not unique in a run: two
    cases may ask the same."""
    side: Side
    panel: str
    case_id: str
    prompt_format: str
    text: str
    finish: str
    """Why it ended: ``stop``, ``length`` or ``scored``."""
    logprob: float | None = None
    """Sum over the answer's tokens, in nats."""
    tokens: int = 0
    demonstrations: str = ""
    """Name of the demonstration set in the prompt, where a case is asked with several."""
    answer: str | None = None
    """What the prompt's rule reads out of the text; None: the text is the answer."""
    ids: tuple[int, ...] | None = None
    """The tokens of what was generated; None: it was scored, or the run is of a version before
    6."""

    def __post_init__(self) -> None:
        require_finite(f"output of case {self.case_id!r}", logprob=self.logprob)

    @property
    def generated(self) -> bool:
        """Whether the side wrote this; else a given text was only scored."""
        return self.finish != Finish.SCORED


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One demonstration as a prompt showed it."""

    __pydantic_config__ = CLOSED

    history: tuple[Message, ...]
    query: str
    rewrite: str
    entities: tuple[str, ...] | None = None
    """Names in it that must never turn up in an answer; None: not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationsRow:
    """A set of demonstrations, under the name that outputs give it."""

    __pydantic_config__ = CLOSED

    name: str
    """As :attr:`OutputRow.demonstrations`."""
    shown: tuple[ShownRow, ...]
    """In the order of the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensRow:
    """What a model read and wrote, token by token.

    Raises:
        RunError: ``texts`` is not as long as ``ids``, or ``answer`` lies outside.
    """

    __pydantic_config__ = CLOSED

    key: str
    """Of the output."""
    ids: tuple[int, ...]
    """Prompt, then answer."""
    texts: tuple[str, ...]
    """What each id decodes to by itself."""
    answer: int
    """Index of the answer's first token: training on this answer has loss mask 1 from here on."""
    control: tuple[int, ...] = ()
    """Indices of control tokens."""

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.ids) or not 0 <= self.answer <= len(self.ids):
            raise RunError(
                f"tokens of output {self.key!r}: {len(self.ids)} ids, {len(self.texts)} texts and "
                f"answer={self.answer} do not fit together"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """Characters ``start`` to ``end`` (exclusive) of an answer, and what is wrong with them."""

    __pydantic_config__ = CLOSED

    start: int
    end: int
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """What one detector said about one answer.

    Raises:
        RunError: ``value`` is not finite; a missing measurement is None.
    """

    __pydantic_config__ = CLOSED

    detector: str
    case_id: str
    side: Side
    value: float | None
    """A loss: 0.0 good, 1.0 defect (or nats or a share, see ``unit``); None was not measurable."""
    explanation: str
    spans: tuple[SpanRow, ...] = ()
    cluster: str = ""
    language: str = ""
    kind: str = ""
    panel: str = ""
    gate: str = ""
    """The gate that judges this score; the detector's name where empty."""
    unit: Unit = Unit.DEFECT
    outputs: tuple[str, ...] = ()
    """Keys of the outputs that were looked at; the spans refer to the first."""

    def __post_init__(self) -> None:
        require_finite(f"score {self.detector!r} of case {self.case_id!r}", value=self.value)

    @classmethod
    def of(
        cls,
        score: Score,
        case: CaseRow,
        *,
        gate: str,
        outputs: tuple[str, ...] = (),
    ) -> Self:
        """Return the row of a detector's score on ``case``."""
        return cls(
            detector=score.detector.value,
            case_id=case.case_id,
            side=Side(score.side),
            value=score.value,
            explanation=score.explanation,
            spans=tuple(SpanRow(start=s.start, end=s.end, label=s.label) for s in score.spans),
            cluster=case.cluster,
            language=case.language,
            kind=case.kind,
            panel=case.panel,
            gate=gate,
            unit=Unit.of(score.detector),
            outputs=outputs,
        )

    @property
    def control(self) -> bool:
        """Whether this says how often a search errs, and nothing about the answer."""
        return self.detector in CONTROLS

    @property
    def advisory(self) -> bool:
        """Whether no gate judges this: it is told beside the others."""
        return self.detector in ADVISORY

    @property
    def detail(self) -> bool:
        """Whether this says in what way a rewrite is wrong, which ``right`` has counted already."""
        return self.detector in PARTS

    @property
    def failed(self) -> bool:
        """Whether this is a defect that a person should look at."""
        if self.control or self.value is None:
            return False
        return self.unit is Unit.DEFECT and self.value >= 0.5


def told(scores: Iterable[ScoreRow]) -> tuple[ScoreRow, ...]:
    """The defects among ``scores`` as a person should read them, in their order.

    Of a rewrite that is not right that is each part that is lost: ``right`` says the same at once.
    """
    failed = [score for score in scores if score.failed]
    detailed = {(s.panel, s.case_id, s.side) for s in failed if s.detail}
    return tuple(
        score
        for score in failed
        if score.detector != Detector.RIGHT
        or (score.panel, score.case_id, score.side) not in detailed
    )


def lost_parts(scores: Iterable[ScoreRow]) -> tuple[str, ...]:
    """In what way the rewrites that were scored are wrong, each part once, in their order."""
    lost = {score.detector for score in scores if score.failed and score.detail}
    return tuple(part for part in PARTS if part in lost)
