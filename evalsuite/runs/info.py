"""What a run was made from and how: everything of ``run.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from evalsuite.errors import RunError
from evalsuite.runs.base import CLOSED, require_finite


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseInfo:
    """The base model of a run."""

    __pydantic_config__ = CLOSED

    name: str
    digest: str
    tokenizer_digest: str
    decoding: tuple[str, ...] = ()
    """``name=value`` of everything in its generation_config.json that changes how a server draws
    answers, and that a run leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """The candidate of a run."""

    __pydantic_config__ = CLOSED

    path: str
    """The folder as it was given, made absolute."""
    digest: str
    provenance: Mapping[str, JsonValue] | None = None
    """What training wrote beside the weights, or None for a foreign adapter."""
    beside: tuple[str, ...] = ()
    """What else lies beside them and says how it was trained, one sentence for each thing."""
    contradicted: tuple[str, ...] = ()
    """Those of :attr:`beside` that contradict what the run was made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a candidate that is a whole model is made of; ``adapter`` names its folder and digest.

    An adapter has none.
    """

    __pydantic_config__ = CLOSED

    digest: str
    """SHA-256 over its configuration and weights, as of a base."""
    tokenizer_digest: str
    """The same over its own tokenizer's files and template."""
    files: Mapping[str, str]
    """Relative name to SHA-256 of each file that a server may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInfo:
    """The policy that judged a run."""

    __pydantic_config__ = CLOSED

    name: str
    digest: str
    resolved: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What answered."""

    __pydantic_config__ = CLOSED

    name: str
    identity: str
    """Digest of everything but the request that can change an answer."""
    dtype: str
    device: str
    merged: bool = True
    """Whether the adapter was merged into its base."""
    batch_tokens: int | None = None
    """What one batch could hold, where that can change an answer; None: as the device has it."""
    confirming: str = ""
    """Identity of the engine that answered again in float32; empty where none had to."""
    remarks: tuple[str, ...] = ()
    """What people should know of how the base had to be asked, each a sentence."""

    @property
    def circumstances(self) -> str:
        """How it ran, for a reader: ``float32 on cpu``."""
        return f"{self.dtype} on {self.device}{'' if self.merged else ', adapter not merged'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much work the run was."""

    __pydantic_config__ = CLOSED

    model_calls: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    unsealed: int = 0
    """Of the hits, those that carried no seal (:mod:`evalsuite.engines.sealing`)."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            model_calls=self.model_calls + other.model_calls,
            cache_hits=self.cache_hits + other.cache_hits,
            cache_misses=self.cache_misses + other.cache_misses,
            unsealed=self.unsealed + other.unsealed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingsInfo:
    """How the answers of one side ended."""

    __pydantic_config__ = CLOSED

    answers: int
    """Those that were generated, whatever was asked."""
    cut: int
    """Those that reached their longest length first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverInfo:
    """A waiver that a run was judged with."""

    __pydantic_config__ = CLOSED

    gate: str
    reason: str
    by: str
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageInfo:
    """A lineage that a person added to the registry's list, as the list tells of it."""

    __pydantic_config__ = CLOSED

    name: str
    by: str
    created: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptInfo:
    """Which attempt of its lineage a run was, and at what confidence it was judged for that."""

    __pydantic_config__ = CLOSED

    lineage: str
    number: int
    confidence: float
    named: LineageInfo | None = None
    """None: the lineage of every candidate of the base that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipsInfo:
    """Cases in which the sides differed at low precision, asked again in float32, one at a time."""

    __pydantic_config__ = CLOSED

    cases: int
    explained: int | None
    """Those in which the sides agree in float32: the precision did it, not the adapter. None: they
    could not be asked again."""
    left_out: str = ""
    """Why they could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksInfo:
    """When a run looked at its panels, and whether it stopped there."""

    __pydantic_config__ = CLOSED

    planned: tuple[float, ...]
    """Shares of every panel, rising, without the whole."""
    stopped_at: float | None = None
    """The share after which it was clear that the candidate is blocked; None: asked as a whole."""
    because: tuple[str, ...] = ()
    """``gate/part: reason`` of everything that could not pass any more; :meth:`cause` writes it."""

    @staticmethod
    def cause(gate: str, part: str, reason: str) -> str:
        """Return one entry of :attr:`because`; :attr:`stoppers` reads its gate back."""
        return f"{gate}/{part}: {reason}"

    @property
    def stoppers(self) -> frozenset[str]:
        """The gates because of which the run stopped."""
        # Names of gates hold no slash, those of parts may.
        return frozenset(cause.partition("/")[0] for cause in self.because)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionInfo:
    """The adapter that a candidate was compared with: the champion, or one that a person named."""

    __pydantic_config__ = CLOSED

    path: str
    """Its folder, made absolute."""
    digest: str
    record: str
    """Name of the file that made it the champion; empty for an adapter that a person named and
    that was not the registry's champion then."""
    sequence: int
    """Position of that record in its registry, from 1; 0 where it is not the champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateNumbers:
    """What an earlier promotion said of one gate."""

    __pydantic_config__ = CLOSED

    status: str
    value: float | None
    lower: float | None
    upper: float | None
    limit: float | None
    n: int

    def __post_init__(self) -> None:
        require_finite("an earlier promotion", value=self.value, lower=self.lower)
        require_finite("an earlier promotion", upper=self.upper, limit=self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionInfo:
    """One of the last promotions of the same base, as it stood when the run was made."""

    __pydantic_config__ = CLOSED

    record: str
    sequence: int
    action: str
    """``promote`` or ``rollback``."""
    created: datetime
    adapter: str
    """Digest."""
    policy: str
    """Name of the policy that it passed."""
    gates: Mapping[str, GateNumbers]
    lineage: str = ""
    """SHA-256 of what its attempts have in common; empty where the registry cannot tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptInfo:
    """A prompt of one's own, whole: an answer can be asked for again from the record alone."""

    __pydantic_config__ = CLOSED

    digest: str
    """SHA-256 of the definition as canonical JSON."""
    definition: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInfo:
    """What was found of one question about the adapter, before anything was asked of it."""

    __pydantic_config__ = CLOSED

    name: str
    ok: bool | None
    """None: it could not be asked."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoosenedInfo:
    """A change by which a registry lets pass what it did not before."""

    __pydantic_config__ = CLOSED

    created: datetime
    by: str
    reason: str
    changes: tuple[str, ...]
    """Limit by limit, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPolicyInfo:
    """By what the registry's champions are judged, as it stood when the run was made."""

    __pydantic_config__ = CLOSED

    name: str
    digest: str
    loosened: tuple[LoosenedInfo, ...] = ()
    """Oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedInfo:
    """What was asked for, as far as nothing else in the run says it."""

    __pydantic_config__ = CLOSED

    shown: int
    """Demonstrations in the prompt of a sampled case."""
    worded: str
    """Split of the grammar that words these."""
    champion: str
    """Whom a person wanted the candidate compared with."""
    opponent: str
    """Whom it was compared with, as the sentences of the verdict say it."""
    because: str
    """Why; empty where there is nothing to explain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Everything that a run was made from; what ``run.json`` tells.

    Raises:
        RunError: a time without a time zone, or a timing that is not finite.
    """

    __pydantic_config__ = CLOSED

    created: datetime
    finished: datetime
    base: BaseInfo
    adapter: AdapterInfo | None
    """None when only the base was looked at."""
    policy: PolicyInfo
    template_fingerprint: str
    prompt_format: str
    """Name of the prompt: of a format, where it is one of evalsuite's own."""
    demonstrations_digest: str
    cases_digest: str
    circumstances: str = ""
    """SHA-256 of all that can change an answer beside base, adapter, policy and seed."""
    cases: str = ""
    """Where golden cases lay: their folder, made absolute, or ``shipped with evalsuite VERSION``;
    empty where an older evalsuite made the run."""
    engine: EngineInfo
    seeds: Mapping[str, int] = field(default_factory=dict)
    """Panel name to seed."""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    """Step name to seconds, in the order of the steps."""
    counts: Counts = Counts()
    endings: Mapping[str, EndingsInfo] = field(default_factory=dict)
    """By side; empty where nothing was asked, or an older evalsuite made the run."""
    waivers: tuple[WaiverInfo, ...] = ()
    """Of this candidate, whether they held or not."""
    attempt: AttemptInfo | None = None
    """None when no registry counted attempts."""
    flips: FlipsInfo | None = None
    """None where the run itself is in float32: there is nothing to explain."""
    looks: LooksInfo | None = None
    """None when panels were asked as a whole, without looking before."""
    champion: ChampionInfo | None = None
    """None where the registry has none, or none was asked for."""
    history: tuple[PromotionInfo, ...] = ()
    """The last promotions of this base, oldest first."""
    command: tuple[str, ...] = ()
    """The command line that made the run, as a list of arguments."""
    prompt: PromptInfo | None = None
    """What a prompt of one's own says; None: it is one of evalsuite's own."""
    answer_prompt: PromptInfo | None = None
    """The same of queries that are to be answered."""
    # Left out of an adapter's record, which stays what it was.
    model: Annotated[ModelInfo | None, Field(exclude_if=lambda told: told is None)] = None
    """What the candidate is made of, where it is a whole model; None: it is an adapter."""
    stored: Annotated[Mapping[str, str], Field(exclude_if=lambda told: not told)] = field(
        default_factory=dict
    )
    """How quantised weights are stored (``bitsandbytes, 4 bits``), by the name of the base or the
    folder of the candidate; gated are the plain numbers that they stand for."""
    registry: str | None = None
    """Folder of promotion records, as it was given; None: there was none, or the run is of version
    1 or 2, which do not tell."""
    judging: str = ""
    """SHA-256 of the code that drew, scored and judged; empty before version 6. The same code comes
    to the same verdicts from the same outputs."""
    asked: AskedInfo | None = None
    """None before version 6."""
    registry_policy: RegistryPolicyInfo | None = None
    """None where the registry has none yet, or there is no registry."""
    liveness: tuple[CheckInfo, ...] = ()
    """Everything that was asked about the adapter; empty before version 6."""

    def __post_init__(self) -> None:
        for name in ("created", "finished"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None:
                raise RunError(f"{name}={moment} has no time zone; use datetime.now(UTC)")
        require_finite("run", **{f"timings[{name}]": value for name, value in self.timings.items()})

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
            **{
                f"prompt {prompt.definition['name']}": prompt.digest
                for prompt in (self.prompt, self.answer_prompt)
                if prompt is not None
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """One file of a finished run."""

    __pydantic_config__ = CLOSED

    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile(RunInfo):
    """``run.json``: the inputs, and the digests of the files beside it."""

    files: Mapping[str, FileInfo]
    digest: str = ""
    """SHA-256 of all else in the file as canonical JSON; empty: of a version that wrote none. It
    shows an accident; who forges a run writes another, and is found by what follows from it."""
    format: Literal["evalsuite.run"] = "evalsuite.run"
    version: Literal[1, 2, 3, 4, 5, 6] = 6
    """6 is written, and read as 1 to 5 are: since 2 there may be a champion, a history and an
    annex, since 3 a registry, and where the golden cases came from. Since 4 rewrites are judged as
    ``right`` and by the parts that are lost, where earlier runs have one score
    ``pronoun_resolution``. Since 5 a prompt may be one's own, and outputs tell what its rule reads.
    Since 6 it holds all that its verdicts can be computed from again, and the candidate may be a
    whole model.
    Every version refuses keys that it does not know."""
