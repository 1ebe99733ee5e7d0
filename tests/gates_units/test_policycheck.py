"""What may not have been meant by a policy, each on either side of where it begins."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from evalsuite.cases import Case
from evalsuite.cases.casefiles import load_cases
from evalsuite.cases.shipped import case_folders
from evalsuite.gates import doubts, judge, load_policy, policy_names, resolve_policy
from evalsuite.gates.verdict import Status, Tier
from evalsuite.pipeline.flawless import flawless

SETS = {"everyday": 115, "nano": 52}
START = "name: mine\nextends: {}\n"


@cache
def goldens() -> tuple[Case, ...]:
    return load_cases(case_folders(None).goldens)


def found(tmp_path: Path, changes: str, start: str = "smollm2") -> list[str]:
    """The warnings about a policy that extends a shipped one, without the folder."""
    path = tmp_path / "mine.yaml"
    path.write_text(START.format(start) + changes, "utf-8")
    resolved = resolve_policy(path)
    evidence = flawless(resolved.policy, goldens())
    said = doubts(resolved, load_policy("default"), evidence, SETS)
    return [str(one).replace(f"{tmp_path}/", "") for one in said]


@pytest.mark.parametrize("name", policy_names())
def test_a_candidate_without_a_defect_passes_every_shipped_policy(name: str) -> None:
    policy = load_policy(name).for_attempt(1)
    for verdict in judge(policy, flawless(policy, goldens())):
        blocking = [part for part in verdict.slices if part.tier is Tier.BLOCKING]
        assert {part.status for part in blocking} == {Status.PASSED}


@pytest.mark.parametrize("name", ["default", "smollm2"])
def test_nothing_is_odd_about_the_shipped_policies_for_real_models(name: str) -> None:
    resolved = resolve_policy(name)
    evidence = flawless(resolved.policy, goldens())
    assert doubts(resolved, load_policy("default"), evidence, SETS) == ()


def test_nano_is_looser_than_default_and_nothing_else_is_odd_about_it() -> None:
    resolved = resolve_policy("nano")
    said = doubts(resolved, load_policy("default"), flawless(resolved.policy, goldens()), SETS)
    assert {"is looser than default's" in one.text for one in said} == {True}
    assert all(one.where.startswith("nano.yaml:") for one in said)


def leaks(n: int, limit: str) -> str:
    panel = f"panel: {{en: {n}}}, literal: {{limit: {limit}}}, swap: {{limit: {limit}}}"
    return f"gates:\n  example_leakage: {{{panel}}}\n"


def test_the_smallest_panel_that_can_pass_has_no_warning_and_one_cluster_less_has(
    tmp_path: Path,
) -> None:
    # Of zero defects in n independent cases the 97.5 % bound is 1 - 0.025 ** (1 / n): for 0.02 it
    # takes 183 of them, and five of a cluster with a correlation of 0.3 are worth 1 / 2.2 each.
    assert 1 - 0.025 ** (1 / 182) > 0.02 > 1 - 0.025 ** (1 / 183)
    assert found(tmp_path, leaks(405, "0.02")) == []
    (literal, swap) = found(tmp_path, leaks(400, "0.02"))
    assert literal.startswith(
        "mine.yaml:4: gates.example_leakage.literal: not even a candidate without a defect passes "
        "literal: with 400 cases in 80 clusters the upper bound is still 0.0201, beyond limit=0.02;"
    )
    assert "swap" in swap
    more = int(literal.partition("ask for about ")[2].split()[0])
    assert found(tmp_path, leaks(400 + more, "0.02")) == []


def test_trying_again_costs_and_counts(tmp_path: Path) -> None:
    # At 95 % 149 independent cases are enough, 328 in clusters of five.
    assert 1 - 0.05 ** (1 / 149) < 0.02
    assert found(tmp_path, f"attempts: count\n{leaks(330, '0.02')}") == []
    assert found(tmp_path, leaks(330, "0.02")) != []


def test_a_panel_that_is_too_small_for_its_groups_is_told_once_for_all(tmp_path: Path) -> None:
    changes = "gates:\n  forgetting: {panel: {en: 126}}\n"
    (one,) = found(tmp_path, changes)
    # Nine skills, fifteen of each at least: 135.
    assert "skill/en/belonging" not in one
    assert "(and 8 more): only 14 cases measure" in one
    assert one.startswith("mine.yaml:4: gates.forgetting.skills.single: ")
    assert found(tmp_path, changes.replace("126", "135")) == []


def test_a_gate_that_only_shows_needs_no_panel_that_passes(tmp_path: Path) -> None:
    tiny = "gates:\n  forgetting: {panel: {en: 9}, text: {panel: {en: 1}}"
    assert len(found(tmp_path, f"{tiny}}}\n")) == 3
    assert found(tmp_path, f"{tiny}, tier: advisory}}\n") == []


def test_a_limit_of_nothing_can_never_be_kept(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "gates:\n  pronoun_resolution: {failure_rate: {limit: 0}}\n")
    assert "beyond limit=0; raise the limit" in one
    assert one.startswith("mine.yaml:4: ")


def test_what_a_run_does_not_ask_for_cannot_be_counted(tmp_path: Path) -> None:
    rule = "gates:\n  template_round_trip: {minimum_conversations: 90000, minimum_properties: 11}\n"
    (properties, conversations) = sorted(found(tmp_path, rule), reverse=True)
    assert "only 10 properties of the chat template were seen" in properties
    assert "the policy asks for 90000" in conversations


def test_a_looser_limit_is_told_with_both_values(tmp_path: Path) -> None:
    rule = "gates:\n  example_leakage:\n    swap: {limit: %s, proof: %s}\n"
    assert found(tmp_path, rule % ("0.05", "bound")) == []
    assert found(tmp_path, rule % ("0.06", "bound")) == [
        "mine.yaml:5: gates.example_leakage.swap.limit=0.06 is looser than default's 0.05: accepts "
        "more"
    ]
    (proof,) = found(tmp_path, rule % ("0.05", "value"))
    assert "swap.proof=value is looser than default's bound" in proof


def test_a_set_that_does_not_exist_is_named_with_the_nearest(tmp_path: Path) -> None:
    sets = "goldens: {sets: {everyday: blocking, nanno: advisory}}"
    (gone, unnamed) = found(
        tmp_path, f"gates:\n  example_leakage: {{{sets}}}\n  pronoun_resolution: {{{sets}}}\n"
    )
    assert gone.startswith("mine.yaml:5: goldens.sets names 'nanno', and no file")
    assert "did you mean 'nano'" in gone
    assert "goldens.sets does not name 'nano', a set of 52 golden cases" in unnamed


def test_a_set_with_too_few_cases_to_decide_is_told(tmp_path: Path) -> None:
    sets = "goldens: {sets: {everyday: blocking, nano: blocking}}"
    said = found(
        tmp_path, f"gates:\n  example_leakage: {{{sets}}}\n  pronoun_resolution: {{{sets}}}\n"
    )
    assert ["goldens/nano: only 26 cases" in one for one in said] == [True, True]


def test_a_language_that_no_panel_asks_for_is_told_once(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "languages: [en, zh]\n")
    assert one == (
        "mine.yaml:3: languages names zh, and no panel asks for it; add zh to the panels, or write "
        "languages: [en]"
    )


def test_a_blocking_gate_without_a_panel_of_a_language_is_told(tmp_path: Path) -> None:
    rest = "languages: [en, zh]\ngates:\n  example_leakage: {panel: {en: 450, zh: 450}%s}\n"
    said = found(tmp_path, rest % "")
    paths = ["pronoun_resolution.panel", "forgetting.panel", "forgetting.text.panel"]
    assert [one.partition("gates.")[2].split()[0] for one in said] == paths
    assert "forgetting blocks, and passes candidates unseen in it; add zh" in said[-1]
    quiet = rest % "" + "  forgetting: {tier: advisory}\n"
    assert len(found(tmp_path, quiet)) == 1
