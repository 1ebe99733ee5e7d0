from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from safetensors.numpy import load_file, save_file

from evalsuite.detectors import PARTS
from evalsuite.errors import (
    BaseMismatch,
    EvalsuiteError,
    InvalidInput,
    ModelNotFound,
    RegistryError,
    RunInUse,
    RunStorageError,
)
from evalsuite.gates import Gate, Status, load_policy
from evalsuite.models import read_adapter
from evalsuite.pipeline import (
    STEPS,
    Event,
    GateRequest,
    evaluate,
    judge_with_looks,
    observe,
    plan,
)
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.questions import BOTH, first_share
from evalsuite.pipeline.records import Asked, Decided
from evalsuite.qualification import outcome_of
from evalsuite.registry import promote
from evalsuite.report import render_markdown, summary_text
from evalsuite.runs import Side, Unit
from evalsuite.runs.folder import RunWriter, load_run
from tests.conftest import SMALL_POLICY

GATES = ["liveness", "template_round_trip", "example_leakage", "pronoun_resolution", "forgetting"]


@pytest.fixture
def request_(candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path) -> GateRequest:
    return GateRequest(
        adapter=candidate,
        policy=str(small_policy),
        cases=few_cases,
        out=tmp_path / "run",
        cache=candidate.parent / "outputs.sqlite3",
        seed=11,
    )


def test_a_run_judges_every_gate_and_writes_what_it_saw(request_: GateRequest) -> None:
    events: list[Event] = []
    run = evaluate(request_, tell=events.append)
    assert sorted(v.gate for v in run.verdicts) == sorted(GATES)
    steps = [*(step.__name__ for step in STEPS), "write_down"]
    assert [e.step for e in events if not e.total and not e.note] == steps
    [note] = [e.note for e in events if e.note]
    planned = plan(request_)
    assert note == "; ".join(
        f"{side}: {sum(s.prompts for s in planned if s.side is side):,} prompts of "
        f"{sum(s.read for s in planned if s.side is side):,} tokens, at most "
        f"{sum(s.written for s in planned if s.side is side):,} tokens to write"
        for side in BOTH
    )
    # The small policy looks once, so all that is planned is asked.
    assert sum(s.prompts for s in planned) == len(run.outputs)
    verdicts = json.loads((request_.out / "verdicts.json").read_text("utf-8"))
    assert set(verdicts) >= {"status", "verdicts"}
    fields = "gate status value lower upper limit n clusters method reason".split()
    assert all(set(fields) <= set(v) for v in verdicts["verdicts"])
    assert load_run(request_.out).info.seeds["panel"] == 11
    asked = {(o.panel, o.case_id, o.demonstrations, o.side) for o in run.outputs}
    pairs = {(p, c, d) for p, c, d, _ in asked if not d.endswith("b")}
    assert all({(*pair, side) for side in BOTH} <= asked for pair in pairs)
    assert {side for *_, side in asked} == set(BOTH)


def test_each_step_takes_the_frozen_record_that_the_one_before_it_returns() -> None:
    before: type = Asked
    for step in STEPS:
        hints = get_type_hints(step)
        made = hints.pop("return")
        assert list(hints.values()) == [before], step.__name__
        assert issubclass(made, before)
        assert made.__dataclass_params__.frozen
        assert len(fields(made)) > len(fields(before)), f"{step.__name__} makes nothing"
        before = made
    assert before is Decided


def test_a_run_keeps_what_prompts_showed_and_the_tokens_of_what_failed(
    request_: GateRequest,
) -> None:
    run = evaluate(request_)
    shown = {row.name: row.shown for row in run.demonstrations}
    assert {o.demonstrations for o in run.outputs if o.demonstrations} <= set(shown)
    assert all(len(rows) == request_.shown for rows in shown.values())
    failed = {k for s in run.scores if s.failed and s.side is Side.CANDIDATE for k in s.outputs}
    assert run.tokens
    assert {row.key for row in run.tokens} <= failed
    texts = {output.key: output.text for output in run.outputs}
    for row in run.tokens:
        assert row.control
        assert "".join(row.texts[row.answer :]).startswith(texts[row.key][:1])


def test_liveness_passes_for_a_trained_adapter(request_: GateRequest) -> None:
    run = evaluate(request_)
    alive = next(v for v in run.verdicts if v.gate == "liveness")
    assert alive.status is Status.PASSED, alive.reason


def test_a_second_run_calls_no_model_and_says_the_same(
    request_: GateRequest, tmp_path: Path
) -> None:
    first = evaluate(request_)
    second = evaluate(replace(request_, out=tmp_path / "again"))
    assert second.info.counts.model_calls == 0
    assert second.info.counts.cache_misses == 0
    assert second.verdicts == first.verdicts
    assert second.outputs == first.outputs


def test_an_untrained_adapter_is_stopped_by_liveness_before_any_score(
    request_: GateRequest, candidate: Path, tmp_path: Path
) -> None:
    dead = tmp_path / "dead"
    dead.mkdir()
    for file in candidate.iterdir():
        if file.is_file():
            (dead / file.name).write_bytes(file.read_bytes())
    weights = load_file(candidate / "adapter_model.safetensors")
    zeroed = {n: t * 0 if "lora_B" in n else t for n, t in weights.items()}
    save_file(zeroed, dead / "adapter_model.safetensors", metadata={"format": "pt"})
    run = evaluate(replace(request_, adapter=dead))
    statuses = {v.gate: v.status for v in run.verdicts}
    assert run.status is Status.FAILED
    assert statuses.pop("liveness") is Status.FAILED
    assert set(statuses.values()) == {Status.INCONCLUSIVE}
    assert run.outputs == ()


def test_too_few_cases_are_inconclusive(
    request_: GateRequest, small_policy: Path, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.yaml"
    text = small_policy.read_text("utf-8").replace(
        "literal: {limit: 0.5}", "literal: {limit: 0.01}"
    )
    strict.write_text(text, "utf-8")
    run = evaluate(replace(request_, policy=str(strict)))
    leakage = next(v for v in run.verdicts if v.gate == "example_leakage")
    assert leakage.status in (Status.INCONCLUSIVE, Status.FAILED)
    literal = next(part for part in leakage.slices if part.name == "literal")
    assert literal.lower is not None
    # With 26 cases no leak at all leaves an upper bound above 1 %: only a leak decides.
    assert (literal.status is Status.INCONCLUSIVE) == (literal.lower <= 0.01)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(request_: GateRequest, tmp_path: Path) -> None:
    request_ = replace(request_, seed=12, cache=tmp_path / "cache.sqlite3")
    command = [
        sys.executable, "-m", "evalsuite.cli", "gate", "--adapter", str(request_.adapter),
        "--policy", str(request_.policy), "--cases", str(request_.cases), "--seed", "12",
        "--out", str(request_.out), "--cache", str(request_.cache), "--registry",
        str(request_.out.parent / "registry"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wal = tmp_path / "cache.sqlite3-wal"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (wal.exists() and wal.stat().st_size > 60_000):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with sqlite3.connect(tmp_path / "cache.sqlite3") as cache:
        answered = {key for (key,) in cache.execute("SELECT key FROM entries")}
    run = evaluate(request_)
    keys = [output.key for output in run.outputs]
    assert len(answered & set(keys)) > 0
    assert run.info.counts.cache_hits == sum(key in answered for key in keys)
    whole = evaluate(replace(request_, cache=tmp_path / "other.sqlite3", out=tmp_path / "other"))
    assert whole.info.counts.cache_hits == 0
    assert whole.verdicts == run.verdicts
    assert whole.outputs == run.outputs


def test_two_gates_in_one_folder_do_not_mix(request_: GateRequest) -> None:
    with RunWriter(request_.out), pytest.raises(RunInUse, match="--out"):
        evaluate(request_)


def test_an_output_that_is_a_file_is_refused(request_: GateRequest, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(RunStorageError, match="file"):
        evaluate(replace(request_, out=file))
    assert file.read_text() == "mine"


def test_a_folder_that_nobody_may_write_is_refused(request_: GateRequest) -> None:
    # Unlike a folder without write permission, this one refuses the superuser too.
    with pytest.raises(RunStorageError, match="/sys/evalsuite"):
        evaluate(replace(request_, out=Path("/sys/evalsuite")))


def test_an_adapter_of_another_base_is_named(
    request_: GateRequest, candidate: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in candidate.iterdir():
        if file.is_file():
            (other / file.name).write_bytes(file.read_bytes())
    provenance = json.loads((other / "evalsuite.json").read_text("utf-8"))
    provenance["base_digest"] = "0" * 64
    (other / "evalsuite.json").write_text(json.dumps(provenance), "utf-8")
    with pytest.raises(BaseMismatch, match="0000"):
        evaluate(replace(request_, adapter=other))


def test_a_missing_case_folder_says_what_to_do(request_: GateRequest, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--cases"):
        evaluate(replace(request_, cases=tmp_path / "nowhere"))


def test_a_history_longer_than_the_context_window_is_named_before_anything_is_asked(
    request_: GateRequest, tmp_path: Path
) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    (folder / "nano_en.yaml").write_text(
        "cases:\n  - id: too-long\n    language: en\n    kind: single\n"
        f"    history: [{{user: '{'word ' * 3000}'}}]\n"
        "    query: 'What is it?'\n    expect: {must_name: [word]}\n",
        "utf-8",
    )
    with pytest.raises(InvalidInput, match=r"nano_en.yaml:2: case 'too-long' does not fit"):
        evaluate(replace(request_, cases=folder))


def test_a_mistyped_adapter_leaves_the_run_that_was_there_as_it_was(
    request_: GateRequest, tmp_path: Path
) -> None:
    run = evaluate(request_)
    with pytest.raises(ModelNotFound):
        evaluate(replace(request_, adapter=tmp_path / "mistyped"))
    assert load_run(request_.out).verdicts == run.verdicts


@pytest.mark.parametrize(
    ("origin", "status"), [("required", Status.INCONCLUSIVE), ("optional", Status.PASSED)]
)
def test_an_adapter_from_elsewhere_passes_only_where_the_policy_allows_it(
    request_: GateRequest, candidate: Path, tmp_path: Path, origin: str, status: Status
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (foreign / name).write_bytes((candidate / name).read_bytes())
    policy = tmp_path / "policy.yaml"
    text = Path(str(request_.policy)).read_text("utf-8")
    policy.write_text(
        text.replace("{minimum: 4}", f"{{minimum: 4, provenance: {origin}}}"), "utf-8"
    )
    run = evaluate(replace(request_, adapter=foreign, policy=str(policy)))
    found = {v.gate: v.status for v in run.verdicts}
    assert found["liveness"] is found["template_round_trip"] is status


def test_a_bad_candidate_is_stopped_at_a_look_and_the_run_says_so(
    request_: GateRequest, tmp_path: Path
) -> None:
    text = Path(str(request_.policy)).read_text("utf-8")
    strict = text.replace("failure_rate: {limit: 1.0}", "failure_rate: {limit: 0.05}")
    strict = strict.replace(
        "power: 0.9", "power: 0.9\nlooks: {shares: [0.4, 0.7], false_block: 0.01}"
    )
    path = tmp_path / "looks.yaml"
    path.write_text(strict, "utf-8")
    run = evaluate(replace(request_, policy=str(path)))
    assert run.status is Status.FAILED
    assert run.info.looks is not None
    assert run.info.looks.stopped_at == 0.4
    assert any("pronoun_resolution/failure_rate" in why for why in run.info.looks.because)
    whole = evaluate(replace(request_, out=tmp_path / "whole"))
    assert whole.info.looks is None
    assert len(run.outputs) < len(whole.outputs) / 2
    assert {o.panel for o in run.outputs} == {"panel", "skills", "texts"}
    assert load_run(run.folder).info.looks == run.info.looks


@pytest.mark.slow
def test_a_candidate_that_was_asked_whole_is_judged_with_the_looks_of_its_policy(
    request_: GateRequest, tmp_path: Path
) -> None:
    text = Path(str(request_.policy)).read_text("utf-8")
    looks = tmp_path / "looks.yaml"
    looks.write_text(
        text.replace(
            "power: 0.9", "power: 0.9\nlooks: {shares: [0.4, 0.7], false_block: 0.01}"
        ).replace("failure_rate: {limit: 1.0}", "failure_rate: {limit: 0.05}"),
        "utf-8",
    )
    asked = replace(request_, policy=str(looks))
    verdicts, why = judge_with_looks(observe(asked))
    assert verdicts == evaluate(asked).verdicts
    assert {item.gate for item in why} == {"pronoun_resolution"}
    blocked = outcome_of(load_policy(str(looks)), verdicts, why).blocked_by
    assert blocked == {Gate.PRONOUN_RESOLUTION}
    plain, none = judge_with_looks(observe(request_))
    assert plain == evaluate(request_).verdicts
    assert none == ()


@pytest.mark.slow
def test_an_adapter_beside_its_base_gives_other_bits_and_the_same_answers(
    request_: GateRequest,
) -> None:
    merged = evaluate(request_)
    beside = evaluate(replace(request_, merged=False, batch_tokens=2048, out=request_.out / "2"))
    assert beside.info.engine.merged is False
    assert beside.info.engine.identity != merged.info.engine.identity
    assert "adapter not merged" in render_markdown(beside)
    assert [o.text for o in beside.outputs] == [o.text for o in merged.outputs]


def test_the_first_share_holds_every_part_and_language_in_order(request_: GateRequest) -> None:
    state = observe(request_)
    early = first_share(state.questions, 0.5)
    assert [q for q in state.questions if q in early] == list(early)
    seen = {(q.row.panel, q.row.language) for q in early}
    assert seen == {(p, lang) for p in ("panel", "skills", "texts") for lang in ("en", "zh")}
    assert first_share(early, 1.0) == early
    sides: dict[str, set[Side]] = {}
    for question in early:
        sides.setdefault(question.row.case_id, set()).add(question.side)
    assert all(both == set(BOTH) for both in sides.values())


@pytest.mark.parametrize(
    ("old", "new", "change", "said"),
    [
        ("seeded: [", "seeded: [cpoy, ", {}, "did you mean .copy"),
        ("power: 0.9", "power: 0.9", {"cache": Path(__file__).parent}, "cannot be used"),
        ("power: 0.9", "power: 0.9", {"seed": -1}, "seed=-1 must be a whole number"),
    ],
)
def test_what_is_refused_before_the_first_question_costs_no_attempt(
    request_: GateRequest,
    tmp_path: Path,
    old: str,
    new: str,
    change: dict[str, Any],
    said: str,
) -> None:
    policy = tmp_path / "policy.yaml"
    text = Path(str(request_.policy)).read_text("utf-8")
    assert old in text
    policy.write_text(text.replace(old, new), "utf-8")
    registry = tmp_path / "registry"
    asked = replace(request_, policy=str(policy), registry=registry)
    with pytest.raises(EvalsuiteError, match=said):
        evaluate(replace(replace(asked, cache=tmp_path / "c.sqlite3"), **change))
    assert not (registry / "attempts.jsonl").exists()
    if old == new:
        evaluate(asked)
        assert len((registry / "attempts.jsonl").read_text("utf-8").splitlines()) == 1


def test_a_waived_run_is_promoted_while_its_waiver_holds(
    request_: GateRequest, tmp_path: Path
) -> None:
    text = Path(str(request_.policy)).read_text("utf-8")
    strict = tmp_path / "strict.yaml"
    strict.write_text(
        text.replace("failure_rate: {limit: 1.0}", "failure_rate: {limit: 0.05}"), "utf-8"
    )
    digest = read_adapter(request_.adapter).digest
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(
        f"waivers:\n  - gate: pronoun_resolution\n    adapter: {digest[:16]}\n"
        "    reason: An internal trial that rewrites nothing.\n    by: Ada Lovelace\n"
        '    expires: "2999-12-31"\n',
        "utf-8",
    )
    asked = replace(request_, policy=str(strict))
    assert evaluate(asked).status is Status.FAILED
    run = evaluate(replace(asked, waivers=waivers))
    assert run.status is Status.PASSED
    assert [w.by for w in load_run(run.folder).info.waivers] == ["Ada Lovelace"]
    assert "waived by Ada Lovelace" in summary_text(run)
    record = promote(run.folder, tmp_path / "registry", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert any("waived by Ada" in str(v["reason"]) for v in record.evidence.verdicts)
    with pytest.raises(RegistryError, match="waived by Ada Lovelace until 2999"):
        promote(run.folder, tmp_path / "later", now=datetime(3000, 1, 1, tzinfo=UTC))


@pytest.mark.slow
def test_flips_of_low_precision_are_asked_again_in_float32(
    request_: GateRequest, reckless: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "choices.yaml"
    policy.write_text(SMALL_POLICY.replace("[copy, count]", "[copy, repeat-choice]"), "utf-8")
    request_ = replace(request_, adapter=reckless, policy=str(policy))
    asked = replace(request_, dtype="bfloat16")
    run = evaluate(asked)
    flips = run.info.flips
    assert flips is not None
    assert flips.explained is not None
    assert 0 <= flips.explained <= flips.cases
    assert flips.cases > 0
    decides = resolve(asked).policy.gates.pronoun_resolution.decides
    parts = set(decides) if len(decides) < len(PARTS) else set()
    differing = {
        (s.panel, s.case_id)
        for s in run.scores
        if not s.detail or s.detector in parts
        for t in run.scores
        if s.side is not t.side
        and (s.panel, s.case_id, s.detector) == (t.panel, t.case_id, t.detector)
        and s.unit is Unit.DEFECT
        and None not in (s.value, t.value)
        and s.value != t.value
    }
    assert len(differing) == flips.cases - flips.explained
    # Answers that are chosen are asked again, too, each with all of its options.
    assert any("repeat-choice" in case for _, case in differing)
    precise = {
        (o.panel, o.case_id, o.side, o.demonstrations, o.key): o for o in evaluate(request_).outputs
    }
    for output in run.outputs:
        if (output.panel, output.case_id) in differing:
            place = output.panel, output.case_id, output.side, output.demonstrations, output.key
            assert output.text == precise[place].text
    again = evaluate(asked)
    assert again.info.counts.model_calls == 0
    assert again.info.flips == flips
    assert evaluate(request_).info.flips is None


def test_batches_of_another_size_ask_nothing_again_in_float32(request_: GateRequest) -> None:
    usual, small = evaluate(request_), evaluate(replace(request_, batch_tokens=2048))
    assert small.info.engine.batch_tokens == 2048
    assert small.info.engine.identity == usual.info.engine.identity
    assert small.info.counts.model_calls == 0
