"""What an MLflow store is told of a run, as plain dictionaries: parameters, numbers, tags.

A number that was not measured is absent, never zero. Text is on one line, without characters that
draw nothing, and escaped where MLflow's pages render Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from evalsuite.publishing.card import card_section
from evalsuite.publishing.facts import adapter_name, by_language, digests, measure, run_digest
from evalsuite.registry import PromotionRecord
from evalsuite.report.safetext import one_line
from evalsuite.report.view import sentence
from evalsuite.runs import SliceVerdict, Status, Verdict
from evalsuite.runs.folder import Run

RUN_TAG = "evalsuite.run_sha256"
"""The tag that names a run, whatever MLflow calls it."""
STATUS = {Status.PASSED: 0.0, Status.FAILED: 1.0, Status.INCONCLUSIVE: 2.0}
"""A status as a number: the exit status of ``evalsuite gate``."""
_NUMBERS = ("value", "lower", "upper", "limit", "n", "clusters")
_LONGEST = 4000
"""Characters of a text; MLflow takes 6,000 of a parameter and 8,000 of a tag."""


def milliseconds(moment: datetime) -> int:
    """Return a time as MLflow counts it."""
    return round(moment.timestamp() * 1000)


def title(run: Run) -> str:
    """Return the name of the entry: the adapter and when it was judged."""
    return one_line(f"{adapter_name(run)} {run.info.finished:%Y-%m-%d %H:%M}", 200)


def params(run: Run) -> dict[str, str]:
    """Return what the run was made from."""
    info = run.info
    attempt = {"attempt": info.attempt.number} if info.attempt else {}
    adapter = {"adapter": info.adapter.path, "adapter_sha256": info.adapter.digest} if (
        info.adapter
    ) else {}  # fmt: skip
    values: dict[str, object] = {
        "base": info.base.name,
        "base_sha256": info.base.digest,
        **adapter,
        "policy": info.policy.name,
        "policy_sha256": info.policy.digest,
        "prompt_format": info.prompt_format,
        "engine": info.engine.name,
        "circumstances": info.engine.circumstances,
        **attempt,
        **{f"seed/{_key(panel)}": seed for panel, seed in info.seeds.items()},
    }
    return {key: _text(str(value)) for key, value in values.items()}


def metrics(run: Run) -> dict[str, float]:
    """Return the numbers of every gate and language, as ``gate/value`` and ``gate/zh/value``."""
    found = {"status": STATUS[run.status]}
    for verdict in run.verdicts:
        gate = _key(verdict.gate)
        found |= dict(_numbers(gate, verdict))
        for language, part in by_language(verdict):
            found |= dict(_numbers(f"{gate}/{_key(language)}", part))
    return found


def tags(run: Run, record: PromotionRecord | None) -> dict[str, str]:
    """Return the verdict, what the values are, and every digest."""
    values = {
        "evalsuite.status": run.status.value,
        "evalsuite.verdict": sentence(run),
        "evalsuite.version": run.info.versions.get("evalsuite", "unknown"),
        **{f"evalsuite.gate.{_key(v.gate)}": f"{v.status} ({v.tier})" for v in run.verdicts},
        **{f"evalsuite.measure.{_key(v.gate)}": measure(v).words for v in run.verdicts},
        **{f"evalsuite.sha256.{_role(name)}": digest for name, digest in digests(run).items()},
        RUN_TAG: run_digest(run),
    }
    if record is not None:
        values |= {
            "evalsuite.record": record.path.name,
            "evalsuite.record_sha256": record.sha256,
        }
    made = {key: _text(value) for key, value in values.items()}
    note = card_section(run, record)
    # MLflow renders this one as Markdown. Cut, a fence or a table could stay open.
    return made if len(note) > 2 * _LONGEST else {**made, "mlflow.note.content": note}


def model_tags(run: Run) -> dict[str, str]:
    """Return what a registered version of the adapter carries."""
    return {
        "evalsuite.status": run.status.value,
        RUN_TAG: run_digest(run),
        "evalsuite.sha256.adapter": run.info.adapter.digest if run.info.adapter else "none",
    }


def _numbers(prefix: str, verdict: Verdict | SliceVerdict) -> Iterator[tuple[str, float]]:
    for name in _NUMBERS:
        value = getattr(verdict, name)
        if value is not None:
            yield f"{prefix}/{name}", float(value)
    yield f"{prefix}/status", STATUS[verdict.status]


def _key(text: str) -> str:
    """Return ``text`` as a part of a key that every store of MLflow takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text)[:80] or "unnamed"


def _role(name: str) -> str:
    """``base nano`` is the base, whatever it is called."""
    first, _, rest = name.partition(" ")
    return first if first in ("adapter", "base", "policy") else _key(f"{first} {rest}".strip())


def _text(text: str) -> str:
    return one_line(text, _LONGEST)
