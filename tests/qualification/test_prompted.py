"""Planted defects in what a prompt of one's own reads, and in answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.gates import Gate, Status
from evalsuite.pipeline import GateRequest, Observed
from evalsuite.prompts import load_prompt
from evalsuite.qualification import MUTANTS, Specimen, corrupted, outcome
from evalsuite.qualification.perfect import perfect_candidate
from evalsuite.runs import PANEL
from evalsuite.tasks import Rewriting

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tagged(candidate: Path) -> Observed:
    """A candidate without any defect, asked with a prompt of one's own."""
    prompt = load_prompt(ROOT / "examples" / "prompts" / "tags.yaml")
    request = GateRequest(
        adapter=candidate, policy="nano", cases=ROOT / "cases", seed=5, prompt=prompt
    )
    return perfect_candidate(request)


@pytest.fixture(scope="module")
def answering(candidate: Path, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """A candidate without any defect that is asked for answers."""
    policy = tmp_path_factory.mktemp("answering") / "answers.yaml"
    policy.write_text("extends: nano\nname: answers\ntasks: [answer]\n", "utf-8")
    return perfect_candidate(
        GateRequest(adapter=candidate, policy=str(policy), cases=ROOT / "cases", seed=5)
    )


def test_without_a_defect_both_pass(tagged: Observed, answering: Observed) -> None:
    for observed in (tagged, answering):
        first = observed.inputs.policy.for_attempt(1)
        assert outcome(first, observed.measured.evidence).status is Status.PASSED


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("paste-entity", Gate.EXAMPLE_LEAKAGE),
        ("swap-antecedent", Gate.PRONOUN_RESOLUTION),
        ("keep-query", Gate.PRONOUN_RESOLUTION),
        ("silence", Gate.PRONOUN_RESOLUTION),
    ],
)
def test_defects_are_seen_behind_a_prompts_rule(tagged: Observed, name: str, gate: Gate) -> None:
    mutant = next(m for m in MUTANTS if m.name == name)
    found = outcome(tagged.inputs.policy.for_attempt(1), corrupted(tagged, mutant).broken)
    assert gate in found.failed_by


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("paste-entity", Gate.EXAMPLE_LEAKAGE),
        ("keep-query", Gate.PRONOUN_RESOLUTION),
        ("silence", Gate.PRONOUN_RESOLUTION),
    ],
)
def test_defects_are_seen_in_answers(answering: Observed, name: str, gate: Gate) -> None:
    mutant = next(m for m in MUTANTS if m.name == name)
    found = outcome(answering.inputs.policy.for_attempt(1), corrupted(answering, mutant).broken)
    assert gate in found.failed_by


def test_a_spoilt_answer_keeps_the_form_that_the_prompt_asks_for(tagged: Observed) -> None:
    answers = [
        a
        for a in tagged.answered
        if isinstance(a.question.task, Rewriting) and a.question.row.panel == PANEL
    ]
    swap = next(m for m in MUTANTS if m.name == "swap-antecedent")
    spoilt = [swap.corrupt(Specimen(a, tagged.inputs.template)) for a in answers]
    said = [one.output.text for one in spoilt if one is not None]
    assert len(said) > 100
    assert all(text.endswith("</rewritten_query>") for text in said)
