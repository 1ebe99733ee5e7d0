"""A folder with adapters, gated runs and one registry, all of them real files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evalsuite.gates import Attempts, Policy, load_policy
from evalsuite.registry import (
    Check,
    PromotionRecord,
    Verification,
    accept_policy,
    pinned,
    promote,
)
from evalsuite.registry.candidate import policy_of
from evalsuite.runs import CaseRow, PolicyInfo, Side, Verdict
from evalsuite.runs.folder import RunWriter, load_run
from evalsuite.tasks import task_of
from tests.report.factory import ENGLISH, GOOD, PANEL, PASSING, adapter_folder, info, output

NOW = datetime(2025, 3, 5, 8, 0, tzinfo=UTC)
DECISIVE = load_policy("default").model_copy(update={"attempts": Attempts.COUNT})
"""A policy that lets the champion decide."""
DEFAULT = DECISIVE.model_copy(
    update={"gates": DECISIVE.gates.model_copy(update={"regression": None})}
)
"""The same without a champion."""


def policy_info(policy: Policy) -> PolicyInfo:
    """A policy as run.json names it."""
    return PolicyInfo(name=policy.name, digest=policy.digest, resolved=policy.resolved)


POLICY = policy_info(DEFAULT)


def write_gated(
    folder: Path, adapter: Path, *, verdicts: Sequence[Verdict] = PASSING, **changes: Any
) -> Path:
    """Write the run of an adapter, judged by a real policy; ``changes`` are fields of run.json."""
    with RunWriter(folder) as writer:
        writer.add_cases([CaseRow.of(task_of(ENGLISH), panel=PANEL)])
        writer.add_outputs([output(ENGLISH.id, Side.CANDIDATE, GOOD[ENGLISH.id])])
        writer.set_verdicts(verdicts, ())
        writer.finish(replace(info(adapter), **{"policy": POLICY} | changes))
    return folder


def made_older(folder: Path) -> Path:
    """Turn a run into one as the first version of ``run.json`` has it: without what came later."""
    document = json.loads((folder / "run.json").read_bytes()) | {"version": 1}
    for name in ("demonstrations.jsonl", "tokens.jsonl"):
        del document["files"][name]
        (folder / name).unlink()
    for name in ("cases", "champion", "digest", "history", "registry"):
        del document[name]
    (folder / "run.json").write_text(json.dumps(document))
    return folder


class World:
    """A folder with adapters, runs and one registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = folder / "registry"

    def adapter(self, name: str = "one") -> Path:
        """Return the folder of an adapter, made at the first call."""
        folder = self.folder / "adapters" / name
        if not folder.is_dir():
            adapter_folder(folder)
            (folder / "adapter_model.safetensors").write_bytes(name.encode())
        return folder

    def run(self, name: str = "one", **changes: Any) -> Path:
        """Write the passed run of an adapter, over an older one if there is one."""
        folder = write_gated(self.folder / "reports" / name, self.adapter(name), **changes)
        self.accept(policy_of(load_run(folder)))
        return folder

    def accept(self, policy: Policy) -> None:
        """Make a policy that of the registry, where another is."""
        pin = pinned(self.registry)
        if pin is not None and pin.content.digest != policy.digest:
            accept_policy(self.registry, policy, reason="A test.", by="Ann", loosen=True, now=NOW)

    def promoted(self, name: str = "one", hours: int = 0, **changes: Any) -> PromotionRecord:
        """Promote an adapter on a run of its own."""
        run = self.run(name, **changes)
        return promote(run, self.registry, now=NOW + timedelta(hours=hours))


def problems(verification: Verification) -> dict[str, Check]:
    """What is wrong, by subject."""
    return {finding.subject: finding.check for finding in verification.problems}


def edit(path: Path, data: bytes) -> None:
    """Overwrite a file that is read-only."""
    path.chmod(0o644)
    path.write_bytes(data)


def forge(record: PromotionRecord, old: str, new: str) -> Path:
    """Replace the first record by an edited one under a fitting name and head."""
    data = record.path.read_bytes().replace(old.encode(), new.encode())
    digest = hashlib.sha256(data).hexdigest()
    record.path.unlink()
    forged = record.path.with_name(f"000001-{digest[:12]}.json")
    forged.write_bytes(data)
    head = {"record": forged.name, "sha256": digest}
    (record.registry / "HEAD.json").write_text(json.dumps(head))
    return forged
