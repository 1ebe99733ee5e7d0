"""The policy of a registry: by what its champions were judged, and who made that looser.

A run says itself by which policy it was judged, so a policy of one's own with laxer limits and the
same name would do. A registry therefore holds its policy: the first promotion pins that of its run,
and only :func:`accept_policy` puts another in its place, with a reason. Pins are files of a chain
like promotion records: ``policies/000001-<digest>.json``, each naming the digest of the one before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from evalsuite.errors import RegistryError
from evalsuite.files.jsonl import first_fault
from evalsuite.files.storage import atomic_write, storage_errors, write_once
from evalsuite.gates import Change, Difference, Policy, diff_policies
from evalsuite.registry.chain import locked
from evalsuite.registry.record import Link

POLICIES, HEAD = "policies", "HEAD.json"
FIRST = "The policy of the first run that was promoted here."
_NAME = re.compile(r"(\d{6,})-([0-9a-f]{12})\.json\Z")
_MAX_BYTES = 4 * 2**20
Said = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


class PinnedPolicy(BaseModel):
    """The content of a pin's file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sequence: int = Field(ge=1)
    created: AwareDatetime
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
    previous: Link | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin as its file holds it."""

    path: Path
    sha256: str
    content: PinnedPolicy

    @property
    def link(self) -> Link:
        """This pin as others name it."""
        return Link(record=self.path.name, sha256=self.sha256)

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
    folder = Path(registry).absolute() / POLICIES
    if not folder.is_dir():
        return ()
    pins: list[Pin] = []
    for path in sorted(folder.glob("*-*.json")):
        pin = _read(path)
        before = pins[-1] if pins else None
        if pin.content.sequence != len(pins) + 1:
            raise RegistryError(
                f"pin {len(pins) + 1:06d} is missing before {str(path)!r}; restore it from a backup"
            )
        if pin.content.previous != (before.link if before else None):
            raise RegistryError(
                f"{str(path)!r} does not name the pin before it; restore both from a backup"
            )
        pins.append(pin)
    _require_head(folder, pins)
    return tuple(pins)


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
    data = (content.model_dump_json(indent=1) + "\n").encode()
    digest = hashlib.sha256(data).hexdigest()
    folder = registry / POLICIES
    path = folder / f"{content.sequence:06d}-{digest[:12]}.json"
    with storage_errors(path, RegistryError):
        folder.mkdir(parents=True, exist_ok=True)
        write_once(path, data)
        head = {"record": path.name, "sha256": digest}
        atomic_write(folder / HEAD, (json.dumps(head, indent=1) + "\n").encode())
    return Pin(path, digest, content)


def _read(path: Path) -> Pin:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as problem:
        raise RegistryError(f"cannot read the pin {str(path)!r}: {problem.strerror}") from problem
    if len(data) > _MAX_BYTES:
        raise RegistryError(f"{str(path)!r}: a pin has at most {_MAX_BYTES} bytes, this has more")
    digest = hashlib.sha256(data).hexdigest()
    try:
        content = PinnedPolicy.model_validate_json(data)
    except ValidationError as problem:
        raise RegistryError(
            f"{str(path)!r} is no pinned policy: {first_fault(problem, 'the file')}; restore it "
            "from a backup"
        ) from None
    match = _NAME.match(path.name)
    if match is None or int(match[1]) != content.sequence or match[2] != digest[:12]:
        raise RegistryError(f"{str(path)!r} was changed or renamed; restore it from a backup")
    return Pin(path, digest, content)


def _require_head(folder: Path, pins: Sequence[Pin]) -> None:
    path = folder / HEAD
    if not path.is_file():
        # The very first may have died between its file and the head.
        if len(pins) > 1:
            raise RegistryError(f"{str(path)!r} is missing: it names the last pin; restore it")
        return
    try:
        head = Link.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise RegistryError(f"{str(path)!r} cannot be read; restore it from a backup") from None
    # One pin may follow: of a process that died between the two writes.
    if head not in [pin.link for pin in pins[-2:]]:
        raise RegistryError(
            f"{str(path)!r} names {head.record} as the last pin, which is gone or was changed; "
            "restore it from a backup"
        )
