"""Criteria: what a gate asks of one group of cases, with the numbers of the policy."""

from __future__ import annotations

from dataclasses import dataclass

from evalsuite.gates.part import Part, Topic
from evalsuite.gates.policy import Policy
from evalsuite.gates.rules import ClusteredRule, Limit, NatsLimit, Proof
from evalsuite.gates.verdict import Tier

BASELINE = "the baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One question that a gate asks of one group of cases."""

    part: Part
    subject: str
    """What is counted, as the sentences of the verdict say it."""
    limit: float
    confidence: float
    power: float
    assumed_icc: float
    harm: float | None = None
    """A value up to this is not called FAILED even when it is surely beyond the limit."""
    proof: Proof = Proof.BOUND
    minimum: int = 1
    tier: Tier = Tier.BLOCKING
    floor: float = 0.0
    """Share of cases at which the baseline must succeed before a comparison can pass."""
    against: str = BASELINE
    """Whom the candidate is compared with, as the sentences of the verdict say it."""

    @property
    def name(self) -> str:
        """Of the part."""
        return str(self.part)


@dataclass(frozen=True, slots=True)
class CriterionFactory:
    """Makes the criteria of one gate, all with the confidence and the power of its policy."""

    policy: Policy
    rule: ClusteredRule
    against: str = BASELINE

    def __call__(
        self, part: Part, subject: str, limit: Limit, tier: Tier = Tier.BLOCKING
    ) -> Criterion:
        """Return the criterion of a part."""
        return Criterion(
            part=part,
            subject=subject,
            limit=limit.limit,
            proof=limit.proof,
            minimum=limit.minimum,
            tier=tier,
            against=self.against,
            confidence=self.policy.confidence,
            power=self.policy.power,
            assumed_icc=self.rule.assumed_icc,
        )


def divergence_criterion(
    policy: Policy, rule: ClusteredRule, limit: float, part: Part
) -> Criterion:
    """Return the criterion of what the base answers in one language, in nats per token."""
    to = "prompts of the task" if part.topic is Topic.TASK_DIVERGENCE else "general prompts"
    return Criterion(
        part=part,
        subject=f"what the base answers to {to} in {part.language}",
        limit=limit,
        tier=Tier.ADVISORY,
        confidence=policy.confidence,
        power=policy.power,
        assumed_icc=rule.assumed_icc,
    )


def text_criterion(
    policy: Policy, rule: ClusteredRule, limits: NatsLimit, language: str
) -> Criterion:
    """Return the criterion of general text in one language, in nats per token."""
    return Criterion(
        part=Part(Topic.TEXT, language=language),
        subject=f"general text in {language}",
        limit=limits.limit,
        harm=limits.harm,
        confidence=policy.confidence,
        power=policy.power,
        assumed_icc=rule.assumed_icc,
    )
