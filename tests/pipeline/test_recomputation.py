"""A verdict computed again: an honest run says the same, and whoever edits one is found out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.engines.cache import output_json, request_key
from evalsuite.engines.store import Store
from evalsuite.models import digest_file, read_adapter, resolve_base
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.asking import ask_again
from evalsuite.pipeline.recomputation import CannotRecompute, recompute
from evalsuite.runs import Side, Status
from evalsuite.runs.folder import Run, load_run, with_digest


@pytest.fixture(scope="module")
def request_for(
    good: Path, small_policy: Path, few_cases: Path, tmp_path_factory: pytest.TempPathFactory
) -> GateRequest:
    return GateRequest(
        adapter=good,
        policy=str(small_policy),
        cases=few_cases,
        out=tmp_path_factory.mktemp("honest") / "run",
        cache=good.parent / "outputs.sqlite3",
    )


@pytest.fixture(scope="module")
def honest(request_for: GateRequest) -> Run:
    run = evaluate(request_for)
    assert run.status is Status.PASSED
    return run


@pytest.fixture
def forged(honest: Run, tmp_path: Path) -> Path:
    """A copy to be edited."""
    shutil.copytree(honest.folder, tmp_path / "run")
    return tmp_path / "run"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def resealed(folder: Path, edit: Callable[[dict[str, Any]], None] = lambda _: None) -> Run:
    """Edit run.json and give it the digests of the files as they are, as a forger would."""
    path = folder / "run.json"
    info = json.loads(path.read_text("utf-8"))
    edit(info)
    for name, said in info["files"].items():
        said |= {"sha256": digest_file(folder / name), "size": (folder / name).stat().st_size}
    path.write_text(json.dumps(with_digest(info)), "utf-8")
    return load_run(folder)


def test_an_honest_run_says_what_its_evidence_says(honest: Run) -> None:
    found = recompute(honest)
    assert found.differences == ()
    assert len(found.answered) == len(honest.outputs) > 100


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{"dtype": "bfloat16"}, {"merged": False}])
def test_so_does_one_in_another_number_format(
    asked: dict[str, Any], request_for: GateRequest, tmp_path: Path
) -> None:
    """In bfloat16 cases that differ were asked again, by another engine."""
    run = evaluate(replace(request_for, out=tmp_path / "run", **asked))
    if "dtype" in asked:
        assert run.info.flips is not None
        assert run.info.flips.cases > 0
        assert run.info.engine.confirming not in ("", run.info.engine.identity)
    found = recompute(run)
    assert found.differences == ()
    assert not ask_again(run, found, 12).refuted


def test_scores_that_were_turned_round_do_not_follow_from_the_outputs(forged: Path) -> None:
    rows = lines(forged / "scores.jsonl")
    for row in rows:
        if row["unit"] == "defect" and row["value"] is not None:
            row["value"] = 1.0 - row["value"]
    write_lines(forged / "scores.jsonl", rows)
    (said,) = recompute(resealed(forged)).differences
    assert "scores do not follow from the outputs" in said


def test_one_score_is_enough(forged: Path) -> None:
    rows = lines(forged / "scores.jsonl")
    at = next(i for i, row in enumerate(rows) if row["detector"] == "right" and row["value"])
    rows[at]["value"] = 0.0
    write_lines(forged / "scores.jsonl", rows)
    (said,) = recompute(resealed(forged)).differences
    assert said.startswith("1 scores do not follow")
    assert rows[at]["case_id"] in said


def test_a_run_without_evidence_is_none(forged: Path) -> None:
    for name in ("cases.jsonl", "outputs.jsonl", "scores.jsonl", "tokens.jsonl"):
        (forged / name).write_text("", "utf-8")
    (forged / "demonstrations.jsonl").write_text("", "utf-8")
    found = recompute(resealed(forged)).differences
    assert any("scores" in said or "outputs" in said for said in found)
    assert any("verdicts.json" in said for said in found)


def test_a_bound_beyond_its_limit_under_a_pass_is_noticed(forged: Path) -> None:
    path = forged / "verdicts.json"
    document = json.loads(path.read_text("utf-8"))
    verdict = next(v for v in document["verdicts"] if v["gate"] == "example_leakage")
    verdict["upper"], verdict["limit"] = 0.99, 0.01
    path.write_text(json.dumps(document), "utf-8")
    (said,) = recompute(resealed(forged)).differences
    assert "example_leakage.upper: 0.99" in said
    assert "example_leakage.limit: 0.01" in said


def test_a_failed_verdict_that_was_made_a_pass_is_noticed(
    candidate: Path, request_for: GateRequest, tmp_path: Path
) -> None:
    policy = tmp_path / "strict.yaml"
    text = Path(request_for.policy or "").read_text("utf-8").replace("name: small", "name: strict")
    policy.write_text(text.replace("failure_rate: {limit: 1.0}", "failure_rate: {limit: 0.01}"))
    asked = replace(request_for, adapter=candidate, policy=str(policy), out=tmp_path / "run")
    assert evaluate(asked).status is Status.FAILED
    path = tmp_path / "run" / "verdicts.json"
    path.write_text(path.read_text("utf-8").replace('"failed"', '"passed"'), "utf-8")
    found = recompute(resealed(tmp_path / "run")).differences
    assert "verdicts.json says passed, but the evidence says failed" in found


def test_a_good_run_does_not_speak_for_another_adapter(forged: Path, candidate: Path) -> None:
    digest = read_adapter(candidate, resolve_base("nano")).digest

    def relabel(info: dict[str, Any]) -> None:
        info["adapter"] = {"path": str(candidate), "digest": digest, "provenance": None}

    found = recompute(resealed(forged, relabel)).differences
    assert any("not of this engine and adapter" in said for said in found)


def test_an_answer_in_other_words_is_noticed(forged: Path) -> None:
    rows = lines(forged / "outputs.jsonl")
    at = next(i for i, row in enumerate(rows) if row["side"] == "candidate" and row["ids"])
    rows[at]["text"] = "What is the right rewrite?"
    write_lines(forged / "outputs.jsonl", rows)
    found = recompute(resealed(forged)).differences
    assert any("outputs are not of what was asked" in said for said in found)


def test_easier_cases_are_not_those_of_the_seed(forged: Path) -> None:
    rows = lines(forged / "cases.jsonl")
    at = next(i for i, row in enumerate(rows) if row["panel"] == "panel")
    rows[at]["query"] = "Easy?"
    write_lines(forged / "cases.jsonl", rows)
    (said,) = recompute(resealed(forged)).differences
    assert "cases are not as they were drawn" in said


def test_another_seed_draws_other_cases(forged: Path) -> None:
    def reseed(info: dict[str, Any]) -> None:
        info["seeds"] = dict.fromkeys(info["seeds"], 12345)

    assert recompute(resealed(forged, reseed)).differences


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("judging", "0" * 64, "was judged by other code than this"),
        ("version", 5, "is of version 5"),
        ("cases_digest", "0" * 64, "are not those that the run in"),
    ],
)
def test_what_cannot_be_computed_here_is_said(
    forged: Path, key: str, value: Any, said: str
) -> None:
    with pytest.raises(CannotRecompute, match=said):
        recompute(resealed(forged, lambda info: info.update({key: value})))


def test_an_adapter_that_is_gone_is_said(forged: Path) -> None:
    def move(info: dict[str, Any]) -> None:
        info["adapter"]["path"] = str(forged / "nowhere")

    with pytest.raises(CannotRecompute, match=r"cannot be read: .*nowhere"):
        recompute(resealed(forged, move))


def test_the_model_gives_an_honest_runs_answers_again(honest: Run) -> None:
    asked = ask_again(honest, recompute(honest), 24)
    assert (asked.n, asked.differing, asked.exact, asked.refuted) == (24, (), True, False)


def test_answers_of_a_poisoned_cache_are_not_given_again(
    honest: Run, request_for: GateRequest, candidate: Path, tmp_path: Path
) -> None:
    # The good adapter's answers, put under the other one's address before that is gated.
    found = recompute(honest)
    other = read_adapter(candidate, resolve_base("nano")).digest
    store = Store(tmp_path / "poisoned.sqlite3")
    for answer in found.answered:
        if answer.question.side is Side.CANDIDATE:
            asked = replace(answer.question.request, adapter=other)
            key = request_key(honest.info.engine.identity, asked)
            store.put({key: output_json(answer.output)})
    store.close()
    seed = honest.info.seeds["panel"]
    run = evaluate(
        replace(
            request_for,
            adapter=candidate,
            cache=tmp_path / "poisoned.sqlite3",
            out=tmp_path / "run",
            seed=seed,
        )
    )
    assert run.info.counts.unsealed > 100
    again = recompute(run)
    assert again.differences == ()  # from the outputs it follows
    assert ask_again(run, again, 48).refuted
