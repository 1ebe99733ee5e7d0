"""The ledger of attempts: counted once, in order, and never rewritten."""

from __future__ import annotations

import errno
import multiprocessing
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsuite.errors import InvalidInput, RegistryError, RunError, RunStorageError
from evalsuite.gates import Attempts, Status, load_policy
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.registry import promote
from evalsuite.registry.attempts import (
    HEAD,
    LEDGER,
    Attempt,
    read_attempts,
    record_attempt,
)
from evalsuite.runs.folder import load_run

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASKED = Attempt(
    lineage="a" * 64, number=0, adapter="b" * 64, policy="c" * 64, circumstances="d" * 64, seed=5,
    created="",
)  # fmt: skip


def record(registry: Path, **changes: object) -> Attempt:
    return record_attempt(registry, replace(ASKED, **changes), now=NOW)  # type: ignore[arg-type]


def test_the_same_question_is_the_same_attempt_and_another_is_the_next(tmp_path: Path) -> None:
    assert record(tmp_path).number == 1
    assert record(tmp_path).number == 1
    assert record(tmp_path, adapter="e" * 64).number == 2
    assert record(tmp_path, seed=6).number == 3
    assert record(tmp_path, policy="f" * 64).number == 4
    assert record(tmp_path, circumstances="f" * 64).number == 5
    assert record(tmp_path, lineage="9" * 64).number == 1
    assert record(tmp_path, adapter="e" * 64).number == 2
    assert [a.number for a in read_attempts(tmp_path)] == [1, 2, 3, 4, 5, 1]


def test_an_empty_registry_has_no_attempts(tmp_path: Path) -> None:
    assert read_attempts(tmp_path / "none") == ()


@pytest.mark.parametrize("change", ["edit", "delete", "last", "cut", "swap", "garbage", "empty"])
def test_an_edited_ledger_is_refused_and_left_alone(tmp_path: Path, change: str) -> None:
    for seed in range(3):
        record(tmp_path, seed=seed)
    path = tmp_path / LEDGER
    lines = path.read_text("utf-8").splitlines(keepends=True)
    text = {
        "edit": "".join([lines[0], lines[1].replace('"seed": 1', '"seed": 7'), lines[2]]),
        "delete": "".join([lines[0], lines[2]]),
        "last": "".join(lines[:2]),
        "empty": "",
        "cut": "".join(lines)[:-20],
        "swap": "".join([lines[1], lines[0], lines[2]]),
        "garbage": "".join(lines) + "[]\n",
    }[change]
    path.write_text(text, "utf-8")
    with pytest.raises(RunError, match=r"attempts\.jsonl:\d"):
        record(tmp_path, seed=9)
    assert path.read_text("utf-8") == text


def test_a_ledger_that_is_gone_is_missed(tmp_path: Path) -> None:
    record(tmp_path)
    (tmp_path / LEDGER).unlink()
    with pytest.raises(RunError, match=r"is gone, and attempts\.head\.json tells of 1 attempts"):
        read_attempts(tmp_path)


def test_a_head_that_is_gone_or_another_is_noticed(tmp_path: Path) -> None:
    record(tmp_path)
    former = (tmp_path / HEAD).read_bytes()
    record(tmp_path, seed=6)
    record(tmp_path, seed=7)
    (tmp_path / HEAD).write_bytes(former)
    with pytest.raises(RunError, match=r"is not what attempts\.head\.json names"):
        read_attempts(tmp_path)
    (tmp_path / HEAD).unlink()
    with pytest.raises(RunError, match=r"has no attempts\.head\.json beside it"):
        read_attempts(tmp_path)
    (tmp_path / HEAD).write_text("{}")
    with pytest.raises(RunError, match="names no attempt; restore it"):
        read_attempts(tmp_path)


@pytest.mark.parametrize("left", [1, 40, 0])
def test_half_a_line_of_a_process_that_died_is_no_attempt(tmp_path: Path, left: int) -> None:
    """Such as when the disk was full: nothing was asked yet, and nobody is locked out."""
    record(tmp_path)
    path, head = tmp_path / LEDGER, (tmp_path / HEAD).read_bytes()
    record(tmp_path, seed=6)
    first, second = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text(first + second[:left], "utf-8")
    (tmp_path / HEAD).write_bytes(head)
    assert [a.seed for a in read_attempts(tmp_path)] == [5]
    assert record(tmp_path, seed=8).number == 2
    assert [a.seed for a in read_attempts(tmp_path)] == [5, 8]


def test_a_ledger_that_is_a_link_writes_into_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("", "utf-8")
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / LEDGER).symlink_to(target)
    with pytest.raises(RunStorageError, match="is a link; put the ledger itself there"):
        record(tmp_path / "registry")
    assert target.read_text("utf-8") == ""


def test_an_attempt_whose_head_was_not_written_counts(tmp_path: Path) -> None:
    record(tmp_path)
    head = (tmp_path / HEAD).read_bytes()
    record(tmp_path, seed=6)
    (tmp_path / HEAD).write_bytes(head)
    assert [a.seed for a in read_attempts(tmp_path)] == [5, 6]
    assert record(tmp_path, seed=7).number == 3


def test_a_full_disk_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path)
    before = (tmp_path / LEDGER).read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunStorageError, match="the disk or quota is full"):
            record(tmp_path, seed=6)
    assert (tmp_path / LEDGER).read_bytes() == before
    assert record(tmp_path, seed=6).number == 2


def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunStorageError, match="file"):
        record(tmp_path / "file")


def _many(registry: Path, first: int) -> None:
    for seed in range(first, first + 20):
        record(registry, seed=seed)


def test_processes_that_count_at_once_leave_no_gap(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_many, args=(tmp_path, 20 * i)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [a.number for a in read_attempts(tmp_path)] == list(range(1, 61))


def test_attempts_spend_the_error_budget_and_no_more() -> None:
    policy = load_policy("nano")
    assert policy.attempts is Attempts.SPEND
    spent = [1 - policy.for_attempt(k).confidence for k in range(1, 2000)]
    assert spent[0] == pytest.approx(0.025)
    assert spent == sorted(spent, reverse=True)
    assert sum(spent) < 1 - policy.confidence
    assert sum(spent) > 0.999 * (1 - policy.confidence)
    assert policy.for_attempt(3).gates == policy.gates
    counted = policy.model_copy(update={"attempts": Attempts.COUNT})
    assert counted.for_attempt(7) == counted
    with pytest.raises(InvalidInput, match="counted from 1"):
        policy.for_attempt(0)


def test_a_run_records_its_attempt_before_its_verdict_and_is_judged_for_it(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    strict = tmp_path / "spend.yaml"
    text = small_policy.read_text("utf-8").replace("power: 0.9", "power: 0.9\nattempts: spend")
    strict.write_text(text, "utf-8")
    request = GateRequest(
        adapter=candidate, policy=str(strict), cases=few_cases, out=tmp_path / "run",
        cache=candidate.parent / "outputs.sqlite3", registry=tmp_path / "registry", seed=11,
    )  # fmt: skip
    first = evaluate(request)
    again = evaluate(request)
    second = evaluate(replace(request, seed=12))
    for run, number, confidence in (
        (first, 1, 0.975),
        (again, 1, 0.975),
        (second, 2, 1 - 0.05 / 6),
    ):
        assert run.info.attempt is not None
        assert run.info.attempt.number == number
        assert run.info.attempt.confidence == pytest.approx(confidence)
        assert run.status is Status.PASSED
    assert load_run(second.folder).info.attempt == second.info.attempt
    leak = next(v for v in second.verdicts if v.gate == "example_leakage")
    assert "99.17 % confidence" in leak.reason
    with pytest.raises(RunStorageError):
        evaluate(replace(request, seed=13, out=tmp_path / "registry" / LEDGER))
    assert len(read_attempts(tmp_path / "registry")) == 2


@pytest.mark.slow
def test_a_run_that_the_registry_did_not_count_is_not_promoted_into_it(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "spend.yaml"
    text = small_policy.read_text("utf-8").replace("power: 0.9", "power: 0.9\nattempts: spend")
    policy.write_text(text, "utf-8")
    request = GateRequest(
        adapter=candidate, policy=str(policy), cases=few_cases, out=tmp_path / "run",
        cache=candidate.parent / "outputs.sqlite3", registry=tmp_path / "elsewhere", seed=11,
    )  # fmt: skip
    run = evaluate(request)
    with pytest.raises(RegistryError, match="did not count the run"):
        promote(run.folder, tmp_path / "registry", now=NOW)
    assert promote(run.folder, tmp_path / "elsewhere", now=NOW).sequence == 1
    # Each of these is the first attempt of a registry of its own, but not of this one.
    others = (
        replace(request, registry=tmp_path / "b", seed=12, out=tmp_path / "b-run"),
        replace(request, registry=tmp_path / "c", dtype="bfloat16", out=tmp_path / "c-run"),
    )
    for other in others:
        again = evaluate(other)
        assert again.info.attempt is not None
        assert again.info.attempt.number == 1
        with pytest.raises(RegistryError, match="did not count the run"):
            promote(again.folder, tmp_path / "elsewhere", now=NOW)
    uncounted = evaluate(replace(request, registry=None))
    with pytest.raises(RegistryError, match="did not count the run"):
        promote(uncounted.folder, tmp_path / "elsewhere", now=NOW)
