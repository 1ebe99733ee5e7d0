"""Every key of a policy has a direction, and the gates agree with it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
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
    } - {"Attempts", "Kind", "Language", "Origin", "Proof", "SliceBy", "TextSource", "Tier"} - {
        "WorldName"
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


def _cases(
    draw: st.DrawFn, name: str, n: int, kinds: tuple[str, ...], odd: str
) -> tuple[Observation, ...]:
    """Cases of both languages, in clusters; in the part that is odd some go wrong for a side."""
    rates = [draw(st.integers(0, n // 8)) if name == odd else 0 for _ in range(3)]
    size = draw(st.sampled_from([1, 4]))
    return tuple(
        Observation(
            case_id=f"{name}-{language}-{at}",
            cluster=f"{language}-{at // size}",
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


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """What a candidate may leave that is good in all parts, or in all but one."""
    odd = draw(st.sampled_from(PARTS))
    worse = draw(st.sampled_from([0.03, 0.06, 0.12])) if odd == "text" else 0.0
    texts = tuple(
        replace(one, kind="text", candidate=2.0 + worse + 0.001 * (at % 3), baseline=2.0)
        for at, one in enumerate(_cases(draw, "text", 8, ("text",), ""))
    )
    goldens = {name: _cases(draw, "golden", 40, KINDS, odd) for name in ("everyday", "nano")}
    leaks = _cases(draw, "literal", 300, KINDS, odd)
    checks = draw(st.integers(2, 6)) if odd == "checks" else 6
    properties = draw(st.integers(6, 11)) if odd == "properties" else 11
    return Evidence(
        liveness=tuple(Check(f"check {n}", True) for n in range(checks)),
        literal_leaks=leaks,
        swap_leaks=leaks,
        control_leaks=leaks,
        golden_leaks=goldens,
        pronouns=_cases(draw, "pronoun", 300, KINDS, odd),
        goldens=goldens,
        template_properties=tuple(Check(f"R{n}", True) for n in range(properties)),
        round_trips=_cases(draw, "trip", 120, KINDS, ""),
        control_tokens=_cases(draw, "answer", 600, KINDS, odd),
        skills=_cases(draw, "skill", 300, ("copy", "count"), odd),
        texts=tuple(replace(one, champion=2.0) for one in texts),
        opponent=Opponent(name="the champion", asked=True, because=""),
    )


def passes(policy: Policy, evidence: Evidence) -> bool:
    """Whether a run of the policy would pass."""
    return overall(judge(policy, evidence), policy.required) is Status.PASSED


_START = load_policy("default")


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(edited(_START, most=2), evidences())
def test_no_candidate_passes_a_stricter_policy_and_not_the_looser_one(
    policy: Policy, evidence: Evidence
) -> None:
    found = {one.change for one in diff_policies(_START, policy)}
    assume(len(found) == 1 and Change.OTHER not in found)
    before, after = passes(_START, evidence), passes(policy, evidence)
    event(f"passes {before}, then {after}")
    if found == {Change.LOOSER}:
        assert after or not before
    else:
        assert before or not after
