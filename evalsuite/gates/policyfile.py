"""Policy files: shipped ones by name, any other by path.

A file may say ``extends: default`` and then hold only what differs. The resolved policy, and with
it the digest, is the same as if everything were written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evalsuite.errors import InvalidInput, InvalidPolicy
from evalsuite.files.closedschema import LARGEST, validated
from evalsuite.files.located import Located, located
from evalsuite.files.problems import Problems, joined, suggestion
from evalsuite.files.text import read_text
from evalsuite.gates.policy import Policy

POLICIES = Path(__file__).parent / "policies"
"""The shipped policies."""
_EXTENDS = "extends"
_VALUES = frozenset({"panel", "sets", "files"})
"""Mappings that are one value: who names a panel's languages means these and no others."""


def policy_names() -> tuple[str, ...]:
    """Return the names of the shipped policies."""
    return tuple(sorted(path.stem for path in POLICIES.glob("*.yaml")))


def load_policy(name_or_path: str | Path) -> Policy:
    """Read a shipped policy by its name, or any policy file by its path.

    Raises:
        InvalidPolicy: no such policy, or one line ``file:line: problem and fix`` for each problem.
    """
    path = _find(name_or_path)
    if path is None:
        raise InvalidPolicy(
            f"policy={str(name_or_path)!r} is neither a file nor a shipped policy; "
            f"use one of {', '.join(policy_names())}, or the path of a YAML file"
        )
    return _validated(_read(path), path.parent, (path.resolve(),))


def parse_policy(text: str, name: str = "<text>") -> Policy:
    """Read a policy from YAML text; ``name`` stands for the file in messages.

    Raises:
        InvalidPolicy: as :func:`load_policy`.
    """
    problems = Problems(name)
    return _validated((located(text, problems), problems), Path(), ())


def _find(name_or_path: str | Path, beside: Path = Path()) -> Path | None:
    """The file of a shipped policy, or of one that is named by its path; None: there is none."""
    if isinstance(name_or_path, str) and name_or_path in policy_names():
        return POLICIES / f"{name_or_path}.yaml"
    path = beside / name_or_path
    return path if path.is_file() else None


def _read(path: Path) -> tuple[Located, Problems]:
    problems = Problems(str(path))
    try:
        return located(read_text(path, str(path), most=LARGEST), problems), problems
    except InvalidInput as error:
        raise InvalidPolicy(str(error)) from None


def _validated(
    read_with_problems: tuple[Located, Problems], folder: Path, below: tuple[Path, ...]
) -> Policy:
    read, problems = read_with_problems
    read.data = _extended(read, folder, below)
    policy = validated(Policy, read, problems)
    if problems.found or policy is None:
        raise InvalidPolicy(joined(problems.lines()))
    return policy


def _extended(read: Located, folder: Path, below: tuple[Path, ...]) -> object:
    """Return what a file says, laid over the policy that it extends, if it names one.

    That policy is a whole one: whatever is wrong with it is told with its own file.
    """
    own = read.data
    if not isinstance(own, dict) or _EXTENDS not in own:
        return own
    where, parent = read.where((_EXTENDS,)), own[_EXTENDS]
    found = _find(parent, folder) if isinstance(parent, str) else None
    if found is None:
        near = suggestion(parent, policy_names()) if isinstance(parent, str) else ""
        raise InvalidPolicy(
            f"{where}: extends={parent!r} is neither a shipped policy nor a file{near}; use one of "
            f"{', '.join(policy_names())}, or the path of a YAML file from here"
        )
    if found.resolve() in below:
        raise InvalidPolicy(f"{where}: extends={parent!r} leads back to this file; name another")
    if "name" not in own:
        raise InvalidPolicy(f"{where}: extends={parent!r}: give the policy a name of its own")
    inherited = _validated(_read(found), found.parent, (*below, found.resolve()))
    rest = {key: value for key, value in own.items() if key != _EXTENDS}
    return _laid_over(inherited.resolved, rest)


def _laid_over(inherited: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Return ``inherited`` with ``own`` laid over it, mapping by mapping; lists are values."""
    result = dict(inherited)
    for key, value in own.items():
        old = result.get(key)
        deeper = isinstance(old, Mapping) and isinstance(value, Mapping) and key not in _VALUES
        result[key] = _laid_over(old, value) if deeper else value  # type: ignore[arg-type]
    return result
