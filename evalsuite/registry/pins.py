"""The policy of a registry: by what its champions were judged, and who made that looser.

A run says itself by which policy it was judged, so a policy of one's own with laxer limits and the
same name would do. A registry therefore holds its policy: the first promotion pins that of its run,
and only :func:`accept_policy` puts another in its place, with a reason. Pins are files of a chain
like promotion records: ``policies/000001-<digest>.json``, each naming the digest of the one before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import Field, JsonValue, ValidationError

from evalsuite.errors import RegistryError
from evalsuite.files.jsonl import first_fault
from evalsuite.gates import Change, Difference, Policy, diff_policies
from evalsuite.registry.chain import locked
from evalsuite.registry.entries import Entry, Kept, Said, append_entry, read_entries

POLICIES = "policies"
FIRST = "The policy of the first run that was promoted here."


class PinnedPolicy(Entry):
    """The content of a pin's file."""

    name: str
    """Of the policy."""
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the policy."""
    resolved: dict[str, JsonValue]
    """The policy with every default filled in."""
    reason: Said
    by: str = ""
    """Who accepted it; empty for the first."""
    changed: tuple[str, ...] = ()
    """How it differs from the one before, a sentence each."""
    loosened: tuple[str, ...] = ()
    """Those differences by which a candidate passes that would not have passed."""


@dataclass(frozen=True, slots=True)
class Pin(Kept[PinnedPolicy]):
    """A pin as its file holds it."""

    @property
    def policy(self) -> Policy:
        """The policy.

        Raises:
            RegistryError: this evalsuite does not read it.
        """
        text = json.dumps(self.content.resolved)
        try:
            return Policy.model_validate_json(text, strict=True)
        except ValidationError as problem:
            raise RegistryError(
                f"{str(self.path)!r}: the policy {self.content.name!r} is none that this evalsuite "
                f"reads ({first_fault(problem, 'the whole')}); accept the one that it has now: "
                "evalsuite registry accept-policy"
            ) from None


def read_pins(registry: Path) -> tuple[Pin, ...]:
    """Read every pin of a registry, oldest first, and check the whole chain.

    Raises:
        RegistryError: naming the file that was changed, or is missing.
    """
    found = read_entries(Path(registry).absolute() / POLICIES, PinnedPolicy, "pinned policy")
    return tuple(Pin(one.path, one.sha256, one.content) for one in found)


def pinned(registry: Path) -> Pin | None:
    """The pin in force; None: nothing was promoted here yet, and no policy accepted.

    Raises:
        RegistryError: as :func:`read_pins`.
    """
    pins = read_pins(registry)
    return pins[-1] if pins else None


def accept_policy(
    registry: Path, policy: Policy, *, reason: str, by: str, loosen: bool, now: datetime
) -> Pin:
    """Make a policy that of a registry.

    Args:
        registry: the registry; made where it is not there.
        policy: what candidates are judged by from now on.
        reason: why, for everybody who reads a later report.
        by: who says so.
        loosen: whether it may let pass what the one in force does not.
        now: with a time zone.

    Raises:
        RegistryError: it is the one in force, or looser and nobody said that it may be.
    """
    registry = Path(registry).absolute()
    if not by.strip() or not reason.strip():
        raise RegistryError("name who accepts the policy (--by) and why (--reason)")
    with locked(registry):
        last = pinned(registry)
        if last is not None and last.content.digest == policy.digest:
            raise RegistryError(
                f"policy {policy.name!r} is that of the registry already (pin "
                f"{last.content.sequence}); nothing to do"
            )
        changed, looser = _differences(last, policy)
        if looser and not loosen:
            told = "\n".join(f"  {one}" for one in looser)
            raise RegistryError(
                f"refused: policy {policy.name!r} is looser than that of the registry:\n{told}\n"
                "give --loosen if it may be; that will stand in every later report"
            )
        pin = _next(last, policy, now, reason=reason.strip(), by=by.strip())
        return _append(registry, pin.model_copy(update={"changed": changed, "loosened": looser}))


def pin_first(registry: Path, policy: Policy, now: datetime) -> Pin:
    """Pin the policy of the first run that is promoted; the caller holds the lock."""
    return _append(registry, _next(None, policy, now, reason=FIRST))


def said(difference: Difference) -> str:
    """A difference in one sentence."""
    return f"{difference.path}: {difference.a!r} -> {difference.b!r} ({difference.why})"


def _differences(last: Pin | None, policy: Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How a policy differs from the one in force, and what of that is looser."""
    if last is None:
        return (), ()
    try:
        found = diff_policies(last.policy, policy)
    except RegistryError as problem:
        # Who cannot compare them cannot say that the new one is as strict.
        return (str(problem),), (str(problem),)
    looser = tuple(said(one) for one in found if one.change is Change.LOOSER)
    return tuple(said(one) for one in found), looser


def _next(
    last: Pin | None, policy: Policy, now: datetime, *, reason: str, by: str = ""
) -> PinnedPolicy:
    return PinnedPolicy(
        sequence=last.content.sequence + 1 if last else 1,
        created=now,
        name=policy.name,
        digest=policy.digest,
        resolved=policy.resolved,
        reason=reason,
        by=by,
        previous=last.link if last else None,
    )


def _append(registry: Path, content: PinnedPolicy) -> Pin:
    one = append_entry(registry / POLICIES, content)
    return Pin(one.path, one.sha256, one.content)
