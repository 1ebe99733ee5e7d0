"""A resolved policy as a file: every value, and behind it who wrote it.

:func:`policy_yaml` and :func:`evalsuite.gates.parse_policy` are an inverse pair: what is written
reads back as the same policy, with the same digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from evalsuite.files.located import Place
from evalsuite.files.yamlnodes import quoted, scalar
from evalsuite.gates.policyfile import VALUES
from evalsuite.gates.resolved import PolicyFile, ResolvedPolicy, Written

COLUMN = 48
"""Where comments begin: what stands in front and behind fits into 80 columns, mostly."""
BY_DEFAULT = "default value"
_Line = tuple[str, Place]
"""A line, and the place whose origin stands behind it; (): it needs none."""


def policy_yaml(resolved: ResolvedPolicy, *, origins: bool = True) -> str:
    """Return a policy as YAML that extends nothing and leaves nothing out.

    Args:
        resolved: the policy.
        origins: whether to say behind each value who wrote it, and above all who the policy is.
    """
    lines = [*_mapping(resolved.policy.resolved, (), "")]
    if not origins:
        return "".join(f"{text}\n" for text, _ in lines)
    names = labels(resolved)
    told = [f"# {line}" for line in _head(resolved)]
    for text, place in lines:
        comment = f"# {told_origin(resolved, place, names)}" if place else ""
        told.append(f"{text:{COLUMN}}{'' if len(text) < COLUMN else '  '}{comment}".rstrip())
    return "".join(f"{line}\n" for line in told)


def origins_of(resolved: ResolvedPolicy) -> dict[str, dict[str, object] | None]:
    """Return the dotted path of every value with who wrote it, as JSON; None: the default."""
    found: dict[str, dict[str, object] | None] = {}
    for _, place in _mapping(resolved.policy.resolved, (), ""):
        origin = resolved.origin(place)
        if place:
            found[".".join(map(str, place))] = None if origin is None else _as_json(origin)
    return found


def _as_json(origin: Written) -> dict[str, object]:
    return {"policy": origin.file.policy, "file": origin.file.path, "line": origin.line}


def labels(resolved: ResolvedPolicy) -> dict[PolicyFile, str]:
    """Name each file in short: by its last part, where no other file of the policy has the same."""
    short = {file: Path(file.path).name for file in resolved.files}
    known = list(short.values())
    return {
        file: _inert(name if known.count(name) == 1 else file.path) for file, name in short.items()
    }


def _inert(text: str) -> str:
    """A name that cannot end the comment that it stands in."""
    return text if text.isprintable() else quoted(text)


def told_origin(resolved: ResolvedPolicy, place: Place, names: Mapping[PolicyFile, str]) -> str:
    """Say who wrote a value."""
    origin = resolved.origin(place)
    if origin is None:
        return BY_DEFAULT
    at = f"{names[origin.file]}:{origin.line}"
    if origin.file == resolved.own:
        return at
    return f"from {origin.file.policy}, {f'line {origin.line}' if origin.file.shipped else at}"


def _head(resolved: ResolvedPolicy) -> Iterator[str]:
    yield f"policy {resolved.policy.name}"
    yield f"digest {resolved.policy.digest}"
    own, *others = resolved.files
    if not own.shipped:
        yield f"file {_inert(own.path)}"
    for file in others:
        at = "shipped with evalsuite" if file.shipped else _inert(file.path)
        yield f"extends {file.policy} ({at})"


def _mapping(values: Mapping[str, object], at: Place, indent: str) -> Iterator[_Line]:
    for key, value in values.items():
        place = (*at, key)
        head = f"{indent}{scalar(str(key))}:"
        if isinstance(value, Mapping) and value and key not in VALUES:
            yield head, ()
            yield from _mapping(value, place, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield head, ()
            yield from _entries(value, place, indent + "  ")
        else:
            yield from _one(head, value, place)


def _entries(values: list[dict[str, object]], at: Place, indent: str) -> Iterator[_Line]:
    """A list of mappings: the first line of each begins with a dash."""
    for number, value in enumerate(values):
        lines = _mapping(value, (*at, number), indent + "  ")
        first, place = next(lines)
        yield f"{indent}- {first.lstrip()}", place
        yield from lines


def _one(head: str, value: object, place: Place) -> Iterator[_Line]:
    """What is one value: on one line, or, a list that is too long for it, on one line for each."""
    flow = f"{head} {_flow(value)}"
    if not isinstance(value, list) or len(flow) < COLUMN:
        yield flow, place
        return
    indent = " " * (len(head) - len(head.lstrip()) + 2)
    yield head, place
    for entry in value:
        yield f"{indent}- {_flow(entry)}", ()


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{scalar(str(key))}: {_flow(one)}" for key, one in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str):
        return scalar(value)
    return _plain(value)


def _plain(value: object) -> str:
    """A number, a boolean or nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    text = repr(value)
    # YAML takes 1e-05 for text, and 1.0e-05 for a number.
    return text if "." in text else text.replace("e", ".0e")
