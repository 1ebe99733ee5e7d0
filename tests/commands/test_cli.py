from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.cli import main, parser


def commands(top: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    found = []
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                inner = commands(sub)
                found += [(f"{name} {n}", p) for n, p in inner] or [(name, sub)]
    return found


@pytest.mark.parametrize("name", [name for name, _ in commands(parser())])
def test_every_command_has_help_with_an_example(name: str) -> None:
    sub = dict(commands(parser()))[name]
    assert f"example:\n  evalsuite {name}" in sub.format_help()


def test_every_example_can_be_parsed() -> None:
    for _, sub in commands(parser()):
        example, _, ends = (sub.epilog or "").partition("evalsuite ")[2].partition("\n\n")
        assert parser().parse_args(example.split()).run
        assert ends.startswith("exit status: 0 ")


def test_a_wrong_option_could_not_run_rather_than_being_inconclusive(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["gate"])
    assert exit_.value.code == 3
    assert "--adapter" in capsys.readouterr().err


def test_a_missing_adapter_is_one_sentence_and_status_3(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, few_cases: Path
) -> None:
    status = main(
        ["gate", "--adapter", str(tmp_path / "none"), "--out", str(tmp_path / "run"),
         "--cases", str(few_cases)]
    )  # fmt: skip
    told = capsys.readouterr()
    assert status == 3
    assert told.out == ""
    assert "none" in told.err
    assert "Traceback" not in told.err


def test_train_lists_its_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in ("lora", "dora", "qlora", "qdora", "mutant-leaky"))


def test_an_override_without_a_value_says_how_to_write_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "--set", "learning_rate"]) == 3
    assert "KEY=VALUE" in capsys.readouterr().err


def test_the_embedded_models_template_holds_every_property(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["template", "check", "nano"]) == 0
    told = capsys.readouterr().out
    assert "R1 prefix" in told
    assert "violated" not in told


def test_tab_separated_rewrites_become_cases(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, out = tmp_path / "rewrites.tsv", tmp_path / "cases" / "mine.yaml"
    source.write_text("你听过岚洛吗\t听过\t它多大\t岚洛多大\n", "utf-8")
    assert main(["import", "tsv", str(source), "--out", str(out)]) == 0
    assert main(["cases", "lint", str(out)]) == 0
    assert "1 cases, nothing wrong" in capsys.readouterr().out


def test_lint_names_the_line_and_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("cases:\n  - id: a\n    langauge: en\n", "utf-8")
    assert main(["cases", "lint", str(file)]) == 1
    assert "bad.yaml:3" in capsys.readouterr().out


def test_a_plan_is_told_and_nothing_is_asked_or_counted(
    capsys: pytest.CaptureFixture[str],
    candidate: Path,
    small_policy: Path,
    few_cases: Path,
    tmp_path: Path,
) -> None:
    asked = [
        "gate", "--plan", "--adapter", str(candidate), "--policy", str(small_policy),
        "--cases", str(few_cases), "--out", str(tmp_path / "run"), "--seed", "11",
        "--cache", str(tmp_path / "cache.sqlite3"), "--registry", str(tmp_path / "registry"),
    ]  # fmt: skip
    assert main(asked) == 0
    told = capsys.readouterr().out
    rows = [line.split() for line in told.splitlines() if line.startswith(("candidate", "base"))]
    assert {(row[0], row[1]) for row in rows} >= {
        (side, part) for side in ("candidate", "baseline") for part in ("panel", "nano", "texts")
    }
    prompts = sum(int(row[2].replace(",", "")) for row in rows)
    assert f"{prompts:,} prompts of " in told
    assert list(tmp_path.iterdir()) == []
    assert main([*asked, "--policy", str(tmp_path / "none.yaml")]) == 3


def test_gate_report_promote_and_verify_work_on_one_run(
    capsys: pytest.CaptureFixture[str],
    candidate: Path,
    small_policy: Path,
    few_cases: Path,
    tmp_path: Path,
) -> None:
    run, registry = tmp_path / "run", tmp_path / "registry"
    status = main(
        ["gate", "--adapter", str(candidate), "--policy", str(small_policy), "--cases",
         str(few_cases), "--out", str(run), "--seed", "11", "--cache",
         str(candidate.parent / "outputs.sqlite3"), "--registry", str(registry)]
    )  # fmt: skip
    assert status == 0, capsys.readouterr()
    assert main(["report", str(run), "--junit"]) == 0
    assert (run / "junit.xml").is_file()
    assert main(["promote", str(run), "--registry", str(registry)]) == 0
    (record,) = (registry / "records").glob("*.json")
    assert main(["verify", str(record)]) == 0
    shutil.rmtree(run)
    assert main(["verify", str(record)]) == 0
    (copied,) = (registry / "runs").glob("*/verdicts.json")
    verdicts = json.loads(copied.read_text("utf-8"))
    verdicts["status"] = "failed"
    copied.chmod(0o644)
    copied.write_text(json.dumps(verdicts), "utf-8")
    assert main(["verify", str(record)]) == 1
    assert "verdicts.json" in capsys.readouterr().out


def test_a_bug_could_not_run_rather_than_having_failed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("evalsuite.cases.casefiles.lint", broken)
    assert main(["cases", "lint"]) == 3
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_default_cache_is_made_where_the_user_keeps_caches(
    candidate: Path,
    small_policy: Path,
    few_cases: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none" / "yet"))
    status = main(
        ["gate", "--adapter", str(candidate), "--policy", str(small_policy), "--cases",
         str(few_cases), "--out", str(tmp_path / "run"), "--seed", "11", "--registry",
         str(tmp_path / "registry")]
    )  # fmt: skip
    assert status == 0
    assert (tmp_path / "none" / "yet" / "evalsuite" / "outputs.sqlite3").is_file()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--policy", "defalt", "neither a file nor a shipped policy"),
        ("--cases", "README.md", "is a file; name the folder"),
        ("--cases", "no-such-folder", "does not exist"),
        ("--prompt-format", "xlm", "xml"),
    ],
)
def test_quickstart_refuses_a_wrong_option_before_it_trains(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, value: str, words: str
) -> None:
    adapter = tmp_path / "adapter"
    assert main(["quickstart", "--adapter", str(adapter), option, value]) == 3
    assert words in capsys.readouterr().err
    assert not adapter.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a device of Linux")
def test_a_result_that_cannot_be_written_is_an_error_and_no_bug() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "evalsuite.cli", "train", "--list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "cannot write standard output: No space left on device" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_changes_no_verdict_into_another() -> None:
    python = shlex.quote(sys.executable)
    command = f"{python} -m evalsuite.cli train --list | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.strip() in {"0", "141"}
    assert done.stderr == ""


@pytest.mark.parametrize("option", ["--adapter", "--candidate", "--adapters"])
def test_a_candidate_that_is_named_twice_is_not_left_out(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["gate", option, "a", option, "b", "--out", str(tmp_path / "run")])
    assert ended.value.code == 3
    assert f"argument {option}: is given twice" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
