"""Policy files: shipped ones by name, any other by path.

A file may say ``extends: default`` and then hold only what differs. The resolved policy, and with
it the digest, is the same as if everything were written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from evalsuite.errors import InvalidInput, InvalidPolicy
from evalsuite.files.closedschema import LARGEST, validated
from evalsuite.files.located import Located, Place, located
from evalsuite.files.problems import Problems, joined, suggestion
from evalsuite.files.text import read_text
from evalsuite.gates.policy import Policy
from evalsuite.gates.resolved import PolicyFile, ResolvedPolicy, Written

POLICIES = Path(__file__).parent / "policies"
"""The shipped policies."""
_EXTENDS = "extends"
VALUES = frozenset({"panel", "sets", "files"})
"""Mappings that are one value: who names a panel's languages means these and no others."""


def policy_names() -> tuple[str, ...]:
    """Return the names of the shipped policies."""
    return tuple(sorted(path.stem for path in POLICIES.glob("*.yaml")))


def load_policy(name_or_path: str | Path) -> Policy:
    """Read a shipped policy by its name, or any policy file by its path.

    Raises:
        InvalidPolicy: no such policy, or one line ``file:line: problem and fix`` for each problem.
    """
    return resolve_policy(name_or_path).policy


def resolve_policy(name_or_path: str | Path) -> ResolvedPolicy:
    """Read a policy as :func:`load_policy` does, and keep who wrote each of its values.

    Raises:
        InvalidPolicy: as :func:`load_policy`.
    """
    path = _find(name_or_path)
    if path is None:
        raise InvalidPolicy(_nowhere("policy", name_or_path, Path()))
    return _resolved(_read(path), path.parent, (path.resolve(),))


def parse_policy(text: str, name: str = "<text>") -> Policy:
    """Read a policy from YAML text; ``name`` stands for the file in messages.

    Raises:
        InvalidPolicy: as :func:`load_policy`.
    """
    problems = Problems(name)
    return _resolved((located(text, problems), problems), Path(), ()).policy


def _find(name_or_path: str | Path, beside: Path = Path()) -> Path | None:
    """The file of a shipped policy, or of one that is named by its path; None: there is none."""
    if isinstance(name_or_path, str) and name_or_path in policy_names():
        return POLICIES / f"{name_or_path}.yaml"
    path = beside / name_or_path
    try:
        return path if path.is_file() else None
    except OSError:  # such as a name that is too long for any file
        return None


def _nowhere(key: str, said: object, beside: Path) -> str:
    """Say that what ``key`` names is no policy, and what would be one."""
    names = policy_names()
    what, near = "is neither a file nor a shipped policy", ""
    if isinstance(said, str | Path):
        near = suggestion(Path(said).stem, names)
        try:
            if (beside / said).is_dir():
                what, near = "is a folder", "; name a policy file in it"
        except OSError as error:
            what, near = f"cannot be read ({error.strerror})", ""
    shown = str(said) if isinstance(said, Path) else said
    return (
        f"{key}={_short(repr(shown))} {what}{near}; use one of {', '.join(names)}, or the path of "
        "a YAML file"
    )


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:100]}...{text[-50:]}"


def _read(path: Path) -> tuple[Located, Problems]:
    problems = Problems(str(path))
    try:
        return located(read_text(path, str(path), most=LARGEST), problems), problems
    except InvalidInput as error:
        raise InvalidPolicy(str(error)) from None


def _resolved(
    read_with_problems: tuple[Located, Problems], folder: Path, below: tuple[Path, ...]
) -> ResolvedPolicy:
    """Judge what a file says, laid over the policy that it extends, if it names one."""
    read, problems = read_with_problems
    own = read.data
    inherited = _inherited(read, folder, below)
    if inherited is not None:
        own = {key: value for key, value in own.items() if key != _EXTENDS}
        read.data = _laid_over(inherited.policy.resolved, own)
    policy = validated(Policy, read, problems)
    if problems.found or policy is None:
        raise InvalidPolicy(joined(problems.lines()))
    file = PolicyFile(policy.name, problems.name, shipped=folder == POLICIES)
    written = {place: Written(file, read.line(place)) for place in _places(own)}
    if inherited is None:
        return ResolvedPolicy(policy=policy, files=(file,), written=written)
    replaced = frozenset(_replaced(inherited.policy.resolved, own))
    kept = {
        place: origin
        for place, origin in inherited.written.items()
        if not any(place[:end] in replaced for end in range(1, len(place) + 1))
    }
    return ResolvedPolicy(policy=policy, files=(file, *inherited.files), written=kept | written)


def _inherited(read: Located, folder: Path, below: tuple[Path, ...]) -> ResolvedPolicy | None:
    """Return the policy that a file extends; None: it extends none.

    That policy is a whole one: whatever is wrong with it is told with its own file.
    """
    own = read.data
    if not isinstance(own, dict) or _EXTENDS not in own:
        return None
    where, parent = read.where((_EXTENDS,)), own[_EXTENDS]
    found = _find(parent, folder) if isinstance(parent, str) else None
    if found is None:
        raise InvalidPolicy(f"{where}: {_nowhere(_EXTENDS, parent, folder)} from here")
    if found.resolve() in below:
        raise InvalidPolicy(f"{where}: extends={parent!r} leads back to this file; name another")
    if "name" not in own:
        raise InvalidPolicy(f"{where}: extends={parent!r}: give the policy a name of its own")
    inherited = _resolved(_read(found), found.parent, (*below, found.resolve()))
    if own["name"] in {file.policy for file in inherited.files}:
        raise InvalidPolicy(
            f"{read.where(('name',))}: name={own['name']!r} is that of a policy which this one "
            "extends; give it one of its own, so that records tell the two apart"
        )
    return inherited


def _laid_over(inherited: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Return ``inherited`` with ``own`` laid over it, mapping by mapping; lists are values."""
    result = dict(inherited)
    for key, value in own.items():
        old = result.get(key)
        deeper = _goes_deeper(key, old, value)
        result[key] = _laid_over(old, value) if deeper else value  # type: ignore[arg-type]
    return result


def _goes_deeper(key: str, old: object, new: object) -> bool:
    """Whether a value is laid over the old one, and does not replace it."""
    return isinstance(old, Mapping) and isinstance(new, Mapping) and key not in VALUES


def _replaced(
    inherited: Mapping[str, object], own: Mapping[str, object], at: Place = ()
) -> Iterator[Place]:
    """The places where ``own`` replaces what was inherited."""
    for key, value in own.items():
        old = inherited.get(key)
        if _goes_deeper(key, old, value):
            yield from _replaced(old, value, (*at, key))  # type: ignore[arg-type]
        else:
            yield (*at, key)


def _places(data: object, at: Place = ()) -> Iterator[Place]:
    """Every place below the root of some data."""
    entries: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(data, Mapping):
        entries = iter(data.items())
    elif isinstance(data, list):
        entries = iter(enumerate(data))
    for key, value in entries:
        yield (*at, key)
        yield from _places(value, (*at, key))
