"""Checks of what a caller passes to a strategy; wrong arguments are refused at once, by name."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar

from hypothesis.errors import InvalidArgument
from hypothesis.strategies import SearchStrategy

_E = TypeVar("_E", bound=StrEnum)


def check_strategy(name: str, value: object) -> None:
    """Refuse what is not a strategy."""
    if not isinstance(value, SearchStrategy):
        raise InvalidArgument(f"{name}={value!r} must be a strategy, such as st.just('...')")


def check_instance(name: str, value: object, wanted: type) -> None:
    """Refuse what is not of a type."""
    if not isinstance(value, wanted):
        raise InvalidArgument(f"{name}={value!r} must be of the type {wanted.__name__}")


def check_items(name: str, values: object, wanted: type) -> None:
    """Refuse what is not a collection of items of a type; it may be empty."""
    known = isinstance(values, Collection) and not isinstance(values, str)
    if not known or not all(isinstance(value, wanted) for value in values):  # type: ignore[attr-defined]  # a collection by now
        raise InvalidArgument(f"{name}={values!r} must be a collection of {wanted.__name__}")


def check_bool(name: str, value: object) -> None:
    """Refuse what is not a truth value."""
    if not isinstance(value, bool):
        raise InvalidArgument(f"{name}={value!r} must be True or False")


def check_sizes(
    min_size: object,
    max_size: object,
    *,
    smallest: int,
    names: tuple[str, str] = ("min_size", "max_size"),
) -> None:
    """Refuse bounds that are no whole numbers, too small, or crossed."""
    for name, value in zip(names, (min_size, max_size), strict=True):
        if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
            raise InvalidArgument(f"{name}={value!r} must be a whole number of at least {smallest}")
    if min_size > max_size:  # type: ignore[operator]  # both are whole numbers by now
        raise InvalidArgument(f"{names[0]}={min_size} must not exceed {names[1]}={max_size}")


def check_members(name: str, values: Collection[object], enum: type[_E]) -> tuple[_E, ...]:
    """Return the members of ``enum`` that are asked for, each once; refuse anything else."""
    known = ", ".join(enum)
    if isinstance(values, str) or not isinstance(values, Collection) or not values:
        raise InvalidArgument(f"{name}={values!r} must be a collection that holds any of: {known}")
    try:
        return tuple(dict.fromkeys(enum(str(value)) for value in values))
    except ValueError:
        raise InvalidArgument(f"{name}={list(values)!r} may hold only: {known}") from None
