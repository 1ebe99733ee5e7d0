"""The rule of each gate: what a policy says of it, closed and checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from evalsuite.cases import Kind, Language
from evalsuite.files.closedschema import Closed
from evalsuite.files.wording import Wording
from evalsuite.gates.part import Part, Topic
from evalsuite.gates.verdict import Tier

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


class PolicyPart(Closed):
    """Any mapping of a policy."""

    wording = Wording(missing="{path!r} is missing; add it (shipped policies show a value)")


class Limit(PolicyPart):
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

    @property
    def groups(self) -> tuple[Part, ...]:
        """The groups that ``only`` names."""
        return tuple(Part.of_group(Topic(self.by.value), key) for key in self.only)

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


class GateRule(PolicyPart):
    """What every gate has."""

    enabled: bool = True
    tier: Decides = Tier.BLOCKING


class Origin(StrEnum):
    """What is asked of an adapter that does not say where it comes from."""

    REQUIRED = "required"
    """It cannot pass: nothing ties it to its base and its chat template."""
    OPTIONAL = "optional"
    """The checks against its own record are left out; all others hold for it too."""


class Beside(StrEnum):
    """What it means that a file beside an adapter contradicts what the adapter is gated with."""

    COMPARED = "compared"
    """It cannot pass: which of the two is served has to be settled first."""
    REQUIRED = "required"
    """It fails."""
    IGNORED = "ignored"
    """Nothing is compared: servers are known to take the base's files."""


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
    endings: Limit | None = None
    """Answers that were cut off at their longest length; None: they are counted and told."""
    beside: Beside = Beside.COMPARED
    """Tokenizer, chat template and name of a base in the adapter's folder (docs/adapters.md)."""


class PanelRule(ClusteredRule):
    """A gate that samples cases."""

    panel: Panel
    """Cases to sample for each language."""


class GoldenRule(PolicyPart):
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


class WordsRule(PolicyPart):
    """How many more words than the baseline's the candidate's rewrites may lose, and add, where
    people worded the accepted rewrites as they liked: one rewrite alone shows nothing there."""

    limit: Share
    """0.02 means two words in a hundred, on average over the cases of a set."""
    tier: Decides = Tier.ADVISORY


RewritePart = Literal["named", "kept", "form", "untouched"]
"""A part of a rewrite (:class:`evalsuite.rewrites.Part`), by its name in files."""


class TurnsRule(PolicyPart):
    """The same rewrites with the history as turns and packed into one text; never decisive."""

    limit: Share
    """How much more often a rewrite may be wrong where the history is sent as turns."""
    panel: Panel
    """Cases of the panel that are asked both ways, for each language."""


class PronounRule(PanelRule):
    """Limits on rewrites that are not right."""

    decides: Annotated[tuple[RewritePart, ...], Field(min_length=1)] = (
        "named",
        "kept",
        "form",
        "untouched",
    )
    """What a rewrite is counted as failed for; what is left out is shown and never decides."""
    failure_rate: Limit
    """Of each way in which they are wrong too, which is shown and never decides."""
    non_inferiority: Limit
    """How much more often than the baseline the candidate may fail."""
    words: WordsRule | None = None
    """Absent: shown against the margin of ``non_inferiority``."""
    as_turns: TurnsRule | None = None
    """Absent: not measured."""
    goldens: GoldenRule
    advisory_kinds: tuple[Kind, ...] = ()
    """Kinds that are run and shown, and left out of every blocking part."""
    slices: tuple[SliceLimit, ...] = ()

    @model_validator(mode="after")
    def _slices_decide(self) -> Self:
        named = {group.kind for rule in self.slices for group in rule.groups}
        both = sorted(named & {kind.value for kind in self.advisory_kinds})
        if both:
            raise ValueError(f"slices name {both}, which advisory_kinds sets aside; keep one")
        return self


class SkillRule(PolicyPart):
    """How much of the base's skills may be lost."""

    macro: Limit
    """Mean over the skills of one language, each with the same say."""
    single: Limit
    """Any one skill in one language."""
    seeded: Annotated[tuple[str, ...], Field(min_length=1)]
    """Seeded skills to measure: those that the base really has."""
    floor: Share = 0.5
    """How much of what guessing leaves to know the base knows, or it lacks the skill: what it lacks
    cannot be forgotten, and decides nothing. Where it has no skill at all nothing is proven."""
    suites: tuple[str, ...] = ()
    """Further suites, beside the seeded ones: files of rows, or of cases."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        twice = sorted({name for name in self.seeded if self.seeded.count(name) > 1})
        if twice:
            raise ValueError(f"seeded names {', '.join(twice)} twice; keep one")
        return self


class NatsLimit(PolicyPart):
    """How much worse general text may be predicted, in nats per token."""

    limit: Nats
    """Passed when the upper bound lies within this."""
    harm: Nats
    """Failed when the loss exceeds this and its lower bound exceeds ``limit``."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.harm < self.limit:
            raise ValueError(f"harm={self.harm} must not be below limit={self.limit}")
        return self


class TextSource(StrEnum):
    """Which general texts are sampled."""

    STORIES = "stories"
    """Drawn, of the words that the embedded base knows."""
    PASSAGES = "passages"
    """Short passages of many sorts, as people write; 200 in each language."""


class TextRule(NatsLimit):
    """How much worse general text may be predicted, and which texts."""

    panel: Panel
    """Texts to sample for each language."""
    source: TextSource = TextSource.STORIES
    """What they are."""
    files: dict[Language, tuple[str, ...]] = Field(default={})
    """Further texts: UTF-8 files, one text per paragraph."""


class DivergenceRule(PolicyPart):
    """How far the candidate may drift from the base, label-free; shown, and never decisive."""

    limit: Nats
    """On general prompts, in nats per token."""
    task_limit: Nats
    """On prompts of the task, where it is meant to answer otherwise."""
    panel: Panel
    """General prompts to draw for each language that the policy asks for, and as many of the
    task's; suites of rule ``divergence`` come on top."""
    max_tokens: Annotated[int, Field(ge=1, le=1024)] = 64
    """How much the base says to a prompt."""


class ForgettingRule(PanelRule):
    """Limits on what is lost against the base; languages are never pooled."""

    skills: SkillRule
    text: TextRule
    divergence: DivergenceRule | None = None
    """Absent: not measured."""


class SlicedLimit(Limit):
    """A limit, and those of groups of the same cases."""

    slices: tuple[SliceLimit, ...] = ()


class FlipRule(PolicyPart):
    """Golden cases that the champion gets right and the candidate does not."""

    limit: Share
    """The largest share of a set's cases that may be lost."""
    minimum: PositiveInt
    """A set with fewer cases decides nothing."""


class RegressionRule(ClusteredRule):
    """Margins against the champion, on what the other gates ask; without a champion, against the
    base."""

    leakage: SlicedLimit
    """Of ``example_leakage``: the worst of what was copied and what changed."""
    pronouns: SlicedLimit
    """Of ``pronoun_resolution``."""
    skills: Limit
    """Of ``forgetting``: mean over the skills of one language, each with the same say."""
    text: NatsLimit
    """Of ``forgetting``: general text of one language."""
    goldens: FlipRule
    """Of each golden set, whose tier is that of ``pronoun_resolution``."""


class GateRules(PolicyPart):
    """The rule of each gate."""

    liveness: LivenessRule
    template_round_trip: TemplateRule
    example_leakage: LeakageRule
    pronoun_resolution: PronounRule
    forgetting: ForgettingRule
    regression: RegressionRule | None = None
    """Absent: candidates are not compared with a champion."""

    @property
    def by_language(self) -> dict[str, Mapping[Language, object]]:
        """Everything that is judged by language, by its path in the policy."""
        return {
            "example_leakage.panel": self.example_leakage.panel,
            "pronoun_resolution.panel": self.pronoun_resolution.panel,
            "forgetting.panel": self.forgetting.panel,
            "forgetting.text.panel": self.forgetting.text.panel,
            "forgetting.text.files": self.forgetting.text.files,
        }

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

    @model_validator(mode="after")
    def _compared_slices_decide(self) -> Self:
        slices = () if self.regression is None else self.regression.pronouns.slices
        named = {group.kind for rule in slices for group in rule.groups}
        both = sorted(named & {kind.value for kind in self.pronoun_resolution.advisory_kinds})
        if both:
            raise ValueError(
                f"regression.pronouns.slices name {both}, which advisory_kinds of "
                "pronoun_resolution sets aside; keep one"
            )
        return self
