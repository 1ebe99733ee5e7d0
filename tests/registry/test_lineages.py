"""Lineages: whose attempts a candidate is counted among is the registry's to say."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cli import main
from evalsuite.errors import InvalidInput, RegistryError
from evalsuite.gates import Attempts
from evalsuite.models import read_adapter
from evalsuite.pipeline import GateRequest
from evalsuite.pipeline.inputs import check, resolve, write_attempt
from evalsuite.registry import add_lineage, read_lineages, verify
from evalsuite.registry.attempts import read_attempts
from evalsuite.registry.candidate import read_candidate
from evalsuite.registry.lineages import LINEAGES, lineage_of, require_lineage
from evalsuite.report.notes import notes_of
from evalsuite.runs import AttemptInfo, LineageInfo, PolicyInfo
from evalsuite.runs.folder import load_run
from tests.registry.world import DECISIVE, NOW, World, write_gated


def test_a_lineage_is_the_base_and_a_name_of_the_list_and_nothing_else() -> None:
    keys = {lineage_of(base, name) for base in ("a" * 64, "b" * 64) for name in ("", "x", "y")}
    assert len(keys) == 6


def retold(candidate: Path, folder: Path, **changes: str) -> Path:
    """The same weights with other words in ``evalsuite.json``."""
    shutil.copytree(candidate, folder)
    path = folder / "evalsuite.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    return folder


def test_other_words_beside_the_same_weights_are_the_next_attempt(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    request = GateRequest(
        adapter=candidate, policy=str(small_policy), cases=few_cases, out=tmp_path / "run",
        registry=tmp_path / "registry",
    )  # fmt: skip
    renamed = retold(candidate, tmp_path / "renamed", recipe="another", lineage="files 12")
    foreign = retold(candidate, tmp_path / "foreign")
    (foreign / "evalsuite.json").unlink()
    numbers = []
    for adapter in (candidate, renamed, foreign, candidate):
        attempt = write_attempt(resolve(replace(request, adapter=adapter)), now=NOW)
        assert attempt is not None
        numbers.append(attempt.number)
    assert numbers == [1, 2, 3, 1]
    assert read_adapter(renamed).digest != read_adapter(candidate).digest
    add_lineage(tmp_path / "registry", "zh", by="Ann", reason="A product.", now=NOW)
    named = write_attempt(resolve(replace(request, lineage="zh")), now=NOW)
    assert named is not None
    assert (named.number, len(read_attempts(tmp_path / "registry"))) == (1, 4)
    seen = write_attempt(resolve(request), now=NOW, purpose="qualify")
    assert seen is not None
    assert seen.number == 4


def test_a_name_that_nobody_added_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    request = GateRequest(
        adapter=tmp_path, out=tmp_path / "run", registry=tmp_path / "registry", lineage="zh"
    )
    with pytest.raises(RegistryError, match=r"'zh' is not in the list .* it knows none.*add-line"):
        check(request)
    add_lineage(tmp_path / "registry", "en", by="Ann", reason="A product.", now=NOW)
    with pytest.raises(RegistryError, match=r"it knows 'en'"):
        check(request)
    with pytest.raises(InvalidInput, match=r"lineage='zh' is a registry's"):
        check(replace(request, registry=None))


@pytest.mark.parametrize("name", ["", " ", "Zh", "a b", "../x", "-a", "a" * 65, "改写"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RegistryError, match="is no name: use 1 to 64"):
        add_lineage(tmp_path, name, by="Ann", reason="Why not.", now=NOW)
    assert read_lineages(tmp_path) == ()


def test_a_lineage_needs_a_name_and_a_reason_and_is_added_once(tmp_path: Path) -> None:
    for by, reason in ((" ", "x"), ("Ann", "\n")):
        with pytest.raises(RegistryError, match=r"--by.*--reason"):
            add_lineage(tmp_path, "zh", by=by, reason=reason, now=NOW)
    add_lineage(tmp_path, "zh", by="Ann", reason="A product.", now=NOW)
    with pytest.raises(RegistryError, match="in the list already"):
        add_lineage(tmp_path, "zh", by="Bo", reason="Mine.", now=NOW)


@given(names=st.lists(st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?", fullmatch=True),
                      unique=True, max_size=5))  # fmt: skip
def test_what_was_added_is_read_back_in_order(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    registry = tmp_path_factory.mktemp("registry")
    for name in names:
        add_lineage(registry, name, by="Ann", reason=f"For {name}.", now=NOW)
    found = read_lineages(registry)
    assert [(one.name, one.reason) for one in found] == [(n, f"For {n}.") for n in names]
    for name in names:
        assert require_lineage(registry, name).created == NOW


@pytest.mark.parametrize("change", ["edit", "last", "first", "head"])
def test_a_list_that_was_changed_is_refused(tmp_path: Path, change: str) -> None:
    for name in ("a", "b", "c"):
        add_lineage(tmp_path, name, by="Ann", reason="Why not.", now=NOW)
    files = sorted((tmp_path / LINEAGES).glob("0*.json"))
    match change:
        case "edit":
            files[1].write_text(files[1].read_text().replace('"b"', '"d"'))
        case "last":
            files[2].unlink()
        case "first":
            files[0].unlink()
        case "head":
            (tmp_path / LINEAGES / "HEAD.json").unlink()
    with pytest.raises(RegistryError, match="restore"):
        read_lineages(tmp_path)


SPENDING = DECISIVE.model_copy(
    update={
        "attempts": Attempts.SPEND,
        "gates": DECISIVE.gates.model_copy(update={"regression": None}),
    }
)


def test_a_run_cannot_choose_its_lineage(world: World) -> None:
    add_lineage(world.registry, "zh", by="Ann", reason="A product.", now=NOW)
    adapter = world.adapter()
    base = load_run(write_gated(world.folder / "plain", adapter)).info.base.digest
    ann = LineageInfo(name="zh", by="Ann", created=NOW, reason="A product.")
    policy = PolicyInfo(name=SPENDING.name, digest=SPENDING.digest, resolved=SPENDING.resolved)
    forged = {
        "another lineage than that of its base;": ("f" * 64, None),
        "another lineage than that of its base and the name 'zh'": (lineage_of(base), ann),
        "'en' is not in the list": (lineage_of(base, "en"), replace(ann, name="en")),
        "tells otherwise of lineage 'zh'": (lineage_of(base, "zh"), replace(ann, by="Bo")),
        "did not count the run": (lineage_of(base, "zh"), ann),
    }
    for number, (why, (lineage, named)) in enumerate(forged.items()):
        attempt = AttemptInfo(lineage=lineage, number=1, confidence=0.975, named=named)
        run = write_gated(world.folder / f"run{number}", adapter, attempt=attempt, policy=policy)
        with pytest.raises(RegistryError, match=why):
            read_candidate(run, world.registry)


def test_verify_reads_the_list(world: World) -> None:
    record = world.promoted()
    assert not [one for one in verify(record.path).findings if "lineages" in one.subject]
    add_lineage(world.registry, "zh", by="Ann", reason="A product.", now=NOW)
    assert verify(record.path).ok
    [path] = (world.registry / LINEAGES).glob("0*.json")
    path.write_text(path.read_text().replace("Ann", "Bob"))
    found = verify(record.path)
    assert not found.ok
    assert "lineages of the registry" in [
        one.subject for one in found.findings if one.check != "ok"
    ]


def test_a_report_says_who_added_the_lineage(world: World) -> None:
    named = LineageInfo(name="zh", by="Ann", created=NOW, reason="A product.")
    attempt = AttemptInfo(lineage="a" * 64, number=2, confidence=0.9917, named=named)
    run = load_run(write_gated(world.folder / "run", world.adapter(), attempt=attempt))
    assert (
        "Attempt 2 of lineage zh, judged with 99.17 % confidence; Ann added the lineage on "
        "2025-03-05: A product." in map(str, notes_of(run, stop_is_told=False))
    )


def test_the_commands_add_and_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = ("--registry", str(tmp_path))
    assert main(["registry", "lineages", *registry]) == 0
    assert "no lineage of its own" in capsys.readouterr().out
    added = ["registry", "add-lineage", "zh", *registry, "--by", "Ann", "--reason", "A product."]
    assert main(added) == 0
    assert main(added) == 3
    assert main(["registry", "lineages", *registry]) == 0
    assert "by Ann: A product." in capsys.readouterr().out
