"""The smallest rule that explains what was seen in different places."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Value = TypeVar("Value")
Place: TypeAlias = Mapping[str, bool]
"""What is so where something was seen, by the name of a feature."""

FEATURES = ("system", "next_last", "previous_last", "asks", "previous_first", "next_first")
"""In order of preference: what templates decide by, what they decide by more seldom."""


class Unseen(LookupError):
    """A rule is asked for a place of a kind that it was not learned from."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[Value]):
    """A value that depends on some features of its place alone."""

    features: tuple[str, ...]
    values: Mapping[tuple[bool, ...], Value]
    """By the values of these features."""

    def __call__(self, place: Place) -> Value:
        """Return the value of a place.

        Raises:
            Unseen: it was learned from no place like this one.
        """
        key = tuple(place[feature] for feature in self.features)
        if key not in self.values:
            raise Unseen(dict(zip(self.features, key, strict=True)))
        return self.values[key]

    @property
    def constant(self) -> Value | None:
        """The one value; None where there are several."""
        found = list(dict.fromkeys(self.values.values()))
        return found[0] if len(found) == 1 else None


def smallest_rule(seen: Sequence[tuple[Place, Sequence[Value]]]) -> Rule[Value] | None:
    """Return the rule with the fewest features that explains everything that was seen.

    Args:
        seen: places, each with the values that are possible there, the likeliest first.

    Returns:
        None where no rule over :data:`FEATURES` does.
    """
    known = [feature for feature in FEATURES if all(feature in place for place, _ in seen)]
    for count in range(len(known) + 1):
        for features in itertools.combinations(known, count):
            values = _values(seen, features)
            if values is not None:
                return Rule(features, values)
    return None


def _values(
    seen: Sequence[tuple[Place, Sequence[Value]]], features: tuple[str, ...]
) -> dict[tuple[bool, ...], Value] | None:
    """What is possible in every place of a group, for each group; None: in one nothing is."""
    groups: dict[tuple[bool, ...], list[Value]] = {}
    for place, possible in seen:
        key = tuple(place[feature] for feature in features)
        before = groups.get(key)
        groups[key] = [v for v in possible if before is None or v in before]
        if not groups[key]:
            return None
    return {key: possible[0] for key, possible in groups.items()}
