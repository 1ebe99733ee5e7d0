"""Every gate passes a good candidate, fails a planted defect and doubts a small panel."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from evalsuite.detectors import PARTS, Detector
from evalsuite.errors import InvalidInput
from evalsuite.gates import (
    Check,
    Evidence,
    Gate,
    Observation,
    Part,
    Policy,
    Quantity,
    SliceVerdict,
    Status,
    Tier,
    Topic,
    Verdict,
    judge,
    load_policy,
    overall,
)
from tests.gates_units.gates_units_helpers import SKILLS, changed, observations, texts


def verdict_of(policy: Policy, evidence: Evidence, gate: str) -> Verdict:
    return next(verdict for verdict in judge(policy, evidence) if verdict.gate == gate)


def part_of(verdict: Verdict, name: str) -> SliceVerdict:
    return next(part for part in verdict.slices if part.name == name)


def test_a_good_candidate_passes_every_gate(policy: Policy, evidence: Evidence) -> None:
    verdicts = judge(policy, evidence)
    assert [v.gate for v in verdicts] == [gate.value for gate in policy.enabled]
    assert {v.gate: v.status for v in verdicts} == {v.gate: Status.PASSED for v in verdicts}
    assert overall(verdicts, policy.required) is Status.PASSED


def test_without_evidence_no_gate_passes_or_fails(policy: Policy) -> None:
    verdicts = judge(policy, Evidence())
    assert {verdict.status for verdict in verdicts} == {Status.INCONCLUSIVE}
    assert all(verdict.value is None for verdict in verdicts)
    assert overall(verdicts, policy.required) is Status.INCONCLUSIVE


def lost(n: int, part: Detector, failing: int) -> dict[Detector, tuple[Observation, ...]]:
    """A part that was asked of ``n`` cases a language, and lost in ``failing`` of them."""
    return {part: observations("pronoun", n, failing=failing)}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_rewrite_is_shown_with_its_rate_and_interval(
    policy: Policy, evidence: Evidence, part: Detector
) -> None:
    seen = replace(evidence, parts=lost(100, part, 60))
    verdict = verdict_of(policy, seen, "pronoun_resolution")
    shown = part_of(verdict, part.value)
    assert shown.part == Part(Topic(part.value))
    assert (shown.tier, shown.status) == (Tier.ADVISORY, Status.FAILED)
    assert shown.value == pytest.approx(0.6)
    assert shown.n == 200
    assert shown.lower is not None
    assert shown.upper is not None
    assert shown.lower < 0.6 < shown.upper
    assert shown.limit == policy.gates.pronoun_resolution.failure_rate.limit
    assert "in 120 of 200 cases (60.0 %)" in shown.reason
    # However often it is lost: the whole decides, and here it is right.
    assert verdict.status is Status.PASSED
    rare = part_of(
        verdict_of(policy, replace(evidence, parts=lost(100, part, 1)), "pronoun_resolution"),
        part.value,
    )
    assert rare.status is Status.PASSED


def test_a_part_that_was_asked_of_no_case_is_not_shown(policy: Policy, evidence: Evidence) -> None:
    seen = replace(evidence, parts=lost(100, Detector.NAMED, 0))
    names = {part.name for part in verdict_of(policy, seen, "pronoun_resolution").slices}
    assert "named" in names
    assert names.isdisjoint({"kept", "form", "untouched"})


def test_the_parts_leave_out_the_kinds_that_the_whole_leaves_out(
    policy: Policy, evidence: Evidence
) -> None:
    rule = policy.gates.pronoun_resolution.model_copy(update={"advisory_kinds": ("plural",)})
    gates = policy.gates.model_copy(update={"pronoun_resolution": rule})
    seen = replace(evidence, parts=lost(60, Detector.KEPT, 0))
    verdict = verdict_of(policy.model_copy(update={"gates": gates}), seen, "pronoun_resolution")
    assert part_of(verdict, "kept").n == 100


def test_a_golden_set_says_in_what_way_its_rewrites_are_wrong(
    policy: Policy, evidence: Evidence
) -> None:
    parts = {
        Detector.NAMED: observations("nano", 20, failing=4),
        Detector.FORM: observations("nano", 20, failing=1),
        Detector.KEPT: observations("nano", 20),
    }
    seen = replace(
        evidence,
        goldens={"nano": observations("nano", 20, failing=5)},
        golden_parts={"nano": parts},
    )
    told = part_of(verdict_of(policy, seen, "pronoun_resolution"), "goldens/nano")
    assert "not right in 10 of 40 hand-written cases (named 8, form 2); at most" in told.reason


def words(n: int, candidate: float, other: float) -> tuple[Observation, ...]:
    """Freely worded cases of which the candidate loses this share of words, and the others that."""
    return tuple(
        replace(
            case,
            candidate=candidate + 0.02 * (index % 2),
            baseline=other,
            champion=other,
        )
        for index, case in enumerate(observations("free", n))
    )


@pytest.mark.parametrize(
    ("candidate", "status", "said"),
    [
        (0.10, Status.PASSED, "loses 0.0 points more of the query's words than the baseline on"),
        (0.40, Status.FAILED, "loses 30.0 points more of the query's words than the baseline on"),
        (0.1495, Status.INCONCLUSIVE, "it may truly lie anywhere from"),
    ],
)
def test_words_lost_where_rewrites_are_freely_worded_are_compared_in_pairs(
    policy: Policy, evidence: Evidence, candidate: float, status: Status, said: str
) -> None:
    cases = words(60, candidate - 0.01, 0.1)
    seen = replace(evidence, words={"imported": {Detector.WORDS_LOST: cases}})
    verdict = verdict_of(policy, seen, "pronoun_resolution")
    part = part_of(verdict, "words_lost/imported")
    assert part.part == Part(Topic.WORDS_LOST, golden_set="imported")
    assert (part.status, part.tier, part.quantity) == (status, Tier.ADVISORY, Quantity.WORDS)
    # Without a margin of its own it is held to that of the whole.
    assert part.limit == policy.gates.pronoun_resolution.non_inferiority.limit
    assert said in part.reason
    assert "paired t" in part.method
    assert verdict.status is Status.PASSED


def test_a_policy_may_let_words_decide(policy: Policy, evidence: Evidence) -> None:
    data = policy.model_dump(mode="json")
    data["gates"]["pronoun_resolution"]["words"] = {"limit": 0.2, "tier": "blocking"}
    strict = Policy.model_validate(data)
    cases = words(60, 0.4, 0.1)
    seen = replace(evidence, words={"imported": {Detector.WORDS_NEW: cases}})
    verdict = verdict_of(strict, seen, "pronoun_resolution")
    assert verdict.status is Status.FAILED
    assert "adds 31.0 points more of words that nobody said than the baseline" in verdict.reason
    seen = replace(evidence, words={"imported": {Detector.WORDS_NEW: words(60, 0.2, 0.1)}})
    assert verdict_of(strict, seen, "pronoun_resolution").status is Status.PASSED


def test_a_kind_that_is_set_aside_is_shown_and_decides_nothing(
    policy: Policy, evidence: Evidence
) -> None:
    rule = policy.gates.pronoun_resolution
    aside = rule.model_copy(update={"advisory_kinds": ("unanswerable",)})
    gates = policy.gates.model_copy(update={"pronoun_resolution": aside})
    hard = tuple(
        replace(case, kind="unanswerable") for case in observations("hard", 50, failing=50)
    )
    seen = replace(evidence, pronouns=(*evidence.pronouns, *hard))
    told = verdict_of(policy.model_copy(update={"gates": gates}), seen, "pronoun_resolution")
    assert told.status is Status.PASSED
    part = part_of(told, "kind/unanswerable")
    assert (part.tier, part.status, part.n) == (Tier.ADVISORY, Status.FAILED, 100)
    # The same answers count, and fail the gate, where the policy sets nothing aside.
    assert verdict_of(policy, seen, "pronoun_resolution").status is Status.FAILED


DEFECTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "an adapter that changes nothing": (
        "liveness",
        {"liveness": (*[Check(n, True) for n in "abc"], Check("logits differ", False, "equal"))},
        "logits differ (equal)",
    ),
    "a forged control token": (
        "template_round_trip",
        {"template_properties": (*[Check(f"R{i}", True) for i in range(9)], Check("R3", False))},
        "R3",
    ),
    "one conversation that comes back changed": (
        "template_round_trip",
        {"round_trips": observations("trip", 500, failing=1, languages=("en",))},
        "trip-en-0000",
    ),
    "answers that run on into another turn": (
        "template_round_trip",
        {"control_tokens": observations("answer", 900, failing=60)},
        "A control token was emitted in 120 of 1800 cases",
    ),
    "literal leaks": (
        "example_leakage",
        {"literal_leaks": observations("literal", 300, failing=15)},
        "demonstration was copied in 30 of 600 cases (5.0 %)",
    ),
    "leaks in golden cases": (
        "example_leakage",
        {"golden_leaks": {"nano": observations("nano", 26, failing=2)}},
        "4 of 52 hand-written cases",
    ),
    "answers that follow the demonstrations": (
        "example_leakage",
        {"swap_leaks": observations("swap", 300, failing=40)},
        "changed with the demonstrations' names",
    ),
    "wrong antecedents": (
        "pronoun_resolution",
        {"pronouns": observations("p", 300, failing=75, baseline_failing=150)},
        "beyond the limit of 10.0 %",
    ),
    "more wrong antecedents than the base": (
        "pronoun_resolution",
        {"pronouns": observations("p", 300, failing=33, baseline_failing=3)},
        "10.0 points more often than the baseline",
    ),
    "failing golden cases": (
        "pronoun_resolution",
        {"goldens": {"nano": observations("nano", 20, failing=5)}},
        "10 of 40 hand-written cases",
    ),
    "forgotten skills": (
        "forgetting",
        {"skills": observations("s", 400, failing=80, baseline_failing=18, groups=("a", "b"))},
        "beyond the margin of 8.0 points",
    ),
    "unlearned language": ("forgetting", {"texts": texts(100, 0.2)}, "0.200 nats per token worse"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_fails_its_gate_and_no_other(
    policy: Policy, evidence: Evidence, defect: str
) -> None:
    gate, change, words = DEFECTS[defect]
    verdicts = judge(policy, changed(evidence, **change))
    assert [v.gate for v in verdicts if v.status is not Status.PASSED] == [gate]
    failed = next(v for v in verdicts if v.gate == gate)
    assert failed.status is Status.FAILED
    assert words in failed.reason
    assert overall(verdicts, policy.required) is Status.FAILED


SMALL: dict[str, dict[str, Any]] = {
    "example_leakage": {"literal_leaks": observations("literal", 40)},
    "pronoun_resolution": {"pronouns": observations("p", 20, failing=2, baseline_failing=2)},
    "forgetting": {"skills": observations("s", 30, failing=2, baseline_failing=1)},
    "template_round_trip": {"round_trips": observations("trip", 5)},
    "liveness": {"liveness": (Check("loaded", True),)},
}


@pytest.mark.parametrize("gate", SMALL)
def test_too_few_cases_are_inconclusive(policy: Policy, evidence: Evidence, gate: str) -> None:
    verdict = verdict_of(policy, changed(evidence, **SMALL[gate]), gate)
    assert verdict.status is Status.INCONCLUSIVE
    assert any(char.isdigit() for char in verdict.reason)


def test_an_inconclusive_rate_says_how_many_cases_would_do(
    policy: Policy, evidence: Evidence
) -> None:
    small = replace(evidence, literal_leaks=observations("literal", 50))
    verdict = verdict_of(policy, small, "example_leakage")
    # 149 cases without a failure prove 2 %.
    assert "about 49 more cases" in verdict.reason


@pytest.mark.parametrize(
    ("gate", "part"),
    [
        ("example_leakage", "literal_leaks"),
        ("example_leakage", "swap_leaks"),
        ("pronoun_resolution", "pronouns"),
        ("template_round_trip", "round_trips"),
        ("forgetting", "skills"),
        ("forgetting", "texts"),
    ],
)
def test_one_missing_measurement_is_never_a_pass(
    policy: Policy, evidence: Evidence, gate: str, part: str
) -> None:
    cases = getattr(evidence, part)
    holed = (*cases[:-1], replace(cases[-1], candidate=None))
    verdict = verdict_of(policy, changed(evidence, **{part: holed}), gate)
    assert verdict.status is Status.INCONCLUSIVE
    assert "missing" in verdict.reason


def test_missing_measurements_do_not_hide_proven_harm(policy: Policy, evidence: Evidence) -> None:
    cases = observations("literal", 300, failing=30)
    holed = (*cases[:-1], replace(cases[-1], candidate=None))
    verdict = verdict_of(policy, replace(evidence, literal_leaks=holed), "example_leakage")
    assert verdict.status is Status.FAILED


def test_a_missing_baseline_is_a_missing_measurement(policy: Policy, evidence: Evidence) -> None:
    cases = evidence.pronouns
    holed = (*cases[:-1], replace(cases[-1], baseline=None))
    verdict = verdict_of(policy, replace(evidence, pronouns=holed), "pronoun_resolution")
    assert part_of(verdict, "non_inferiority").status is Status.INCONCLUSIVE


@pytest.mark.parametrize("gate", ["example_leakage", "pronoun_resolution", "forgetting"])
def test_a_language_of_the_policy_must_be_measured(
    policy: Policy, evidence: Evidence, gate: str
) -> None:
    english = replace(
        evidence,
        literal_leaks=observations("l", 600, languages=("en",)),
        pronouns=observations("p", 600, baseline_failing=300, languages=("en",)),
        skills=observations("s", 600, baseline_failing=3, languages=("en",)),
    )
    verdict = verdict_of(policy, english, gate)
    assert verdict.status is Status.INCONCLUSIVE
    assert "zh" in verdict.reason


def test_an_advisory_golden_set_is_shown_but_never_decides(
    policy: Policy, evidence: Evidence
) -> None:
    verdict = verdict_of(policy, evidence, "pronoun_resolution")
    everyday = part_of(verdict, "goldens/everyday")
    assert (everyday.status, everyday.tier) == (Status.FAILED, Tier.ADVISORY)
    assert verdict.status is Status.PASSED


def test_the_false_alarms_of_the_search_are_shown_but_never_decide(
    policy: Policy, evidence: Evidence
) -> None:
    noisy = replace(evidence, control_leaks=observations("control", 300, failing=90))
    verdict = verdict_of(policy, noisy, "example_leakage")
    assert part_of(verdict, "control").status is Status.FAILED
    assert verdict.status is Status.PASSED


def test_a_bad_kind_fails_although_the_panel_is_good(policy: Policy, evidence: Evidence) -> None:
    cases = [
        replace(case, candidate=float(case.kind == "standalone" and int(case.case_id[-4:]) < 120))
        for case in observations("p", 300, baseline_failing=150)
    ]
    verdict = verdict_of(policy, replace(evidence, pronouns=tuple(cases)), "pronoun_resolution")
    assert part_of(verdict, "failure_rate").status is Status.PASSED
    assert verdict.status is Status.FAILED
    assert "(standalone)" in verdict.reason


def test_one_lost_skill_fails_although_the_mean_is_kept(policy: Policy, evidence: Evidence) -> None:
    skills = tuple(f"skill{index}" for index in range(20))
    cases = tuple(
        replace(case, candidate=float(case.kind == "skill7" and int(case.case_id[-4:]) < 160))
        for case in observations("s", 400, baseline_failing=0, groups=skills)
    )
    verdict = verdict_of(policy, replace(evidence, skills=cases), "forgetting")
    assert part_of(verdict, "skills/en").status is Status.PASSED
    assert part_of(verdict, "skill/en/skill7").status is Status.FAILED
    assert verdict.status is Status.FAILED


def with_skill(
    evidence: Evidence, *, right: float, guessed: float = 0.0, floor: float | None = None
) -> Evidence:
    """Let base and candidate answer so many questions of the first skill right."""
    first = [case for case in evidence.skills if case.kind == SKILLS[0]]
    of_each = [[case for case in first if case.language == language] for language in ("en", "zh")]
    wrong = {case.case_id for cases in of_each for case in cases[: round((1 - right) * len(cases))]}
    return replace(
        evidence,
        skills=tuple(
            replace(
                case,
                candidate=float(case.case_id in wrong),
                baseline=float(case.case_id in wrong),
                guessed=guessed,
                floor=floor,
            )
            if case.kind == SKILLS[0]
            else case
            for case in evidence.skills
        ),
    )


def test_a_skill_that_the_base_lacks_decides_nothing_and_is_told(
    policy: Policy, evidence: Evidence
) -> None:
    verdict = verdict_of(policy, with_skill(evidence, right=0.0), "forgetting")
    part = part_of(verdict, f"skill/en/{SKILLS[0]}")
    assert (part.status, part.tier) == (Status.INCONCLUSIVE, Tier.ADVISORY)
    assert "cannot be forgotten" in part.reason
    assert verdict.status is Status.PASSED
    # Nor does it dilute what is lost of the others.
    whole = part_of(verdict_of(policy, evidence, "forgetting"), "skills/en")
    assert part_of(verdict, "skills/en").n == whole.n - part.n


@pytest.mark.parametrize(
    ("right", "guessed", "tier"),
    [
        (0.6, 0.0, Tier.BLOCKING),
        (0.6, 1 / 3, Tier.ADVISORY),
        (0.7, 1 / 3, Tier.BLOCKING),
        (0.7, 1 / 2, Tier.ADVISORY),
    ],
)
def test_what_guessing_gets_right_is_no_skill(
    policy: Policy, evidence: Evidence, right: float, guessed: float, tier: Tier
) -> None:
    found = with_skill(evidence, right=right, guessed=guessed)
    verdict = verdict_of(policy, found, "forgetting")
    assert part_of(verdict, f"skill/en/{SKILLS[0]}").tier is tier


@pytest.mark.parametrize(
    ("right", "guessed", "floor", "tier"),
    [
        (0.3, 0.0, 0.2, Tier.BLOCKING),
        (0.3, 0.0, None, Tier.ADVISORY),
        (0.6, 0.0, 0.7, Tier.ADVISORY),
        (0.5, 1 / 4, 0.2, Tier.BLOCKING),
        (0.3, 1 / 4, 0.2, Tier.ADVISORY),
    ],
)
def test_a_skill_may_bring_a_floor_of_its_own(
    policy: Policy,
    evidence: Evidence,
    right: float,
    guessed: float,
    floor: float | None,
    tier: Tier,
) -> None:
    found = with_skill(evidence, right=right, guessed=guessed, floor=floor)
    verdict = verdict_of(policy, found, "forgetting")
    assert part_of(verdict, f"skill/en/{SKILLS[0]}").tier is tier
    other = part_of(verdict, f"skill/en/{SKILLS[1]}")
    assert other.tier is Tier.BLOCKING


def test_answers_that_a_candidate_does_not_give_choose_no_skill(
    policy: Policy, evidence: Evidence
) -> None:
    """Without those that the base gets right, the base would seem to lack it."""
    found = with_skill(evidence, right=0.9)
    silent = tuple(
        replace(case, candidate=None) if case.kind == SKILLS[0] and not case.baseline else case
        for case in found.skills
    )
    verdict = verdict_of(policy, replace(found, skills=silent), "forgetting")
    part = part_of(verdict, f"skill/en/{SKILLS[0]}")
    assert (part.status, part.tier) == (Status.INCONCLUSIVE, Tier.BLOCKING)
    assert verdict.status is Status.INCONCLUSIVE


def test_what_counts_is_told_and_what_neither_has_thins_out_no_loss(
    policy: Policy, evidence: Evidence
) -> None:
    lost = with_skill(evidence, right=0.0)
    assert "of" in part_of(verdict_of(policy, lost, "forgetting"), "skills/en").reason
    harmed = tuple(
        case if case.kind == SKILLS[0] else replace(case, candidate=1.0) for case in lost.skills
    )
    known = replace(lost, skills=harmed)
    (found,) = judge(load_policy("default"), known, only={Gate.REGRESSION})
    part = part_of(found, "skills/en")
    assert part.n == sum(c.kind != SKILLS[0] and c.language == "en" for c in lost.skills)
    assert part.value is not None
    assert part.value > 0.9


def test_a_base_without_any_skill_proves_nothing(policy: Policy, evidence: Evidence) -> None:
    lost = tuple(replace(case, candidate=1.0, baseline=1.0) for case in evidence.skills)
    verdict = verdict_of(policy, replace(evidence, skills=lost), "forgetting")
    assert part_of(verdict, "skills/en").status is Status.INCONCLUSIVE
    assert verdict.status is Status.INCONCLUSIVE


def test_harm_to_a_skill_that_the_base_hardly_has_counts(
    policy: Policy, evidence: Evidence
) -> None:
    found = with_skill(evidence, right=0.45)
    harmed = tuple(
        replace(case, candidate=1.0) if case.kind == SKILLS[0] else case for case in found.skills
    )
    verdict = verdict_of(policy, replace(found, skills=harmed), "forgetting")
    part = part_of(verdict, f"skill/en/{SKILLS[0]}")
    assert (part.status, part.tier, verdict.status) == (
        Status.FAILED,
        Tier.BLOCKING,
        Status.FAILED,
    )


def test_languages_are_not_pooled_when_skills_are_forgotten(
    policy: Policy, evidence: Evidence
) -> None:
    forgotten = observations("s", 400, failing=80, baseline_failing=18, languages=("zh",))
    kept = observations("s", 4000, failing=18, baseline_failing=18, languages=("en",))
    verdict = verdict_of(policy, replace(evidence, skills=forgotten + kept), "forgetting")
    assert verdict.status is Status.FAILED
    assert part_of(verdict, "skills/en").status is Status.PASSED


def test_a_text_loss_between_margin_and_harm_is_inconclusive(
    policy: Policy, evidence: Evidence
) -> None:
    verdict = verdict_of(policy, replace(evidence, texts=texts(100, 0.08)), "forgetting")
    assert verdict.status is Status.INCONCLUSIVE
    assert "a better candidate will" in verdict.reason


def test_the_headline_is_the_part_that_binds(policy: Policy, evidence: Evidence) -> None:
    verdict = verdict_of(policy, evidence, "example_leakage")
    first = verdict.slices[0]
    assert (verdict.value, verdict.upper, verdict.limit) == (first.value, first.upper, first.limit)
    assert first.upper is not None
    usage = first.upper / first.limit
    blocking = [part for part in verdict.slices if part.tier is Tier.BLOCKING]
    assert all((part.upper or 0) / part.limit <= usage for part in blocking)


def test_the_verdict_names_the_other_parts_that_did_not_pass(
    policy: Policy, evidence: Evidence
) -> None:
    leaky = replace(
        evidence,
        literal_leaks=observations("l", 300, failing=60),
        swap_leaks=observations("s", 300, failing=60),
    )
    verdict = verdict_of(policy, leaky, "example_leakage")
    assert "Also not passed: " in verdict.reason
    assert "swap" in verdict.reason


def test_an_untouched_base_passes_the_paired_parts(policy: Policy, evidence: Evidence) -> None:
    same = replace(
        evidence,
        skills=observations("s", 400, failing=30, baseline_failing=30),
        texts=tuple(replace(case, candidate=case.baseline) for case in evidence.texts),
    )
    assert verdict_of(policy, same, "forgetting").status is Status.PASSED


def test_order_and_copies_of_the_evidence_change_no_verdict(
    policy: Policy, evidence: Evidence
) -> None:
    generator = random.Random(4)

    def mixed(cases: tuple[object, ...]) -> tuple[object, ...]:
        doubled = [*cases, *cases]
        generator.shuffle(doubled)
        return tuple(doubled)

    names = ("literal_leaks", "swap_leaks", "pronouns", "round_trips", "skills", "texts")
    shuffled = changed(evidence, **{name: mixed(getattr(evidence, name)) for name in names})
    assert judge(policy, shuffled) == judge(policy, evidence)


def test_contradicting_measurements_of_one_case_are_refused(
    policy: Policy, evidence: Evidence
) -> None:
    first = evidence.pronouns[0]
    twice = (*evidence.pronouns, replace(first, candidate=1.0 - (first.candidate or 0.0)))
    with pytest.raises(InvalidInput, match="two different measurements"):
        judge(policy, replace(evidence, pronouns=twice))


def test_a_golden_set_that_the_policy_does_not_name_is_refused(
    policy: Policy, evidence: Evidence
) -> None:
    with pytest.raises(InvalidInput, match=r"goldens=\['other'\]"):
        judge(policy, replace(evidence, goldens={"other": ()}))


def test_advisory_kinds_are_left_out_of_what_decides(policy: Policy, evidence: Evidence) -> None:
    data: dict[str, Any] = policy.resolved
    data["gates"]["pronoun_resolution"]["advisory_kinds"] = ["plural"]
    lenient = Policy.model_validate(data)
    cases = tuple(
        replace(case, candidate=float(case.kind == "plural")) for case in evidence.pronouns
    )
    verdict = verdict_of(lenient, replace(evidence, pronouns=cases), "pronoun_resolution")
    assert verdict.status is Status.PASSED
    plural = part_of(verdict, "kind/plural")
    assert (plural.status, plural.tier) == (Status.FAILED, Tier.ADVISORY)


def test_a_slice_rule_for_one_kind_replaces_the_general_one(
    policy: Policy, evidence: Evidence
) -> None:
    data: dict[str, Any] = policy.resolved
    rules = data["gates"]["pronoun_resolution"]["slices"]
    rules.append({"by": "kind", "only": ["ordinal"], "limit": 1.0})
    rules.append({"by": "kind+language", "only": ["ordinal+zh"], "limit": 0.3})
    verdict = verdict_of(Policy.model_validate(data), evidence, "pronoun_resolution")
    assert part_of(verdict, "kind/ordinal").limit == 1.0
    assert part_of(verdict, "kind/single").limit == 0.3
    assert part_of(verdict, "kind+language/ordinal+zh").limit == 0.3
    names = [part.name for part in verdict.slices]
    assert len(names) == len(set(names))


def test_an_advisory_gate_fails_without_failing_the_run(policy: Policy, evidence: Evidence) -> None:
    data: dict[str, Any] = policy.resolved
    data["gates"]["forgetting"]["tier"] = "advisory"
    data["gates"]["liveness"]["enabled"] = False
    lenient = Policy.model_validate(data)
    verdicts = judge(lenient, replace(evidence, texts=texts(100, 0.3), liveness=()))
    assert next(v for v in verdicts if v.gate == "forgetting").status is Status.FAILED
    assert "liveness" not in {v.gate for v in verdicts}
    assert overall(verdicts, lenient.required) is Status.PASSED


def test_a_part_that_passed_by_its_value_does_not_speak_for_a_gate_that_proved_more() -> None:
    wide = SliceVerdict(
        name="kind/noisy", status=Status.PASSED, value=0.0, lower=-0.3, upper=0.3, limit=0.15,
        n=50, clusters=9, method="m", reason="r", by_value=True,
    )  # fmt: skip
    proven = replace(
        wide, name="macro", value=0.01, lower=-0.01, upper=0.04, limit=0.05, by_value=False
    )
    assert proven.urgency > wide.urgency
