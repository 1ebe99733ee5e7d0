"""The evidence of a candidate without a defect comes in clusters like those that a run draws."""

from __future__ import annotations

import pytest

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.gates import Observation, load_policy, parse_policy
from evalsuite.pipeline.flawless import flawless, require_drawable
from evalsuite.scenarios import sample_shown_panel
from evalsuite.scenarios.told import sample_told_panel
from evalsuite.statistics import clustered_rate


def worth(clusters: list[str]) -> float:
    """How many independent cases some without a defect are worth."""
    return clustered_rate([0.0] * len(clusters), clusters).effective_n


def of(cases: tuple[Observation, ...], language: str) -> list[str]:
    return [case.cluster for case in cases if case.language == language]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_panel_is_worth_what_a_drawn_one_is_or_a_little_more(language: str) -> None:
    policy = load_policy("nano")
    evidence = flawless(policy, ())
    drawn = sample_shown_panel(3, 450, Language(language), world=policy.world)
    rewrites = worth([shown.case.cluster for shown in drawn])
    assert rewrites <= worth(of(evidence.pronouns, language)) <= 1.25 * rewrites
    leaks = worth([shown.pair.name for shown in drawn])
    assert worth(of(evidence.literal_leaks, language)) == pytest.approx(leaks)


def test_every_panel_has_its_size_and_every_case_its_own_name() -> None:
    policy = load_policy("smollm2")
    evidence = flawless(policy, ())
    sizes = [len(evidence.literal_leaks), len(evidence.pronouns), len(evidence.skills)]
    assert [*sizes, len(evidence.texts)] == [450, 450, 270, 200]
    asked = [case.case_id for case in evidence.control_tokens]
    assert len(asked) == len({*asked}) == 450 + 450 + 270


def test_each_task_has_a_panel_of_its_own() -> None:
    both = parse_policy("name: both\nextends: smollm2\ntasks: [rewrite, answer]\n")
    evidence = flawless(both, ())
    assert [len(evidence.literal_leaks), len(evidence.pronouns)] == [900, 900]
    answers = [one for one in evidence.pronouns if one.cluster.startswith("told/")]
    drawn = sample_told_panel(0, 450, Language.EN)
    assert {one.cluster for one in answers} == {shown.case.cluster for shown in drawn}
    assert len({one.case_id for one in evidence.pronouns}) == 900


def mine(rule: str) -> str:
    return f"name: mine\nextends: smollm2\ngates: {{forgetting: {rule}}}\n"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{skills: {seeded: [capitol]}}", "seeded='capitol' is no skill.*did you mean 'capital'"),
        ("{panel: {en: 100000}}", r"gates\.forgetting\.panel=100000 in en"),
        ("{text: {panel: {en: 201}}}", "201 passages"),
        ("{skills: {suites: [none.yaml]}}", "none.yaml: does not exist"),
        ("{text: {files: {en: [none.txt]}}}", "none.txt"),
    ],
)
def test_what_nobody_can_ask_is_refused(rule: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        require_drawable(parse_policy(mine(rule)))
