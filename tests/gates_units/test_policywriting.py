"""A policy written out: it reads back as itself, and each value says who wrote it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given

from evalsuite.errors import InvalidPolicy
from evalsuite.gates import (
    Policy,
    ResolvedPolicy,
    load_policy,
    parse_policy,
    policy_names,
    policy_yaml,
    resolve_policy,
)
from evalsuite.gates.policywriting import origins_of
from tests.gates_units.drawn_policies import policies

TEAM = """name: team
extends: default
confidence: 0.9
looks: null
gates:
  forgetting:
    skills:
      suites:
        - ours.yaml
"""
MINE = """# ours
name: mine
extends: team.yaml
languages: [en]
gates:
  example_leakage: {panel: {en: 600}}
  pronoun_resolution:
    panel:
      en: 1600
    slices:
      - by: kind
        limit: 0.2
  forgetting:
    panel: {en: 900}
    text: {panel: {en: 200}, limit: 0.04}
"""


def bare(policy: Policy) -> ResolvedPolicy:
    """A policy that no file says."""
    from evalsuite.gates import PolicyFile

    return ResolvedPolicy(policy=policy, files=(PolicyFile(policy.name, "drawn"),), written={})


@pytest.fixture(name="mine")
def fixture_mine(tmp_path: Path) -> ResolvedPolicy:
    """Two files, the second of which extends the first, which extends what is shipped."""
    (tmp_path / "team.yaml").write_text(TEAM, "utf-8")
    (tmp_path / "mine.yaml").write_text(MINE, "utf-8")
    return resolve_policy(tmp_path / "mine.yaml")


@pytest.mark.parametrize("name", policy_names())
@pytest.mark.parametrize("origins", [True, False])
def test_a_shipped_policy_written_out_reads_back_as_itself(name: str, origins: bool) -> None:
    resolved = resolve_policy(name)
    again = parse_policy(policy_yaml(resolved, origins=origins))
    assert (again, again.digest) == (resolved.policy, resolved.policy.digest)


@given(policies())
def test_any_policy_written_out_reads_back_as_itself(policy: Policy) -> None:
    for origins in (True, False):
        again = parse_policy(policy_yaml(bare(policy), origins=origins))
        assert (again, again.digest) == (policy, policy.digest)


def test_what_is_written_extends_nothing_and_says_every_key(mine: ResolvedPolicy) -> None:
    text = policy_yaml(mine, origins=False)
    assert "extends" not in text
    assert "#" not in text
    assert "  enabled: true\n" in text


def lines_of(resolved: ResolvedPolicy) -> dict[str, str]:
    """What stands behind each line, by the line."""
    pairs = (line.split("  # ", 1) for line in policy_yaml(resolved).splitlines())
    return {one[0].strip(): one[1] for one in pairs if len(one) == 2}


def test_each_value_says_which_line_of_which_file_wrote_it(mine: ResolvedPolicy) -> None:
    said = lines_of(mine)
    default = (Path(resolve_policy("default").own.path)).read_text("utf-8").splitlines()
    power = default.index("power: 0.9") + 1
    assert said["name: mine"] == "mine.yaml:2"
    assert said["languages: [en]"] == "mine.yaml:4"
    assert said["panel: {en: 1600}"] == "mine.yaml:8"
    assert said["confidence: 0.9"] == "from team, team.yaml:3"
    assert said["looks: null"] == "from team, team.yaml:4"
    assert said["suites: [ours.yaml]"] == "from team, team.yaml:8"
    assert said["power: 0.9"] == f"from default, line {power}"
    assert said["floor: 0.5"] == "default value"


def test_a_list_that_replaces_another_owes_nothing_to_it(mine: ResolvedPolicy) -> None:
    slices = ("gates", "pronoun_resolution", "slices")
    found = {key: mine.origin((*slices, 0, key)) for key in ("by", "limit", "proof")}
    assert [at and (at.file.policy, at.line) for at in found.values()] == [
        ("mine", 11),
        ("mine", 12),
        None,
    ]
    # default.yaml has a second rule there; nothing of it is left.
    assert not [place for place in mine.written if place[:4] == (*slices, 1)]


def test_what_is_laid_over_keeps_the_origin_of_the_rest(mine: ResolvedPolicy) -> None:
    text = ("gates", "forgetting", "text")
    owners = {key: mine.origin((*text, key)) for key in ("panel", "limit", "harm", "files")}
    assert [at and at.file.policy for at in owners.values()] == ["mine", "mine", "default", None]
    assert mine.where((*text, "files")).endswith("mine.yaml:15")


def test_the_head_says_who_it_is_and_what_it_extends(mine: ResolvedPolicy) -> None:
    head = [line for line in policy_yaml(mine).splitlines() if line.startswith("#")]
    assert head[0] == "# policy mine"
    assert head[1] == f"# digest {mine.policy.digest}"
    assert re.fullmatch(r"# file .*mine\.yaml", head[2])
    assert re.fullmatch(r"# extends team \(.*team\.yaml\)", head[3])
    assert head[4] == "# extends default (shipped with evalsuite)"


def test_every_line_of_the_shipped_policies_fits_a_terminal_but_the_description() -> None:
    for name in policy_names():
        wide = [line for line in policy_yaml(resolve_policy(name)).splitlines() if len(line) > 80]
        assert all(line.startswith("description: ") for line in wide)


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "p.yaml").write_text(TEAM, "utf-8")
    (tmp_path / "p.yaml").write_text("name: mine\nextends: base/p.yaml\n", "utf-8")
    said = lines_of(resolve_policy(tmp_path / "p.yaml"))
    assert said["confidence: 0.9"] == f"from team, {tmp_path}/base/p.yaml:3"


def test_the_name_of_a_file_cannot_write_into_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "x\nconfidence: 0.6 #.yaml"
    path.write_text("name: mine\nextends: default\n", "utf-8")
    resolved = resolve_policy(path)
    assert parse_policy(policy_yaml(resolved)) == resolved.policy


def test_the_json_has_an_origin_for_each_value(mine: ResolvedPolicy) -> None:
    found = origins_of(mine)
    said = found["gates.example_leakage.panel"]
    assert said is not None
    assert (said["policy"], said["line"]) == ("mine", 6)
    assert found["gates.forgetting.skills.floor"] is None
    assert found["gates.pronoun_resolution.slices.0.limit"] is not None


def test_a_circle_of_files_is_told_where_it_closes(tmp_path: Path) -> None:
    for name, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nextends: {parent}.yaml\n", "utf-8")
    with pytest.raises(InvalidPolicy, match=r"c\.yaml:2: extends='a\.yaml' leads back"):
        resolve_policy(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("defualt", "policy='defualt' is neither .*; did you mean 'default'"),
        ("deep/nanoo.yaml", "is neither a file .* did you mean 'nano'"),
        (".", r"policy='\.' is a folder; name a policy file in it; use one of default"),
        ("x" * 5000, r"policy='xxx.* (is neither|cannot be read)"),
        ("a\0b", "is neither a file"),
    ],
)
def test_what_is_no_policy_is_told_with_what_would_be(name: str, says: str) -> None:
    with pytest.raises(InvalidPolicy, match=says) as caught:
        load_policy(name)
    assert len(str(caught.value)) < 400


def test_a_folder_cannot_be_extended(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nextends: folder\n", "utf-8")
    with pytest.raises(InvalidPolicy, match=r"mine\.yaml:2: extends='folder' is a folder"):
        resolve_policy(path)
