"""Whom a candidate is compared with: the champion of the registry, another adapter, or the base.

All of it is settled, and every file of the champion's adapter checked, before anything is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import InvalidInput, ModelError, RegistryError
from evalsuite.gates import Gate, Opponent, Policy
from evalsuite.models import BaseRef, Tuned, read_tuned
from evalsuite.registry import Chain, PromotionRecord, promotions, read_chain, read_pins
from evalsuite.runs import ChampionInfo, LoosenedInfo, PromotionInfo, RegistryPolicyInfo

AUTO, BASE = "auto", "base"
"""What may be asked for beside a folder: the registry's champion, or no champion at all."""
_INSTEAD = f"or compare with the base: --champion {BASE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Whom the candidate of a run is compared with."""

    opponent: Opponent
    adapter: Tuned | None = None
    """The champion's, or the whole model that it is; None: the base alone."""
    info: ChampionInfo | None = None
    """What ``run.json`` says of it."""


def require_rule(choice: str, policy: Policy) -> None:
    """Raise InvalidInput where somebody names whom to compare with and the policy compares not."""
    if choice != AUTO and not policy.rule(Gate.REGRESSION).enabled:
        raise InvalidInput(
            f"champion={choice!r}: policy {policy.name!r} compares with nobody, because its rule "
            "gates.regression is absent or disabled; leave --champion out, or name a policy that "
            "has the rule with --policy"
        )


def compared_with(
    choice: str,
    registry: Path | None,
    base: BaseRef,
    candidate: Tuned,
    *,
    decisive: bool = True,
) -> Compared:
    """Find the champion, and check that its adapter is still the one that was promoted.

    Args:
        choice: ``auto`` for the registry's, ``base`` for none, else the folder of an adapter.
        registry: folder of promotion records; None: there is none.
        base: of the candidate.
        candidate: the adapter under test; never its own opponent.
        decisive: whether the comparison may block. Where it may not, the base takes the place of
            a champion whose adapter is gone or changed.

    Raises:
        RegistryError: the registry is broken, or the champion's adapter is gone or changed and
            the comparison is decisive.
        InvalidInput: the folder that is named is the candidate's.
        ModelError: the adapter that is named cannot be used with this base.
    """
    if choice == BASE:
        return _base("Compared with the base, as asked.")
    if choice != AUTO:
        return _named(Path(choice), registry, base, candidate)
    if registry is None:
        return _base("No registry was named: compared with the base.")
    return _automatic(registry, base, candidate, decisive)


def _automatic(registry: Path, base: BaseRef, candidate: Tuned, decisive: bool) -> Compared:
    """The registry's champion, where there is one that the candidate can meet."""
    record = _whole(registry).last
    if record is None:
        return _base("No champion yet: compared with the base.")
    known, said = record.evidence, f"(record {record.sequence})"
    if known.base.digest != base.digest:
        return _base(
            f"The champion {said} is of another base, {known.base.name}: compared with the base."
        )
    if known.adapter.digest == candidate.digest:
        return _base(f"This adapter is the champion {said}: compared with the base.")
    try:
        adapter = _promoted(record, base)
    except RegistryError:
        if decisive:
            raise
        place = str(record.adapter_path.resolve())
        return _base(f"The champion {said} is not in {place!r} any more: compared with the base.")
    return _asked(adapter, f"the champion {said}", record)


def earlier_promotions(registry: Path | None, base: BaseRef) -> tuple[PromotionInfo, ...]:
    """Return the last promotions of a base; none where nobody can say which they were."""
    chain = read_chain(registry) if registry else None
    return promotions(chain.records, base.digest) if chain and not chain.faults else ()


def registry_policy(registry: Path | None) -> RegistryPolicyInfo | None:
    """Return by what a registry's champions are judged, and who loosened it.

    Raises:
        RegistryError: the chain of its policies is broken.
    """
    pins = read_pins(registry) if registry else ()
    if not pins:
        return None
    return RegistryPolicyInfo(
        name=pins[-1].content.name,
        digest=pins[-1].content.digest,
        loosened=tuple(
            LoosenedInfo(
                created=pin.content.created,
                by=pin.content.by,
                reason=pin.content.reason,
                changes=pin.content.loosened,
            )
            for pin in pins
            if pin.content.loosened
        ),
    )


def _base(because: str) -> Compared:
    return Compared(opponent=Opponent(because=because))


def _asked(adapter: Tuned, name: str, record: PromotionRecord | None) -> Compared:
    return Compared(
        opponent=Opponent(name=name, asked=True, because=""),
        adapter=adapter,
        info=ChampionInfo(
            path=str(adapter.path),
            digest=adapter.digest,
            record=record.path.name if record else "",
            sequence=record.sequence if record else 0,
        ),
    )


def _named(folder: Path, registry: Path | None, base: BaseRef, candidate: Tuned) -> Compared:
    adapter = read_tuned(folder, base)
    if adapter.digest == candidate.digest:
        raise InvalidInput(
            f"champion={str(folder)!r} is the candidate itself; name another adapter, {AUTO} for "
            f"the champion of the registry, {_INSTEAD}"
        )
    last = _whole(registry).last if registry else None
    champion = last if last and last.evidence.adapter.digest == adapter.digest else None
    return _asked(adapter, f"the adapter in {str(folder)!r}", champion)


def _whole(registry: Path) -> Chain:
    chain = read_chain(registry)
    try:
        chain.require_whole(registry)
    except RegistryError as problem:
        raise RegistryError(f"{problem}, {_INSTEAD}") from problem
    return chain


def _promoted(record: PromotionRecord, base: BaseRef) -> Tuned:
    """Read the adapter of a record; it must be the one that was promoted.

    Raises:
        RegistryError: naming the record, the folder and what to do.
    """
    folder, promoted = record.adapter_path, record.evidence.adapter.digest
    try:
        adapter = read_tuned(folder, base)
    except ModelError as problem:
        raise _gone(record, str(problem)) from problem
    if adapter.digest != promoted:
        changed = f"the adapter in {str(folder)!r} has the digest {adapter.digest}, not {promoted}"
        raise _gone(record, changed)
    return adapter


def _gone(record: PromotionRecord, why: str) -> RegistryError:
    return RegistryError(
        f"the champion (record {record.sequence}, {record.path.name}) cannot be compared with, "
        f"because its adapter in {str(record.adapter_path.resolve())!r} is gone or was changed: "
        f"{why}. Put the promoted one back there, {_INSTEAD}"
    )
