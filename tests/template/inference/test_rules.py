"""The smallest rule over features of places."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.template.inference.rules import FEATURES, Rule, Unseen, smallest_rule

PLACES = [
    dict(zip(FEATURES, values, strict=True))
    for values in itertools.product((True, False), repeat=len(FEATURES))
]


@given(st.sets(st.sampled_from(FEATURES), max_size=3), st.data())
def test_a_rule_is_found_from_what_it_says(features: set[str], data: st.DataObject) -> None:
    kept = [feature for feature in FEATURES if feature in features]
    texts = {
        key: data.draw(st.sampled_from("abc"))
        for key in itertools.product((True, False), repeat=len(kept))
    }
    planted = Rule(tuple(kept), texts)
    found = smallest_rule([(place, [planted(place)]) for place in PLACES])
    assert found is not None
    assert [found(place) for place in PLACES] == [planted(place) for place in PLACES]
    assert len(found.features) <= len(kept)


def test_what_is_the_same_everywhere_needs_no_feature() -> None:
    found = smallest_rule([(place, ["x"]) for place in PLACES])
    assert found is not None
    assert (found.features, found.constant) == ((), "x")


def test_places_that_are_alike_and_differ_have_no_rule() -> None:
    assert smallest_rule([(PLACES[0], ["x"]), (PLACES[0], ["y"])]) is None


def test_of_several_values_the_one_that_fits_every_place_is_taken() -> None:
    found = smallest_rule([(PLACES[0], ["x", "y"]), (PLACES[1], ["y", "z"])])
    assert found is not None
    assert found.constant == "y"


def test_a_place_of_a_kind_that_was_not_seen_is_no_guess() -> None:
    seen = [(place, ["x" if place["asks"] else "y"]) for place in PLACES]
    rule = smallest_rule(seen)
    assert rule is not None
    known = Rule(rule.features, {key: v for key, v in rule.values.items() if v == "x"})
    with pytest.raises(Unseen):
        known({**PLACES[0], "asks": False})
