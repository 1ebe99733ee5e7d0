"""Promotion and rollback: the only two ways in which the registry grows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from evalsuite.errors import RegistryError
from evalsuite.registry.candidate import (
    Candidate,
    configuration,
    policy_of,
    read_candidate,
    require_adapter,
    require_compared,
    require_current_waivers,
    seed_origin,
)
from evalsuite.registry.chain import Chain, append, locked, read_chain
from evalsuite.registry.copies import copy_run
from evalsuite.registry.pins import Pin, pin_first, pinned
from evalsuite.registry.record import (
    Action,
    Evidence,
    Link,
    Place,
    PolicyException,
    PromotionRecord,
    Statement,
    make_statement,
)
from evalsuite.runs import Status
from evalsuite.runs.folder import Run


def promote(
    run_folder: Path,
    registry_folder: Path,
    *,
    now: datetime,
    exception: PolicyException | None = None,
) -> PromotionRecord:
    """Make the adapter of a passed run the champion of a registry.

    The evidence of the run is copied into the registry, so its folder may be used again. A killed
    promotion leaves at most a copy that no record names. The same adapter may be promoted again on
    a new run.

    Args:
        run_folder: A finished run whose status is PASSED; its adapter must lie where it lay.
        registry_folder: Made when it does not exist.
        now: The time of promotion, with a time zone.
        exception: Why the run may be judged by another policy than the registry's.

    Raises:
        RegistryError: why the promotion is refused; no record was added.
    """
    _require_zone(now)
    registry = Path(registry_folder).absolute()
    candidate = read_candidate(Path(run_folder), registry)
    # A waiver holds to the end of its last day in UTC, whatever the zone of ``now``.
    require_current_waivers(candidate.run, now.astimezone(UTC).date())
    with locked(registry):
        chain = read_chain(registry)
        chain.require_whole(registry)
        require_compared(candidate.run, chain.last)
        pin = _pin(candidate.run, registry, now, exception)
        # Before the record that names it: a promotion that dies here leaves a copy and no record.
        copy = copy_run(candidate.run, registry)
        _refuse_again(candidate, copy, chain.last)
        statement = _statement(candidate, copy, chain.last, now)
        evidence = statement.predicate.evalsuite.model_copy(
            update={"policy_pin": pin.link, "exception": exception}
        )
        predicate = statement.predicate.model_copy(update={"evalsuite": evidence})
        return append(registry, statement.model_copy(update={"predicate": predicate}))


def _pin(run: Run, registry: Path, now: datetime, exception: PolicyException | None) -> Pin:
    """The registry's policy, which has to be that of the run; the first run's is pinned.

    Raises:
        RegistryError: it is another one, and there is no exception that holds.
    """
    policy = policy_of(run)
    pin = pinned(registry) or pin_first(registry, policy, now)
    other = pin.content.digest != policy.digest
    if exception is not None:
        if not other:
            raise RegistryError(
                f"refused: policy {policy.name!r} is that of the registry; an exception is for a "
                "run that was judged by another one"
            )
        if exception.expires < now.astimezone(UTC).date():
            raise RegistryError(f"refused: the exception by {exception.by} is over")
    elif other:
        raise RegistryError(
            f"refused: the run in {str(run.folder)!r} was judged by policy {policy.name!r} "
            f"({policy.digest[:12]}), but the registry's is {pin.content.name!r} "
            f"({pin.content.digest[:12]}); gate it by that one, or make this one the registry's "
            "with: evalsuite registry accept-policy"
        )
    return pin


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
        # No more than this is asked: the way back must be open when something is wrong, so neither
        # a new run nor a comparison with the champion stands in it.
        require_adapter(target.adapter_path, target.evidence.adapter.digest, "that record")
        changes = {
            "action": Action.ROLLBACK,
            "sequence": last.sequence + 1,
            "created": now,
            "previous": last.link,
            "rollback_to": last.link,
            # Going back to a rollback is going back to the promotion that it went back to.
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


def _require_zone(now: datetime) -> None:
    if now.tzinfo is None:
        raise RegistryError(f"now={now} has no time zone; use datetime.now(UTC)")


def _refuse_again(candidate: Candidate, copy: Place, last: PromotionRecord | None) -> None:
    """Raise RegistryError when this adapter is the champion on this very run."""
    if last is None or last.evidence.adapter.digest != candidate.adapter.digest:
        return
    if last.evidence.run.files == copy.files:
        raise RegistryError(
            f"refused: the adapter of the run in {str(candidate.run.folder)!r} is champion already "
            f"(record {last.sequence}), on this very run; there is nothing to do"
        )


def _way_back(candidate: Candidate, last: PromotionRecord | None) -> Link | None:
    """Return the last record with another adapter; new evidence alone replaces no champion."""
    if last is None or last.evidence.adapter.digest != candidate.adapter.digest:
        return last.link if last else None
    return last.evidence.rollback_to


def _statement(
    candidate: Candidate, copy: Place, last: PromotionRecord | None, now: datetime
) -> Statement:
    run = candidate.run
    evidence = Evidence(
        action=Action.PROMOTE,
        sequence=last.sequence + 1 if last else 1,
        created=now,
        adapter=candidate.adapter,
        base=candidate.base,
        run=copy,
        template_fingerprint=run.info.template_fingerprint,
        engine_identity=run.info.engine.identity,
        seed_origin=seed_origin(run),
        verdicts=[verdict.to_json() for verdict in run.verdicts],
        previous=last.link if last else None,
        rollback_to=_way_back(candidate, last),
    )
    # in-toto's predicate knows passed, warned and failed tests. A gate that did not pass and yet
    # let the candidate through is a warning.
    passed = [v.gate for v in run.verdicts if v.status is Status.PASSED]
    warned = [v.gate for v in run.verdicts if v.status is not Status.PASSED]
    return make_statement(candidate.adapter_files, configuration(run), (passed, warned), evidence)


def _find(chain: Chain, to: str) -> PromotionRecord:
    name = Path(to).name
    for record in chain.records:
        if name == record.path.name or (name.isdigit() and int(name) == record.sequence):
            return record
    known = ", ".join(str(record.sequence) for record in chain.records) or "none"
    raise RegistryError(f"to={to!r} is no record of this registry; it has: {known}")
