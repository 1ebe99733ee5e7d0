"""What a registry promoted before, in the plain form that runs and reports keep of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from evalsuite.errors import RunError
from evalsuite.models import digest_file
from evalsuite.registry.chain import read_chain
from evalsuite.registry.record import PromotionRecord
from evalsuite.runs import GateNumbers, PromotionInfo
from evalsuite.runs.folder import RUN_FILE, read_run_file

MOST = 8
"""Promotions that a run keeps."""
_POLICY = "policy "


def history(registry_folder: Path, base: str, *, most: int = MOST) -> tuple[PromotionInfo, ...]:
    """Return the last promotions of one base, oldest first; none where there is no registry.

    Args:
        registry_folder: The registry.
        base: Digest of the base model.
        most: How many.

    Raises:
        RegistryError: the chain is broken, so that nobody can say what was promoted.
    """
    chain = read_chain(registry_folder)
    chain.require_whole(Path(registry_folder))
    return promotions(chain.records, base, most=most)


def promotions(
    records: Iterable[PromotionRecord], base: str, *, most: int = MOST
) -> tuple[PromotionInfo, ...]:
    """Return the last ``most`` of the records that are about the base with this digest."""
    of_base = [record for record in records if record.evidence.base.digest == base]
    return tuple(_promotion(record) for record in of_base[-most:])


def _promotion(record: PromotionRecord) -> PromotionInfo:
    evidence = record.evidence
    named = (resource.name for resource in record.statement.predicate.configuration)
    policies = (name.removeprefix(_POLICY) for name in named if name.startswith(_POLICY))
    return PromotionInfo(
        record=record.path.name,
        sequence=record.sequence,
        action=record.action.value,
        created=record.created,
        adapter=evidence.adapter.digest,
        policy=next(policies, ""),
        gates={str(v["gate"]): _numbers(v) for v in evidence.verdicts if "gate" in v},
        lineage=_lineage(record),
    )


def _lineage(record: PromotionRecord) -> str:
    """Read the lineage from the registry's copy of the run; empty where that does not tell."""
    recorded = record.evidence.run.files.get(RUN_FILE)
    try:
        if digest_file(record.run_path / RUN_FILE) != recorded:
            return ""
        attempt = read_run_file(record.run_path).attempt
    except (OSError, RunError):
        return ""  # what was promoted is known all the same
    return "" if attempt is None else attempt.lineage


def _numbers(verdict: Mapping[str, object]) -> GateNumbers:
    """Read a verdict as a record keeps it, also one of another version of evalsuite."""
    n = verdict.get("n")
    return GateNumbers(
        status=str(verdict.get("status", "")),
        value=_number(verdict.get("value")),
        lower=_number(verdict.get("lower")),
        upper=_number(verdict.get("upper")),
        limit=_number(verdict.get("limit")),
        n=n if isinstance(n, int) and not isinstance(n, bool) else 0,
    )


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) else None
