"""What is measured beside a run's questions: shown in the verdict, and deciding nothing."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language, Wanted
from evalsuite.detectors.retention import preference_score
from evalsuite.errors import InvalidInput
from evalsuite.gates import SliceVerdict, Status, Tier, load_policy
from evalsuite.gates.evidence import TASK_PROMPTS
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.divergence import divergence_prompts, token_weights
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.preferences import facts_of
from evalsuite.pipeline.questions import questions, sample
from evalsuite.pipeline.turns import other_way, sends_turns
from evalsuite.prompts import BUILT_IN, Prompt
from evalsuite.prompts.layout import Layout
from evalsuite.report.changes import Section, case_outcomes
from evalsuite.report.markdown import render_markdown
from evalsuite.runs import DIVERGENCE, PANEL, Side, Unit
from evalsuite.runs.folder import Run, load_run
from evalsuite.tasks import Rewriting, prompt_of
from tests.pipeline.released import scaled

POLICY = """
name: mine
extends: {base}
languages: [en]
tasks: [rewrite, answer]
gates:
  example_leakage: {{panel: {{en: 10}}}}
  pronoun_resolution:
    panel: {{en: 26}}
    as_turns: {{limit: 0.1, panel: {{en: 8}}}}
  forgetting:
    panel: {{en: 20}}
    skills: {{seeded: [copy, count], suites: [{suite}]}}
    text: {{panel: {{en: 5}}}}
    divergence: {{limit: 0.02, task_limit: 5, panel: {{en: 24}}, max_tokens: 16}}
"""
DIALOGUES: list[dict[str, Any]] = [
    {"suite": {"skill": "talk", "language": "en", "rule": "divergence"}},
    {"id": "first", "question": "And where is it?",
     "history": [{"user": "Leo has a red ball."}, {"assistant": "That is nice."}]},
    {"id": "second", "question": "What does a fox eat?", "max_tokens": 8},
    {"id": "chinese", "question": "你好", "language": "zh"},
]  # fmt: skip


def dialogues(folder: Path, rows: list[dict[str, Any]] = DIALOGUES) -> Path:
    path = folder / "talk.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def request(adapter: Path, folder: Path, base: Path, rows: Any = DIALOGUES) -> GateRequest:
    policy = folder / "policy.yaml"
    policy.write_text(POLICY.format(base=base, suite=dialogues(folder, rows)), "utf-8")
    return GateRequest(
        adapter=adapter,
        policy=str(policy),
        cases=folder / "cases",
        out=folder / "run",
        cache=adapter.parent / "outputs.sqlite3",
        seed=5,
    )


def run_of(adapter: Path, folder: Path, base: Path, few: Path) -> Run:
    (folder / "cases").symlink_to(few)
    return evaluate(request(adapter, folder, base))


@pytest.fixture(scope="module")
def timid(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return run_of(candidate, tmp_path_factory.mktemp("timid"), small_policy, few_cases)


@pytest.fixture(scope="module")
def broken(
    reckless: Path, small_policy: Path, few_cases: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return run_of(reckless, tmp_path_factory.mktemp("broken"), small_policy, few_cases)


def part(run: Run, name: str) -> SliceVerdict:
    (found,) = (one for verdict in run.verdicts for one in verdict.slices if one.name == name)
    return found


def test_the_divergence_of_every_prompt_is_told_and_decides_nothing(timid: Run) -> None:
    rows = [score for score in timid.scores if score.detector == DIVERGENCE]
    by_side = {side: {r.case_id for r in rows if r.side is side} for side in Side}
    assert by_side[Side.CANDIDATE] == by_side[Side.BASELINE]
    assert not by_side[Side.CHAMPION]
    assert len(by_side[Side.BASELINE]) == 24 + 24 + 2  # the Chinese one is not asked
    assert {"first", "second"} <= by_side[Side.BASELINE]
    for row in rows:
        assert (row.panel, row.unit, row.gate, row.advisory) == (DIVERGENCE, Unit.NATS, "", True)
        assert row.value is not None
        assert row.value > 0
        assert "The base said: " in row.explanation
    assert {row.kind for row in rows} >= {"task", "chat", "copy", "talk"}
    for name in ("divergence/en", "divergence/task/en"):
        assert part(timid, name).tier is Tier.ADVISORY


def test_what_breaks_the_base_diverges_from_it_and_what_hardly_changes_it_does_not(
    timid: Run, broken: Run
) -> None:
    near, far = part(timid, "divergence/en"), part(broken, "divergence/en")
    assert near.status is Status.PASSED
    assert far.status is Status.FAILED
    assert far.value is not None
    assert near.value is not None
    assert far.value > 10 * abs(near.value)
    assert "what the base answers to general prompts in en" in far.reason


def test_a_wrong_fact_that_is_likelier_is_told_beside_the_answers(timid: Run) -> None:
    rows = [score for score in timid.scores if score.detector == "preferred"]
    told = {case.case_id for case in timid.cases if case.expect and case.expect.not_answers
            and case.expect.answers and case.panel == "panel"}  # fmt: skip
    assert {row.case_id for row in rows} == told
    assert told
    shown = part(timid, "preferred")
    assert shown.tier is Tier.ADVISORY
    assert shown.n == len(told)
    lost = sum(row.value or 0 for row in rows if row.side is Side.CANDIDATE)
    assert shown.value == pytest.approx(lost / len(told))


def test_rewrites_are_asked_with_the_history_as_turns_too(timid: Run) -> None:
    rows = [score for score in timid.scores if score.detector == "as_turns"]
    assert len(rows) == part(timid, "as_turns").n == 8
    assert {row.side for row in rows} == {Side.CANDIDATE}
    usual = {
        score.case_id: score.value
        for score in timid.scores
        if (score.detector, score.panel, score.side) == ("right", PANEL, Side.CANDIDATE)
    }
    losses = [(row.value or 0.0) - (usual[row.case_id] or 0.0) for row in rows]
    assert part(timid, "as_turns").value == pytest.approx(sum(losses) / len(losses))


def test_a_run_with_them_is_read_back(timid: Run) -> None:
    assert load_run(timid.folder).verdicts == timid.verdicts


def test_what_is_only_shown_changes_no_digest_of_a_policy(
    small_policy: Path, tmp_path: Path
) -> None:
    text = POLICY.format(base=small_policy, suite="").replace("suites: [], ", "")
    with_them, without = tmp_path / "a.yaml", tmp_path / "b.yaml"
    with_them.write_text(text, "utf-8")
    kept = [
        line for line in text.splitlines() if "as_turns:" not in line and "task_limit" not in line
    ]
    without.write_text("\n".join(kept), "utf-8")
    assert load_policy(str(with_them)).digest == load_policy(str(without)).digest


def test_dialogues_are_refused_where_nobody_measures_them(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (tmp_path / "cases").symlink_to(few_cases)
    asked = request(candidate, tmp_path, small_policy)
    policy = Path(asked.policy or "")
    lines = [line for line in policy.read_text("utf-8").splitlines() if "task_limit" not in line]
    policy.write_text("\n".join(lines), "utf-8")
    with pytest.raises(InvalidInput, match=r"talk\.jsonl:2: a dialogue .* add gates\.forgetting"):
        evaluate(asked)


def test_a_dialogue_that_does_not_fit_is_named_before_anything_is_asked(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (tmp_path / "cases").symlink_to(few_cases)
    rows = [*DIALOGUES, {"id": "long", "question": "What does a fox eat? " * 400}]
    with pytest.raises(InvalidInput, match=r"talk\.jsonl:5: 'long' does not fit: .* window holds"):
        evaluate(request(candidate, tmp_path, small_policy, rows))
    assert not (tmp_path / "run" / "run.json").exists()


# --- the other way to send a history ---


def case(**expect: Any) -> Case:
    return Case(
        id="one", language=Language.EN, kind=Kind.SINGLE, cluster="c", query="And its price?",
        history=(), expect=Expectation(**expect),
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_prompt_sends_turns_or_packs_them_and_the_other_way_is_the_other(name: str) -> None:
    task = Rewriting(case=case(rewrites=("What is the fox's price?",)), prompt=BUILT_IN[name])
    other = other_way(task)
    assert sends_turns(other.prompt) is not sends_turns(task.prompt)
    assert prompt_of(other) != prompt_of(task)
    assert other.case == task.case


def test_a_prompt_of_ones_own_keeps_its_words_the_other_way() -> None:
    own = Prompt(name="own", format="json", tasks={Language.EN: "Rewrite it at once."})
    other = other_way(Rewriting(case=case(rewrites=("What is the fox's price?",)), prompt=own))
    assert other.prompt.format == "chat"
    assert "Rewrite it at once." in prompt_of(other).messages[0].content


def test_facts_are_compared_where_there_is_a_right_one_and_a_wrong_one() -> None:
    both = case(answers=("217 euros", "217"), not_answers=("100", "200"))
    assert both.wanted is Wanted.ANSWER
    assert facts_of(both) == (("217 euros", "217"), ("100", "200"))
    assert facts_of(case(answers=("217",))) == ((), ())
    assert facts_of(case(not_answers=("217",), untold=True)) == ((), ())


def test_the_likeliest_way_to_write_a_fact_counts_on_both_sides() -> None:
    right, wrong = ("two hundred and seventeen euros", "217"), ("100",)
    assert preference_score("a", right, wrong, [[-9.0, -9.0], [-1.0], [-2.0]]).value == 0.0
    assert preference_score("a", right, wrong, [[-9.0, -9.0], [-2.0], [-1.0]]).value == 1.0
    assert preference_score("a", right, wrong, [[-9.0], [-2.0], [-2.0]]).value == 1.0
    assert preference_score("a", right, wrong, [[-9.0], [], [-2.0]]).value is None
    assert preference_score("a", (), wrong, [[-2.0]]).value is None


# --- divergence by tokens ---

LONG = 50
"""Tokens of a base's answer that does not end at once."""


@given(of_100=st.integers(1, 99), candidate=st.floats(0.01, 0.99))
def test_no_candidate_comes_out_nearer_than_the_base_by_ending_sooner_or_later(
    of_100: int, candidate: float
) -> None:
    # Of a hundred answers some end at once, and the others go on for sure once they have begun.
    base = of_100 / 100
    ends, goes_on = math.log(base / candidate), math.log((1 - base) / (1 - candidate))
    lengths = [1] * of_100 + [LONG] * (100 - of_100)
    losses = [ends] * of_100 + [goes_on / LONG] * (100 - of_100)  # per token, beyond the base's
    pairs = zip(token_weights(lengths), losses, strict=True)
    found = statistics.mean(weight * loss for weight, loss in pairs)
    exact = (base * ends + (1 - base) * goes_on) / (base + (1 - base) * LONG)
    assert found == pytest.approx(exact)
    assert found >= -1e-12


def test_observations_count_every_token_of_their_part_once(timid: Run) -> None:
    rows = [score for score in timid.scores if score.detector == DIVERGENCE]
    for name, is_task in (("divergence/en", False), ("divergence/task/en", True)):
        total, tokens = 0.0, 0
        for row in rows:
            if (row.kind == TASK_PROMPTS) is is_task:
                n = int(row.explanation.split(" over ")[1].split(" ")[0])
                total += (row.value or 0) * n * (1 if row.side is Side.CANDIDATE else -1)
                tokens += n if row.side is Side.CANDIDATE else 0
        assert part(timid, name).value == pytest.approx(total / tokens)


# --- what is left out ---


def test_prompts_of_both_tasks_are_answered_by_the_base(timid: Run) -> None:
    wanted = {case.case_id: bool(case.expect and (case.expect.answers or case.expect.untold))
              for case in timid.cases if case.panel == PANEL}  # fmt: skip
    asked = [wanted[row.case_id.removeprefix("task/")] for row in timid.scores
             if row.detector == DIVERGENCE and row.kind == TASK_PROMPTS
             and row.side is Side.BASELINE]  # fmt: skip
    assert asked.count(True) == asked.count(False) == 12


def test_sampled_prompts_that_do_not_fit_are_left_out_and_refuse_no_run(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (tmp_path / "cases").symlink_to(few_cases)
    asked = request(candidate, tmp_path, small_policy)
    policy = Path(asked.policy or "")
    most = policy.read_text("utf-8").replace("max_tokens: 16", "max_tokens: 1024")
    policy.write_text(most, "utf-8")
    wordy = Prompt(name="wordy", tasks={Language.EN: "Rewrite it at once. " * 240})
    inputs = resolve(replace(asked, prompt=wordy))
    samples = sample(inputs)
    assert questions(inputs, samples)  # all that decides fits
    prompts = divergence_prompts(inputs, samples)
    rewritten = {
        f"{TASK_PROMPTS}/{shown.case.id}"
        for shown in samples.panel
        if shown.case.wanted is Wanted.REWRITE
    }
    assert rewritten
    assert not rewritten & {prompt.id for prompt in prompts}
    assert {prompt.kind for prompt in prompts} >= {TASK_PROMPTS, "chat", "copy", "talk"}


def test_a_prompt_in_words_of_its_own_is_not_sent_the_other_way(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (tmp_path / "cases").symlink_to(few_cases)
    own = Prompt(name="own", layout=Layout(user="{task}\n{history}\nNow: {query}"))
    run = evaluate(replace(request(candidate, tmp_path, small_policy), prompt=own))
    assert not [score for score in run.scores if score.detector == "as_turns"]
    assert "as_turns" not in {one.name for verdict in run.verdicts for one in verdict.slices}
    assert part(run, "divergence/en").n > 0


def test_of_an_adapter_that_is_not_alive_nothing_is_asked_beside(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    (tmp_path / "cases").symlink_to(few_cases)
    dead = scaled(candidate, tmp_path / "dead", 0.0)
    run = evaluate(replace(request(dead, tmp_path, small_policy), cache=tmp_path / "new.sqlite3"))
    assert run.status is Status.FAILED
    assert run.info.counts.cache_misses == 0


def test_what_is_only_told_is_marked_as_deciding_nothing_in_reports(timid: Run) -> None:
    found = case_outcomes(timid)
    told = {Section("preferred"), Section("as_turns")}
    assert told <= found.counts.keys()
    assert told <= found.advisory
    text = render_markdown(timid)
    assert "| preferred (advisory) |" in text
    assert "| as\\_turns (advisory) |" in text
