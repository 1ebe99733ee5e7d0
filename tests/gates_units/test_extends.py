"""Policies that extend another one and hold only what differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from yaml import safe_dump, safe_load

from evalsuite.cases import Language
from evalsuite.errors import InvalidPolicy
from evalsuite.gates import load_policy, parse_policy, policy_schema

MINE = """name: mine
extends: default
languages: [en]
gates:
  example_leakage:
    panel: {en: 300}
  pronoun_resolution:
    panel: {en: 300}
    failure_rate: {limit: 0.05}
    slices:
      - {by: kind, limit: 0.2, proof: value, minimum: 20}
  forgetting:
    panel: {en: 300}
    text: {panel: {en: 100}}
"""


def written(tmp_path: Path, text: str, name: str = "mine.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    mine, default = load_policy(written(tmp_path, MINE)), load_policy("default")
    assert (mine.name, mine.languages) == ("mine", (Language.EN,))
    rule, theirs = mine.gates.pronoun_resolution, default.gates.pronoun_resolution
    assert rule.failure_rate.limit == 0.05
    # A panel is one value, and so is a list; what is not named stays.
    assert rule.panel == {Language.EN: 300}
    assert len(rule.slices) == 1
    assert rule.non_inferiority == theirs.non_inferiority
    assert rule.goldens == theirs.goldens
    assert mine.gates.forgetting.text.limit == default.gates.forgetting.text.limit
    assert mine.looks == default.looks


def test_the_digest_is_that_of_the_policy_written_out(tmp_path: Path) -> None:
    mine = load_policy(written(tmp_path, MINE))
    whole = written(tmp_path, safe_dump(mine.resolved), "whole.yaml")
    assert load_policy(whole).digest == mine.digest
    default = load_policy("default")
    renamed = default.model_copy(update={"name": "twin", "description": default.description})
    assert parse_policy("name: twin\nextends: default").digest == renamed.digest


def test_a_policy_may_extend_one_that_extends_another(tmp_path: Path) -> None:
    written(tmp_path, MINE)
    child = written(tmp_path, "name: child\nextends: mine.yaml\nconfidence: 0.9\n", "child.yaml")
    policy = load_policy(child)
    assert (policy.confidence, policy.gates.pronoun_resolution.failure_rate.limit) == (0.9, 0.05)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\nextends: defualt\n", r"mine\.yaml:2: extends='defualt' is neither .*default"),
        ("extends: default\n", r"mine\.yaml:1: extends='default': give the policy a name"),
        ("name: x\nextends: [default]\n", r"mine\.yaml:2: extends=\['default'\] is neither"),
        ("name: x\nextends: mine.yaml\n", r"mine\.yaml:2: .* leads back to this file"),
        ("name: x\nextends: other.yaml\n", r"other\.yaml:2: .* leads back to this file"),
        ("name: x\nextends: default\nconfidence: 2\n", r"mine\.yaml:3: "),
        (
            "name: x\nextends: default\ngates:\n  forgetting:\n    text: {limt: 0.1}\n",
            r"mine\.yaml:5: .*limt",
        ),
        ("name: x\nextends: default\nlanguages: [en]\n", "names zh"),
        ("name: x\nextends: broken.yaml\n", r"broken\.yaml:1: "),
    ],
)
def test_what_is_wrong_is_told_with_its_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    written(tmp_path, "name: other\nextends: mine.yaml\n", "other.yaml")
    written(tmp_path, "name: broken\n", "broken.yaml")
    with pytest.raises(InvalidPolicy, match=says):
        load_policy(written(tmp_path, text))


def test_an_editor_accepts_what_extends_and_still_knows_every_key() -> None:
    judge = Draft202012Validator(policy_schema())
    assert list(judge.iter_errors(safe_load(MINE))) == []
    for wrong in (
        MINE.replace("failure_rate", "failure_rat"),
        MINE.replace("limit: 0.05", "limit: 5"),
        MINE.replace("name: mine\n", ""),
        MINE.replace("extends: default\n", ""),
    ):
        assert list(judge.iter_errors(safe_load(wrong))) != []


@pytest.mark.parametrize("name", ["default", "first"])
def test_a_policy_that_extends_another_goes_by_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    (tmp_path / "first.yaml").write_text("extends: default\nname: first\n", "utf-8")
    second = tmp_path / "second.yaml"
    second.write_text(f"extends: first.yaml\nname: {name}\n", "utf-8")
    with pytest.raises(InvalidPolicy, match=rf"second.yaml:2: name='{name}' is that of a policy"):
        load_policy(str(second))
