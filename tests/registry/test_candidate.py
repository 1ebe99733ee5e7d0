"""What may be promoted, and what a promotion writes down about base and seed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import RegistryError
from evalsuite.gates import derived_seed, policy_digest
from evalsuite.models import digest_file, resolve_base
from evalsuite.registry import Check, promote, read_record, verify
from evalsuite.registry.record import SeedOrigin, parse_statement, statement_bytes
from evalsuite.runs import BaseInfo, PolicyInfo, Tier, Verdict
from evalsuite.runs.folder import with_digest
from tests.registry.world import DEFAULT, NOW, World, forge, problems
from tests.report.factory import PASSING

ROOT = Path(__file__).parent.parent.parent


# --- the policy -------------------------------------------------------------------------------


def edit_policy(run: Path, **changes: Any) -> Path:
    """Change the resolved policy in ``run.json`` and leave its digest."""
    path = run / "run.json"
    told = json.loads(path.read_text("utf-8"))
    told["policy"]["resolved"] |= changes
    path.write_text(json.dumps(with_digest(told)), "utf-8")
    return run


def test_a_policy_that_is_not_the_one_its_digest_names_is_refused(world: World) -> None:
    run = edit_policy(world.run(), confidence=0.6)
    with pytest.raises(RegistryError, match=rf"policy 'default' .* run.json says {DEFAULT.digest}"):
        promote(run, world.registry, now=NOW)
    assert not world.registry.exists()


def test_verification_takes_the_digest_of_the_policy_again(world: World) -> None:
    record = world.promoted()
    told = record.run_path / "run.json"
    told.chmod(0o644)
    before = record.evidence.run.files["run.json"]
    edit_policy(record.run_path, confidence=0.6)
    forged = forge(record, before, digest_file(told))
    assert problems(verify(forged)) == {"policy digest": Check.CHANGED}


def without(gate: str) -> list[Verdict]:
    """All passing verdicts but one."""
    return [verdict for verdict in PASSING if verdict.gate != gate]


def advisory(gate: str) -> list[Verdict]:
    """All passing verdicts, one of them as if it decided nothing."""
    return [replace(v, tier=Tier.ADVISORY) if v.gate == gate else v for v in PASSING]


@pytest.mark.parametrize("change", [without, advisory])
@pytest.mark.parametrize("gate", [gate.value for gate in DEFAULT.required])
def test_every_gate_that_the_policy_requires_must_have_passed(
    world: World, gate: str, change: Callable[[str], list[Verdict]]
) -> None:
    run = world.run(verdicts=change(gate))
    with pytest.raises(RegistryError, match=f"refused: policy 'default' requires {gate}, but the"):
        promote(run, world.registry, now=NOW)
    assert not world.registry.exists()


def test_a_gate_that_the_policy_sets_aside_may_be_absent(world: World) -> None:
    resolved = json.loads(json.dumps(DEFAULT.resolved))
    resolved["gates"]["forgetting"]["enabled"] = False
    policy = PolicyInfo(name="default", digest=policy_digest(resolved), resolved=resolved)
    record = world.promoted(verdicts=without("forgetting"), policy=policy)
    assert verify(record.path).ok


def test_a_policy_that_is_none_is_refused(world: World) -> None:
    resolved = {"version": 1}
    policy = PolicyInfo(name="odd", digest=policy_digest(resolved), resolved=resolved)
    with pytest.raises(RegistryError, match="is none that this evalsuite reads: name: Field requ"):
        promote(world.run(policy=policy), world.registry, now=NOW)


# --- the same again ---------------------------------------------------------------------------


def test_the_champion_is_not_promoted_again_on_the_same_run(world: World) -> None:
    world.promoted()
    run = world.folder / "reports" / "one"
    with pytest.raises(RegistryError, match=r"is champion already \(record 1\)"):
        promote(run, world.registry, now=NOW)
    with pytest.raises(RegistryError, match=r"is champion already \(record 1\)"):
        promote(Path(shutil.copytree(run, world.folder / "copy")), world.registry, now=NOW)


def test_the_champion_is_promoted_again_on_new_evidence(world: World) -> None:
    world.promoted("zero")
    first = world.promoted("one", 1)
    second = world.promoted("one", 2, timings={"load": 3.22})
    assert second.sequence == 3
    assert second.evidence.adapter.digest == first.evidence.adapter.digest
    assert second.evidence.previous == first.link
    # The way back leads to another adapter, not to older evidence of this one.
    assert second.evidence.rollback_to == first.evidence.rollback_to
    assert verify(first.path).ok
    assert verify(second.path).ok


# --- the base ---------------------------------------------------------------------------------


def base_folder(folder: Path) -> Path:
    """Write files that stand for a base model; the registry only takes their digests."""
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text(f"{name} of a base")
    return folder


def base_info(name: str, folder: Path) -> BaseInfo:
    """Return what a run says about the base in ``folder`` that was given as ``name``."""
    found = resolve_base(folder, to_load=False)
    return BaseInfo(name=name, digest=found.digest, tokenizer_digest=found.tokenizer_digest)


def base_checks(record: Path) -> set[Check]:
    """What verification says about the base."""
    return {f.check for f in verify(record).findings if f.subject.startswith("base ")}


@pytest.mark.parametrize("name", ["models/tiny", "models/tiny#chatml"])
def test_a_relative_base_is_found_from_the_registry_wherever_one_stands(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    base = base_folder(world.folder / "models" / "tiny")
    monkeypatch.chdir(world.folder)
    record = world.promoted(base=base_info(name, base))
    assert record.evidence.base.path == "../models/tiny"
    base_folder(world.folder / "elsewhere" / "models" / "tiny").joinpath("config.json").write_text(
        "another base of the same name"
    )
    monkeypatch.chdir(world.folder / "elsewhere")
    assert base_checks(record.path) == {Check.OK}
    (base / "config.json").write_text("edited")
    assert Check.CHANGED in base_checks(record.path)
    shutil.rmtree(base)
    assert base_checks(record.path) == {Check.UNCHECKED}


def test_a_folder_that_is_not_the_base_of_the_run_is_not_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_folder(world.folder / "models" / "tiny")
    told = base_info("models/tiny", base)
    (base / "config.json").write_text("another base of the same name")
    (world.folder / "hollow").mkdir()
    monkeypatch.chdir(world.folder)
    record = world.promoted(base=told)
    assert record.evidence.base.path == ""
    assert base_checks(record.path) == {Check.UNCHECKED}
    hollow = world.promoted("two", 1, base=replace(told, name="hollow"))
    assert hollow.evidence.base.path == ""


def test_an_absolute_base_that_differs_is_named(world: World) -> None:
    base = base_folder(world.folder / "base")
    told = base_info(str(base), base)
    assert base_checks(world.promoted("one", base=told).path) == {Check.OK}
    (base / "model.safetensors").write_text("other weights")
    record = world.promoted("two", 1, base=told)
    assert problems(verify(record.path)) == {f"base {base}": Check.CHANGED}


@pytest.mark.parametrize("name", ["nano", "nano#chatml"])
def test_a_record_of_the_embedded_base_is_checked(world: World, name: str) -> None:
    nano = resolve_base("nano")
    record = world.promoted(base=base_info(name, nano.path))
    assert record.evidence.base.path == ""
    assert base_checks(record.path) == {Check.OK}


_VERIFY = """
import sys
from pathlib import Path
from evalsuite.registry import verify

def hook(event, args):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        print("network", args)

sys.addaudithook(hook)
for finding in verify(Path(sys.argv[1])).findings:
    if finding.subject.startswith("base "):
        print(finding.check, finding.detail)
"""


def verified_elsewhere(record: Path, cache: Path, folder: Path) -> list[str]:
    """What a process with its own cache, working in ``folder``, says about the base."""
    done = subprocess.run(
        [sys.executable, "-c", _VERIFY, str(record)],
        env={"HF_HUB_CACHE": str(cache), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        cwd=folder, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_a_hub_base_is_looked_up_in_the_local_cache_and_nowhere_else(world: World) -> None:
    cached = world.folder / "cache" / "models--owner--model"
    snapshot = base_folder(cached / "snapshots" / ("a" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("a" * 40)
    record = world.promoted(base=base_info("owner/model", snapshot)).path
    # A folder of the same name where one happens to stand is not the base.
    base_folder(world.folder / "owner" / "model")
    cache = cached.parent
    assert verified_elsewhere(record, cache, world.folder) == ["ok ", "ok "]
    (snapshot / "config.json").write_text("edited")
    assert verified_elsewhere(record, cache, world.folder)[0].startswith("changed is ")
    (snapshot / "model.safetensors").unlink()
    assert verified_elsewhere(record, cache, world.folder)[0].startswith("unchecked ")
    shutil.rmtree(cache)
    (said,) = verified_elsewhere(record, cache, world.folder)
    assert said == "unchecked base 'owner/model' is not in the local cache; name its folder"


@pytest.mark.parametrize("name", ["owner/bad--name", "not a name", "../up"])
def test_a_name_that_no_hub_would_take_is_unchecked(world: World, name: str) -> None:
    told = BaseInfo(name=name, digest="0" * 64, tokenizer_digest="1" * 64)
    assert base_checks(world.promoted(base=told).path) == {Check.UNCHECKED}


def test_paths_hold_for_a_registry_behind_a_symbolic_link(world: World) -> None:
    (world.folder / "deep" / "er").mkdir(parents=True)
    link = world.folder / "link"
    link.symlink_to(world.folder / "deep" / "er")
    record = promote(world.run(), link / "registry", now=NOW)
    assert verify(record.path).ok
    assert verify(record.path.resolve()).ok


# --- the seed ---------------------------------------------------------------------------------


def test_a_record_tells_whether_a_person_chose_the_seed(world: World) -> None:
    digest = world.promoted("one").evidence.adapter.digest
    derived = derived_seed(digest, DEFAULT.digest, "")
    for hours, (seeds, origin) in enumerate(
        [
            ({"panel": derived}, SeedOrigin.DERIVED),
            ({"panel": derived + 1}, SeedOrigin.CHOSEN),
            ({}, SeedOrigin.UNKNOWN),
        ],
        start=1,
    ):
        record = world.promoted("one", hours, seeds=seeds)
        assert record.evidence.seed_origin is origin
        assert verify(record.path).ok
        assert read_record(record.path).evidence.seed_origin is origin


def test_a_record_from_before_seeds_and_places_of_bases_is_read(world: World) -> None:
    document = json.loads(statement_bytes(world.promoted().statement))
    del document["predicate"]["evalsuite"]["seed_origin"]
    del document["predicate"]["evalsuite"]["base"]["path"]
    read = parse_statement(json.dumps(document).encode(), "here").predicate.evalsuite
    assert read.seed_origin is SeedOrigin.UNKNOWN
    assert read.base.path == ""
