"""Policy files: shipped ones by name, any other by path."""

from __future__ import annotations

from pathlib import Path

from evalsuite.errors import InvalidPolicy
from evalsuite.files.closedschema import parse_closed, read_closed
from evalsuite.gates.policy import Policy

POLICIES = Path(__file__).parent / "policies"
"""The shipped policies."""


def policy_names() -> tuple[str, ...]:
    """Return the names of the shipped policies."""
    return tuple(sorted(path.stem for path in POLICIES.glob("*.yaml")))


def load_policy(name_or_path: str | Path) -> Policy:
    """Read a shipped policy by its name, or any policy file by its path.

    Raises:
        InvalidPolicy: no such policy, or one line ``file:line: problem and fix`` for each problem.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and name_or_path in policy_names():
        path = POLICIES / f"{name_or_path}.yaml"
    elif not path.is_file():
        raise InvalidPolicy(
            f"policy={str(name_or_path)!r} is neither a file nor a shipped policy; "
            f"use one of {', '.join(policy_names())}, or the path of a YAML file"
        )
    return read_closed(Policy, path, error=InvalidPolicy)


def parse_policy(text: str, name: str = "<text>") -> Policy:
    """Read a policy from YAML text; ``name`` stands for the file in messages.

    Raises:
        InvalidPolicy: as :func:`load_policy`.
    """
    return parse_closed(Policy, text, name, error=InvalidPolicy)
