"""The candidate against the champion: what is worse fails, what is missing stays open."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.detectors import Detector
from evalsuite.errors import InvalidInput, InvalidPolicy
from evalsuite.gates import (
    Evidence,
    Gate,
    Observation,
    Opponent,
    Policy,
    SliceVerdict,
    Status,
    Tier,
    Verdict,
    hopeless,
    judge,
    load_policy,
    overall,
    parse_policy,
    policy_digest,
)
from evalsuite.gates.policyfile import POLICIES
from evalsuite.gates.regression import judge_regression
from tests.gates_units.gates_units_helpers import changed, good, observations, without_champion

NANO = (POLICIES / "nano.yaml").read_text(encoding="utf-8")
BLOCKING = NANO.replace(
    "    tier: advisory\n    assumed_icc", "    tier: blocking\n    assumed_icc"
)
LEAKS = observations("leak", 300, failing=1)
GOLDEN = {"nano": observations("nano", 20, failing=1), "everyday": observations("day", 40)}
CLEAN = {"nano": observations("nano", 20), "everyday": observations("day", 40)}
CHAMPION = Opponent(name="the champion (record 3)", asked=True, because="")
LISTS = ("literal_leaks", "swap_leaks", "pronouns", "skills", "texts")
SETS = ("goldens", "golden_leaks")
Cases = tuple[Observation, ...]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy(BLOCKING)


def against(
    evidence: Evidence, loss: Callable[[Observation], float | None] = lambda c: c.candidate
) -> Evidence:
    """The evidence with a champion of that loss, case by case; as good as the candidate if not
    told otherwise."""

    def met(cases: Sequence[Observation]) -> Cases:
        return tuple(replace(case, champion=loss(case)) for case in cases)

    # Each detector judges the same cases.
    evidence = replace(
        evidence, literal_leaks=LEAKS, swap_leaks=LEAKS, goldens=GOLDEN, golden_leaks=CLEAN
    )
    beside: dict[str, Any] = {name: met(getattr(evidence, name)) for name in LISTS}
    for name in SETS:
        beside[name] = {part: met(cases) for part, cases in getattr(evidence, name).items()}
    return replace(evidence, opponent=CHAMPION, **beside)


def regression(policy: Policy, evidence: Evidence) -> Verdict:
    [verdict] = judge(policy, evidence, only=[Gate.REGRESSION])
    return verdict


def parts(verdict: Verdict) -> dict[str, SliceVerdict]:
    return {part.name: part for part in verdict.slices}


def test_a_candidate_as_good_as_the_champion_passes(policy: Policy) -> None:
    verdict = regression(policy, against(good()))
    assert verdict.status is Status.PASSED, verdict.reason
    assert "the champion (record 3)" in verdict.reason
    names = {"leakage", "leakage/zh", "pronouns", "pronouns/en", "pronouns/ordinal", "skills/zh"}
    assert names | {"text/en", "goldens/nano", "goldens/everyday"} <= set(parts(verdict))


def worse(cases: Cases, share: float, language: str = "") -> Cases:
    """The cases, with a candidate that fails a share of them and a champion that fails none."""
    chosen = [case.case_id for case in cases if case.language == language or not language]
    failing = set(chosen[:: round(1 / share)])
    return tuple(
        replace(case, candidate=float(case.case_id in failing), champion=0.0) for case in cases
    )


REGRESSIONS: dict[str, tuple[str, Callable[[Cases], Cases], str]] = {
    "copied names": ("literal_leaks", lambda c: worse(c, 0.1), "leakage"),
    "answers that follow the demonstrations": ("swap_leaks", lambda c: worse(c, 0.1), "leakage"),
    "wrong antecedents": ("pronouns", lambda c: worse(c, 0.15), "pronouns"),
    "wrong antecedents in one language": (
        "pronouns",
        lambda c: worse(c, 0.25, "zh"),
        "pronouns/zh",
    ),
    "lost skills": ("skills", lambda c: worse(c, 0.2), "skills/zh"),
    "unlearned language": (
        "texts",
        lambda cases: tuple(replace(c, champion=(c.candidate or 0.0) - 0.2) for c in cases),
        "text/en",
    ),
}


@pytest.mark.parametrize("defect", REGRESSIONS)
def test_what_the_champion_does_better_fails(policy: Policy, defect: str) -> None:
    name, plant, part = REGRESSIONS[defect]
    evidence = against(good())
    planted = changed(evidence, **{name: plant(getattr(evidence, name))})
    verdict = regression(policy, planted)
    assert verdict.status is Status.FAILED
    found = parts(verdict)[part]
    assert found.status is Status.FAILED
    assert "than the champion (record 3)" in found.reason
    assert "than the champion (record 3)" in verdict.reason


def test_a_loss_in_one_language_leaves_the_other_passed(policy: Policy) -> None:
    evidence = against(good())
    planted = replace(evidence, pronouns=worse(evidence.pronouns, 0.25, "zh"))
    found = parts(regression(policy, planted))
    assert found["pronouns/zh"].status is Status.FAILED
    assert found["pronouns/en"].status is Status.PASSED


def test_golden_cases_that_only_the_candidate_gets_wrong_are_counted(policy: Policy) -> None:
    evidence = against(good())
    lost = observations("nano", 20, failing=3)
    right = tuple(replace(case, champion=0.0) for case in lost)
    verdict = regression(policy, replace(evidence, goldens={"nano": right}))
    flips = parts(verdict)["goldens/nano"]
    assert flips.status is Status.FAILED
    assert "that the champion (record 3) gets right went wrong in 6 of 40" in flips.reason
    wrong_too = tuple(replace(case, champion=case.candidate) for case in lost)
    known = regression(policy, replace(evidence, goldens={"nano": wrong_too}))
    assert parts(known)["goldens/nano"].value == 0.0


def test_a_leak_counts_once_however_it_shows(policy: Policy) -> None:
    evidence = against(good())
    copied = {case.case_id for case in LEAKS[::10]}

    def leaking(candidate: bool) -> Cases:
        return tuple(
            replace(
                case,
                candidate=float(candidate and case.case_id in copied),
                champion=float(not candidate and case.case_id in copied),
            )
            for case in LEAKS
        )

    # The candidate copies where the champion follows the demonstrations: both leak.
    both = replace(evidence, literal_leaks=leaking(True), swap_leaks=leaking(False))
    assert parts(regression(policy, both))["leakage"].value == 0.0


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("side", ["candidate", "champion"])
def test_a_missing_measurement_is_inconclusive(policy: Policy, name: str, side: str) -> None:
    evidence = against(good())
    *rest, last = getattr(evidence, name)
    without = {name: (*rest, replace(last, **{side: None}))}
    assert regression(policy, changed(evidence, **without)).status is Status.INCONCLUSIVE


def test_a_champion_that_was_not_measured_is_inconclusive(policy: Policy) -> None:
    verdict = regression(policy, against(good(), lambda _: None))
    assert verdict.status is Status.INCONCLUSIVE
    assert {part.status for part in verdict.slices} == {Status.INCONCLUSIVE}
    assert regression(policy, Evidence()).status is Status.INCONCLUSIVE


def test_a_language_that_nobody_was_asked_in_is_inconclusive(policy: Policy) -> None:
    evidence = against(good())
    english = tuple(case for case in evidence.pronouns if case.language == "en")
    found = parts(regression(policy, replace(evidence, pronouns=english)))
    assert found["pronouns/panel/zh"].status is Status.INCONCLUSIVE
    assert found["pronouns/en"].status is Status.PASSED


def test_without_a_champion_the_base_takes_its_place(policy: Policy) -> None:
    evidence = good()
    leaks = tuple(replace(case, baseline=0.0) for case in evidence.literal_leaks)
    golden = {
        name: tuple(replace(case, baseline=case.candidate) for case in cases)
        for name, cases in evidence.goldens.items()
    }
    verdict = regression(policy, replace(evidence, literal_leaks=leaks, goldens=golden))
    assert verdict.status is Status.PASSED, verdict.reason
    assert verdict.reason.startswith("No champion yet: compared with the base. ")
    assert "the base on" in verdict.reason
    assert parts(verdict)["pronouns"].value == pytest.approx((12 - 150) / 300)


def test_the_champions_answers_change_no_other_verdict(policy: Policy) -> None:
    evidence = good()
    plain, bad = against(evidence, lambda _: None), against(evidence, lambda _: 1.0)
    others = list(Gate)[:-1]
    assert judge(policy, bad, only=others) == judge(without_champion(policy), plain)


def test_a_kind_that_is_set_aside_is_set_aside_here_too() -> None:
    aside = parse_policy(
        BLOCKING.replace(
            "    failure_rate:", "    advisory_kinds: [unanswerable]\n    failure_rate:"
        )
    )
    hard = tuple(
        replace(case, kind="unanswerable", candidate=1.0, champion=0.0)
        for case in observations("hard", 50)
    )
    evidence = against(good())
    verdict = regression(aside, replace(evidence, pronouns=(*evidence.pronouns, *hard)))
    assert verdict.status is Status.PASSED
    assert "pronouns/unanswerable" not in parts(verdict)
    named = "{by: kind, only: [unanswerable], limit: 0.20, proof: value, minimum: 15}"
    with pytest.raises(InvalidPolicy, match=r"regression\.pronouns\.slices name"):
        parse_policy(
            BLOCKING.replace("{by: kind, limit: 0.20, proof: value, minimum: 15}", named).replace(
                "    failure_rate:", "    advisory_kinds: [unanswerable]\n    failure_rate:"
            )
        )


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_swapping_candidate_and_champion_turns_the_sign(pairs: list[tuple[bool, bool]]) -> None:
    rules = parse_policy(BLOCKING)
    cases = tuple(
        replace(case, candidate=float(one), champion=float(other))
        for case, (one, other) in zip(observations("p", 60), pairs, strict=False)
    )
    swapped = tuple(replace(c, candidate=c.champion, champion=c.candidate) for c in cases)
    there, back = (
        parts(judge_regression(rules, Evidence(pronouns=seen, opponent=CHAMPION)))["pronouns"]
        for seen in (cases, swapped)
    )
    turned = [None if x is None else -x for x in (back.value, back.upper, back.lower)]
    assert None not in turned
    assert [there.value, there.lower, there.upper] == pytest.approx(turned)


def test_no_look_stops_a_run_for_the_sake_of_the_champion(policy: Policy) -> None:
    worst = against(good(), lambda case: 0.0)
    assert regression(policy, worst).status is Status.FAILED
    assert hopeless(policy, worst, 0.2) == ()


def test_an_advisory_comparison_fails_and_does_not_decide() -> None:
    nano = load_policy("nano")
    evidence = against(good())
    verdicts = judge(nano, replace(evidence, pronouns=worse(evidence.pronouns, 0.077)))
    failed = next(v for v in verdicts if v.gate == "regression")
    assert (failed.status, failed.tier) == (Status.FAILED, Tier.ADVISORY)
    assert overall(verdicts, nano.required) is Status.PASSED
    blocking = parse_policy(BLOCKING)
    decided = judge(blocking, replace(evidence, pronouns=worse(evidence.pronouns, 0.077)))
    assert overall(decided, blocking.required) is Status.FAILED


def test_a_policy_without_the_rule_has_no_such_gate() -> None:
    plain = without_champion(load_policy("nano"))
    assert Gate.REGRESSION not in plain.enabled
    assert not plain.rule(Gate.REGRESSION).enabled
    assert [v.gate for v in judge(plain, good())] == [gate.value for gate in list(Gate)[:-1]]
    with pytest.raises(InvalidInput, match=r"no gates\.regression"):
        judge_regression(plain, good())


def test_only_a_comparison_that_decides_is_part_of_the_digest() -> None:
    nano = load_policy("nano")
    disabled = BLOCKING.replace("    tier: blocking\n", "    enabled: false\n")
    advisory = NANO.replace("skills: {limit: 0.08}\n    text", "skills: {limit: 0.5}\n    text")
    assert advisory != NANO
    same = (without_champion(nano), parse_policy(disabled), parse_policy(advisory))
    assert {policy.digest for policy in same} == {nano.digest}
    other = BLOCKING.replace("skills: {limit: 0.08}\n    text", "skills: {limit: 0.5}\n    text")
    assert len({nano.digest, parse_policy(BLOCKING).digest, parse_policy(other).digest}) == 3


def test_a_resolved_policy_reads_back_with_and_without_the_rule() -> None:
    for policy in (
        load_policy("nano"),
        parse_policy(BLOCKING),
        without_champion(parse_policy(NANO)),
    ):
        assert Policy.model_validate_json(json.dumps(policy.resolved), strict=True) == policy
        assert policy_digest(json.loads(json.dumps(policy.resolved))) == policy.digest


def test_a_resolved_policy_from_before_the_rule_keeps_its_digest_and_can_be_read() -> None:
    nano = load_policy("nano")
    old = json.loads(json.dumps(nano.resolved))
    del old["gates"]["regression"]
    assert policy_digest(old) == nano.digest
    assert Policy.model_validate_json(json.dumps(old), strict=True).gates.regression is None


@pytest.mark.parametrize("gates", [None, [], "none", {"regression": "none"}, {}])
def test_a_digest_of_something_else_is_still_a_digest(gates: object) -> None:
    assert len(policy_digest({"gates": gates})) == 64


def test_words_lost_where_rewrites_are_freely_worded_are_compared_with_the_champion_too(
    policy: Policy, evidence: Evidence
) -> None:
    """The base was compared in the gate of rewrites already."""
    cases = tuple(
        replace(case, candidate=0.4 + 0.02 * (i % 2), baseline=0.4, champion=0.1)
        for i, case in enumerate(observations("free", 60))
    )
    words = {"imported": {Detector.WORDS_LOST: cases}}
    seen = replace(evidence, opponent=CHAMPION, words=words)
    part = parts(regression(policy, seen))["words_lost/imported"]
    assert (part.status, part.tier) == (Status.FAILED, Tier.ADVISORY)
    assert "than the champion (record 3) on 120 shared cases" in part.reason
    against_base = replace(seen, opponent=Opponent())
    assert "words_lost/imported" not in parts(regression(policy, against_base))
