"""Promotion and rollback: the only two ways in which the registry grows."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from evalsuite.errors import EvalsuiteError, RegistryError
from evalsuite.models import CONFIG_FILE, PROVENANCE_FILE, WEIGHTS_FILE, digest_file, digest_tree
from evalsuite.registry.chain import Chain, append, locked, read_chain
from evalsuite.registry.record import (
    Action,
    Base,
    Digest,
    Evidence,
    Place,
    PromotionRecord,
    Resource,
    Statement,
    make_statement,
)
from evalsuite.runfolder import EVIDENCE, RUN_FILE, Run, load_run
from evalsuite.runrecord import AdapterInfo, Status, Tier


def promote(run_folder: Path, registry_folder: Path, *, now: datetime) -> PromotionRecord:
    """Make the adapter of a passed run the champion of a registry.

    Args:
        run_folder: A finished run whose status is PASSED; its adapter must lie where it lay.
        registry_folder: Made when it does not exist.
        now: The time of promotion, with a time zone.

    Raises:
        RegistryError: why the promotion is refused; the registry is as it was.
    """
    _require_zone(now)
    run, adapter = _promotable(Path(run_folder))
    registry = Path(registry_folder).absolute()
    with locked(registry):
        chain = read_chain(registry)
        chain.require_whole(registry)
        _refuse_again(run, chain)
        return append(registry, _statement(run, adapter, registry, chain, now))


def rollback(registry_folder: Path, to: str | Path, *, now: datetime) -> PromotionRecord:
    """Make the adapter of an earlier record the champion again, by a new record.

    Args:
        registry_folder: The registry.
        to: The record to go back to: its file, its file's name or its sequence number.
        now: The time of the rollback, with a time zone.

    Raises:
        RegistryError: no such record, it is the champion already, or its adapter has changed.
    """
    _require_zone(now)
    registry = Path(registry_folder).absolute()
    if not registry.is_dir():
        raise RegistryError(f"there is no registry {str(registry)!r}; promote a run first")
    with locked(registry):
        chain = read_chain(registry)
        chain.require_whole(registry)
        target = _find(chain, str(to))
        last = chain.records[-1]
        if last.evidence.adapter.digest == target.evidence.adapter.digest:
            raise RegistryError(f"the adapter of {target.path.name} is the champion already")
        _require_adapter(target.adapter_path, target.evidence.adapter.digest, "that record")
        changes = {
            "action": Action.ROLLBACK,
            "sequence": last.sequence + 1,
            "created": now,
            "previous": last.link,
            "rollback_to": last.link,
            "restores": target.evidence.restores or target.link,
        }
        evidence = target.evidence.model_copy(update=changes)
        predicate = target.statement.predicate.model_copy(update={"evalsuite": evidence})
        return append(registry, target.statement.model_copy(update={"predicate": predicate}))


def champion(registry_folder: Path) -> PromotionRecord | None:
    """Return the newest record of a registry, which names the champion; None when it is empty.

    Raises:
        RegistryError: the chain is broken, so that nobody can say which record is the newest.
    """
    chain = read_chain(registry_folder)
    chain.require_whole(Path(registry_folder))
    return chain.last


def adapter_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files that make up the adapter in ``folder``, sorted."""
    own = (CONFIG_FILE, WEIGHTS_FILE, PROVENANCE_FILE)
    return tuple(sorted(name for name in own if (folder / name).is_file()))


def configuration(run: Run) -> list[Resource]:
    """Return everything that the verdict depends on beside adapter and run files."""
    info = run.info
    digests = {
        f"base {info.base.name}": info.base.digest,
        "tokenizer": info.base.tokenizer_digest,
        f"policy {info.policy.name}": info.policy.digest,
        "chat template": info.template_fingerprint,
        "cases": info.cases_digest,
        "demonstrations": info.demonstrations_digest,
    }
    try:
        return [Resource(name=name, digest=Digest(sha256=value)) for name, value in digests.items()]
    except ValueError:
        bad = next(name for name, value in digests.items() if len(value) != 64)
        raise RegistryError(
            f"the run in {str(run.folder)!r} has no sha256 of its {bad}; run the gate again"
        ) from None


def run_files(run: Run) -> dict[str, str]:
    """Return the digests of every file of the run that is evidence."""
    recorded = {name: run.info.files[name].sha256 for name in EVIDENCE}
    return {RUN_FILE: digest_file(run.folder / RUN_FILE), **recorded}


def _require_zone(now: datetime) -> None:
    if now.tzinfo is None:
        raise RegistryError(f"now={now} has no time zone; use datetime.now(UTC)")


def _promotable(folder: Path) -> tuple[Run, AdapterInfo]:
    try:
        run = load_run(folder)
    except EvalsuiteError as problem:
        raise RegistryError(f"refused: {problem}") from problem
    if run.status is not Status.PASSED:
        blocking = [v for v in run.verdicts if v.tier is Tier.BLOCKING]
        why = [f"{v.gate} {v.status}" for v in blocking if v.status is not Status.PASSED]
        raise RegistryError(
            f"refused: the run in {str(folder)!r} is {run.status}, not passed "
            f"({', '.join(why) or 'a required gate was not run'}); see its report.html"
        )
    if run.info.adapter is None:
        raise RegistryError(f"refused: the run in {str(folder)!r} had no adapter to promote")
    _require_adapter(Path(run.info.adapter.path), run.info.adapter.digest, "the run")
    return run, run.info.adapter


def _require_adapter(folder: Path, digest: str, owner: str) -> None:
    names = adapter_files(folder)
    if not names:
        raise RegistryError(
            f"refused: the adapter that {owner} names is not in {str(folder)!r} any more; "
            "put it back"
        )
    actual = digest_tree(folder, names)
    if actual != digest:
        raise RegistryError(
            f"refused: the adapter in {str(folder)!r} is not the one that {owner} names: "
            f"its digest is {actual}, not {digest}; gate it first"
        )


def _refuse_again(run: Run, chain: Chain) -> None:
    last = chain.last
    if last is not None and last.evidence.run.files == run_files(run):
        raise RegistryError(f"refused: {last.path.name} has promoted this run already")


def _statement(
    run: Run, adapter: AdapterInfo, registry: Path, chain: Chain, now: datetime
) -> Statement:
    last = chain.last
    folder = Path(adapter.path)
    files = {name: digest_file(folder / name) for name in adapter_files(folder)}
    evidence = Evidence(
        action=Action.PROMOTE,
        sequence=last.sequence + 1 if last else 1,
        created=now,
        adapter=Place(path=_relative(folder, registry), digest=adapter.digest),
        base=Base(
            name=run.info.base.name,
            digest=run.info.base.digest,
            tokenizer_digest=run.info.base.tokenizer_digest,
        ),
        run=Place(path=_relative(run.folder, registry), files=run_files(run)),
        template_fingerprint=run.info.template_fingerprint,
        engine_identity=run.info.engine.identity,
        verdicts=[verdict.to_json() for verdict in run.verdicts],
        previous=last.link if last else None,
        rollback_to=last.link if last else None,
    )
    passed = [v.gate for v in run.verdicts if v.status is Status.PASSED]
    warned = [v.gate for v in run.verdicts if v.status is not Status.PASSED]
    return make_statement(files, configuration(run), (passed, warned), evidence)


def _relative(folder: Path, registry: Path) -> str:
    """Return ``folder`` as seen from the registry, so that both may move together."""
    return Path(os.path.relpath(folder.absolute(), registry)).as_posix()


def _find(chain: Chain, to: str) -> PromotionRecord:
    name = Path(to).name
    for record in chain.records:
        if name == record.path.name or (name.isdigit() and int(name) == record.sequence):
            return record
    known = ", ".join(str(record.sequence) for record in chain.records) or "none"
    raise RegistryError(f"to={to!r} is no record of this registry; it has: {known}")
