"""What one run of the gates recorded: plain frozen values, and nothing that reads or writes.

Reports, promotions and comparisons see a run through these types only, so that none of them needs
an engine, a detector or a gate. :mod:`evalsuite.runfolder` keeps them in a folder.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import ConfigDict, JsonValue

from evalsuite.cases import Case, Expectation
from evalsuite.conversation import Message
from evalsuite.detectors.score import Score
from evalsuite.errors import RunError
from evalsuite.gates.verdict import SliceVerdict, Status, Tier, Verdict

__all__ = [
    "AdapterInfo",
    "BaseInfo",
    "CaseRow",
    "Counts",
    "EngineInfo",
    "FileInfo",
    "OutputRow",
    "PolicyInfo",
    "RunFile",
    "RunInfo",
    "ScoreRow",
    "Side",
    "SliceVerdict",
    "SpanRow",
    "Status",
    "Tier",
    "Unit",
    "Verdict",
]

_CLOSED = ConfigDict(extra="forbid", strict=True)


class Side(StrEnum):
    """Whose answer it is."""

    CANDIDATE = "candidate"
    """The adapter under test."""
    BASELINE = "baseline"
    """What it is compared with: the bare base model, or the champion."""


class Unit(StrEnum):
    """What a score's value counts."""

    DEFECT = "defect"
    """0.0 is good, 1.0 is a defect."""
    NATS = "nats"
    """A loss per token; only differences between the sides mean something."""


def _finite(owner: str, **values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not math.isfinite(value):
            raise RunError(f"{owner}: {name}={value} is not a finite number; use None and say why")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case as it was asked, so that a reader sees what the answer answers."""

    __pydantic_config__ = _CLOSED

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

    @classmethod
    def of(cls, case: Case, *, panel: str, demonstrations: str = "") -> Self:
        """Return the row of a golden or sampled case."""
        return cls(
            panel=panel,
            case_id=case.id,
            language=case.language.value,
            kind=case.kind.value,
            cluster=case.cluster,
            history=case.history,
            query=case.query,
            expect=case.expect,
            source=case.source,
            demonstrations=demonstrations,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRow:
    """One answer of one side.

    Raises:
        RunError: ``logprob`` is not finite.
    """

    __pydantic_config__ = _CLOSED

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

    def __post_init__(self) -> None:
        _finite(f"output of case {self.case_id!r}", logprob=self.logprob)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """Characters ``start`` to ``end`` (exclusive) of an answer, and what is wrong with them."""

    __pydantic_config__ = _CLOSED

    start: int
    end: int
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """What one detector said about one answer.

    Raises:
        RunError: ``value`` is not finite; a missing measurement is None.
    """

    __pydantic_config__ = _CLOSED

    detector: str
    case_id: str
    side: Side
    value: float | None
    """A loss: 0.0 good, 1.0 defect (or nats, see ``unit``); None was not measurable."""
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
        _finite(f"score {self.detector!r} of case {self.case_id!r}", value=self.value)

    @classmethod
    def of(
        cls,
        score: Score,
        case: CaseRow,
        *,
        gate: str,
        unit: Unit = Unit.DEFECT,
        outputs: tuple[str, ...] = (),
    ) -> Self:
        """Return the row of a detector's score on ``case``."""
        return cls(
            detector=score.detector,
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
            unit=unit,
            outputs=outputs,
        )

    @property
    def failed(self) -> bool:
        """Whether this is a defect that a person should look at."""
        return self.unit is Unit.DEFECT and self.value is not None and self.value >= 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseInfo:
    """The base model of a run."""

    __pydantic_config__ = _CLOSED

    name: str
    digest: str
    tokenizer_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """The candidate of a run."""

    __pydantic_config__ = _CLOSED

    path: str
    """The folder as it was given, made absolute."""
    digest: str
    provenance: Mapping[str, JsonValue] | None = None
    """What training wrote beside the weights, or None for a foreign adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInfo:
    """The policy that judged a run."""

    __pydantic_config__ = _CLOSED

    name: str
    digest: str
    resolved: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What answered."""

    __pydantic_config__ = _CLOSED

    name: str
    identity: str
    """Digest of everything but the request that can change an answer."""
    dtype: str
    device: str
    merged: bool = True
    """Whether the adapter was merged into its base."""
    batch_tokens: int | None = None
    """What one batch could hold, where that can change an answer; None: as the device has it."""

    @property
    def circumstances(self) -> str:
        """How it ran, for a reader: ``float32 on cpu``."""
        return f"{self.dtype} on {self.device}{'' if self.merged else ', adapter not merged'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much work the run was."""

    __pydantic_config__ = _CLOSED

    model_calls: int = 0
    cache_hits: int = 0
    cache_misses: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            model_calls=self.model_calls + other.model_calls,
            cache_hits=self.cache_hits + other.cache_hits,
            cache_misses=self.cache_misses + other.cache_misses,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverInfo:
    """A waiver that a run was judged with."""

    __pydantic_config__ = _CLOSED

    gate: str
    reason: str
    by: str
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptInfo:
    """Which attempt of its lineage a run was, and at what confidence it was judged for that."""

    __pydantic_config__ = _CLOSED

    lineage: str
    number: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipsInfo:
    """Cases in which the sides differed at low precision, asked again in float32, one at a time."""

    __pydantic_config__ = _CLOSED

    cases: int
    explained: int | None
    """Those in which the sides agree in float32: the precision did it, not the adapter. None: they
    could not be asked again."""
    left_out: str = ""
    """Why they could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksInfo:
    """When a run looked at its panels, and whether it stopped there."""

    __pydantic_config__ = _CLOSED

    planned: tuple[float, ...]
    """Shares of every panel, rising, without the whole."""
    stopped_at: float | None = None
    """The share after which it was clear that the candidate is blocked; None: asked as a whole."""
    because: tuple[str, ...] = ()
    """``gate/part: reason`` of everything that could not pass any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Everything that a run was made from; what ``run.json`` tells.

    Raises:
        RunError: a time without a time zone, or a timing that is not finite.
    """

    __pydantic_config__ = _CLOSED

    created: datetime
    finished: datetime
    base: BaseInfo
    adapter: AdapterInfo | None
    """None when only the base was looked at."""
    policy: PolicyInfo
    template_fingerprint: str
    prompt_format: str
    demonstrations_digest: str
    cases_digest: str
    circumstances: str = ""
    """SHA-256 of all that can change an answer beside base, adapter, policy and seed."""
    engine: EngineInfo
    seeds: Mapping[str, int] = field(default_factory=dict)
    """Panel name to seed."""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    """Step name to seconds, in the order of the steps."""
    counts: Counts = Counts()
    waivers: tuple[WaiverInfo, ...] = ()
    """Of this candidate, whether they held or not."""
    attempt: AttemptInfo | None = None
    """None when no registry counted attempts."""
    flips: FlipsInfo | None = None
    """None where the run itself is in float32: there is nothing to explain."""
    looks: LooksInfo | None = None
    """None when panels were asked as a whole, without looking before."""
    command: tuple[str, ...] = ()
    """The command line that made the run, as a list of arguments."""

    def __post_init__(self) -> None:
        for name in ("created", "finished"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None:
                raise RunError(f"{name}={moment} has no time zone; use datetime.now(UTC)")
        _finite("run", **{f"timings[{name}]": value for name, value in self.timings.items()})

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of everything that the verdict depends on beside adapter and run files."""
        return {
            f"base {self.base.name}": self.base.digest,
            "tokenizer": self.base.tokenizer_digest,
            f"policy {self.policy.name}": self.policy.digest,
            "chat template": self.template_fingerprint,
            "cases": self.cases_digest,
            "demonstrations": self.demonstrations_digest,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """One file of a finished run."""

    __pydantic_config__ = _CLOSED

    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile(RunInfo):
    """``run.json``: the inputs, and the digests of the files beside it."""

    files: Mapping[str, FileInfo]
    format: Literal["evalsuite.run"] = "evalsuite.run"
    version: Literal[1] = 1
