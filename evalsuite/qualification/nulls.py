"""Nulls: a candidate without a planted defect, met in every way that must not matter.

Other panels, other precision, other numbers of demonstrations. Whatever a gate blocks here is a
false alarm, and alarms by proof of harm (FAILED) count apart from alarms by lack of proof
(INCONCLUSIVE).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

import evalsuite
from evalsuite.cases.shipped import SHIPPED
from evalsuite.engines import transformers_identity
from evalsuite.errors import RunError, RunStorageError
from evalsuite.files.jsonl import first_fault
from evalsuite.files.storage import storage_errors
from evalsuite.gates import Gate, Status
from evalsuite.models import read_adapter
from evalsuite.pipeline import GateRequest, Observed, judge_with_looks, observe
from evalsuite.pipeline.digests import digest_of
from evalsuite.pipeline.inputs import Inputs
from evalsuite.qualification.trials import Outcome, Tell, outcome_of
from evalsuite.scenarios.names import Split

RETRAINED = "retrained"
"""Name of the nulls that are other candidates: of other recipes and seeds."""
SMALL_BATCH = 2048
"""Tokens of a small batch: about ten prompts with their answers."""
Vary = Callable[[GateRequest], GateRequest]


class _Row(TypedDict):
    """A line of the file of remembered nulls."""

    key: str
    status: Status
    blocked_by: frozenset[Gate]
    failed_by: frozenset[Gate]


_ROW: TypeAdapter[_Row] = TypeAdapter(_Row)

VARIATIONS = MappingProxyType[str, Vary](
    {
        "fresh panel": lambda request: request,
        "bfloat16": lambda request: replace(request, dtype="bfloat16"),
        "bfloat16, small batches": lambda request: replace(
            request, dtype="bfloat16", batch_tokens=SMALL_BATCH
        ),
        "not merged": lambda request: replace(request, merged=False),
        "bfloat16, not merged": lambda request: replace(request, dtype="bfloat16", merged=False),
        "reworded demonstrations": lambda request: replace(request, worded=Split.HELDOUT),
        "one demonstration": lambda request: replace(request, shown=1),
        "three demonstrations": lambda request: replace(request, shown=3),
    }
)
"""What is changed besides the panel's seed."""


@dataclass(frozen=True, slots=True)
class Null:
    """One null, judged."""

    variation: str
    seed: int
    outcome: Outcome


def null_requests(
    request: GateRequest, n: int, *, first_seed: int = 0, share: int = 4
) -> Iterator[tuple[str, GateRequest]]:
    """Yield ``n`` nulls of a candidate: every ``share``-th is a variation, all others fresh panels.

    Every one of them has a panel seed of its own, counted from ``first_seed``.
    """
    names = [name for name in VARIATIONS if name != "fresh panel"]
    varied = 0
    for index in range(n):
        name = "fresh panel"
        if index % share == share - 1:
            name, varied = names[varied % len(names)], varied + 1
        yield name, VARIATIONS[name](replace(request, seed=first_seed + index))


class NullBank:
    """Outcomes of nulls, remembered in a file so that a killed qualification repeats none.

    One JSON object per line, keyed by everything that the outcome depends on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = _complete(path)
        self._size = len(whole)
        self._known = dict(_lines(path, whole))

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: str) -> Outcome | None:
        """Return the remembered outcome."""
        return self._known.get(key)

    def add(self, key: str, null: Null) -> None:
        """Remember one more, on disk before it counts."""
        found = null.outcome
        row = {
            "key": key,
            "variation": null.variation,
            "seed": null.seed,
            "status": found.status.value,
            "blocked_by": sorted(found.blocked_by),
            "failed_by": sorted(found.failed_by),
        }
        with storage_errors(self.path, RunStorageError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            with self.path.open("r+b") as file:
                # What a killed process wrote of a line goes away.
                file.truncate(self._size)
                file.seek(self._size)
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
                self._size = file.tell()
        self._known[key] = found


def judge_nulls(
    requests: Sequence[tuple[str, GateRequest]],
    bank: NullBank,
    *,
    key_of: Callable[[GateRequest], str],
    keep: Callable[[Observed], None] = lambda _observed: None,
    kept: int = 0,
    tell: Tell = lambda _what, _done, _total: None,
) -> list[Null]:
    """Measure and judge every null that the bank does not know.

    Args:
        requests: name of the variation and what to run.
        bank: where outcomes are looked up and remembered.
        key_of: names a request by everything that its outcome depends on.
        keep: called with the measured panels of each of the first ``kept`` nulls.
        kept: how many of these are wanted, whether or not their outcome is known.
        tell: progress.
    """
    nulls: list[Null] = []
    for index, (name, request) in enumerate(requests):
        tell("null", index, len(requests))
        key = key_of(request)
        found = bank.find(key)
        if found is None or index < kept:
            observed = observe(request)
            if index < kept:
                keep(observed)
            if found is None:
                found = outcome_of(observed.policy, *judge_with_looks(observed))
                bank.add(key, Null(name, request.seed or 0, found))
        nulls.append(Null(name, request.seed or 0, found))
    tell("null", len(requests), len(requests))
    return nulls


def null_key(request: GateRequest, inputs: Inputs) -> str:
    """Name a null by all that its outcome depends on: models, policy, cases, engine, this code.

    Args:
        request: the null.
        inputs: of the same base, policy and cases; the adapter is read again.
    """
    asked = replace(inputs, request=request)
    return digest_of(
        [
            _sources(),
            request.seed,
            read_adapter(request.adapter).digest,
            inputs.policy.digest,
            asked.circumstances,
            transformers_identity(inputs.base, inputs.template.fingerprint, asked.numerics),
        ]
    )


@cache
def _sources() -> str:
    return digest_of_sources(Path(evalsuite.__file__).parent)


def digest_of_sources(package: Path) -> str:
    """SHA-256 of the code and data in a package's folder, the same in a wheel and a checkout.

    The embedded model's weights are left out, and so are the cases that only a wheel has there:
    a null is named by both apart from this.
    """
    files = sorted(f for kind in ("*.py", "*.yaml") for f in package.rglob(kind))
    named = {f.relative_to(package): f.read_text("utf-8") for f in files}
    return digest_of({str(f): text for f, text in named.items() if f.parts[0] != SHIPPED})


def _complete(path: Path) -> bytes:
    """The file up to its last complete line."""
    content = path.read_bytes() if path.is_file() else b""
    return content[: content.rfind(b"\n") + 1]


def _lines(path: Path, content: bytes) -> Iterator[tuple[str, Outcome]]:
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            row = _ROW.validate_json(line)
            yield row["key"], Outcome(row["status"], row["blocked_by"], row["failed_by"])
        except ValidationError as error:
            raise RunError(
                f"{path}:{number}: is no remembered null ({first_fault(error)}); delete the line, "
                "or the file to measure all of them again"
            ) from None
