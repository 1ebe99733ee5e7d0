"""Every key of a policy has a direction, and the gates agree with it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from evalsuite.errors import InvalidInput
from evalsuite.gates import (
    Change,
    Check,
    Evidence,
    Observation,
    Opponent,
    Policy,
    Status,
    diff_policies,
    judge,
    load_policy,
    overall,
)
from evalsuite.gates.directions import DIRECTIONS, Shape, key_of
from evalsuite.gates.policy import Policy as Root
from tests.gates_units.drawn_policies import edited
from tests.gates_units.gates_units_helpers import KINDS


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and every model that its annotations name."""
    yield model
    for field in model.model_fields.values():
        waiting: list[Any] = [field.annotation]
        while waiting:
            one = waiting.pop()
            waiting += getattr(one, "__args__", ())
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield from _models(one)


MODELS = tuple(dict.fromkeys(_models(Root)))


def without_direction(models: tuple[type[BaseModel], ...]) -> list[str]:
    """The keys that the table does not know."""
    missing = []
    for model in models:
        for name in model.model_fields:
            try:
                key_of(model, name)
            except InvalidInput as error:
                missing.append(str(error))
    return missing


def test_the_walk_meets_every_model_of_the_schema() -> None:
    assert {model.__name__ for model in MODELS} - {"Policy"} == {
        *Root.model_json_schema()["$defs"]
    } - {
        "Attempts",
        "Beside",
        "Kind",
        "Language",
        "Origin",
        "Proof",
        "SliceBy",
        "TextSource",
        "Tier",
    } - {
        "Wanted",
        "WorldName",
    }


def test_every_key_of_the_schema_has_a_direction() -> None:
    assert without_direction(MODELS) == []


def test_a_key_without_a_direction_is_noticed() -> None:
    class Wider(Root):
        colour: str = "red"

    assert without_direction((Wider,)) == [
        "Wider.colour has no direction; add a row to DIRECTIONS that says when a policy is looser "
        "by it"
    ]


def test_every_row_is_about_a_key_that_there_is() -> None:
    owned = {
        f"{owner.__name__}.{name}"
        for model in MODELS
        for owner in model.__mro__
        for name in inspect.get_annotations(owner)
    }
    assert {*DIRECTIONS} - owned == set()


@pytest.mark.parametrize("key", DIRECTIONS)
def test_a_row_says_what_its_shape_needs(key: str) -> None:
    row = DIRECTIONS[key]
    directed = {Shape.NUMBER, Shape.LIST, Shape.RANK, Shape.TIER, Shape.BY_KEY, Shape.RULES}
    if row.shape in directed:
        assert row.looser
        assert row.stricter
        assert row.looser != row.stricter
    if row.shape in (Shape.NUMBER, Shape.LIST):
        assert row.more is not Change.OTHER
    if row.shape is Shape.RANK:
        assert len(row.order) > 1
    if row.shape is Shape.NEUTRAL:
        assert row.looser


PARTS = ("literal", "pronoun", "golden", "answer", "skill", "text", "checks", "properties")


@dataclass(frozen=True)
class Left:
    """What a candidate leaves that is good in all parts, or in all but one; small, to be shown."""

    odd: str
    rates: tuple[int, int, int]
    """How many of 80 cases go wrong for candidate, base and champion."""
    size: int
    """Cases of a cluster."""
    text: float
    asked: int
    """Liveness checks, or half of the properties."""

    def cases(self, name: str, n: int, kinds: tuple[str, ...] = KINDS) -> tuple[Observation, ...]:
        """Cases of both languages, in clusters."""
        rates = [rate * n // 80 if name == self.odd else 0 for rate in self.rates]
        return tuple(
            Observation(
                case_id=f"{name}-{language}-{at}",
                cluster=f"{language}-{at // self.size}",
                language=language,
                kind=kinds[at % len(kinds)],
                # Spread over clusters and kinds: 7 has no factor in common with either.
                candidate=float(7 * at % n < rates[0]),
                baseline=float(7 * at % n < rates[1]),
                champion=float(7 * at % n < rates[2]),
            )
            for language in ("en", "zh")
            for at in range(n)
        )

    def evidence(self) -> Evidence:
        """What the gates judge."""
        worse = self.text if self.odd == "text" else 0.0
        texts = tuple(
            replace(one, candidate=2.0 + worse + 0.001 * (at % 3), baseline=2.0, champion=2.0)
            for at, one in enumerate(self.cases("texts", 8, ("text",)))
        )
        goldens = dict.fromkeys(("everyday", "nano"), self.cases("golden", 40))
        leaks = self.cases("literal", 300)
        checks = self.asked if self.odd == "checks" else 6
        properties = 2 * self.asked if self.odd == "properties" else 11
        return Evidence(
            liveness=tuple(Check(f"check {n}", True) for n in range(checks)),
            literal_leaks=leaks,
            swap_leaks=leaks,
            control_leaks=leaks,
            golden_leaks=goldens,
            pronouns=self.cases("pronoun", 300),
            goldens=goldens,
            template_properties=tuple(Check(f"R{n}", True) for n in range(properties)),
            round_trips=self.cases("trip", 120),
            control_tokens=self.cases("answer", 600),
            endings=self.cases("answer", 600),
            skills=self.cases("skill", 300, ("copy", "count")),
            texts=texts,
            opponent=Opponent(name="the champion", asked=True, because=""),
        )


ODD = ("literal", "pronoun", "golden", "answer", "skill", "text", "checks", "properties")
LEFT = st.builds(
    Left,
    odd=st.sampled_from(ODD),
    rates=st.tuples(*[st.integers(0, 10)] * 3),
    size=st.sampled_from([1, 4]),
    text=st.sampled_from([0.03, 0.06, 0.12]),
    asked=st.integers(2, 6),
)


def passes(policy: Policy, evidence: Evidence) -> bool:
    """Whether a run of the policy would pass."""
    return overall(judge(policy, evidence), policy.required) is Status.PASSED


_START = load_policy("default")


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(edited(_START, most=2), LEFT)
def test_no_candidate_passes_a_stricter_policy_and_not_the_looser_one(
    policy: Policy, left: Left
) -> None:
    evidence = left.evidence()
    found = {one.change for one in diff_policies(_START, policy)}
    assume(len(found) == 1 and Change.OTHER not in found)
    before, after = passes(_START, evidence), passes(policy, evidence)
    event(f"passes {before}, then {after}")
    if found == {Change.LOOSER}:
        assert after or not before
    else:
        assert before or not after
