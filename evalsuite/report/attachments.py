"""What stands beside a run in its report: a search of the same candidate, and what is known of
the gates. Neither is evidence of the run; each is taken only when it is about the same thing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from evalsuite.errors import RunError
from evalsuite.files.jsonl import first_fault
from evalsuite.runs.folder import Run

_SHIPPED = "evalsuite.gates"


class _Turn(TypedDict):
    role: str
    content: str


class _Mark(TypedDict):
    start: int
    end: int
    label: str


class _Counterexample(TypedDict):
    defect: str
    gate: str
    promise: str
    absolute: bool
    reason: str
    spans: list[_Mark]
    language: str
    kind: str
    history: list[_Turn]
    query: str
    reference: str | None
    answer: str
    baseline_answer: str


class _Point(TypedDict):
    axis: Literal["demonstrations", "order", "format"]
    value: str | int
    side: Literal["candidate", "baseline"]
    n: int
    wrong: float
    interval: tuple[float, float]
    leaked: int


class _Progress(TypedDict):
    tried: int
    worst: float | None


class _Search(TypedDict):
    """What a report reads of ``search.json``; there is more in it."""

    subject: dict[str, Any]
    interrupted: bool
    progress: _Progress
    counterexamples: list[_Counterexample]
    relations: list[Any]
    sensitivity: list[_Point]


class _Nulls(TypedDict):
    runs: int
    alarms: int
    upper: float
    inconclusive: int
    inconclusive_upper: float


class _Gate(TypedDict):
    gate: str
    sole_killer_of: list[str]
    reference: str | None
    theta95: float | None


class _Subject(TypedDict):
    adapter: str
    policy: str
    policy_digest: str


class _Qualification(TypedDict):
    """The same of ``qualification.json``."""

    subject: _Subject
    nulls: _Nulls
    gates: list[_Gate]


_SEARCH: TypeAdapter[_Search] = TypeAdapter(_Search)
_QUALIFICATION: TypeAdapter[_Qualification] = TypeAdapter(_Qualification)


@dataclass(frozen=True, slots=True)
class Beside:
    """Contents of ``search.json`` and ``qualification.json``; None: there is none."""

    search: Mapping[str, Any] | None = None
    qualification: Mapping[str, Any] | None = None


def read_beside(
    run: Run, *, search: Path | None = None, qualification: Path | None = None
) -> Beside:
    """Read what is known beside a run.

    Args:
        run: the run.
        search: folder that ``evalsuite search --out`` wrote, about the same adapter and base.
        qualification: folder that ``evalsuite qualify --out`` wrote, of the same policy; None: the
            summary that ships with a policy, where there is one.

    Raises:
        RunError: a folder holds no such file, or one about something else.
    """
    info = run.info
    found = None if search is None else _read(search, "search.json", _SEARCH)
    if found is not None:
        adapter = info.adapter.digest if info.adapter else ""
        told = {"adapter": (adapter, "adapter_digest"), "base": (info.base.digest, "base_digest")}
        _require(found, search, told)
    if qualification is None:
        return Beside(found, _shipped(run))
    known = _read(qualification, "qualification.json", _QUALIFICATION)
    _require(known, qualification, {"policy": (info.policy.digest, "policy_digest")})
    return Beside(found, known)


def summary_of(qualification: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report tells of a qualification: its subject, false alarms and thresholds."""
    return {name: qualification[name] for name in ("subject", "nulls", "gates")}


def _read(folder: Path, name: str, shape: TypeAdapter[Any]) -> Mapping[str, Any]:
    path = folder / name if folder.is_dir() else folder
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        shape.validate_python(data)
    except OSError as problem:
        raise RunError(f"cannot read {str(path)!r}: {problem.strerror}") from None
    except ValidationError as problem:
        raise RunError(
            f"{path}: is no {name} that evalsuite wrote: {first_fault(problem)}; repeat the command"
        ) from None
    except ValueError as problem:
        raise RunError(f"{path}: is not JSON ({problem})") from None
    return data


def _require(
    data: Mapping[str, Any], folder: Path | None, told: Mapping[str, tuple[str, str]]
) -> None:
    for what, (mine, key) in told.items():
        other = str(data["subject"].get(key, "none"))
        if other != mine:
            raise RunError(
                f"{folder}: is about another {what} ({other[:12]}) than the run ({mine[:12]}); "
                f"name one of the same {what}"
            )


def _shipped(run: Run) -> Mapping[str, Any] | None:
    """The summary that ships with a policy, if the run was judged by that very policy."""
    name = f"{run.info.policy.name}.qualification.json"
    for entry in (files(_SHIPPED) / "policies").iterdir():
        if entry.name == name:
            data: dict[str, Any] = json.loads(entry.read_bytes())
            if data["subject"]["policy_digest"] == run.info.policy.digest:
                return data
    return None
