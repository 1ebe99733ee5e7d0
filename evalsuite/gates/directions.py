"""In which direction each key of a policy loosens it: one literal table, a row for every key.

A policy is looser than another where a candidate passes it that the other would stop, or where it
sees less of a candidate. What has no such direction (which world is talked about) says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel

from evalsuite.errors import InvalidInput


class Change(StrEnum):
    """What a difference does to a policy."""

    LOOSER = "looser"
    """More candidates pass, or less is seen of them."""
    STRICTER = "stricter"
    """Fewer candidates pass, or more is seen of them."""
    OTHER = "other"
    """Neither for certain, or what differs decides nothing."""

    @property
    def opposite(self) -> Change:
        """The same difference, looked at from the other side."""
        other = {Change.LOOSER: Change.STRICTER, Change.STRICTER: Change.LOOSER}
        return other.get(self, self)


class Shape(StrEnum):
    """How two values of a key are compared."""

    LABEL = "label"
    """Not at all: it is for people."""
    NEUTRAL = "neutral"
    """Whether they differ; no direction."""
    SHOWN = "shown"
    """A rule with keys of its own, which never decides."""
    PART = "part"
    """A mapping with keys of its own, whose absence is looser where it may be absent."""
    NUMBER = "number"
    RANK = "rank"
    """By their place in an order, the strictest first."""
    TIER = "tier"
    """By whether what they are about decides."""
    LIST = "list"
    """By what one holds and the other does not."""
    BY_KEY = "by key"
    """A mapping of numbers, tiers or lists, each compared on its own; one that lacks is looser."""
    RULES = "rules"
    """Rules of groups, compared group by group."""
    GROUPS = "groups"
    """What groups such a rule is about; told where a group is named by one side only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """How to compare two values of one key, and what to say."""

    shape: Shape
    more: Change = Change.OTHER
    """What a larger number, or a list that holds more, does."""
    looser: str = ""
    stricter: str = ""
    """Why; of a neutral key, ``looser`` says why it has no direction."""
    order: tuple[str, ...] = ()
    asks: bool = False
    """It says what is asked, which other gates judge too: it counts though its own decides
    nothing."""

    def why(self, change: Change) -> str:
        """Say why a difference is what it is."""
        return self.stricter if change is Change.STRICTER else self.looser


_LABEL = Direction(shape=Shape.LABEL)
_PART = Direction(shape=Shape.PART)
_SEARCH = Direction(shape=Shape.NEUTRAL, looser="only a search reads it; it decides no verdict")
_TIER = Direction(shape=Shape.TIER, looser="decides no more", stricter="decides now")
_LIMIT = Direction(
    shape=Shape.NUMBER, more=Change.LOOSER, looser="accepts more", stricter="accepts less"
)
_MINIMUM = Direction(
    shape=Shape.NUMBER,
    more=Change.STRICTER,
    looser="fewer cases are enough",
    stricter="it takes more cases",
)
_PANEL = Direction(
    shape=Shape.BY_KEY, more=Change.STRICTER, looser="sees less", stricter="sees more", asks=True
)
_SHOWN_PANEL = Direction(
    shape=Shape.BY_KEY, more=Change.STRICTER, looser="sees less", stricter="sees more"
)
"""Of what no verdict hangs on."""
_RULES = Direction(
    shape=Shape.RULES,
    looser="the group has no limit of its own any more",
    stricter="the group has a limit of its own",
)


def _asked(what: str) -> Direction:
    return Direction(
        shape=Shape.LIST,
        more=Change.STRICTER,
        looser=f"asks fewer {what}",
        stricter=f"asks more {what}",
        asks=True,
    )


DIRECTIONS: Mapping[str, Direction] = MappingProxyType(
    {
        "Policy.name": _LABEL,
        "Policy.description": _LABEL,
        "Policy.confidence": Direction(
            shape=Shape.NUMBER,
            more=Change.STRICTER,
            looser="a bad candidate passes more often",
            stricter="a bad candidate passes less often",
        ),
        "Policy.power": Direction(
            shape=Shape.NEUTRAL, looser="only reports read it; it decides no verdict"
        ),
        "Policy.attempts": Direction(
            shape=Shape.RANK,
            order=("spend", "count"),
            looser="trying again costs nothing",
            stricter="each attempt is judged more severely",
        ),
        "Policy.looks": Direction(
            shape=Shape.PART,
            looser="nothing is stopped before the panels are complete",
            stricter="a candidate may be stopped before the panels are complete",
        ),
        "Policy.languages": _asked("languages"),
        "Policy.tasks": _asked("tasks"),
        "Policy.world": Direction(shape=Shape.NEUTRAL, looser="other conversations are asked"),
        "Policy.gates": _PART,
        "Policy.search": _PART,
        "Looks.shares": Direction(shape=Shape.NEUTRAL, looser="looks at other moments"),
        "Looks.false_block": Direction(
            shape=Shape.NUMBER,
            more=Change.STRICTER,
            looser="stops less readily",
            stricter="stops more readily",
        ),
        "SearchRule.operators": _SEARCH,
        "SearchRule.kinds": _SEARCH,
        "SearchRule.languages": _SEARCH,
        "SearchRule.skills": _SEARCH,
        "SearchRule.max_edits": _SEARCH,
        "SearchRule.max_demonstrations": _SEARCH,
        "SearchRule.max_tokens": _SEARCH,
        "GateRules.liveness": _PART,
        "GateRules.template_round_trip": _PART,
        "GateRules.example_leakage": _PART,
        "GateRules.pronoun_resolution": _PART,
        "GateRules.forgetting": _PART,
        "GateRules.regression": Direction(
            shape=Shape.PART,
            looser="no comparison with the champion",
            stricter="must be no worse than the champion",
        ),
        "GateRule.enabled": Direction(
            shape=Shape.TIER, looser="the gate is switched off", stricter="the gate is switched on"
        ),
        "GateRule.tier": _TIER,
        "LivenessRule.minimum": Direction(
            shape=Shape.NUMBER,
            more=Change.STRICTER,
            looser="fewer checks are enough",
            stricter="it takes more checks",
        ),
        "LivenessRule.provenance": Direction(
            shape=Shape.RANK,
            order=("required", "optional"),
            looser="an adapter without a record of its origin can pass",
            stricter="an adapter without a record of its origin cannot pass",
        ),
        "ClusteredRule.assumed_icc": Direction(
            shape=Shape.NUMBER,
            more=Change.STRICTER,
            looser="intervals are shorter",
            stricter="intervals are longer",
        ),
        "TemplateRule.minimum_properties": _MINIMUM,
        "TemplateRule.minimum_conversations": _MINIMUM,
        "TemplateRule.answers": _PART,
        "TemplateRule.endings": Direction(
            shape=Shape.PART,
            looser="answers that are cut off decide nothing",
            stricter="answers that are cut off have a limit",
        ),
        "TemplateRule.beside": Direction(
            shape=Shape.RANK,
            order=("required", "compared", "ignored"),
            looser="files beside an adapter that contradict its base weigh less",
            stricter="files beside an adapter that contradict its base weigh more",
        ),
        "PanelRule.panel": _PANEL,
        "LeakageRule.literal": _PART,
        "LeakageRule.swap": _PART,
        "LeakageRule.control": Direction(shape=Shape.SHOWN),
        "LeakageRule.goldens": _PART,
        "LeakageRule.slices": _RULES,
        "PronounRule.decides": Direction(
            shape=Shape.LIST,
            more=Change.STRICTER,
            looser="a rewrite fails for less",
            stricter="a rewrite fails for more",
            asks=True,
        ),
        "PronounRule.failure_rate": _PART,
        "PronounRule.non_inferiority": _PART,
        "PronounRule.words": Direction(
            shape=Shape.PART,
            looser="words lost and new are not limited",
            stricter="words lost and new are limited",
        ),
        "PronounRule.as_turns": Direction(shape=Shape.SHOWN),
        "PronounRule.goldens": _PART,
        "PronounRule.advisory_kinds": Direction(
            shape=Shape.LIST,
            more=Change.LOOSER,
            looser="fewer kinds decide",
            stricter="more kinds decide",
            asks=True,
        ),
        "PronounRule.slices": _RULES,
        "ForgettingRule.skills": _PART,
        "ForgettingRule.text": _PART,
        "ForgettingRule.divergence": Direction(shape=Shape.SHOWN),
        "DivergenceRule.limit": _LIMIT,
        "DivergenceRule.task_limit": _LIMIT,
        "DivergenceRule.panel": _SHOWN_PANEL,
        "DivergenceRule.max_tokens": Direction(
            shape=Shape.NUMBER, more=Change.STRICTER, looser="sees less", stricter="sees more"
        ),
        "TurnsRule.limit": _LIMIT,
        "TurnsRule.panel": _SHOWN_PANEL,
        "RegressionRule.leakage": _PART,
        "RegressionRule.pronouns": _PART,
        "RegressionRule.skills": _PART,
        "RegressionRule.text": _PART,
        "RegressionRule.goldens": _PART,
        "Limit.limit": _LIMIT,
        "Limit.proof": Direction(
            shape=Shape.RANK,
            order=("bound", "value"),
            looser="asks for the measured value only, no proof",
            stricter="asks for proof, not only for the measured value",
        ),
        "Limit.minimum": _MINIMUM,
        "SliceLimit.by": Direction(shape=Shape.GROUPS),
        "SliceLimit.only": Direction(
            shape=Shape.GROUPS,
            looser="not named: passes where it has no case",
            stricter="named: does not pass where it has no case",
        ),
        "SliceLimit.tier": _TIER,
        "SlicedLimit.slices": _RULES,
        "GoldenRule.sets": Direction(
            shape=Shape.BY_KEY, looser="decides no more", stricter="decides now", asks=True
        ),
        "GoldenRule.limit": _LIMIT,
        "GoldenRule.minimum": _MINIMUM,
        "FlipRule.limit": _LIMIT,
        "FlipRule.minimum": _MINIMUM,
        "WordsRule.limit": _LIMIT,
        "WordsRule.tier": _TIER,
        "SkillRule.macro": _PART,
        "SkillRule.single": _PART,
        "SkillRule.seeded": _asked("skills"),
        "SkillRule.suites": _asked("suites"),
        "SkillRule.floor": Direction(
            shape=Shape.NUMBER,
            more=Change.LOOSER,
            looser="the base has fewer skills that could be forgotten",
            stricter="the base has more skills that could be forgotten",
            asks=True,
        ),
        "NatsLimit.limit": _LIMIT,
        "NatsLimit.harm": Direction(
            shape=Shape.NUMBER,
            more=Change.LOOSER,
            looser="FAILED later; INCONCLUSIVE until then",
            stricter="FAILED earlier",
        ),
        "TextRule.panel": _PANEL,
        "TextRule.source": Direction(shape=Shape.NEUTRAL, looser="other texts are asked"),
        "TextRule.files": Direction(
            shape=Shape.BY_KEY,
            more=Change.STRICTER,
            looser="sees less",
            stricter="sees more",
            asks=True,
        ),
    }
)
"""``Model.key`` -> its direction. A key stands under the model that declares it."""


def key_of(model: type[BaseModel], name: str) -> str:
    """Return the row of the table that is about a key of a model, or of what it inherits from.

    Raises:
        InvalidInput: there is none.
    """
    rows = (f"{owner.__name__}.{name}" for owner in model.__mro__)
    found = next((row for row in rows if row in DIRECTIONS), None)
    if found is None:
        raise InvalidInput(
            f"{model.__name__}.{name} has no direction; add a row to DIRECTIONS that says when a "
            "policy is looser by it"
        )
    return found
