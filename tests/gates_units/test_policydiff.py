"""What makes one policy looser than another, key by key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.gates import Change, Difference, Policy, diff_policies, load_policy
from evalsuite.gates.policydiff import ABSENT
from tests.gates_units.drawn_policies import edited, policies, put

DEFAULT = load_policy("default")


def changed(*edits: tuple[str, Any], start: Policy = DEFAULT) -> Policy:
    """A policy with some values changed, by their dotted paths."""
    data: Any = json.loads(json.dumps(start.resolved))
    for path, value in edits:
        put(data, tuple(path.split(".")), value)
    return Policy.model_validate_json(json.dumps(data))


def told(a: Policy, b: Policy) -> list[tuple[str, Change]]:
    """Paths and directions."""
    return [(one.path, one.change) for one in diff_policies(a, b)]


LOOSER = {
    "confidence": 0.9,
    "attempts": "count",
    "looks": None,
    "looks.false_block": 0.001,
    "gates.liveness.minimum": 3,
    "gates.liveness.enabled": False,
    "gates.forgetting.tier": "advisory",
    "gates.template_round_trip.minimum_properties": 7,
    "gates.template_round_trip.answers.limit": 0.02,
    "gates.example_leakage.assumed_icc": 0.2,
    "gates.example_leakage.panel": {"en": 599, "zh": 600},
    "gates.example_leakage.literal.limit": 0.021,
    "gates.example_leakage.literal.proof": "value",
    "gates.example_leakage.goldens.limit": 0.03,
    "gates.example_leakage.goldens.minimum": 39,
    "gates.example_leakage.slices": [],
    "gates.pronoun_resolution.decides": ["named", "kept", "form"],
    "gates.pronoun_resolution.advisory_kinds": ["ordinal"],
    "gates.pronoun_resolution.non_inferiority.limit": 0.05,
    "gates.forgetting.skills.floor": 0.6,
    "gates.forgetting.skills.seeded": ["capital"],
    "gates.forgetting.skills.single.minimum": 15,
    "gates.forgetting.text.limit": 0.06,
    "gates.forgetting.text.harm": 0.2,
    "gates.forgetting.text.panel": {"en": 200, "zh": 100},
    "gates.regression": None,
    "gates.regression.goldens.limit": 0.06,
    "gates.regression.leakage.slices": [],
}


@pytest.mark.parametrize("path", LOOSER)
def test_what_lets_more_through_is_looser_and_back_again_stricter(path: str) -> None:
    other = changed((path, LOOSER[path]))
    assert {change for _, change in told(DEFAULT, other)} == {Change.LOOSER}
    assert {change for _, change in told(other, DEFAULT)} == {Change.STRICTER}


OTHER = {
    "power": 0.8,
    "world": "nano",
    "looks.shares": [0.5],
    "gates.example_leakage.control.limit": 0.5,
    "gates.forgetting.text.source": "stories",
    "gates.forgetting.skills.seeded": ["capital", "copy"],
    "gates.pronoun_resolution.words": {"limit": 0.1},
    "search.max_edits": 9,
}


@pytest.mark.parametrize("path", OTHER)
def test_what_has_no_direction_is_neither(path: str) -> None:
    assert {change for _, change in told(DEFAULT, changed((path, OTHER[path])))} == {Change.OTHER}


def test_names_and_descriptions_do_not_count() -> None:
    other = changed(("name", "mine"), ("description", "Ours."))
    assert other.digest != DEFAULT.digest
    assert told(DEFAULT, other) == []


@given(policies())
def test_a_policy_does_not_differ_from_itself(policy: Policy) -> None:
    assert diff_policies(policy, policy) == ()


def mirrored(one: Difference) -> tuple[str, object, object, Change]:
    """A difference seen from the other side."""
    return one.path, repr(one.b), repr(one.a), one.change.opposite


@given(policies(), policies())
def test_looked_at_from_the_other_side_looser_is_stricter(a: Policy, b: Policy) -> None:
    there = {(one.path, repr(one.a), repr(one.b), one.change) for one in diff_policies(a, b)}
    assert there == {mirrored(one) for one in diff_policies(b, a)}


@given(st.data())
def test_no_change_of_a_single_value_goes_unseen(data: st.DataObject) -> None:
    other = data.draw(edited(DEFAULT, most=1))
    if other.model_copy(update={"description": DEFAULT.description}) == DEFAULT:
        assert diff_policies(DEFAULT, other) == ()
    elif [one.slices for one in _sliced(other)] == [one.slices for one in _sliced(DEFAULT)]:
        assert diff_policies(DEFAULT, other) != ()


def _sliced(policy: Policy) -> list[Any]:
    gates = policy.gates
    regression = gates.regression
    compared = () if regression is None else (regression.leakage, regression.pronouns)
    return [gates.example_leakage, gates.pronoun_resolution, *compared]


def slices(*rules: dict[str, Any]) -> Policy:
    return changed(("gates.pronoun_resolution.slices", list(rules)))


KIND = {"by": "kind", "limit": 0.25}


def test_a_rule_of_its_own_may_loosen_a_group() -> None:
    loose = slices(KIND, {**KIND, "only": ["ordinal"], "limit": 0.5})
    found = told(slices(KIND), loose)
    at = "gates.pronoun_resolution.slices[kind ordinal]"
    assert (f"{at}.limit", Change.LOOSER) in found
    # What is named and has no case does not pass: that is the one thing that became stricter.
    assert set(found) == {(f"{at}.limit", Change.LOOSER), (f"{at}.only", Change.STRICTER)}


def test_rules_that_say_the_same_in_other_words_are_the_same() -> None:
    both = slices({**KIND, "only": ["ordinal", "plural"]})
    apart = slices({**KIND, "only": ["plural"]}, {**KIND, "only": ["ordinal"]})
    assert both != apart
    assert told(both, apart) == []


def test_a_rule_of_all_languages_by_name_leaves_out_none() -> None:
    whole = slices({"by": "language", "limit": 0.1})
    named = slices(*({"by": "language", "limit": 0.1, "only": [one]} for one in ("en", "zh")))
    assert {change for _, change in told(whole, named)} == {Change.STRICTER}
    assert {path.rpartition(".")[2] for path, _ in told(whole, named)} == {"only"}


def test_a_second_rule_of_a_group_is_only_there() -> None:
    two = slices(KIND, {**KIND, "proof": "value", "limit": 0.2, "minimum": 30})
    (one,) = diff_policies(slices(KIND), two)
    assert (one.path, one.only, one.change) == (
        "gates.pronoun_resolution.slices[kind]",
        "B",
        Change.STRICTER,
    )
    assert one.a is ABSENT


def test_a_set_that_advises_or_is_gone_is_looser() -> None:
    def sets(**named: str) -> Policy:
        return changed(
            ("gates.example_leakage.goldens.sets", named),
            ("gates.pronoun_resolution.goldens.sets", named),
        )

    two = sets(everyday="blocking", nano="blocking")
    assert {c for _, c in told(two, sets(everyday="blocking", nano="advisory"))} == {Change.LOOSER}
    gone = diff_policies(two, sets(everyday="blocking"))
    assert [(one.only, one.change) for one in gone] == [("A", Change.LOOSER)] * 2
    shown = sets(everyday="blocking", nano="advisory")
    assert {c for _, c in told(shown, sets(everyday="blocking"))} == {Change.OTHER}


def test_a_limit_that_decides_nothing_loosens_nothing() -> None:
    advisory = changed(("gates.regression.tier", "advisory"))
    wider = changed(("gates.regression.skills.limit", 0.5), start=advisory)
    (one,) = diff_policies(advisory, wider)
    assert (one.change, one.why) == (Change.OTHER, "decides nothing in either; otherwise looser")
    # It is looser that the gate decides no more, whatever its limits became.
    tight = changed(("gates.regression.skills.limit", 0.01), start=advisory)
    assert told(DEFAULT, tight) == [
        ("gates.regression.tier", Change.LOOSER),
        ("gates.regression.skills.limit", Change.OTHER),
    ]


def test_a_smaller_panel_sees_less_even_of_a_gate_that_only_shows() -> None:
    advisory = changed(("gates.example_leakage.tier", "advisory"))
    smaller = changed(("gates.example_leakage.panel", {"en": 600, "zh": 1}), start=advisory)
    (one,) = diff_policies(advisory, smaller)
    assert (one.path, one.change, one.why) == (
        "gates.example_leakage.panel.zh",
        Change.LOOSER,
        "sees less",
    )


def test_a_gate_that_is_switched_off_is_looser_whatever_its_tier_says() -> None:
    off = changed(("gates.forgetting.enabled", False))
    assert told(DEFAULT, off) == [("gates.forgetting.enabled", Change.LOOSER)]
    tier = changed(("gates.forgetting.tier", "advisory"), start=off)
    assert told(off, tier) == [("gates.forgetting.tier", Change.OTHER)]


def test_both_values_and_the_reason_are_told() -> None:
    (one,) = diff_policies(DEFAULT, changed(("gates.forgetting.skills.macro.limit", 0.1)))
    assert one.to_json() == {
        "path": "gates.forgetting.skills.macro.limit",
        "change": "looser",
        "only": None,
        "a": 0.05,
        "b": 0.1,
        "why": "accepts more",
    }
    (gone,) = diff_policies(DEFAULT, changed(("gates.regression", None)))
    assert (gone.only, "b" in gone.to_json()) == ("A", False)


def test_two_unrelated_policies_are_compared() -> None:
    found = diff_policies(load_policy("nano"), load_policy("smollm2"))
    assert {one.change for one in found} == {*Change}
    assert all(one.why and one.path for one in found)
