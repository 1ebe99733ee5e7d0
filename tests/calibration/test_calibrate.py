"""A whole calibration on nano: what it proposes, and when it proposes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.calibration import CalibrateRequest, Calibration, calibrate
from evalsuite.calibration.probes import abilities, askable, drawable, foreign
from evalsuite.cases import Language
from evalsuite.cli import main
from evalsuite.errors import InvalidInput
from evalsuite.gates import Observation, load_policy, parse_policy
from evalsuite.pipeline import GateRequest, observe
from evalsuite.report import calibration_text, render_calibration
from evalsuite.scenarios import sample_skills


@pytest.fixture(scope="module")
def asked(
    good: Path, small_policy: Path, few_cases: Path, tmp_path_factory: pytest.TempPathFactory
) -> CalibrateRequest:
    folder = tmp_path_factory.mktemp("calibration")
    gate = GateRequest(
        adapter=good,
        policy=str(small_policy),
        cases=few_cases,
        cache=folder / "cache.sqlite3",
        dtype="float32",
    )
    return CalibrateRequest(gate=gate, out=folder / "out", minutes=0.2, items=6)


@pytest.fixture(scope="module")
def found(asked: CalibrateRequest) -> Calibration:
    return calibrate(asked)


@pytest.mark.slow
def test_a_good_reference_gives_a_policy_that_extends_the_one_it_started_from(
    found: Calibration, asked: CalibrateRequest, small_policy: Path, tmp_path: Path
) -> None:
    assert found.problems == ()
    (tmp_path / "small.yaml").write_text(small_policy.read_text("utf-8"), "utf-8")
    # It names the policy by its way from where the file will lie.
    said = found.policy.splitlines()
    assert said[0].startswith("extends: ")
    assert said[0].endswith('small.yaml"')
    text = "\n".join(["extends: small.yaml", *said[1:]])
    (tmp_path / "policy.yaml").write_text(text, "utf-8")
    proposed, started = load_policy(tmp_path / "policy.yaml"), load_policy(small_policy)
    assert proposed.name == "small-calibrated"
    assert proposed.confidence == started.confidence
    assert proposed.gates.pronoun_resolution.panel != started.gates.pronoun_resolution.panel
    assert set(proposed.gates.forgetting.skills.seeded) <= {a.skill for a in found.abilities}
    # Every value has its reason in the line above it.
    assert found.policy.count("# ") >= 4


@pytest.mark.slow
def test_every_proposal_says_what_it_can_do(found: Calibration) -> None:
    names = {proposal.measure.name for proposal in found.proposals}
    assert {"example_leakage.literal", "pronoun_resolution.failure_rate"} <= names
    assert {"forgetting.text.en", "forgetting.text.zh", "forgetting.skills.en"} <= names
    for proposal in found.proposals:
        assert proposal.limit is not None
        assert proposal.passes >= 0.9
        assert proposal.panel >= 1
    assert found.noise
    assert found.noise[0].variation == "asked again"
    # The same weights in the same number format answer the same.
    assert found.noise[0].changed == 0
    assert set(found.minutes) == {"example_leakage", "pronoun_resolution", "forgetting"}
    seen = {sight.mutant: sight for sight in found.sights}
    assert seen["paste-entity"].effect > 0.5
    assert seen["swap-antecedent"].gate == "pronoun_resolution"


@pytest.mark.slow
def test_the_page_and_the_text_say_the_same_figures(found: Calibration) -> None:
    data = json.loads(json.dumps(found.to_json()))
    page, text = render_calibration(data), calibration_text(data)
    for proposal in found.proposals:
        assert proposal.measure.name in page
        assert proposal.measure.name in text
    assert "What is seen" in page
    assert "script src" not in page


@pytest.mark.slow
def test_a_reference_that_forgets_sets_no_limits(
    asked: CalibrateRequest, reckless: Path, small_policy: Path, tmp_path: Path
) -> None:
    strict = small_policy.read_text("utf-8").replace("name: small", "name: strict")
    policy = tmp_path / "strict.yaml"
    policy.write_text(strict, "utf-8")
    read = parse_policy(strict)
    assert read.gates.forgetting.text.limit < 10
    text = strict.replace(f"limit: {read.gates.forgetting.text.limit}", "limit: 0.001")
    policy.write_text(text, "utf-8")
    bad = calibrate(replace(asked, gate=replace(asked.gate, adapter=reckless, policy=str(policy))))
    assert bad.policy == ""
    assert any("forgetting.text" in problem for problem in bad.problems), bad.problems
    assert "Nothing is proposed" in calibration_text(json.loads(json.dumps(bad.to_json())))


def test_the_command_writes_what_it_found_and_says_so_by_its_status(
    asked: CalibrateRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    gate = asked.gate
    options = ["--adapter", str(gate.adapter), "--policy", str(gate.policy), "--cases",
               str(gate.cases), "--cache", str(gate.cache), "--dtype", "float32"]  # fmt: skip
    assert main(["calibrate", *options, "--minutes", "0", "--out", str(out)]) == 3
    assert "minutes=0.0 must be more than 0" in capsys.readouterr().err
    (out / "mine.txt").write_text("mine", "utf-8")
    assert main(["calibrate", *options, "--out", str(out)]) == 3
    assert "holds something else" in capsys.readouterr().err
    assert (out / "mine.txt").read_text("utf-8") == "mine"


def test_minutes_that_are_none_are_refused(asked: CalibrateRequest) -> None:
    with pytest.raises(InvalidInput, match="minutes=0"):
        calibrate(replace(asked, minutes=0))


def test_a_skill_is_had_when_its_lower_bound_lies_above_the_floor() -> None:
    def answers(right: int, n: int, kind: str = "copy") -> list[Observation]:
        return [
            Observation(
                case_id=str(i),
                cluster=str(i),
                language="en",
                kind=kind,
                candidate=0.0,
                baseline=float(i >= right),
            )
            for i in range(n)
        ]

    (sure,) = abilities(answers(17, 20), 0.5)
    assert sure.has
    assert sure.right == 17
    (doubtful,) = abilities(answers(12, 20), 0.5)
    assert not doubtful.has
    assert 0.4 < doubtful.lower < 0.5
    # A suite is no seeded skill, which is all that a policy can name.
    assert abilities(answers(20, 20, "my-suite"), 0.5) == ()


def test_skills_without_questions_enough_are_not_asked() -> None:
    assert "sequence" not in askable((Language.EN,), 60)
    assert "capital" in askable((Language.EN,), 20)
    assert "copy" in askable(tuple(Language), 60)


def test_answers_in_another_script_are_counted(asked: CalibrateRequest) -> None:
    seen = observe(asked.gate)
    assert foreign(seen, Language.EN) < 0.2
    english = [replace(a, output=replace(a.output, text="an answer")) for a in seen.answered]
    assert foreign(replace(seen, answered=tuple(english)), Language.ZH) == 1.0
    assert foreign(replace(seen, answered=tuple(english)), Language.EN) == 0.0


def test_a_panel_of_skills_is_no_larger_than_there_are_questions() -> None:
    skills = ("capital-choice", "language-choice")
    n = drawable(Language.EN, skills, 400)
    assert 2 < n < 400
    assert n % 2 == 0
    items = sample_skills(0, n, languages=(Language.EN,), skills=skills)
    assert len(items) == n
    with pytest.raises(InvalidInput, match="has no more than"):
        sample_skills(0, n + 2, languages=(Language.EN,), skills=skills)
    assert drawable(Language.EN, skills, 30) == 30


@pytest.mark.slow
def test_what_the_cache_knows_makes_no_minutes_shorter(
    found: Calibration, asked: CalibrateRequest
) -> None:
    again = calibrate(asked)
    for gate, minutes in found.minutes.items():
        assert again.minutes[gate] > minutes / 5
