"""What every type of the record has in common: it is closed, and its numbers are finite."""

from __future__ import annotations

import math

from pydantic import ConfigDict

from evalsuite.errors import RunError

# Closed, because a fact under a key that this version does not know would be lost in silence;
# strict, because a number in quotes was not written by this package.
CLOSED = ConfigDict(extra="forbid", strict=True)


def require_finite(owner: str, **values: float | None) -> None:
    """Raise RunError for the first number that is not finite."""
    for name, value in values.items():
        if value is not None and not math.isfinite(value):
            raise RunError(f"{owner}: {name}={value} is not a finite number; use None and say why")
