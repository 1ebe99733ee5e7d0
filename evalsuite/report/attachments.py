"""What stands beside a run in its report: a search of the same candidate, and what is known of
the gates. Neither is evidence of the run; each is taken only when it is about the same thing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from evalsuite.errors import RunError
from evalsuite.files.jsonl import first_fault
from evalsuite.report.results import SEARCH, SUMMARY, Search, Summary
from evalsuite.runs.folder import Run

_SHIPPED = "evalsuite.gates"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Attachments:
    """Contents of ``search.json`` and ``qualification.json``; None: there is none."""

    search: Search | None = None
    qualification: Summary | None = None


def read_attachments(
    run: Run, *, search: Path | None = None, qualification: Path | None = None
) -> Attachments:
    """Read what a run's report shows beside it.

    Args:
        run: the run.
        search: folder that ``evalsuite search --out`` wrote, about the same adapter and base.
        qualification: folder that ``evalsuite qualify --out`` wrote, of the same policy; None: the
            summary that ships with a policy, where there is one.

    Raises:
        RunError: a folder holds no such file, or one about something else.
    """
    info = run.info
    found = None if search is None else _read(search, "search.json", SEARCH)
    if found is not None:
        adapter = info.adapter.digest if info.adapter else ""
        told = {"adapter": (adapter, "adapter_digest"), "base": (info.base.digest, "base_digest")}
        _require(found["subject"], search, told)
    if qualification is None:
        return Attachments(found, _shipped(run))
    known = _read(qualification, "qualification.json", SUMMARY)
    _require(known["subject"], qualification, {"policy": (info.policy.digest, "policy_digest")})
    return Attachments(found, known)


def _read(folder: Path, name: str, shape: TypeAdapter[_T]) -> _T:
    path = folder / name if folder.is_dir() else folder
    try:
        return shape.validate_python(json.loads(path.read_bytes()))
    except OSError as problem:
        raise RunError(f"cannot read {str(path)!r}: {problem.strerror}") from None
    except ValidationError as problem:
        raise RunError(
            f"{path}: is no {name} that evalsuite wrote: {first_fault(problem)}; repeat the command"
        ) from None
    except ValueError as problem:
        raise RunError(f"{path}: is not JSON ({problem})") from None


def _require(
    subject: Mapping[str, object], folder: Path | None, told: Mapping[str, tuple[str, str]]
) -> None:
    for what, (mine, key) in told.items():
        other = str(subject.get(key, "none"))
        if other != mine:
            raise RunError(
                f"{folder}: is about another {what} ({other[:12]}) than the run ({mine[:12]}); "
                f"name one of the same {what}"
            )


def _shipped(run: Run) -> Summary | None:
    """The summary that ships with a policy, if the run was judged by that very policy."""
    name = f"{run.info.policy.name}.qualification.json"
    for entry in (files(_SHIPPED) / "policies").iterdir():
        if entry.name == name:
            data = SUMMARY.validate_json(entry.read_bytes())
            if data["subject"]["policy_digest"] == run.info.policy.digest:
                return data
    return None
