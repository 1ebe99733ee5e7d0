"""Policies that nobody wrote: a shipped one, with some of its values drawn anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import ValidationError

from evalsuite.cases import Kind
from evalsuite.gates import Policy, load_policy, policy_names

SHIPPED = {name: load_policy(name) for name in policy_names()}
_SHARES = st.one_of(st.floats(0, 1), st.sampled_from([1e-07, 0.1, 5e-324, 1.0]))
_TIERS = st.sampled_from(["blocking", "advisory"])
_PANELS = st.dictionaries(st.sampled_from(["en", "zh"]), st.integers(1, 2000), min_size=1)
_LIMITS = {"limit": _SHARES, "proof": st.sampled_from(["bound", "value"])}
_RULES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"by": st.just("kind"), **_LIMITS},
            optional={
                "only": st.lists(st.sampled_from(["ordinal", "plural"]), unique=True),
                "tier": _TIERS,
            },
        ),
        st.fixed_dictionaries(
            {"by": st.just("language"), **_LIMITS},
            optional={"only": st.lists(st.sampled_from(["en", "zh"]), unique=True)},
        ),
    ),
    max_size=4,
)
_TEXTS = st.text(min_size=1, max_size=60).filter(lambda text: bool(text.strip()))
EDITS: dict[str, st.SearchStrategy[Any]] = {
    **_LIMITS,
    "description": st.text(max_size=80),
    "confidence": st.floats(0.5, 1, exclude_min=True, exclude_max=True),
    "power": st.floats(0.01, 0.99),
    "attempts": st.sampled_from(["spend", "count"]),
    "looks": st.none(),
    "world": st.sampled_from(["nano", "natural"]),
    "enabled": st.booleans(),
    "tier": _TIERS,
    "minimum": st.integers(1, 6),
    "minimum_properties": st.integers(1, 12),
    "minimum_conversations": st.integers(1, 400),
    "provenance": st.sampled_from(["required", "optional"]),
    "assumed_icc": _SHARES,
    "panel": _PANELS,
    "harm": st.floats(1, 100),
    "floor": _SHARES,
    "source": st.sampled_from(["stories", "passages"]),
    "files": st.dictionaries(st.sampled_from(["en", "zh"]), st.lists(_TEXTS, max_size=2)),
    "suites": st.lists(_TEXTS, max_size=2),
    "seeded": st.lists(st.sampled_from(["copy", "count", "no", "1e5"]), min_size=1, unique=True),
    "advisory_kinds": st.lists(st.sampled_from([kind.value for kind in Kind]), unique=True),
    "decides": st.lists(st.sampled_from(["named", "kept", "form"]), min_size=1, unique=True),
    "words": st.one_of(st.none(), st.fixed_dictionaries({"limit": _SHARES, "tier": _TIERS})),
    "slices": _RULES,
    "regression": st.none(),
    "max_tokens": st.integers(1, 9),
}
"""Values by the last word of their key."""


def leaves(data: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of every key that can be drawn anew."""
    for key, value in data.items():
        if key in EDITS:
            yield (*at, key)
        if isinstance(value, dict):
            yield from leaves(value, (*at, key))


def put(data: Any, place: tuple[str, ...], value: Any) -> None:
    """Set one value, if what holds it is still there."""
    for key in place[:-1]:
        data = data.get(key)
        if data is None:
            return
    data[place[-1]] = value


def made(data: Any) -> Policy:
    """The policy of resolved data; drawn data that are no policy are set aside."""
    try:
        return Policy.model_validate_json(json.dumps(data))
    except ValidationError:
        assume(False)
        raise


@st.composite
def edited(draw: st.DrawFn, policy: Policy, *, most: int = 6) -> Policy:
    """Draw some values of a policy anew."""
    data = json.loads(json.dumps(policy.resolved))
    wanted = st.lists(st.sampled_from([*leaves(data)]), min_size=1, max_size=most, unique=True)
    for place in draw(wanted):
        put(data, place, draw(EDITS[place[-1]]))
    return made(data)


def policies() -> st.SearchStrategy[Policy]:
    """Draw a policy."""
    return st.sampled_from([*SHIPPED.values()]).flatmap(lambda policy: edited(policy))
