"""policy show, check and diff as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalsuite.cli import main
from evalsuite.gates import load_policy, parse_policy

MINE = """name: mine
extends: smollm2
gates:
  example_leakage:
    swap: {limit: 0.06}
  pronoun_resolution:
    failure_rate: {limit: 0.05}
"""


@pytest.fixture(name="mine")
def fixture_mine(tmp_path: Path) -> str:
    """A policy that is looser in one thing and stricter in another."""
    return written(tmp_path, MINE)


def written(folder: Path, text: str, name: str = "mine.yaml") -> str:
    (folder / name).write_text(text, "utf-8")
    return str(folder / name)


def test_what_show_prints_is_a_policy_with_the_same_digest(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "show", mine]) == 0
    text = capsys.readouterr().out
    assert parse_policy(text).digest == load_policy(mine).digest
    assert "limit: 0.06                               # mine.yaml:5\n" in text


def test_show_as_json_says_the_policy_and_where_it_is_from(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "show", mine, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["policy"] == load_policy(mine).resolved
    assert said["digest"] == load_policy(mine).digest
    assert [file["policy"] for file in said["files"]] == ["mine", "smollm2"]
    assert said["origins"]["gates.example_leakage.swap.limit"] == {
        "policy": "mine",
        "file": mine,
        "line": 5,
    }


def test_check_tells_who_a_policy_is_and_what_each_gate_asks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["policy", "check", "--strict", "smollm2"]) == 0
    digest = load_policy("smollm2").digest[:12]
    assert capsys.readouterr().out.splitlines() == [
        f"smollm2: smollm2, digest {digest}",
        "  liveness             blocking",
        "  template_round_trip  blocking",
        "  example_leakage      blocking  en 450",
        "  pronoun_resolution   blocking  en 450",
        "  forgetting           blocking  en 270; texts en 200",
        "  regression           advisory",
    ]


def test_warnings_fail_only_where_somebody_asks_for_it(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "check", mine]) == 0
    assert main(["policy", "check", mine, "--strict"]) == 1
    warning = f"warning: {mine}:5: gates.example_leakage.swap.limit=0.06 is looser than default's"
    assert capsys.readouterr().out.count(warning) == 2


def test_an_error_of_one_file_does_not_hide_another(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = written(tmp_path, MINE.replace("swap", "swapp").replace("0.05", '"0.05"'), "wrong.yaml")
    skill = "gates: {forgetting: {skills: {seeded: [capitol]}}}\n"
    undrawn = written(tmp_path, f"name: undrawn\nextends: smollm2\n{skill}", "undrawn.yaml")
    twice = written(tmp_path, MINE + "name: again\n", "twice.yaml")
    status = main(["policy", "check", "--strict", wrong, str(tmp_path), undrawn, twice, mine])
    said = capsys.readouterr()
    assert status == 3
    assert f"{wrong}:5: unknown key 'gates.example_leakage.swapp'; did you mean 'swap'" in said.err
    assert f'{wrong}:7: gates.pronoun_resolution.failure_rate.limit="0.05"' in said.err
    assert "is a folder; name a policy file in it" in said.err
    assert f"{undrawn}: policy 'undrawn': gates.forgetting.skills.seeded='capitol'" in said.err
    assert f"{twice}:8: key 'name' stands twice" in said.err
    assert f"{mine}: mine, digest" in said.out


def test_cases_of_ones_own_are_what_sets_are_looked_for_in(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    assert main(["policy", "check", mine, "--cases", str(tmp_path / "none")]) == 3
    folder = tmp_path / "cases"
    folder.mkdir()
    case = "  - {id: a, language: en, kind: standalone, query: Hi?, expect: {unchanged: true}}\n"
    (folder / "ours_en.yaml").write_text(f"cases:\n{case}", "utf-8")
    capsys.readouterr()
    main(["policy", "check", mine, "--cases", str(folder)])
    told = capsys.readouterr()
    assert "names 'everyday', and no file of golden cases is of that set" in told.out
    assert "does not name 'ours', a set of 1 golden cases" in told.out


def test_the_status_of_a_diff_says_whether_anything_is_looser(mine: str, tmp_path: Path) -> None:
    stricter = written(
        tmp_path, "name: strict\nextends: smollm2\nconfidence: 0.99\n", "strict.yaml"
    )
    same = written(tmp_path, "name: same\nextends: smollm2\n", "same.yaml")
    assert main(["policy", "diff", "smollm2", mine]) == 1
    assert main(["policy", "diff", "smollm2", stricter]) == 2
    assert main(["policy", "diff", stricter, "smollm2"]) == 1
    assert main(["policy", "diff", "smollm2", same]) == 0
    assert main(["policy", "diff", "smollm2", "none"]) == 3


def test_a_diff_fits_a_terminal_and_says_values_and_reason(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["policy", "diff", "smollm2", mine])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [
        "B against A: 1 looser, 1 stricter.",
        "",
        "looser (1)",
        "  gates.example_leakage.swap.limit",
        "    0.05 -> 0.06: accepts more",
        "",
        "stricter (1)",
        "  gates.pronoun_resolution.failure_rate.limit",
        "    0.1 -> 0.05: accepts less",
    ]
    main(["policy", "diff", "nano", "smollm2"])
    assert max(map(len, capsys.readouterr().out.splitlines())) < 80


def test_a_diff_as_json_and_as_markdown(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "diff", "smollm2", mine, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert [one["change"] for one in said["differences"]] == ["looser", "stricter"]
    assert said["b"] == {"name": "mine", "digest": load_policy(mine).digest}
    main(["policy", "diff", "smollm2", mine, "--markdown"])
    page = capsys.readouterr().out
    assert page.startswith("# ⚠ Looser: policy mine against smollm2\n")
    assert "| gates.example\\_leakage.swap.limit | 0.05 | 0.06 | accepts more |" in page


def test_a_path_in_a_policy_is_no_markup_in_a_comment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = 'gates: {forgetting: {skills: {suites: ["a|b <img src=x> @everyone.yaml"]}}}\n'
    other = written(tmp_path, f"name: other\nextends: smollm2\n{rule}", "other.yaml")
    main(["policy", "diff", "smollm2", other, "--markdown"])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "suites" in line]
    assert "<img" not in row
    assert "@everyone" not in row
    assert row.replace("\\|", "").count("|") == 5


def test_what_is_wrong_with_either_side_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "diff", "nanno", "smolm2"]) == 3
    said = capsys.readouterr().err
    assert "did you mean 'nano'" in said
    assert "did you mean 'smollm2'" in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ("gates: []", "mine.yaml:3: gates=[]: input should be a mapping"),
        ("gates: {liveness: 5}", "mine.yaml:3: gates.liveness=5: input should be a mapping"),
        ("gates: {forgetting: {panel: [1]}}", "gates.forgetting.panel=[1]: input should be a map"),
        ("confidence: yes", "mine.yaml:3: confidence=true: input should be a valid number"),
        ("gates: {forgetting: {panel: {en: 1, en: 2}}}", "mine.yaml:3: key 'en' stands twice"),
        ("extends: nano", "mine.yaml:3: key 'extends' stands twice"),
        ("languages: en", 'mine.yaml:3: languages="en": input should be a valid list'),
    ],
)
def test_a_wrong_type_is_told_with_file_line_and_value(
    changes: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, f"name: mine\nextends: default\n{changes}\n")
    for action in (["show", path], ["check", path], ["diff", "default", path]):
        assert main(["policy", *action]) == 3
        assert says in capsys.readouterr().err
