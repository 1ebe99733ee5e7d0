"""Promotion, rollback and verification, on real files."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from evalsuite.errors import RegistryError
from evalsuite.models import digest_tree
from evalsuite.registry import (
    Action,
    Check,
    champion,
    promote,
    read_chain,
    read_record,
    rollback,
    verify,
)
from evalsuite.registry.record import PromotionRecord, parse_statement, statement_bytes
from evalsuite.runs import CaseRow, Verdict
from evalsuite.runs.folder import RunWriter
from evalsuite.tasks import task_of
from tests.registry.world import NOW, World, edit, forge, made_older, problems, write_gated
from tests.report.factory import ENGLISH, PANEL, PASSING, adapter_folder, verdict, write_run


def test_a_passed_run_is_promoted_and_its_record_verifies(world: World) -> None:
    record = world.promoted()
    found = verify(record.path)
    assert found.ok
    assert found.problems == ()
    assert {f.check for f in found.findings} == {Check.OK, Check.UNCHECKED}
    assert champion(world.registry) == record == read_record(record.path)
    found.require_ok()


def test_a_run_of_the_first_version_is_promoted_and_verifies(world: World) -> None:
    record = promote(made_older(world.run()), world.registry, now=NOW)
    assert set(record.evidence.run.files) == {
        "run.json", "cases.jsonl", "outputs.jsonl", "scores.jsonl", "verdicts.json",
    }  # fmt: skip
    assert verify(record.path).ok


def test_a_record_is_an_in_toto_statement_about_the_adapter_files(world: World) -> None:
    record = world.promoted()
    document = json.loads(record.path.read_bytes())
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert [subject["name"] for subject in document["subject"]] == [
        "adapter_config.json", "adapter_model.safetensors", "evalsuite.json",
    ]  # fmt: skip
    for subject in document["subject"]:
        data = (world.folder / "adapters" / "one" / subject["name"]).read_bytes()
        assert subject["digest"] == {"sha256": hashlib.sha256(data).hexdigest()}
    predicate = document["predicate"]
    assert predicate["result"] == "PASSED"
    assert predicate["warnedTests"] == ["golden_everyday"]
    assert predicate["failedTests"] == []
    assert predicate["evalsuite"]["previous"] is None
    assert predicate["evalsuite"]["adapter"]["path"] == "../adapters/one"
    assert predicate["evalsuite"]["run"]["path"].startswith("runs/")
    assert parse_statement(statement_bytes(record.statement), "here") == record.statement
    assert statement_bytes(record.statement) == record.path.read_bytes()


@pytest.mark.parametrize(
    ("verdicts", "required", "reason"),
    [
        (
            [verdict("leak", "failed"), verdict("live")],
            [],
            r"is failed, not passed \(leak failed\)",
        ),
        ([verdict("leak", "inconclusive")], [], r"\(leak inconclusive\)"),
        ([verdict("leak")], ["forgetting"], "a required gate was not run"),
        ([], [], "is inconclusive"),
    ],
)
def test_only_a_passed_run_is_promoted(
    world: World, verdicts: list[Verdict], required: list[str], reason: str
) -> None:
    adapter = adapter_folder(world.folder / "adapter")
    run = write_run(world.folder / "r", adapter=adapter, verdicts=verdicts, required=required)
    with pytest.raises(RegistryError, match=reason):
        promote(run.folder, world.registry, now=NOW)
    assert not world.registry.exists()


def test_an_unfinished_run_is_refused(world: World) -> None:
    folder = world.run()
    with RunWriter(folder) as writer:
        writer.add_cases([CaseRow.of(task_of(ENGLISH), panel=PANEL)])
    with pytest.raises(RegistryError, match=r"refused: .* was not finished"):
        promote(folder, world.registry, now=NOW)


def test_an_edited_run_is_refused(world: World) -> None:
    folder = world.run()
    (folder / "verdicts.json").write_text('{"status": "passed", "verdicts": []}')
    with pytest.raises(RegistryError, match="was changed after the run"):
        promote(folder, world.registry, now=NOW)


def test_an_adapter_that_changed_after_its_run_is_refused(world: World) -> None:
    folder = world.run()
    (world.folder / "adapters" / "one" / "adapter_model.safetensors").write_bytes(b"other")
    with pytest.raises(RegistryError, match="is not the one that the run names"):
        promote(folder, world.registry, now=NOW)
    shutil.rmtree(world.folder / "adapters" / "one")
    with pytest.raises(RegistryError, match="put it back"):
        promote(folder, world.registry, now=NOW)


def test_a_time_without_zone_is_refused(world: World) -> None:
    with pytest.raises(RegistryError, match="no time zone"):
        promote(world.run(), world.registry, now=NOW.replace(tzinfo=None))


def test_records_form_a_chain_with_a_way_back(world: World) -> None:
    first, second = world.promoted("one"), world.promoted("two", 1)
    assert [r.sequence for r in read_chain(world.registry).records] == [1, 2]
    assert second.evidence.previous == second.evidence.rollback_to == first.link
    assert first.link.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()
    assert champion(world.registry) == second


@pytest.mark.parametrize("name", [lambda r: r.path, lambda r: r.path.name, lambda r: "1"])
def test_a_rollback_appends_a_record_that_points_back(
    world: World, name: Callable[[PromotionRecord], str]
) -> None:
    first, second = world.promoted("one"), world.promoted("two", 1)
    back = rollback(world.registry, name(first), now=NOW + timedelta(hours=2))
    assert (back.sequence, back.action) == (3, Action.ROLLBACK)
    assert back.evidence.restores == first.link
    assert back.evidence.previous == second.link
    assert back.adapter_path.resolve() == world.folder / "adapters" / "one"
    assert champion(world.registry) == back
    assert verify(back.path).ok
    third = world.promoted("three", 3)
    assert third.evidence.rollback_to == back.link


def test_a_rollback_that_leads_nowhere_is_refused(world: World) -> None:
    first = world.promoted("one")
    with pytest.raises(RegistryError, match="is the champion already"):
        rollback(world.registry, first.path, now=NOW)
    world.promoted("two", 1)
    with pytest.raises(RegistryError, match=r"to='7' is no record .* it has: 1, 2"):
        rollback(world.registry, "7", now=NOW)
    (first.adapter_path / "adapter_config.json").write_text("{}")
    with pytest.raises(RegistryError, match="is not the one that that record names"):
        rollback(world.registry, "1", now=NOW)
    with pytest.raises(RegistryError, match="there is no registry"):
        rollback(world.folder / "nowhere", "1", now=NOW)


def test_an_empty_registry_has_no_champion(world: World) -> None:
    assert champion(world.registry) is None


def test_a_record_is_never_overwritten_and_is_read_only(world: World) -> None:
    record = world.promoted()
    assert record.path.stat().st_mode & 0o222 == 0


def test_an_edited_record_is_named(world: World) -> None:
    record = world.promoted()
    edited = record.path.read_bytes().replace(b"at most 0.75 %", b"at most 0.05 %")
    assert edited != record.path.read_bytes()
    edit(record.path, edited)
    found = problems(verify(record.path))
    assert found == {
        f"record {record.path.name}": Check.CHANGED,
        "record's verdicts": Check.CHANGED,
    }
    with pytest.raises(RegistryError, match=r"does not verify: record 000001.*was edited"):
        verify(record.path).require_ok()


def test_a_record_edited_under_a_fitting_name_and_head_contradicts_its_run(world: World) -> None:
    record = world.promoted()
    forged = forge(record, record.evidence.base.digest, "0" * 64)
    found = problems(verify(forged))
    assert found == {
        "record's base": Check.CHANGED, "record's base example/tiny-base": Check.CHANGED,
    }  # fmt: skip


def test_an_edited_record_in_the_middle_breaks_the_chain_for_all(world: World) -> None:
    first, second = world.promoted("one"), world.promoted("two", 1)
    edit(first.path, first.path.read_bytes() + b" ")
    assert f"record {first.path.name}" in problems(verify(second.path))
    with pytest.raises(RegistryError, match="is not whole"):
        world.promoted("three", 2)
    with pytest.raises(RegistryError, match="is not whole"):
        champion(world.registry)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_deletion_anywhere_in_the_chain_is_named(world: World, gone: int) -> None:
    records = [world.promoted(name, i) for i, name in enumerate(["one", "two", "three"])]
    records[gone].path.unlink()
    kept = records[(gone + 1) % 3]
    found = problems(verify(kept.path))
    assert found == {f"record {records[gone].path.name}": Check.MISSING}
    with pytest.raises(RegistryError, match="is missing"):
        champion(world.registry)


def test_a_missing_head_is_named(world: World) -> None:
    world.promoted("one")
    last = world.promoted("two", 1)
    (world.registry / "HEAD.json").unlink()
    assert problems(verify(last.path)) == {"HEAD.json": Check.MISSING}


def test_a_promotion_that_died_before_it_moved_the_head_still_counts(world: World) -> None:
    world.promoted("one")
    head = (world.registry / "HEAD.json").read_bytes()
    second = world.promoted("two", 1)
    (world.registry / "HEAD.json").write_bytes(head)
    assert champion(world.registry) == second
    assert world.promoted("three", 2).sequence == 3


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_edited_or_missing_adapter_file_is_named(world: World, name: str) -> None:
    record = world.promoted()
    path = world.folder / "adapters" / "one" / name
    path.write_bytes(b"edited")
    assert problems(verify(record.path)) == {f"adapter file {name}": Check.CHANGED}
    path.unlink()
    assert problems(verify(record.path)) == {f"adapter file {name}": Check.MISSING}


def test_an_adapter_file_that_was_added_is_named(world: World) -> None:
    adapter = adapter_folder(world.folder / "adapter")
    (adapter / "evalsuite.json").unlink()
    record = promote(write_gated(world.folder / "run", adapter), world.registry, now=NOW)
    assert verify(record.path).ok
    (adapter / "evalsuite.json").write_text("{}")
    assert problems(verify(record.path)) == {"adapter file evalsuite.json": Check.CHANGED}


def test_moved_folders_are_named_and_found_again_where_one_says(world: World) -> None:
    record = world.promoted()
    adapter = shutil.move(world.folder / "adapters" / "one", world.folder / "a")
    run = shutil.move(record.run_path, world.folder / "r")
    found = verify(record.path)
    assert problems(found) == {"adapter folder": Check.MISSING, "run folder": Check.MISSING}
    assert all("name its new place" in finding.detail for finding in found.problems)
    assert verify(record.path, adapter=Path(adapter), run=Path(run)).ok


def test_registry_adapters_and_runs_move_together(world: World) -> None:
    record = world.promoted()
    moved = world.folder.parent / f"{world.folder.name}-moved"
    world.folder.rename(moved)
    assert verify(moved / record.path.relative_to(world.folder)).ok


def test_the_base_is_checked_when_it_is_there(world: World) -> None:
    record = world.promoted()
    base = world.folder / "base"
    base.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (base / name).write_text(name)
    found = problems(verify(record.path, base=base))
    name = "base example/tiny-base"
    assert found == {name: Check.CHANGED, f"{name} (tokenizer)": Check.CHANGED}
    assert problems(verify(record.path, base=world.folder / "no")) == {name: Check.MISSING}


def test_a_record_outside_its_registry_is_told_apart(world: World) -> None:
    record = world.promoted()
    copy = Path(shutil.copy(record.path, world.folder / "copy.json"))
    assert problems(verify(copy))["record copy.json"] is Check.MISSING


def test_what_is_no_record_is_refused(world: World) -> None:
    with pytest.raises(RegistryError, match="cannot read the record"):
        verify(world.folder / "none.json")
    (world.folder / "x.json").write_text('{"_type": "https://in-toto.io/Statement/v1"}')
    with pytest.raises(RegistryError, match="subject: Field required"):
        verify(world.folder / "x.json")


def test_a_registry_that_cannot_be_made_is_named(world: World) -> None:
    run = world.run()
    (world.folder / "file").write_text("a file")
    with pytest.raises(RegistryError, match="a file stands where a folder is needed"):
        promote(run, world.folder / "file", now=NOW)


def _promote_in_process(run: Path, registry: Path) -> None:
    promote(run, registry, now=NOW)


def test_promotions_at_the_same_time_all_arrive_in_one_chain(world: World) -> None:
    runs = [world.run(f"run{index}") for index in range(4)]
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_promote_in_process, args=(run, world.registry)) for run in runs
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    chain = read_chain(world.registry)
    assert chain.faults == ()
    assert [record.sequence for record in chain.records] == [1, 2, 3, 4]
    assert len({record.evidence.adapter.digest for record in chain.records}) == 4


def test_the_digest_of_the_adapter_is_the_one_of_its_three_files(world: World) -> None:
    record = world.promoted()
    (record.adapter_path / "README.md").write_text("notes do not change an adapter")
    assert verify(record.path).ok
    names = [resource.name for resource in record.statement.subject]
    assert record.evidence.adapter.digest == digest_tree(record.adapter_path, names)
    assert [v["gate"] for v in record.evidence.verdicts] == [v.gate for v in PASSING]
