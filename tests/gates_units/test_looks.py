"""Looking before a panel is complete: it may block, and it never passes anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from evalsuite.errors import InvalidInput, InvalidPolicy
from evalsuite.gates import (
    Evidence,
    Policy,
    Status,
    hopeless,
    judge,
    load_policy,
    overall,
    parse_policy,
    stopped,
)
from evalsuite.gates.policyfile import POLICIES
from evalsuite.statistics import Step, best_case_upper, clopper_pearson, early_blocking
from tests.gates_units.gates_units_helpers import good, observations, texts

QUARTER = 0.25


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy("nano")


def quarter(**changes: object) -> Evidence:
    """A quarter of a good candidate's panels, with some part replaced."""
    small = Evidence(
        liveness=good().liveness,
        template_properties=good().template_properties,
        round_trips=good().round_trips,
        control_tokens=observations("answer", 225),
        literal_leaks=observations("literal", 75),
        swap_leaks=observations("swap", 75),
        control_leaks=observations("control", 75),
        pronouns=observations("pronoun", 75, failing=4, baseline_failing=40),
        skills=observations("skill", 200, failing=5, baseline_failing=5),
        texts=texts(25, 0.01),
    )
    return replace(small, **changes)  # type: ignore[arg-type]


def parts(policy: Policy, evidence: Evidence) -> set[str]:
    return {f"{found.gate}/{found.part}" for found in hopeless(policy, evidence, QUARTER)}


def test_a_good_candidate_is_let_go_on(policy: Policy) -> None:
    assert parts(policy, quarter()) == set()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"literal_leaks": observations("l", 75, failing=4)}, "example_leakage/literal"),
        ({"swap_leaks": observations("s", 75, failing=9)}, "example_leakage/swap"),
        (
            {"pronouns": observations("p", 75, failing=33, baseline_failing=40)},
            "pronoun_resolution/failure_rate",
        ),
        (
            {"pronouns": observations("p", 75, failing=14, baseline_failing=2)},
            "pronoun_resolution/non_inferiority",
        ),
        (
            {"skills": observations("k", 200, failing=50, baseline_failing=5)},
            "forgetting/skills/en",
        ),
        ({"texts": texts(25, 0.2)}, "forgetting/text/zh"),
        (
            {"round_trips": observations("t", 20, failing=1)},
            "template_round_trip/conversations",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_candidate_is_stopped_at_a_quarter(
    policy: Policy, change: dict[str, object], part: str
) -> None:
    evidence = quarter(**change)
    assert part in parts(policy, evidence)
    verdicts = stopped(judge(policy, evidence), hopeless(policy, evidence, QUARTER), QUARTER)
    assert overall(verdicts, policy.required) is not Status.PASSED
    gate = next(v for v in verdicts if v.gate == part.partition("/")[0])
    assert gate.status is not Status.PASSED
    assert "stopped after 25 % of its panels, because of" in gate.reason


def test_what_is_hopeless_really_cannot_pass_any_more(policy: Policy) -> None:
    for failing in range(1, 8):
        early = quarter(literal_leaks=observations("l", 75, failing=failing))
        # The same leaks, and not one more in the rest of the panel.
        whole = replace(good(), literal_leaks=observations("l", 300, failing=failing))
        if "example_leakage/literal" in parts(policy, early):
            assert overall(judge(policy, whole), policy.required) is not Status.PASSED


def test_the_looks_share_what_may_be_blocked_by_mistake(policy: Policy) -> None:
    # Of 150 cases at the limit of 2 %, eight or more fail with a probability of 1.1 %, nine or more
    # with 0.4 %, ten or more with 0.1 %: one look may spend 1 %, each of three a third of that.
    assert policy.looks is not None
    tails = {k: float(binom.sf(k - 1, 150, 0.02)) for k in (8, 9, 10)}
    allowed = policy.looks.false_block
    assert tails[8] > allowed > tails[9] > allowed / 3 > tails[10]

    def blocked(plan: Policy, failing: int) -> bool:
        leaks = observations("l", 150, failing=failing, languages=("en",))
        # So early that the rest of the panel could still make up for it.
        found = hopeless(plan, quarter(literal_leaks=leaks), 0.02)
        return "literal" in {item.part for item in found}

    once = policy.model_copy(update={"looks": policy.looks.model_copy(update={"shares": (0.2,)})})
    assert [blocked(once, k) for k in (8, 9, 10)] == [False, True, True]
    assert [blocked(policy, k) for k in (8, 9, 10)] == [False, False, True]


def test_an_advisory_gate_stops_nothing(policy: Policy) -> None:
    rules = policy.gates.model_copy(
        update={"example_leakage": policy.gates.example_leakage.model_copy(
            update={"tier": "advisory"}
        )}
    )  # fmt: skip
    advisory = policy.model_copy(update={"gates": rules})
    assert parts(advisory, quarter(literal_leaks=observations("l", 75, failing=30))) == set()


def test_golden_sets_that_were_not_asked_stop_nothing(policy: Policy) -> None:
    evidence = quarter(goldens={"nano": (), "everyday": ()}, golden_leaks={"nano": ()})
    assert parts(policy, evidence) == set()


def test_a_look_needs_a_plan_and_a_share(policy: Policy) -> None:
    with pytest.raises(InvalidInput, match="policy with looks"):
        hopeless(policy.model_copy(update={"looks": None}), quarter(), QUARTER)
    with pytest.raises(InvalidInput, match="share=0"):
        hopeless(policy, quarter(), 0)


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        ("{shares: [0.5, 0.25], false_block: 0.01}", "must rise"),
        ("{shares: [1.0], false_block: 0.01}", "less than 1"),
        ("{shares: [], false_block: 0.01}", "at least 1"),
        ("{shares: [0.5], false_block: 0.7}", "less than 0.5"),
        ("{shares: [0.5]}", "false_block"),
    ],
)
def test_a_look_schedule_that_makes_no_sense_is_refused(looks: str, words: str) -> None:
    text = (POLICIES / "nano.yaml").read_text("utf-8")
    line = next(row for row in text.splitlines() if row.startswith("looks:"))
    with pytest.raises(InvalidPolicy, match=words):
        parse_policy(text.replace(line, f"looks: {looks}"))


def test_the_best_case_is_the_bound_of_the_completed_panel() -> None:
    assert best_case_upper(3 / 150, 150, 0.25, 0.95) == pytest.approx(clopper_pearson(3, 600).upper)


def test_harmless_candidates_are_rarely_blocked_early_and_bad_ones_mostly_are() -> None:
    harmless, harmful = Step.paired(0.0, 0.12), Step.paired(0.05, 0.12)
    plan = early_blocking(harmful, harmless, [100, 200, 400], false_block=0.02)
    assert 0.001 < plan.blocked(harmless) <= 0.02
    assert plan.blocked(Step.paired(0.1, 0.17)) > 0.9
    rng = np.random.default_rng(3)
    losses = rng.choice([-1, 0, 1], p=[0.06, 0.88, 0.06], size=(5000, 400)).cumsum(axis=1)
    blocked = (losses[:, 99] >= plan.slope * 100 + plan.distance) | (
        losses[:, 199] >= plan.slope * 200 + plan.distance
    )
    # Three standard errors of a share in 5,000 runs.
    assert blocked.mean() == pytest.approx(plan.blocked(harmless), abs=0.006)


def test_a_stopped_run_never_passes_whatever_a_part_of_its_panels_seems_to_prove(
    policy: Policy,
) -> None:
    evidence = good()
    found = hopeless(policy, quarter(literal_leaks=observations("l", 75, failing=9)), QUARTER)
    verdicts = stopped(judge(policy, evidence), found, QUARTER)
    assert overall(judge(policy, evidence), policy.required) is Status.PASSED
    assert overall(verdicts, policy.required) is Status.INCONCLUSIVE
    assert {v.gate for v in verdicts if v.status is Status.PASSED} == {"liveness"}


def test_a_part_that_is_within_its_margin_is_never_hopeless(policy: Policy) -> None:
    # Worse than the baseline, and surely within the margin of 5 points.
    within = observations("p", 600, failing=18, baseline_failing=0)
    found = hopeless(policy, quarter(pronouns=within), QUARTER)
    assert "non_inferiority" not in {item.part for item in found}
