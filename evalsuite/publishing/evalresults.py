"""The hub's ``.eval_results/*.yaml``: one entry for each gate that measured something.

An entry of that format is a data set, a task and one number. What a gate says beyond its number
(interval, limit, n, verdict) stands in the notes; docs/publishing.md says what is lost.
"""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path

import yaml

from evalsuite.errors import PublishingError
from evalsuite.publishing.facts import binding, digests, measure
from evalsuite.publishing.pendingfile import PendingFile, read_present
from evalsuite.report.charts import interval, number
from evalsuite.report.safetext import one_line
from evalsuite.report.view import WORDS
from evalsuite.runs import Tier, Verdict
from evalsuite.runs.folder import Run

EVAL_RESULTS = ".eval_results"
FILE = "evalsuite.yaml"
PANELS = "evalsuite-seeded-panels"
"""Stands where the hub wants the id of a data set. Panels are drawn from a seed for each candidate,
so there is none; this is no id of the hub, which all have an owner."""
_HEAD = "# Written by evalsuite publish, which replaces the whole file.\n"
_DATASET = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\Z", re.ASCII)
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+\Z")
_LOUD = re.compile(r"[^\w\s.,%()/+=-]")
"""Neither a semicolon, which parts what the notes say, nor a colon, which makes an address."""


def eval_results(
    run: Run, *, dataset: str | None = None, source_url: str | None = None
) -> list[dict[str, object]]:
    """Return the entries of a run, as plain data.

    ``task_id`` is the gate and what its value is (``example_leakage_defect_rate``); ``value`` is
    that loss, not a percentage. A gate that measured nothing has no entry: the notes of the others
    name it.

    Args:
        run: Of any verdict; every note begins with it.
        dataset: The benchmark on the hub that these panels belong to, as ``owner/name``; default:
            :data:`PANELS`.
        source_url: Where the evidence can be read.

    Raises:
        PublishingError: an argument that the hub would refuse, or no gate measured anything.
    """
    _require(dataset, source_url)
    measured = [verdict for verdict in run.verdicts if verdict.value is not None]
    if not measured:
        raise PublishingError(
            f"no gate of the run in {str(run.folder)!r} has a value, and the hub's format holds "
            "nothing but values; publish it as a card or to MLflow"
        )
    source = {"source": {"url": source_url, "name": "evalsuite run"}} if source_url else {}
    return [
        {
            "dataset": {"id": dataset or PANELS, "task_id": _task(verdict)},
            "value": verdict.value,
            "date": f"{run.info.finished.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            **source,
            "notes": _notes(run, verdict),
        }
        for verdict in measured
    ]


def eval_results_yaml(entries: list[dict[str, object]]) -> str:
    """Return entries as the content of a file; ``yaml.safe_load`` reads them back."""
    return _HEAD + yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=10_000)


def prepare_eval_results(
    folder: Path, run: Run, *, dataset: str | None = None, source_url: str | None = None
) -> PendingFile:
    """Make the file of a run in a model's repository ready, without writing.

    Args:
        folder: The model's repository, which must exist.
        run: See :func:`eval_results`, like ``dataset`` and ``source_url``.
        dataset: See there.
        source_url: See there.

    Raises:
        PublishingError: no such folder, or a file of another maker in the way.
    """
    folder = Path(folder)
    if not folder.is_dir() or folder.resolve().name == EVAL_RESULTS:
        raise PublishingError(
            f"{str(folder)!r} is not the folder of a model's repository; name the one that holds "
            f"README.md, {EVAL_RESULTS}/ is made in it"
        )
    inner = folder / EVAL_RESULTS
    if inner.exists() and not inner.is_dir():
        raise PublishingError(f"{str(inner)!r} must be a folder; move the file away")
    entries = eval_results(run, dataset=dataset, source_url=source_url)
    path = inner / FILE
    before = read_present(path)
    if before is not None and not before.startswith(_HEAD.rstrip("\n").encode()):
        raise PublishingError(
            f"{str(path)!r} was not written by evalsuite, which would replace it; move it away"
        )
    return PendingFile(path, before, eval_results_yaml(entries).encode())


def _require(dataset: str | None, source_url: str | None) -> None:
    if dataset is not None and not _DATASET.match(dataset):
        raise PublishingError(
            f"dataset={dataset!r} is no data set of the hub; give owner/name, or leave it out"
        )
    if source_url is not None and not _URL.match(source_url):
        raise PublishingError(f"source_url={source_url!r} must be a web address: https://...")


def _task(verdict: Verdict) -> str:
    gate = re.sub(r"[^a-z0-9]+", "_", verdict.gate.lower()).strip("_")
    return f"{gate[:80]}_{measure(verdict).name}"


def _notes(run: Run, verdict: Verdict) -> str:
    seeds = ", ".join(sorted({str(seed) for seed in run.info.seeds.values()})) or "none"
    missing = [v.gate for v in run.verdicts if v.value is None]
    part = binding(verdict)
    known = verdict.lower is not None and verdict.upper is not None
    parts = [
        f"run {WORDS[run.status].upper()}",
        f"gate {verdict.status}" + ("" if verdict.tier is Tier.BLOCKING else f" ({verdict.tier})"),
        f"{measure(verdict).words}, smaller is better",
        *([f"of the part {part.name}"] if part else []),
        f"interval {interval(verdict)} ({verdict.method})" if known else "no interval",
        "no limit" if verdict.limit is None else f"limit {number(verdict.limit)}",
        f"n {verdict.n} in {verdict.clusters} clusters",
        *([f"without a value {', '.join(missing)}"] if missing else []),
        f"seeded panels, seed {seeds}",
        *(f"{one_line(name, 60)} sha256 {digest}" for name, digest in digests(run).items()),
    ]
    return "; ".join(map(_plain, parts))


def _plain(text: str) -> str:
    """Return text that is nothing but words and numbers, wherever a page may put it."""
    return _LOUD.sub(",", one_line(text, 160))
