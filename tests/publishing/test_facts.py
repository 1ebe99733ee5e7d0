from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import PublishingError, RegistryError
from evalsuite.gates.verdict import Quantity
from evalsuite.prompts import built_in
from evalsuite.publishing import matching_record, run_digest
from evalsuite.publishing.facts import digests, measure, public_name
from evalsuite.runs.folder import Run, load_run
from tests.registry.world import World
from tests.report.factory import part, verdict


def test_a_run_is_named_by_the_digest_of_its_run_json(passed: Run) -> None:
    data = (passed.folder / "run.json").read_bytes()
    assert run_digest(passed) == hashlib.sha256(data).hexdigest()
    assert digests(passed)["run.json"] == run_digest(passed)


def test_a_run_json_that_is_gone_is_named(tmp_path: Path, passed: Run) -> None:
    with pytest.raises(PublishingError, match=r"run\.json"):
        run_digest(replace(passed, folder=tmp_path))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("nano", "nano"),
        ("Qwen/Qwen2.5-3B-Instruct", "Qwen/Qwen2.5-3B-Instruct"),
        ("owner/name@a1b2c3", "owner/name@a1b2c3"),
        ("owner/name@refs/pr/1#llama-2", "owner/name@refs/pr/1#llama-2"),
        ("/home/somebody/models/qwen", "qwen"),
        ("/home/somebody/models/qwen/", "qwen"),
        ("~/models/qwen#llama-2", "qwen#llama-2"),
        ("./models", "models"),
        ("../models", "models"),
        ("C:\\Users\\somebody\\qwen", "qwen"),
        ("/", "unnamed"),
    ],
)
def test_a_folder_of_this_machine_is_shown_by_its_last_part(name: str, shown: str) -> None:
    assert public_name(name) == shown


@pytest.mark.parametrize("quantity", list(Quantity))
def test_a_gates_numbers_mean_what_those_of_its_binding_part_mean(quantity: Quantity) -> None:
    numbers: dict[str, Any] = {"value": 0.01, "lower": 0.0, "upper": 0.02, "limit": 0.03, "n": 50}
    slices = (part("other", quantity=Quantity.CENSUS), part("b", quantity=quantity, **numbers))
    assert measure(verdict("gate", slices=slices, **numbers)) == measure(slices[1])


def test_measures_have_names_of_their_own() -> None:
    names = {measure(part("p", quantity=quantity)).name for quantity in Quantity}
    assert len(names) == len(Quantity)
    assert measure(verdict("gate")).name not in names


def test_the_record_of_this_run_is_taken(world: World) -> None:
    record = world.promoted()
    run = load_run(world.folder / "reports" / "one")
    assert matching_record(run, record.path) == record


def test_the_record_of_another_run_or_adapter_is_refused(world: World) -> None:
    record = world.promoted()
    other = load_run(world.run("two"))
    with pytest.raises(PublishingError, match="about the adapter"):
        matching_record(other, record.path)
    again = load_run(world.run("one", prompt=built_in("json")))
    with pytest.raises(PublishingError, match="publish the run that was promoted"):
        matching_record(again, record.path)
    with pytest.raises(RegistryError):
        matching_record(again, world.folder / "none.json")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
