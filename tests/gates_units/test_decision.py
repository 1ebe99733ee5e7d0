"""The decision rule and its sentences."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import InvalidInput
from evalsuite.gates import (
    Check,
    Criterion,
    Observation,
    Part,
    Proof,
    Status,
    Topic,
    decide,
    judge_census,
    judge_checks,
    judge_mean,
    judge_paired,
    judge_rate,
)
from evalsuite.gates.reasons import paired_reason, rate_reason, sureness
from evalsuite.statistics import Estimate
from tests.gates_units.gates_units_helpers import observations, texts

CRITERION = Criterion(
    part=Part(Topic.FAILURE_RATE),
    subject="Something went wrong",
    limit=0.1,
    confidence=0.95,
    power=0.9,
    assumed_icc=0.3,
)


def estimate(lower: float, value: float, upper: float) -> Estimate:
    return Estimate(
        value=value,
        lower=lower,
        upper=upper,
        confidence=0.95,
        n=100,
        clusters=100,
        method="made up",
        effective_n=100,
        spread=0.1,
    )


@pytest.mark.parametrize(
    ("bounds", "status"),
    [
        ((0.0, 0.02, 0.1), Status.PASSED),
        ((0.0, 0.02, 0.11), Status.INCONCLUSIVE),
        ((0.09, 0.2, 0.3), Status.INCONCLUSIVE),
        ((0.1, 0.2, 0.3), Status.INCONCLUSIVE),
        ((0.11, 0.2, 0.3), Status.FAILED),
    ],
)
def test_the_bounds_decide_and_not_the_value(
    bounds: tuple[float, float, float], status: Status
) -> None:
    assert decide(estimate(*bounds), CRITERION) is status


def test_a_floor_for_small_parts_looks_at_the_value() -> None:
    floor = replace(CRITERION, proof=Proof.VALUE)
    assert decide(estimate(0.0, 0.1, 0.5), floor) is Status.PASSED
    assert decide(estimate(0.0, 0.2, 0.5), floor) is Status.INCONCLUSIVE
    assert decide(estimate(0.11, 0.2, 0.5), floor) is Status.FAILED


def test_harm_keeps_a_sure_but_small_excess_from_failing() -> None:
    criterion = replace(CRITERION, harm=0.2)
    assert decide(estimate(0.11, 0.15, 0.19), criterion) is Status.INCONCLUSIVE
    assert decide(estimate(0.11, 0.21, 0.3), criterion) is Status.FAILED
    assert decide(estimate(0.05, 0.21, 0.3), criterion) is Status.INCONCLUSIVE


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_more_failures_never_improve_a_status(fewer: int, more: int) -> None:
    order = [Status.PASSED, Status.INCONCLUSIVE, Status.FAILED]
    low, high = sorted((fewer, more))
    statuses = [judge_rate(CRITERION, observations("x", 60, failing=k)).status for k in (low, high)]
    assert order.index(statuses[0]) <= order.index(statuses[1])


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_swapping_candidate_and_baseline_flips_the_difference(ours: int, theirs: int) -> None:
    cases = observations("x", 40, failing=ours, baseline_failing=theirs)
    swapped = [replace(c, candidate=c.baseline, baseline=c.candidate) for c in cases]
    here, there = judge_paired(CRITERION, cases), judge_paired(CRITERION, swapped)
    assert here.value == pytest.approx(-(there.value or 0.0), abs=1e-12)
    assert here.upper == pytest.approx(-(there.lower or 0.0), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 40))
def test_the_base_against_itself_never_fails(failing: int) -> None:
    cases = observations("x", 40, failing=failing, baseline_failing=failing)
    assert judge_paired(CRITERION, cases).status is not Status.FAILED


def test_macro_gives_a_small_skill_the_same_say() -> None:
    small = observations("s", 10, failing=10, baseline_failing=0, groups=("small",))
    large = observations("l", 200, failing=0, baseline_failing=0, groups=("large",))
    pooled = judge_paired(CRITERION, small + large)
    macro = judge_paired(CRITERION, small + large, macro=True)
    assert pooled.value == pytest.approx(10 / 210)
    assert macro.value == pytest.approx(0.5)


def test_three_failures_in_twenty_keep_a_floor_of_fifteen_percent() -> None:
    floor = replace(CRITERION, limit=0.15, proof=Proof.VALUE)
    cases = observations("x", 20, failing=3, baseline_failing=0, languages=("en",))
    assert judge_rate(floor, cases).status is Status.PASSED
    assert judge_paired(floor, cases).status is Status.PASSED
    assert judge_census(floor, cases).status is Status.PASSED


def test_a_floor_needs_its_minimum_of_cases() -> None:
    floor = replace(CRITERION, proof=Proof.VALUE, minimum=30)
    part = judge_rate(floor, observations("x", 10))
    assert part.status is Status.INCONCLUSIVE
    assert "Only 20 cases" in part.reason
    assert "10 more" in part.reason


def test_clusters_are_counted_and_not_cases() -> None:
    apart = observations("x", 150, failing=3)
    together = [replace(case, cluster=case.case_id[:-3]) for case in apart]
    assert judge_rate(CRITERION, apart).status is Status.PASSED
    part = judge_rate(CRITERION, together)
    assert part.status is Status.INCONCLUSIVE
    assert part.clusters < 10


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        (0, "in 0 of 100 cases (0.0 %); with 95 % confidence the true rate is at most 3.0 %"),
        (20, "in 40 of 100 cases (40.0 %); with 95 % confidence the true rate is at least"),
        (4, "more cases would settle it if they bring new clusters"),
    ],
)
def test_each_reason_is_one_sentence_with_numbers(failing: int, words: str) -> None:
    part = judge_rate(CRITERION, observations("x", 50, failing=failing))
    assert words in part.reason
    assert part.reason.endswith(".")
    assert "\n" not in part.reason


def test_the_smallest_detectable_excess_shrinks_with_the_panel() -> None:
    small = judge_rate(CRITERION, observations("x", 50)).smallest_detectable
    large = judge_rate(CRITERION, observations("x", 500)).smallest_detectable
    assert small is not None
    assert large is not None
    assert 0 < large < small


def test_a_census_estimates_nothing() -> None:
    part = judge_census(CRITERION, observations("g", 20, failing=2))
    assert part.lower == part.value == part.upper == pytest.approx(0.1)
    assert part.status is Status.PASSED


@pytest.mark.parametrize(("missing", "status"), [(1, Status.INCONCLUSIVE), (9, Status.FAILED)])
def test_a_census_fails_only_when_missing_cases_cannot_save_it(
    missing: int, status: Status
) -> None:
    failing = 2 if status is Status.INCONCLUSIVE else 8
    cases = [
        replace(case, candidate=None) if index < missing else case
        for index, case in enumerate(reversed(observations("g", 20, failing=failing)))
    ]
    assert judge_census(CRITERION, cases).status is status


def test_a_check_that_could_not_be_asked_is_no_pass() -> None:
    part = judge_checks(Part(Topic.CHECKS), "checks", [Check("a", True), Check("b", None)], 1)
    assert part.status is Status.INCONCLUSIVE
    assert "1 of 2" in part.reason


def test_one_broken_check_outweighs_an_unasked_one() -> None:
    part = judge_checks(
        Part(Topic.CHECKS), "checks", [Check("a", False, "why"), Check("b", None)], 1
    )
    assert part.status is Status.FAILED
    assert "a (why)" in part.reason


def test_texts_of_one_cluster_prove_nothing() -> None:
    cases = [replace(case, cluster="one") for case in texts(50, 0.0)]
    part = judge_mean(CRITERION, cases)
    assert (part.status, part.value) == (Status.INCONCLUSIVE, None)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -0.1])
def test_an_impossible_loss_is_refused(loss: float) -> None:
    with pytest.raises(InvalidInput, match="finite loss of 0 or more"):
        Observation(case_id="x", cluster="c", language="en", kind="k", candidate=loss)


def test_a_loss_in_nats_is_not_taken_for_a_rate() -> None:
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        judge_rate(CRITERION, texts(10, 0.0))


def test_a_census_says_how_the_baseline_did_on_the_same_cases() -> None:
    part = judge_census(CRITERION, observations("g", 20, failing=2, baseline_failing=7))
    assert "4 of 40 hand-written cases (baseline: 14 of 40)" in part.reason


@pytest.mark.parametrize("macro", [False, True])
def test_what_the_baseline_lacks_is_no_proof_that_nothing_was_forgotten(macro: bool) -> None:
    cases = observations("c", 200, failing=180, baseline_failing=180)
    asked = replace(CRITERION, limit=0.05)
    assert judge_paired(asked, cases, macro=macro).status is Status.PASSED
    found = judge_paired(replace(asked, floor=0.5), cases, macro=macro)
    assert found.status is Status.INCONCLUSIVE
    assert "succeeds" in found.reason
    assert "10.0 %" in found.reason


def test_a_weak_baseline_does_not_hide_proven_harm() -> None:
    cases = observations("c", 200, failing=200, baseline_failing=120)
    assert judge_paired(replace(CRITERION, limit=0.05, floor=0.5), cases).status is Status.FAILED


@pytest.mark.parametrize(
    ("upper", "said"), [(0.1, "within the limit of 10.0 %."), (0.11, "for a part of this size.")]
)
def test_a_pass_says_whether_a_bound_or_the_value_alone_keeps_the_limit(
    upper: float, said: str
) -> None:
    found = estimate(0.0, 0.02, upper)
    assert rate_reason("Wrong", found, 0.1, Status.PASSED, None).endswith(said)
    margin = said.replace("limit of 10.0 %", "margin of 10.0 points")
    assert paired_reason("to answer", found, 0.1, Status.PASSED, None).endswith(margin)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        # What would be written as 0.0 points is no difference.
        (0.00049, "to answer as often as the baseline"),
        (-0.00049, "to answer as often as the baseline"),
        (0.0005, "to answer 0.1 points more often than the baseline"),
        (-0.0005, "to answer 0.1 points less often than the baseline"),
    ],
)
def test_a_difference_is_told_from_the_first_digit_that_is_written(value: float, said: str) -> None:
    reason = paired_reason("to answer", estimate(-0.1, value, 0.1), 0.2, Status.PASSED, None)
    assert said in reason


@pytest.mark.parametrize(("case_id", "cluster"), [("", "c"), ("x", ""), ("", "")])
def test_a_case_needs_its_own_name_and_that_of_its_cluster(case_id: str, cluster: str) -> None:
    with pytest.raises(InvalidInput, match="name both"):
        Observation(case_id=case_id, cluster=cluster, language="en", kind="k", candidate=0.0)


def test_a_census_fails_only_when_no_missing_answer_could_save_it() -> None:
    # A limit of one tenth: two of twenty may fail, whatever became of the others.
    def judged(failing: int, missing: int) -> Status:
        cases = observations("g", 20 - missing, failing=failing, languages=("en",))
        lost = observations("lost", missing, languages=("en",))
        unknown = [replace(case, candidate=None) for case in lost]
        return judge_census(CRITERION, [*cases, *unknown]).status

    assert judged(2, 0) is Status.PASSED
    assert judged(3, 0) is Status.FAILED
    assert judged(2, 3) is Status.INCONCLUSIVE  # 2 of the 17 that were measured are too many
    assert judged(3, 3) is Status.FAILED


@pytest.mark.parametrize(
    ("confidence", "said"),
    [(0.95, "95 %"), (0.975, "97.5 %"), (1 - 0.05 / 6, "99.17 %"), (1 - 0.05 / 1056, "99.995 %")],
)
def test_a_confidence_is_said_in_as_many_places_as_it_needs(confidence: float, said: str) -> None:
    assert sureness(confidence) == said


@given(st.integers(1, 10**6))
def test_no_attempt_is_judged_with_all_of_certainty(number: int) -> None:
    confidence = 1 - 0.05 / (number * (number + 1))
    said = float(sureness(confidence).removesuffix(" %"))
    assert said < 100
    assert said / 100 == pytest.approx(confidence, abs=1e-4)
