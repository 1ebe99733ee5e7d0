"""Verification: does everything that a record names still have the digest that it names?

Nothing is trusted and nothing is fetched: every digest is taken again from the files, and each
thing that changed or is gone gets a finding of its own instead of one "does not verify".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from evalsuite.errors import EvalsuiteError, RegistryError, RunError
from evalsuite.gates import policy_digest
from evalsuite.models import (
    NAMED,
    BaseRef,
    cached_base,
    digest_file,
    digest_tree,
    resolve_base,
    without_family,
)
from evalsuite.registry.attempts import read_attempts
from evalsuite.registry.candidate import adapter_files, configuration
from evalsuite.registry.chain import read_chain
from evalsuite.registry.lineages import read_lineages
from evalsuite.registry.pins import read_pins
from evalsuite.registry.record import PromotionRecord, read_record
from evalsuite.runs import BaseInfo, Status
from evalsuite.runs.folder import load_run


class Check(StrEnum):
    """What verification found about one thing."""

    OK = "ok"
    """It is as the record says."""
    CHANGED = "changed"
    """It is there and differs."""
    MISSING = "missing"
    """It is not where the record says."""
    UNCHECKED = "unchecked"
    """It could not be looked at, and the record does not promise that it can."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the record names."""

    subject: str
    check: Check
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that was checked."""

    record: Path
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing changed and nothing is missing."""
        return not self.problems

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What changed or is missing."""
        bad = (Check.CHANGED, Check.MISSING)
        return tuple(finding for finding in self.findings if finding.check in bad)

    def require_ok(self) -> None:
        """Raise RegistryError naming every problem, unless there is none."""
        if not self.ok:
            told = "; ".join(f"{p.subject} {p.check}: {p.detail}" for p in self.problems)
            raise RegistryError(f"the record {str(self.record)!r} does not verify: {told}")


def verify(
    record: Path,
    *,
    adapter: Path | None = None,
    run: Path | None = None,
    base: str | Path | None = None,
) -> Verification:
    """Check a record against the adapter, the run, the base and the whole chain.

    Args:
        record: The record's file, inside its registry.
        adapter: Where the adapter lies now; default: where the record says.
        run: Another copy of the run; default: the registry's own.
        base: The base model, which may be downloaded; default: the one that the record names, if
            it is on this machine.

    Raises:
        RegistryError: the file is not a record at all.
    """
    read = read_record(Path(record))
    findings = [
        *_chain(read),
        *_pin(read),
        *_ledger(read),
        *_lineages(read),
        *_adapter(read, adapter or read.adapter_path),
        *_run(read, run or read.run_path),
        *_base(read, base),
    ]
    return Verification(read.path, tuple(findings))


def _compare(subject: str, recorded: str, actual: str) -> Finding:
    if recorded == actual:
        return Finding(subject, Check.OK)
    return Finding(subject, Check.CHANGED, f"is {actual}, the record says {recorded}")


def _chain(record: PromotionRecord) -> Iterator[Finding]:
    chain = read_chain(record.registry)
    for fault in chain.faults:
        yield Finding(
            fault.subject, Check.MISSING if fault.missing else Check.CHANGED, fault.detail
        )
    if record.path.name not in {r.path.name for r in chain.records}:
        yield Finding(
            f"record {record.path.name}", Check.MISSING,
            f"is not in the chain of {str(record.registry)!r}; verify the registry's own file",
        )  # fmt: skip
    if not chain.faults:
        yield Finding(f"chain of {len(chain.records)} records", Check.OK)


def _pin(record: PromotionRecord) -> Iterator[Finding]:
    """The policy that the registry had, against the one that judged."""
    link, exception = record.evidence.policy_pin, record.evidence.exception
    if link is None:
        return  # of a version that pinned no policy
    try:
        pins = read_pins(record.registry)
    except RegistryError as problem:
        yield Finding("policy of the registry", Check.CHANGED, str(problem))
        return
    pin = next((one for one in pins if one.link == link), None)
    if pin is None:
        yield Finding("policy of the registry", Check.MISSING, f"pin {link.record} is not there")
        return
    subject = f"policy of the registry (pin {pin.content.sequence})"
    judged = next(
        (
            one.digest.sha256
            for one in record.statement.predicate.configuration
            if one.name.startswith("policy ")
        ),
        "",
    )
    if exception is not None:
        said = f"judged by another policy, by {exception.by} until {exception.expires}"
        yield Finding(subject, Check.OK, f"{said}: {exception.reason}")
    else:
        yield _compare(subject, pin.content.digest, judged)


def _ledger(record: PromotionRecord) -> Iterator[Finding]:
    """Whether every attempt that was counted still stands in the ledger."""
    subject = "ledger of attempts"
    try:
        found = read_attempts(record.registry)
    except RunError as problem:
        yield Finding(subject, Check.CHANGED, str(problem))
        return
    if found:
        yield Finding(subject, Check.OK, f"{len(found)} attempts")


def _lineages(record: PromotionRecord) -> Iterator[Finding]:
    """Whether the list of lineages is whole."""
    subject = "lineages of the registry"
    try:
        known = read_lineages(record.registry)
    except RegistryError as problem:
        yield Finding(subject, Check.CHANGED, str(problem))
        return
    if known:
        yield Finding(subject, Check.OK, ", ".join(one.name for one in known))


def _adapter(record: PromotionRecord, folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding(
            "adapter folder", Check.MISSING,
            f"{str(folder)!r} is not there; if it was moved, name its new place",
        )  # fmt: skip
        return
    recorded = {resource.name: resource.digest.sha256 for resource in record.statement.subject}
    files = [
        _file(f"adapter file {name}", folder / name, digest) for name, digest in recorded.items()
    ]
    yield from files
    for name in sorted(set(adapter_files(folder)) - set(recorded)):
        yield Finding(f"adapter file {name}", Check.CHANGED, "was added after the promotion")
    # Over changed files the digest of the whole would only say the same again.
    if all(finding.check is Check.OK for finding in files):
        actual = digest_tree(folder, recorded)
        yield _compare("adapter digest", record.evidence.adapter.digest, actual)


def _file(subject: str, path: Path, digest: str) -> Finding:
    if not path.is_file():
        return Finding(subject, Check.MISSING, f"{str(path)!r} is not there")
    return _compare(subject, digest, digest_file(path))


def _run(record: PromotionRecord, folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding(
            "run folder", Check.MISSING,
            f"{str(folder)!r} is not there; if it was moved, name its new place",
        )  # fmt: skip
        return
    files = [
        _file(f"run file {name}", folder / name, digest)
        for name, digest in record.evidence.run.files.items()
    ]
    yield from files
    # What a changed run says is no evidence for or against the record.
    if all(finding.check is Check.OK for finding in files):
        yield from _statements(record, folder)


def _statements(record: PromotionRecord, folder: Path) -> Iterator[Finding]:
    """Compare what the record says about the run with what the run says."""
    try:
        run = load_run(folder)
        recorded = {r.name: r.digest.sha256 for r in record.statement.predicate.configuration}
        own = {r.name: r.digest.sha256 for r in configuration(run)}
    except EvalsuiteError as problem:
        yield Finding("run", Check.CHANGED, str(problem))
        return
    info, evidence = run.info, record.evidence
    pairs: dict[str, tuple[object, object]] = {
        "status": (Status.PASSED, run.status),
        "verdicts": (evidence.verdicts, [verdict.to_json() for verdict in run.verdicts]),
        # Where the base lies is the record's own finding; a run does not know it.
        "base": (evidence.base.model_dump(exclude={"path"}), _base_fields(info.base)),
        "adapter": (evidence.adapter.digest, info.adapter.digest if info.adapter else ""),
        "chat template": (evidence.template_fingerprint, info.template_fingerprint),
        "engine": (evidence.engine_identity, info.engine.identity),
        **{name: (recorded.get(name, ""), own.get(name, "")) for name in {**recorded, **own}},
    }
    yield _compare("policy digest", info.policy.digest, policy_digest(info.policy.resolved))
    differing = [
        Finding(
            f"record's {name}",
            Check.CHANGED,
            f"the record says {_short(said)}, the run says {_short(found)}",
        )
        for name, (said, found) in pairs.items()
        if said != found
    ]
    yield from differing or [Finding("record and run agree", Check.OK)]


def _base_fields(base: BaseInfo) -> dict[str, str]:
    return {
        "name": base.name,
        "digest": base.digest,
        "tokenizer_digest": base.tokenizer_digest,
    }


def _short(value: object) -> str:
    text = str(value)
    if len(text) <= 100:
        return text
    return f"something else (sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]})"


def _base(record: PromotionRecord, base: str | Path | None) -> Iterator[Finding]:
    recorded = record.evidence.base
    subject = f"base {recorded.name}"
    try:
        found = _recorded_base(record) if base is None else resolve_base(base, to_load=False)
    except EvalsuiteError as problem:
        check = Check.UNCHECKED if base is None else Check.MISSING
        yield Finding(subject, check, str(problem))
        return
    yield _compare(subject, recorded.digest, found.digest)
    yield _compare(f"{subject} (tokenizer)", recorded.tokenizer_digest, found.tokenizer_digest)


def _recorded_base(record: PromotionRecord) -> BaseRef:
    """Find the base on this machine; neither the network nor the current directory is asked."""
    recorded = record.evidence.base
    if recorded.path:
        return resolve_base(record.registry / recorded.path, to_load=False)
    name = without_family(recorded.name)
    if name in NAMED or Path(name).expanduser().is_absolute():
        return resolve_base(recorded.name, to_load=False)
    return cached_base(recorded.name)
