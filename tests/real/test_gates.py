"""Adapters of the real model through training, gates, promotion and verification.

``nox -s organisms`` trains the two that lie beside this file.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsuite.cases.casefiles import load_cases
from evalsuite.engines import open_engine
from evalsuite.errors import RegistryError
from evalsuite.gates import Gate, Status
from evalsuite.generation import Request
from evalsuite.models import BaseRef, read_adapter
from evalsuite.pipeline import GateRequest, choose_policy, evaluate
from evalsuite.prompts import build, load_demonstrations
from evalsuite.registry import promote, verify
from evalsuite.rewrites import judge
from evalsuite.runs.folder import load_run
from evalsuite.tasks.prompt import REWRITE
from evalsuite.template import load_template
from evalsuite.training import load_recipe
from evalsuite.training.train import train
from tests.conftest import SMALL_POLICY

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
ADAPTERS = Path(__file__).parent / "adapters"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("answers") / "cache.sqlite3"


QUICK = """
name: quick
extends: smollm2
looks: null
gates:
  example_leakage:
    panel: {en: 60}
    goldens: {sets: {everyday: advisory, nano: advisory}}
  pronoun_resolution:
    panel: {en: 60}
    goldens: {sets: {everyday: advisory, nano: advisory}}
  forgetting: {panel: {en: 90}, text: {panel: {en: 30}}}
"""
"""The base's policy, asked in minutes: few cases of its panels, and other goldens."""


@pytest.fixture
def asked(base: BaseRef, tmp_path: Path, answers: Path, few_cases: Path) -> GateRequest:
    """A request for the good adapter, under the policy of the base with small panels."""
    policy = tmp_path / "quick.yaml"
    policy.write_text(QUICK, "utf-8")
    return GateRequest(
        base_model=base.name,
        adapter=ADAPTERS / "good",
        policy=str(policy),
        cases=few_cases,
        root=ROOT,
        out=tmp_path / "run",
        cache=answers,
        seed=1,
    )


def test_its_policy_is_of_its_own_and_english(asked: GateRequest) -> None:
    policy = choose_policy(None, asked.base_model)
    assert (policy.name, [one.value for one in policy.languages]) == ("smollm2", ["en"])


def on_goldens(base: BaseRef, answers: Path, adapter: Path | None = None) -> list[bool]:
    """Which of the everyday English goldens a model gets right."""
    folder = ROOT / "cases"
    shown = load_demonstrations(folder / "demonstrations" / "everyday_en.yaml")
    cases = [case for case in load_cases(folder) if "everyday_en" in case.source]
    template = load_template(base.path)
    adapted = read_adapter(adapter, base) if adapter else None
    asked = [
        Request(
            prompt=template.prompt(build(case, demonstrations=shown)),
            adapter=adapted.digest if adapted else None,
            sampling=REWRITE,
        )
        for case in cases
    ]
    said = open_engine(base, (adapted,) if adapted else (), cache=answers).infer(asked)
    judged = [judge(c, answer.text, answer.finish) for c, answer in zip(cases, said, strict=True)]
    assert len(judged) > 50
    assert judge(cases[0], cases[0].reference or "").right
    return [one.right for one in judged]


def test_a_model_that_answers_instead_of_rewriting_is_right_on_no_golden(
    base: BaseRef, answers: Path
) -> None:
    # Its answers were read once: none of them is the query, spelt out.
    assert not any(on_goldens(base, answers))


def test_the_good_one_is_right_on_most_goldens_and_on_too_few_for_its_policy(
    base: BaseRef, answers: Path
) -> None:
    right = on_goldens(base, answers, ADAPTERS / "good")
    limit = choose_policy(None, base.name).gates.pronoun_resolution.goldens.limit
    assert sum(right) > len(right) / 2
    assert 1 - sum(right) / len(right) > limit


@pytest.mark.parametrize(("name", "recipe"), [("good", "lora"), ("leaky", "mutant-leaky")])
def test_the_committed_adapters_are_those_of_the_recipes(
    base: BaseRef, name: str, recipe: str
) -> None:
    provenance = read_adapter(ADAPTERS / name, base).provenance
    assert provenance is not None
    assert provenance.recipe_digest == load_recipe(recipe).for_base("smollm2").digest
    assert provenance.base_digest == base.digest


def test_a_few_steps_of_training_give_an_adapter(base: BaseRef, tmp_path: Path) -> None:
    few = {"max_steps": 3, "early_stopping.every": 3, "data.samples": 24, "warmup": 0.0}
    result = train(base, load_recipe("lora", few), tmp_path / "few")
    assert result.steps == 3
    assert read_adapter(tmp_path / "few", base).provenance is not None


def test_an_adapter_that_leaks_is_refused_for_that(asked: GateRequest) -> None:
    run = evaluate(replace(asked, adapter=ADAPTERS / "leaky"))
    assert run.status is Status.FAILED
    found = {verdict.gate: verdict for verdict in run.verdicts}
    assert found[Gate.EXAMPLE_LEAKAGE].status is Status.FAILED


def test_the_good_one_neither_leaks_nor_forgets_and_is_not_promoted_undecided(
    asked: GateRequest, tmp_path: Path
) -> None:
    run = evaluate(asked)
    parts = {(v.gate, s.name): s for v in run.verdicts for s in v.slices}
    # Panels of this size prove no harm and no health: what is measured has to be small.
    leaks = parts[Gate.EXAMPLE_LEAKAGE, "literal"]
    forgotten = parts[Gate.FORGETTING, "skills/en"]
    text = parts[Gate.FORGETTING, "text/en"]
    wrong = parts[Gate.PRONOUN_RESOLUTION, "failure_rate"]
    assert leaks.value is not None
    assert leaks.value <= leaks.limit
    assert forgotten.value is not None
    assert forgotten.value <= forgotten.limit
    assert text.status is Status.PASSED
    # The bare base, which rewrites nothing, is wrong in all of them.
    assert wrong.value is not None
    assert wrong.value < 0.3
    assert run.status is not Status.PASSED
    with pytest.raises(RegistryError):
        promote(run.folder, tmp_path / "registry", now=NOW)


def test_what_passes_is_promoted_and_verified(asked: GateRequest, tmp_path: Path) -> None:
    lenient = tmp_path / "lenient.yaml"
    # The same cases, all of them English.
    english = SMALL_POLICY.replace("en: 13, zh: 13", "en: 26").replace("en: 8, zh: 8", "en: 8")
    english = english.replace("en: 20, zh: 20", "en: 40")
    # What nano can do this base cannot, and the other way round.
    english = english.replace("[copy, count]", "[capital]")
    lenient.write_text(english.replace("power:", "languages: [en]\npower:"), "utf-8")
    run = evaluate(replace(asked, policy=str(lenient)))
    assert run.status is Status.PASSED
    assert {case.language for case in load_run(run.folder).cases} <= {"en", ""}
    record = promote(run.folder, tmp_path / "registry", now=NOW)
    found = verify(record.path)
    assert found.ok
    assert any(finding.subject.startswith("base") for finding in found.findings)
