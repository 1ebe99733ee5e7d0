"""Answers that never end are counted on each side, told, and held to a limit where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.engines import LivenessReport
from evalsuite.gates import Evidence, Gate, Policy, Status, judge, load_policy
from evalsuite.generation import Finish, Output
from evalsuite.pipeline import GateRequest
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.measurement import measure
from evalsuite.pipeline.questions import questions, sample
from evalsuite.pipeline.recording import endings_of
from evalsuite.runs import Side
from evalsuite.tasks import Choice, Text


@pytest.fixture(scope="module")
def cut_off(candidate: Path, small_policy: Path, few_cases: Path) -> tuple[Answered, ...]:
    """Answers of a candidate that never ends, beside a base that does."""
    request = GateRequest(adapter=candidate, policy=str(small_policy), cases=few_cases, seed=3)
    inputs = resolve(request)
    answers = []
    for number, question in enumerate(questions(inputs, sample(inputs))):
        given = Finish.LENGTH if question.side is Side.CANDIDATE else Finish.STOP
        scored = isinstance(question.task, Text | Choice)
        output = Output(
            text="" if scored else "and so on",
            ids=(5,),
            finish=Finish.SCORED if scored else given,
            logprobs=(-1.0,),
        )
        answers.append(Answered(question=question, output=output, key=str(number)))
    return tuple(answers)


@pytest.fixture(scope="module")
def evidence(
    cut_off: tuple[Answered, ...], candidate: Path, small_policy: Path, few_cases: Path
) -> Evidence:
    request = GateRequest(adapter=candidate, policy=str(small_policy), cases=few_cases, seed=3)
    inputs = resolve(request)
    report = LivenessReport(adapter="", checks=())
    return measure(inputs, sample(inputs), report, cut_off).evidence


def limited(small_policy: Path, folder: Path, rule: str) -> Policy:
    path = folder / "limited.yaml"
    path.write_text(
        f"extends: {small_policy}\nname: limited\ngates: {{template_round_trip: {{{rule}}}}}\n"
    )
    return load_policy(str(path))


def test_the_candidates_cut_answers_are_observed(evidence: Evidence) -> None:
    assert len(evidence.endings) == len(evidence.control_tokens) > 90
    assert {one.candidate for one in evidence.endings} == {1.0}
    assert {one.candidate for one in evidence.control_tokens} == {0.0}


def test_a_limit_fails_a_candidate_that_never_ends(
    evidence: Evidence, small_policy: Path, tmp_path: Path
) -> None:
    policy = limited(small_policy, tmp_path, "endings: {limit: 0.02}")
    [verdict] = judge(policy, evidence, only=[Gate.TEMPLATE_ROUND_TRIP])
    part = next(part for part in verdict.slices if part.name == "endings")
    assert part.status is Status.FAILED
    assert "An answer was cut off before it ended" in part.reason
    ended = replace(
        evidence, endings=tuple(replace(one, candidate=0.0) for one in evidence.endings)
    )
    [verdict] = judge(policy, ended, only=[Gate.TEMPLATE_ROUND_TRIP])
    part = next(part for part in verdict.slices if part.name == "endings")
    assert part.status is not Status.FAILED


def test_without_a_limit_they_decide_nothing(evidence: Evidence, small_policy: Path) -> None:
    [verdict] = judge(load_policy(str(small_policy)), evidence, only=[Gate.TEMPLATE_ROUND_TRIP])
    assert "endings" not in {part.name for part in verdict.slices}


def test_a_limit_gives_a_policy_another_digest_and_none_does_not(
    small_policy: Path, tmp_path: Path
) -> None:
    without = limited(small_policy, tmp_path, "endings: null")
    plain = load_policy(str(small_policy)).model_copy(update={"name": "limited"})
    assert without.digest == plain.digest
    assert limited(small_policy, tmp_path, "endings: {limit: 0.02}").digest != plain.digest


def test_they_are_counted_on_each_side(cut_off: tuple[Answered, ...]) -> None:
    found = endings_of(cut_off)
    own, base = found["candidate"], found["baseline"]
    assert own.cut == own.answers > 90
    assert (base.cut, base.answers > 20) == (0, True)
