"""The registry's own copies of runs: made once, whole or not at all, and never trusted."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from evalsuite.errors import RegistryError
from evalsuite.models import digest_file
from evalsuite.registry import Check, promote, read_chain, read_record, rollback, verify
from evalsuite.runs.folder import ANNEX, EVIDENCE, load_run
from tests.registry.world import NOW, World, edit, problems

ROOT = Path(__file__).parent.parent.parent

FILES = ("run.json", *EVIDENCE, *ANNEX)


def test_the_evidence_lies_in_the_registry_under_the_digest_of_its_run_file(world: World) -> None:
    run = world.run()
    (run / "report.html").write_text("a report can be made again")
    record = promote(run, world.registry, now=NOW)
    assert record.evidence.run.path == f"runs/{digest_file(run / 'run.json')[:12]}"
    assert sorted(path.name for path in record.run_path.iterdir()) == sorted(FILES)
    for name in FILES:
        copy = record.run_path / name
        assert copy.read_bytes() == (run / name).read_bytes()
        assert record.evidence.run.files[name] == digest_file(copy)
        assert copy.stat().st_mode & 0o222 == 0
    assert load_run(record.run_path).info == load_run(run).info


def test_a_record_verifies_after_its_run_folder_was_used_again(world: World) -> None:
    first = world.promoted("one")
    second = world.promoted("one", 1, finished=NOW)
    assert first.run_path != second.run_path
    assert verify(first.path).ok
    assert verify(second.path).ok
    shutil.rmtree(world.folder / "reports")
    assert verify(first.path).ok


@pytest.mark.parametrize("name", FILES)
def test_an_edited_or_missing_copy_is_named(world: World, name: str) -> None:
    record = world.promoted()
    path = record.run_path / name
    edit(path, path.read_bytes() + b"\n")
    assert problems(verify(record.path)) == {f"run file {name}": Check.CHANGED}
    path.unlink()
    assert problems(verify(record.path)) == {f"run file {name}": Check.MISSING}


def test_a_copy_that_is_gone_is_named_and_the_run_folder_can_stand_in(world: World) -> None:
    record = world.promoted()
    shutil.rmtree(record.run_path)
    assert problems(verify(record.path)) == {"run folder": Check.MISSING}
    assert verify(record.path, run=world.folder / "reports" / "one").ok


def test_a_run_that_is_promoted_again_after_another_shares_its_copy(world: World) -> None:
    first = world.promoted("one")
    world.promoted("two", 1)
    inode = (first.run_path / "run.json").stat().st_ino
    third = promote(world.folder / "reports" / "one", world.registry, now=NOW + timedelta(hours=2))
    assert third.run_path == first.run_path
    assert (third.run_path / "run.json").stat().st_ino == inode
    assert len(list((world.registry / "runs").iterdir())) == 2


def test_a_rollback_points_to_the_copy_that_it_restores(world: World) -> None:
    first = world.promoted("one")
    world.promoted("two", 1)
    shutil.rmtree(world.folder / "reports")
    back = rollback(world.registry, "1", now=NOW + timedelta(hours=2))
    assert back.run_path == first.run_path
    assert verify(back.path).ok


@pytest.mark.parametrize("spoil", ["edit", "remove"])
def test_a_damaged_copy_is_never_used_or_overwritten(world: World, spoil: str) -> None:
    first = world.promoted("one")
    world.promoted("two", 1)
    copy = first.run_path / "outputs.jsonl"
    edit(copy, b"edited") if spoil == "edit" else copy.unlink()
    with pytest.raises(RegistryError, match=r"outputs.jsonl' of this run was changed or is missin"):
        promote(world.folder / "reports" / "one", world.registry, now=NOW)
    assert copy.exists() == (spoil == "edit")
    assert len(read_chain(world.registry).records) == 2
    assert not (world.registry / "runs" / ".unfinished").exists()


def test_a_stage_that_a_killed_promotion_left_is_dropped(world: World) -> None:
    stage = world.registry / "runs" / ".unfinished"
    stage.mkdir(parents=True)
    (stage / "run.json").write_text("half of a r")
    assert verify(world.promoted().path).ok
    assert not stage.exists()


def test_registries_that_cannot_hold_a_copy_are_named(world: World) -> None:
    run = world.run()
    world.registry.mkdir()
    (world.registry / "runs").write_text("a file")
    with pytest.raises(RegistryError, match=r"runs.*a file stands where a folder is needed"):
        promote(run, world.registry, now=NOW)
    assert read_chain(world.registry).records == ()


# --- changes and crashes in the middle --------------------------------------------------------

_CHANGE_WHILE_COPYING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from evalsuite.registry import promote

run, registry, name, old, new = sys.argv[1:]

def hook(event, args):
    if event == "os.mkdir" and str(args[0]).endswith(".unfinished"):
        path = Path(run, name)
        if new == "gone":
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()) + b" ")

sys.addaudithook(hook)
try:
    promote(Path(run), Path(registry), now=datetime.now(UTC))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("outputs.jsonl", "Velmora", "Tessick", "refused: outputs.jsonl in"),
        ("run.json", '"engine": {', '"engine": {', "promoted"),
        ("run.json", "2 cores", "9 cores", "refused: run.json in"),
        ("run.json", "{", "[", "refused: run.json in"),
        ("verdicts.json", "", "gone", "refused: cannot read"),
    ],
)
def test_a_run_that_changes_between_check_and_copy_is_refused(
    world: World, name: str, old: str, new: str, message: str
) -> None:
    arguments = [str(world.run()), str(world.registry), name, old, new]
    done = subprocess.run(
        [sys.executable, "-c", _CHANGE_WHILE_COPYING, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    records = read_chain(world.registry).records
    if message == "promoted":
        # Bytes that say the same are what the record names.
        assert done.stdout == ""
        assert verify(records[0].path).ok
        return
    assert f"RegistryError {message}" in done.stdout
    assert "promote again when nobody writes into the run folder" in done.stdout
    assert records == ()
    assert list((world.registry / "runs").iterdir()) == []


@pytest.mark.parametrize("earlier", [False, True], ids=["first", "second"])
def test_a_promotion_killed_at_any_file_operation_can_be_made_again(
    world: World, earlier: bool
) -> None:
    start = [str(world.promoted("zero").registry)] if earlier else []
    run, folder = world.run("one"), world.folder / "killed"
    folder.mkdir()
    subprocess.run(
        [sys.executable, str(Path(__file__).with_name("crashing.py")), str(run), str(folder),
         *start],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, timeout=300, check=True,
    )  # fmt: skip
    registries = [folder / f"{step:03}" for step in range(len(list(folder.iterdir())))]
    assert len(registries) > 25
    before = len(start)
    for registry in registries:
        chain = read_chain(registry)
        assert chain.faults == ()
        assert len(chain.records) in (before, before + 1)
        _require_whole_copies(registry)
        if len(chain.records) > before:
            assert verify(chain.records[-1].path).ok
            with pytest.raises(RegistryError, match="is champion already"):
                promote(run, registry, now=NOW)
        else:
            assert verify(promote(run, registry, now=NOW).path).ok
        assert not (registry / "runs" / ".unfinished").exists()
    assert len(read_chain(registries[-1]).records) == before + 1


def _require_whole_copies(registry: Path) -> None:
    for folder in (registry / "runs").glob("[!.]*"):
        assert folder.name == digest_file(folder / "run.json")[:12]
        load_run(folder)


def _promote_in_process(run: Path, registry: Path) -> None:
    try:
        promote(run, registry, now=NOW)
    except RegistryError as problem:
        raise SystemExit(7 if "is champion already" in str(problem) else 1) from None


def test_of_two_promotions_of_one_run_at_once_exactly_one_counts(world: World) -> None:
    run = world.run()
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_promote_in_process, args=(run, world.registry)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert sorted(worker.exitcode or 0 for worker in workers) == [0, 7]
    (record,) = read_chain(world.registry).records
    assert verify(read_record(record.path).path).ok
