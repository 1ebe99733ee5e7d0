"""Planted defects: each is seen by its gate, and mixing severities is the same as planting them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.cases.casefiles import load_cases
from evalsuite.detectors import Detector
from evalsuite.errors import InvalidInput
from evalsuite.gates import Evidence, Gate, Observation, Status, judge
from evalsuite.pipeline import GateRequest, Observed, measure
from evalsuite.qualification import (
    MUTANTS,
    Corrupted,
    Mutant,
    Specimen,
    corrupted,
    counted,
    outcome,
    trials,
)
from evalsuite.qualification.mixture import Seen
from evalsuite.qualification.perfect import perfect_candidate
from evalsuite.regressions import FOLDER, Origin, Regression, remember
from evalsuite.runs import REGRESSIONS, Side
from evalsuite.scenarios import sample_demonstrations
from evalsuite.tasks import Choice, Promise, Rewriting

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def perfect(candidate: Path) -> Observed:
    """A measured candidate without any defect, under the policy of the embedded base."""
    return perfect_candidate(
        GateRequest(adapter=candidate, policy="nano", cases=ROOT / "cases", seed=5)
    )


@pytest.fixture(scope="module")
def english(candidate: Path) -> Observed:
    """The same under the policy of a real base, which asks for skills by choice too."""
    request = GateRequest(adapter=candidate, policy="smollm2", cases=ROOT / "cases", seed=5)
    return perfect_candidate(request)


def test_a_candidate_without_any_defect_passes_the_english_policy(english: Observed) -> None:
    assert {question.row.language for question in english.questions} == {"en"}
    first = english.inputs.policy.for_attempt(1)
    assert outcome(first, english.measured.evidence).status is Status.PASSED


def test_what_is_forgotten_is_forgotten_by_choice_too(english: Observed) -> None:
    mutant = next(m for m in MUTANTS if m.name == "forget-skills")
    made = corrupted(english, mutant)
    hit = [case for case in made.broken.skills if case.kind == "capital-choice"]
    assert {case.candidate for case in hit} == {1.0}
    assert {case.baseline for case in hit} == {0.0}
    # Half of what it knew in one skill alone, where answers are chosen.
    rng = random.Random(4)
    only = frozenset(case.case_id for case in hit if rng.random() < 0.5)
    mixed = replace(
        made.clean,
        skills=tuple(
            replace(case, candidate=1.0) if case.case_id in only else case
            for case in made.clean.skills
        ),
    )
    found = outcome(english.inputs.policy.for_attempt(1), mixed)
    assert found.failed_by == {Gate.FORGETTING}


def test_an_option_holds_no_control_token_and_no_small_talk(english: Observed) -> None:
    options = [a for a in english.answered if isinstance(a.question.task, Choice)]
    assert len(options) > 300
    for name in ("control-token", "chat"):
        mutant = next(m for m in MUTANTS if m.name == name)
        template = english.inputs.template
        assert not any(mutant.corrupt(Specimen(answer, template)) for answer in options)


@pytest.fixture(scope="module")
def broken(perfect: Observed) -> Callable[[Mutant], Corrupted]:
    """Each mutant of that candidate, made once."""
    made: dict[str, Corrupted] = {}

    def make(mutant: Mutant) -> Corrupted:
        if mutant.name not in made:
            made[mutant.name] = corrupted(perfect, mutant)
        return made[mutant.name]

    return make


def test_the_perfect_candidate_passes(perfect: Observed) -> None:
    found = outcome(perfect.inputs.policy, perfect.measured.evidence)
    assert found.status is Status.PASSED
    assert not found.blocked_by


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_every_mutant_is_failed_by_its_gate_and_without_severity_it_is_none(
    mutant: Mutant, perfect: Observed, broken: Callable[[Mutant], Corrupted]
) -> None:
    made = broken(mutant)
    assert made.at(0.0, random.Random(0)) == perfect.measured.evidence
    worst = outcome(perfect.inputs.policy, made.at(1.0, random.Random(0)))
    assert mutant.gate in worst.failed_by


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.once], ids=lambda m: m.name)
def test_a_template_defect_is_caught_at_its_first_occurrence(
    mutant: Mutant, perfect: Observed, broken: Callable[[Mutant], Corrupted]
) -> None:
    rng = random.Random(1)
    for _ in range(20):
        found = outcome(perfect.inputs.policy, broken(mutant).once(rng))
        assert found.failed_by == {Gate.TEMPLATE_ROUND_TRIP}


@pytest.mark.parametrize(
    "name", ["paste-entity", "swap-antecedent", "drop-word", "wrap", "drop-system", "forget-text"]
)
def test_mixed_evidence_is_that_of_a_candidate_with_these_answers(
    name: str, perfect: Observed, broken: Callable[[Mutant], Corrupted]
) -> None:
    mutant = next(m for m in MUTANTS if m.name == name)
    made = broken(mutant)
    rng = random.Random(2)
    hit = frozenset(case for case in made.cases if rng.random() < 0.3)
    answers = [
        (
            mutant.corrupt(Specimen(answer, perfect.inputs.template))
            if answer.question.row.case_id in hit
            and (mutant.both_sides or answer.question.side is Side.CANDIDATE)
            else None
        )
        or answer
        for answer in perfect.answered
    ]
    planted = measure(perfect.inputs, perfect.samples, perfect.liveness, answers)
    mixed = made.at(0.3, random.Random(2))
    policy = perfect.inputs.policy
    assert judge(policy, mixed) == judge(policy, planted.evidence)


@pytest.mark.parametrize(
    ("name", "sees"),
    [
        ("answer-by-name", {"kept", "form", "untouched"}),
        ("ask-else", {"kept", "form", "untouched"}),
        ("drop-word", {"kept", "untouched"}),
        ("add-word", {"kept", "untouched"}),
        ("replace-word", {"kept", "untouched"}),
        ("wrap", {"form", "kept", "untouched"}),
        ("over-rewrite", {"untouched"}),
        ("swap-antecedent", {"named", "untouched"}),
    ],
)
def test_it_is_told_which_part_of_a_rewrite_sees_a_mutant(
    name: str, sees: set[str], broken: Callable[[Mutant], Corrupted]
) -> None:
    seen = broken(next(m for m in MUTANTS if m.name == name)).seen
    assert seen.answers > 100
    assert seen.refused == seen.answers
    # A part that should not see it may accuse a few, for what the answer happens to say.
    assert {part for part, lost in seen.parts.items() if lost > seen.answers / 50} == sees


def test_what_was_wrong_before_is_seen_by_no_part() -> None:
    def observed(*losses: float) -> tuple[Observation, ...]:
        return tuple(
            Observation(case_id=str(n), cluster="c", language="en", kind="single", candidate=loss)
            for n, loss in enumerate(losses)
        )

    made = Corrupted(
        mutant=next(m for m in MUTANTS if m.name == "wrap"),
        clean=Evidence(pronouns=observed(0, 1, 0, 0)),
        broken=Evidence(
            pronouns=observed(1, 1, 0, 1),
            parts={Detector.NAMED: observed(0, 1, 0, 1), Detector.FORM: observed(1, 1, 0, 1)},
        ),
        cases={str(n): frozenset({str(n)}) for n in range(3)},
    )
    assert made.seen == Seen(answers=2, refused=1, parts={"named": 0, "form": 1})
    assert made.seen + made.seen == Seen(answers=4, refused=2, parts={"named": 0, "form": 2})


def test_words_of_freely_worded_rewrites_are_mixed_too(
    candidate: Path, small_policy: Path, tmp_path: Path
) -> None:
    """Who says nothing has no share of new words, so that loss is missing where it was."""
    (tmp_path / "nano_en.yaml").write_text(
        """cases:
  - id: free-one
    language: en
    kind: single
    history: [{user: "Tell me of Flindo."}, {assistant: "Flindo is a phone."}]
    query: "What is its price?"
    expect: {rewrites: ["What is the price of Flindo?"]}
  - id: free-two
    language: en
    kind: single
    history: [{user: "Tell me of Garvex."}, {assistant: "Garvex is a phone."}]
    query: "What is its weight?"
    expect: {rewrites: ["What is the weight of Garvex?"]}
""",
        "utf-8",
    )
    request = GateRequest(adapter=candidate, policy=str(small_policy), cases=tmp_path, seed=5)
    made = corrupted(perfect_candidate(request), next(m for m in MUTANTS if m.name == "silence"))
    assert made.at(0.0, random.Random(0)) == made.clean
    assert made.at(1.0, random.Random(0)).words == made.broken.words
    words = made.clean.words["nano"]
    assert {case.case_id for case in words[Detector.WORDS_NEW]} == {"free-one", "free-two"}
    for seed in range(20):
        mixed = made.at(0.5, random.Random(seed)).words["nano"]
        spoken = {
            case.case_id for case in mixed.get(Detector.WORDS_NEW, ()) if case.candidate is not None
        }
        lost = {c.case_id for c in mixed[Detector.WORDS_LOST] if c.candidate == 1.0}
        assert spoken | lost == {"free-one", "free-two"}
        assert not spoken & lost


def test_an_answer_that_a_mutant_cannot_touch_is_left_alone(perfect: Observed) -> None:
    mutants = {m.name: m for m in MUTANTS}
    template = perfect.inputs.template
    for answer in perfect.answered:
        specimen = Specimen(answer, template)
        if not isinstance(answer.question.task, Rewriting):
            assert mutants["paste-entity"].corrupt(specimen) is None
            assert mutants["silence"].corrupt(specimen) is None
        else:
            assert mutants["forget-skills"].corrupt(specimen) is None


def test_a_mutant_that_can_touch_nothing_says_so(perfect: Observed) -> None:
    idle = Mutant("idle", Gate.FORGETTING, "does nothing", lambda _: None)
    with pytest.raises(InvalidInput, match="idle"):
        corrupted(perfect, idle)


def test_trials_are_reproducible_and_count_who_blocked(perfect: Observed) -> None:
    mutant = next(m for m in MUTANTS if m.name == "paste-entity")
    made = [
        list(counted(trials([perfect], [mutant], repeats=4, severities=(0.002, 0.3)), "output"))
        for _ in range(2)
    ]
    assert made[0] == made[1]
    mild, severe = made[0]
    assert (mild.runs, severe.runs) == (4, 4)
    assert severe.blocked == severe.caught == 4
    row: dict[str, Any] = severe.to_json()
    assert row["blocked_by"]["example_leakage"] == 4
    assert mild.blocked < 4


def test_a_remembered_history_is_no_ground_for_planted_defects(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    """It is asked beside the panels, and no rate counts it."""
    shutil.copytree(few_cases, tmp_path / "cases")
    (known, *_) = load_cases(few_cases)
    found = Regression(
        case=replace(known, id="remembered"),
        shown=sample_demonstrations("remembered", 2, known.language),
        origin=Origin(
            promise=Promise.NO_LEAK, reason="It named it.", candidate="c", baseline="b",
            answer="a", baseline_answer="b",
        ),
    )  # fmt: skip
    assert remember(tmp_path / "cases" / FOLDER, "remembered", found)
    request = GateRequest(
        adapter=candidate, policy=str(small_policy), cases=tmp_path / "cases", seed=5
    )
    observed = perfect_candidate(request)
    assert {q.row.case_id for q in observed.questions if q.row.panel == REGRESSIONS}
    for mutant in MUTANTS:
        if mutant.name in ("paste-entity", "answer-demonstration", "control-token", "drop-system"):
            made = corrupted(observed, mutant)
            assert "remembered" not in made.cases
            whole = made.at(1.0, random.Random(0))
            assert whole.regressions == observed.measured.evidence.regressions
            assert outcome(observed.policy, whole).blocked_by
