"""The promotion record: what was released, on what evidence, and what came before it.

A record is an in-toto Statement v1 (https://github.com/in-toto/attestation) with the predicate
test-result v0.1; its subject are the adapter's files. What the predicate has no field for stands
under its key ``evalsuite``. The bytes of the file are the statement: they are what the next
record's ``previous`` names, and what a signature envelope would carry as its payload.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from evalsuite.errors import RegistryError
from evalsuite.files.jsonl import first_fault

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_MAX_BYTES = 16 * 2**20


class Action(StrEnum):
    """What a record did to the registry."""

    PROMOTE = "promote"
    """A new adapter became the champion."""
    ROLLBACK = "rollback"
    """An earlier champion became the champion again."""


class SeedOrigin(StrEnum):
    """Who chose the seed of a run's panels."""

    DERIVED = "derived"
    """It follows from adapter, policy, cases and how they are asked: nobody looked for luck."""
    CHOSEN = "chosen"
    """A person gave it, with ``--seed``."""
    UNKNOWN = "unknown"
    """The run does not tell."""


class _Closed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, validate_by_name=True, validate_by_alias=True
    )


class Digest(_Closed):
    """An in-toto DigestSet with the one algorithm that is used here."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Resource(_Closed):
    """An in-toto ResourceDescriptor: a name and a digest."""

    name: str
    digest: Digest


class Link(_Closed):
    """Another record, by file name and digest of its bytes."""

    record: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Place(_Closed):
    """A folder, relative to the registry where that is possible, and its digest or its files."""

    path: str
    digest: str = ""
    files: dict[str, str] = Field(default_factory=dict)
    """File name to SHA-256."""


class Base(_Closed):
    """The base model of the adapter."""

    name: str
    """As it was given to the gate: ``nano``, ``smollm2``, a folder or a hub id."""
    digest: str
    tokenizer_digest: str
    path: str = ""
    """Its folder, relative to the registry; empty for nano, smollm2, a hub id, and a folder that
    was not found at promotion."""


class PolicyException(_Closed):
    """A promotion by another policy than the registry's."""

    reason: str
    by: str
    expires: date
    """The last day on which the adapter is champion on these terms, in UTC."""


class Evidence(_Closed):
    """What the standard predicate has no field for."""

    action: Action
    sequence: int = Field(ge=1)
    created: AwareDatetime
    adapter: Place
    base: Base
    run: Place
    """The registry's own copy of the run's evidence."""
    template_fingerprint: str
    engine_identity: str
    seed_origin: SeedOrigin = SeedOrigin.UNKNOWN
    # Plain data: records must be readable when verdicts have got another form.
    verdicts: list[dict[str, object]]
    """As ``verdicts.json`` of the run holds them."""
    previous: Link | None
    """The record before this one; None for the first. This makes the registry a chain."""
    rollback_to: Link | None
    """Where to go back to if this release turns out bad: the record that it replaced,
    which is never one of the same adapter."""
    restores: Link | None = None
    """For a rollback: the record whose adapter is the champion again."""
    policy_pin: Link | None = None
    """The registry's policy at that time; None in records of earlier versions."""
    exception: PolicyException | None = None
    """Why the run was judged by another policy than that; None: it was not."""


class Predicate(_Closed):
    """test-result v0.1, extended by one key."""

    result: Literal["PASSED"]
    configuration: list[Resource]
    passed_tests: list[str] = Field(alias="passedTests")
    warned_tests: list[str] = Field(alias="warnedTests")
    """Advisory gates that did not pass."""
    # in-toto wants the field; a record with something in it must not exist.
    failed_tests: list[str] = Field(alias="failedTests", max_length=0)
    evalsuite: Evidence


class Statement(_Closed):
    """An in-toto Statement v1."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: list[Resource] = Field(min_length=1)
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = Field(
        alias="predicateType"
    )
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class PromotionRecord:
    """One record of a registry, as its file holds it."""

    path: Path
    sha256: str
    """Of the file's bytes."""
    statement: Statement

    @property
    def evidence(self) -> Evidence:
        """What the record says beyond the standard predicate."""
        return self.statement.predicate.evalsuite

    @property
    def sequence(self) -> int:
        """Position in the chain, from 1."""
        return self.evidence.sequence

    @property
    def action(self) -> Action:
        """Whether this promoted an adapter or went back to one."""
        return self.evidence.action

    @property
    def created(self) -> datetime:
        """When the record was written."""
        return self.evidence.created

    @property
    def registry(self) -> Path:
        """The registry's folder."""
        return self.path.parent.parent

    @property
    def adapter_path(self) -> Path:
        """Where the adapter was, or still is."""
        return self.registry / self.evidence.adapter.path

    @property
    def run_path(self) -> Path:
        """Where the registry's copy of the run is."""
        return self.registry / self.evidence.run.path

    @property
    def link(self) -> Link:
        """This record as others name it."""
        return Link(record=self.path.name, sha256=self.sha256)


def make_statement(
    subject: Mapping[str, str],
    configuration: Sequence[Resource],
    gates: tuple[Sequence[str], Sequence[str]],
    evidence: Evidence,
) -> Statement:
    """Build a statement about adapter files.

    Args:
        subject: File name to SHA-256.
        configuration: Everything else that the verdict depends on.
        gates: Names of the gates that passed, and of the advisory ones that did not.
        evidence: What the standard predicate has no field for.
    """
    passed, warned = gates
    predicate = {
        "result": "PASSED",
        "configuration": list(configuration),
        "passedTests": list(passed),
        "warnedTests": list(warned),
        "failedTests": [],
        "evalsuite": evidence,
    }
    return Statement.model_validate(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                Resource(name=name, digest=Digest(sha256=digest))
                for name, digest in subject.items()
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": Predicate.model_validate(predicate),
        }
    )


def statement_bytes(statement: Statement) -> bytes:
    """Return the bytes of a record; :func:`parse_statement` reads them back."""
    # One form only, since the next record names the SHA-256 of exactly these bytes.
    data = statement.model_dump(mode="json", by_alias=True)
    return (json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def parse_statement(data: bytes, place: str) -> Statement:
    """Read a record's bytes.

    Raises:
        RegistryError: not a record of this version; ``place`` and the field are named.
    """
    if len(data) > _MAX_BYTES:
        raise RegistryError(f"{place}: a record has at most {_MAX_BYTES} bytes, this has more")
    try:
        return Statement.model_validate_json(data)
    except ValidationError as problem:
        raise RegistryError(
            f"{place}: is not a promotion record: {first_fault(problem, 'the file')}; "
            "name a file of the registry's records/, or restore it from a backup"
        ) from None


def read_record(path: Path) -> PromotionRecord:
    """Read one record file.

    Raises:
        RegistryError: it is missing, unreadable or not a record.
    """
    path = Path(path).absolute()
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise RegistryError(
            f"cannot read the record {str(path)!r}: {problem.strerror}; "
            "name a file of the registry's folder records/"
        ) from problem
    return PromotionRecord(path, hashlib.sha256(data).hexdigest(), parse_statement(data, str(path)))
