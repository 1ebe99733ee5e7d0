"""What an inferred format is called, with what its template is given beside the messages."""

from __future__ import annotations

from collections.abc import Mapping

from evalsuite.errors import TemplateError

INFERRED = "inferred"
"""The name of a format that is no family's."""


def named(arguments: Mapping[str, bool]) -> str:
    """Return the name of an inferred format: ``inferred``, with what the template is given."""
    told = ",".join(f"{name}={str(value).lower()}" for name, value in sorted(arguments.items()))
    return f"{INFERRED}:{told}" if told else INFERRED


def given(name: str) -> dict[str, bool] | None:
    """Return what the template is given by the name of an inferred format; None: it is none.

    Raises:
        TemplateError: it is not in the form ``inferred:NAME=true,NAME=false``.
    """
    inferred, colon, told = name.partition(":")
    if inferred != INFERRED:
        return None
    found: dict[str, bool] = {}
    for one in told.split(",") if colon else ():
        argument, _, value = one.partition("=")
        if not argument.isidentifier() or value not in ("true", "false"):
            raise TemplateError(
                f"family={name!r}: {one!r} must be an argument of the chat template that is true "
                "or false, as in inferred:enable_thinking=false"
            )
        found[argument] = value == "true"
    return found
