"""Policies: which gates decide, and every number that they decide by.

No limit, margin or panel size is written in code: a policy is the whole agreement, closed, fixed
before the run and identified by the digest of its resolved form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from evalsuite.cases import Kind, Language
from evalsuite.errors import InvalidInput
from evalsuite.gates.verdict import Gate, Tier

Share = Annotated[float, Field(ge=0, le=1)]
Nats = Annotated[float, Field(ge=0, le=100)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
Decides = Literal[Tier.BLOCKING, Tier.ADVISORY]
"""What a policy may make of a part; only a person waives."""
Panel = Annotated[dict[Language, Annotated[int, Field(ge=1, le=1_000_000)]], Field(min_length=1)]


class Proof(StrEnum):
    """What it takes to pass a limit."""

    BOUND = "bound"
    """The upper confidence bound lies within the limit: proof of no harm."""
    VALUE = "value"
    """The measured value lies within the limit, on at least ``minimum`` cases: a floor for parts
    that are too small to prove anything, beside a gate that proves the whole."""


class SliceBy(StrEnum):
    """What cases are grouped by."""

    KIND = "kind"
    LANGUAGE = "language"
    KIND_LANGUAGE = "kind+language"


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limit(_Closed):
    """The largest failure rate, or loss of success rate, that is accepted."""

    limit: Share
    """0.02 means two cases in a hundred, or two percentage points."""
    proof: Proof = Proof.BOUND
    minimum: PositiveInt = 1
    """Fewer cases than this decide nothing."""


class SliceLimit(Limit):
    """A limit that every group of cases must keep on its own."""

    by: SliceBy
    only: tuple[str, ...] = ()
    """Groups that this rule is about, such as ``ordinal``, ``zh`` or ``ordinal+zh``; empty: all
    groups that no other rule of the same ``by`` names."""
    tier: Decides = Tier.BLOCKING

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        kinds, languages = [kind.value for kind in Kind], [lang.value for lang in Language]
        known = {
            SliceBy.KIND: kinds,
            SliceBy.LANGUAGE: languages,
            SliceBy.KIND_LANGUAGE: [f"{kind}+{lang}" for kind in kinds for lang in languages],
        }[self.by]
        unknown = sorted(set(self.only) - set(known))
        if unknown:
            raise ValueError(f"only={unknown} names no {self.by}; use {', '.join(known[:14])}")
        return self


class GateRule(_Closed):
    """What every gate has."""

    enabled: bool = True
    tier: Decides = Tier.BLOCKING


class Origin(StrEnum):
    """What is asked of an adapter that does not say where it comes from."""

    REQUIRED = "required"
    """It cannot pass: nothing ties it to its base and its chat template."""
    OPTIONAL = "optional"
    """The checks against its own record are left out; all others hold for it too."""


class LivenessRule(GateRule):
    """Every check must hold."""

    minimum: Annotated[int, Field(ge=1, le=6)]
    """Checks, out of six, that must have been asked."""
    provenance: Origin = Origin.REQUIRED
    """For an adapter trained elsewhere, which has no ``evalsuite.json``."""


class ClusteredRule(GateRule):
    """A gate that estimates a rate from cases that come in clusters."""

    assumed_icc: Share
    """Intra-class correlation taken for granted until a panel shows its own."""


class TemplateRule(ClusteredRule):
    """Every property must hold and every conversation must come back: one violation fails."""

    minimum_properties: PositiveInt
    minimum_conversations: PositiveInt
    answers: Limit
    """Answers with a control token in them: the candidate does not end its turn where it should."""


class PanelRule(ClusteredRule):
    """A gate that samples cases."""

    panel: Panel
    """Cases to sample for each language."""


class GoldenRule(_Closed):
    """Hand-written cases: a fixed list, so every case counts and nothing is estimated."""

    sets: Annotated[dict[Name, Decides], Field(min_length=1)]
    """Which sets decide. A set that is not named here is an error, not a surprise."""
    limit: Share
    """The largest share of a set's cases that may fail."""
    minimum: PositiveInt
    """A set with fewer cases decides nothing."""


class LeakageRule(PanelRule):
    """Limits on answers that hold something of the demonstrations."""

    literal: Limit
    swap: Limit
    control: Limit
    """False alarms of the search; shown, never decisive."""
    goldens: GoldenRule
    slices: tuple[SliceLimit, ...] = ()
    """Of the literal leaks."""


class PronounRule(PanelRule):
    """Limits on answers that resolve a reference wrongly."""

    failure_rate: Limit
    non_inferiority: Limit
    """How much more often than the baseline the candidate may fail."""
    goldens: GoldenRule
    advisory_kinds: tuple[Kind, ...] = ()
    """Kinds that are run and shown, and left out of every blocking part."""
    slices: tuple[SliceLimit, ...] = ()

    @model_validator(mode="after")
    def _slices_decide(self) -> Self:
        named = {name.partition("+")[0] for rule in self.slices for name in rule.only}
        both = sorted(named & {kind.value for kind in self.advisory_kinds})
        if both:
            raise ValueError(f"slices name {both}, which advisory_kinds sets aside; keep one")
        return self


class SkillRule(_Closed):
    """How much of the base's skills may be lost."""

    macro: Limit
    """Mean over the skills of one language, each with the same say."""
    single: Limit
    """Any one skill in one language."""
    seeded: Annotated[tuple[str, ...], Field(min_length=1)]
    """Seeded skills to measure: those that the base really has."""
    floor: Share = 0.5
    """The base succeeds at least this often, or nothing is proven: what it lacks cannot be
    forgotten."""
    suites: tuple[str, ...] = ()
    """Further suites: files of cases, beside the seeded ones."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        twice = sorted({name for name in self.seeded if self.seeded.count(name) > 1})
        if twice:
            raise ValueError(f"seeded names {', '.join(twice)} twice; keep one")
        return self


class TextRule(_Closed):
    """How much worse general text may be predicted, in nats per token."""

    limit: Nats
    """Passed when the upper bound lies within this."""
    harm: Nats
    """Failed when the loss exceeds this and its lower bound exceeds ``limit``."""
    panel: Panel
    """Texts to sample for each language."""
    files: dict[Language, tuple[str, ...]] = {}
    """Further texts: UTF-8 files, one text per paragraph."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.harm < self.limit:
            raise ValueError(f"harm={self.harm} must not be below limit={self.limit}")
        return self


class ForgettingRule(PanelRule):
    """Limits on what is lost against the base; languages are never pooled."""

    skills: SkillRule
    text: TextRule


class GateRules(_Closed):
    """The rule of each gate."""

    liveness: LivenessRule
    template_round_trip: TemplateRule
    example_leakage: LeakageRule
    pronoun_resolution: PronounRule
    forgetting: ForgettingRule

    @model_validator(mode="after")
    def _same_sets(self) -> Self:
        both = [set(rule.goldens.sets) for rule in (self.example_leakage, self.pronoun_resolution)]
        apart = sorted(both[0] ^ both[1])
        if apart:
            raise ValueError(
                f"goldens.sets of example_leakage and of pronoun_resolution must name the same "
                f"sets; {apart} stand in one of them only"
            )
        return self


class Looks(_Closed):
    """When a run looks before its panels are complete. A look can only block, never pass."""

    shares: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(min_length=1, max_length=20)
    ]
    """Shares of every panel after which to look, rising."""
    false_block: Annotated[float, Field(gt=0, lt=0.5)]
    """Largest probability to stop a candidate without harm at any of these looks."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.shares) != sorted(set(self.shares)):
            raise ValueError(f"shares={list(self.shares)} must rise")
        return self


class Attempts(StrEnum):
    """What it costs to try again within a lineage."""

    SPEND = "spend"
    """Attempt k may err with ``(1 - confidence) / (k * (k + 1))``: however many are made, the
    probability to pass a bad candidate at any of them stays within ``1 - confidence``."""
    COUNT = "count"
    """They are counted and shown; each is judged at the full confidence."""


class SearchRule(_Closed):
    """What histories a model is held to when somebody searches for one that breaks it.

    A search decides no verdict, so nothing of this is part of the policy's digest.
    """

    operators: tuple[Name, ...] = ()
    """What may be done to a history (docs/search.md); empty: everything."""
    kinds: tuple[Kind, ...] = ()
    """What the harmless part may be about; empty: every kind whose history settles what is meant,
    that is, all but ``unanswerable`` and ``demonstration_lure``."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = tuple(Language)
    skills: bool = True
    """Whether to ask for the seeded skills of ``forgetting`` too, in hostile chats."""
    max_edits: Annotated[int, Field(ge=1, le=16)] = 3
    """Most operators at work in one history."""
    max_demonstrations: Annotated[int, Field(ge=0, le=16)] = 4
    """Most demonstrations in one prompt."""
    max_tokens: PositiveInt | None = None
    """Longest prompt with its answer; None: what the model can attend to."""

    @model_validator(mode="after")
    def _settled(self) -> Self:
        unsettled = {Kind.UNANSWERABLE, Kind.DEMONSTRATION_LURE} & set(self.kinds)
        if unsettled:
            raise ValueError(
                f"kinds={sorted(unsettled)} cannot be searched: what is put around them changes "
                "what is meant; for lures leave the operator lookalike on"
            )
        return self


class Policy(_Closed):
    """The agreement by which a candidate is judged."""

    name: Name
    description: str = ""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """One-sided, of each bound that decides."""
    power: Annotated[float, Field(gt=0, lt=1)]
    """Probability with which the reported smallest detectable difference would have shown."""
    attempts: Attempts = Attempts.COUNT
    looks: Looks | None = None
    """Without, panels are asked as a whole."""
    gates: GateRules
    search: SearchRule = SearchRule()

    @model_validator(mode="after")
    def _something_decides(self) -> Self:
        if not self.required:
            raise ValueError("no gate is enabled and blocking; a policy must be able to say no")
        return self

    @property
    def enabled(self) -> tuple[Gate, ...]:
        """The gates to judge, in order."""
        return tuple(gate for gate in Gate if self.rule(gate).enabled)

    @property
    def required(self) -> tuple[Gate, ...]:
        """The gates without whose verdict nothing passes."""
        return tuple(gate for gate in self.enabled if self.rule(gate).tier is Tier.BLOCKING)

    def for_attempt(self, number: int) -> Policy:
        """Return the policy as it judges that attempt of a lineage, counted from 1.

        Only the confidence changes; the policy's own digest is what a run records.

        Raises:
            InvalidInput: no such attempt.
        """
        if number < 1:
            raise InvalidInput(f"number={number}: attempts are counted from 1")
        if self.attempts is Attempts.COUNT:
            return self
        error = (1 - self.confidence) / (number * (number + 1))
        return self.model_copy(update={"confidence": 1 - error})

    def rule(self, gate: Gate) -> GateRule:
        """Return the rule of ``gate``."""
        rule: GateRule = getattr(self.gates, gate.value)
        return rule

    @property
    def resolved(self) -> dict[str, Any]:
        """The policy with every default filled in, as JSON data."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved policy; see :func:`policy_digest`."""
        return policy_digest(self.resolved)


def policy_digest(resolved: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of a resolved policy as canonical JSON.

    What only a search reads is left out.
    """
    deciding = {key: value for key, value in resolved.items() if key != "search"}
    text = json.dumps(deciding, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def derived_seed(adapter_digest: str, policy_digest: str, circumstances: str) -> int:
    """Return the seed of the panels of an attempt, when nobody chooses one.

    Each attempt meets cases that nobody could tune on, and a second run of it meets the same ones.
    """
    text = f"panel/{adapter_digest}/{policy_digest}/{circumstances}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file, as editors use it."""
    schema = Policy.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
