"""What every published format says alike: the run's name, its measures, the record behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import PublishingError
from evalsuite.gates.part import Topic
from evalsuite.gates.verdict import Quantity
from evalsuite.models import digest_file
from evalsuite.registry import PromotionRecord, read_record
from evalsuite.runs import SliceVerdict, Verdict
from evalsuite.runs.folder import RUN_FILE, Run

# owner/name, with a revision or a family behind it. Anything else may be a path, which tells
# strangers about a machine.
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?(#[\w.-]+)?\Z")
_BY_LANGUAGE = (Topic.LANGUAGE, Topic.TEXT)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a number is: a name for machines, and words for people. Smaller is always better."""

    name: str
    words: str


_MEASURES = {
    Quantity.RATE: Measure("defect_rate", "share of cases with a defect"),
    Quantity.DIFFERENCE: Measure("loss_against_base", "candidate minus base, share of cases"),
    Quantity.NATS: Measure("nats_against_base", "candidate minus base, nats per token"),
    Quantity.WORDS: Measure("words_against_base", "candidate minus base, share of words"),
    Quantity.CENSUS: Measure("failed_share", "share of checks that failed"),
}
_UNKNOWN = Measure("loss", "loss")


def run_digest(run: Run) -> str:
    """Return the SHA-256 of ``run.json``, which names the run and, through it, all its evidence.

    Raises:
        PublishingError: the file is gone.
    """
    try:
        return digest_file(run.folder / RUN_FILE)
    except OSError as problem:
        raise PublishingError(
            f"cannot read {str(run.folder / RUN_FILE)!r}: {problem.strerror}; run the gate again"
        ) from problem


def binding(verdict: Verdict) -> SliceVerdict | None:
    """Return the part whose numbers a gate's verdict shows; None where it has no parts."""
    # A verdict does not name the part that binds; it has that part's numbers.
    return next((p for p in verdict.slices if _numbers(p) == _numbers(verdict)), None)


def measure(verdict: Verdict | SliceVerdict) -> Measure:
    """Return what the numbers of a verdict mean: of a gate, those of the part that binds."""
    part = verdict if isinstance(verdict, SliceVerdict) else binding(verdict)
    return _UNKNOWN if part is None else _MEASURES[part.quantity]


def _numbers(verdict: Verdict | SliceVerdict) -> tuple[float | None, ...]:
    return (verdict.value, verdict.lower, verdict.upper, verdict.limit, verdict.n)


def by_language(verdict: Verdict) -> Iterator[tuple[str, SliceVerdict]]:
    """Yield the language and the decision of every part that is about one language."""
    for part in verdict.slices:
        about = part.part
        if about is not None and about.topic in _BY_LANGUAGE and about.language:
            yield about.language, part


def public_name(name: str) -> str:
    """Return a model's name as strangers may see it: of a folder on this machine, the last part.

    ``nano`` and hub ids (``owner/name@revision``) stay as they are.
    """
    if _HUB_ID.match(name) and not name.startswith("."):
        return name
    return name.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1] or "unnamed"


def adapter_name(run: Run) -> str:
    """Return the last part of the adapter's folder, or ``no adapter``."""
    return public_name(run.info.adapter.path) if run.info.adapter else "no adapter"


def digests(run: Run) -> dict[str, str]:
    """Return the SHA-256 of everything that the verdict depends on, under public names."""
    info = run.info
    adapter = {f"adapter {adapter_name(run)}": info.adapter.digest} if info.adapter else {}
    return {
        **adapter,
        f"base {public_name(info.base.name)}": info.base.digest,
        "tokenizer": info.base.tokenizer_digest,
        f"policy {public_name(info.policy.name)}": info.policy.digest,
        "chat template": info.template_fingerprint,
        "cases": info.cases_digest,
        "demonstrations": info.demonstrations_digest,
        "run.json": run_digest(run),
    }


def matching_record(run: Run, path: Path) -> PromotionRecord:
    """Read the promotion record of a run.

    Raises:
        RegistryError: it is missing or not a record.
        PublishingError: it is the record of another adapter or of another run.
    """
    record = read_record(path)
    adapter = run.info.adapter.digest if run.info.adapter else "none"
    if record.evidence.adapter.digest != adapter:
        raise PublishingError(
            f"record={str(path)!r} is about the adapter {record.evidence.adapter.digest}, the run "
            f"in {str(run.folder)!r} about {adapter}; name the record that promote printed"
        )
    digest, recorded = run_digest(run), record.evidence.run.files.get(RUN_FILE, "none")
    if recorded != digest:
        raise PublishingError(
            f"record={str(path)!r} rests on the run {recorded}, not on the one in "
            f"{str(run.folder)!r} ({digest}); publish the run that was promoted"
        )
    return record
