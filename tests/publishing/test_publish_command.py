"""``evalsuite publish``, without MLflow."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evalsuite.cli import main
from evalsuite.errors import MissingDependency
from evalsuite.publishing import card_section, eval_results, track, with_section
from evalsuite.publishing.mlflow_store import environment
from evalsuite.runs.folder import Run
from tests.registry.world import World
from tests.report.factory import PASSING, verdict, write_run

CARD = "---\nlicense: mit\n---\n# A\n"


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "model" / "README.md"
    path.parent.mkdir()
    path.write_text(CARD)
    return path


def test_card_and_results_are_written_and_the_verdict_is_said(
    passed: Run, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["publish", str(passed.folder), "--card", str(card), "--eval-results",
               str(card.parent)]  # fmt: skip
    assert main(command) == 0
    told = capsys.readouterr().out
    results = card.parent / ".eval_results" / "evalsuite.yaml"
    assert told.splitlines() == [
        f"wrote {card}",
        f"wrote {results}",
        "",
        "published as Passed: This adapter may be promoted. "
        "The adapter passed all 5 blocking gates.",
    ]
    assert card.read_bytes() == with_section(CARD.encode(), card_section(passed))
    assert yaml.safe_load(results.read_text("utf-8")) == eval_results(passed)
    assert main(command) == 0
    assert f"nothing new for {card}" in capsys.readouterr().out


def test_the_exit_status_is_that_of_the_run(
    failed: Run, card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(failed.folder), "--card", str(card)]) == 1
    assert "published as FAILED: This adapter must not be promoted." in capsys.readouterr().out
    open_ = write_run(tmp_path / "run", verdicts=[*PASSING, verdict("late", "inconclusive")])
    assert main(["publish", str(open_.folder), "--card", str(card)]) == 2
    assert "published as INCONCLUSIVE" in capsys.readouterr().out
    assert card.read_text("utf-8").count("## Evaluation") == 1
    assert "INCONCLUSIVE" in card.read_text("utf-8")


def test_a_promoted_run_names_its_record(tmp_path: Path, card: Path) -> None:
    record = World(tmp_path).promoted()
    run = tmp_path / "reports" / "one"
    status = main(["publish", str(run), "--card", str(card), "--record", str(record.path)])
    assert status == 0
    assert record.path.name in card.read_text("utf-8").replace("\\", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --card FILE, --eval-results DIR or --mlflow URI"),
        (["--card", "none.md"], "there is no card"),
        (["--card", "README.md", "--dataset", "a/b"], "--dataset needs --eval-results"),
        (["--card", "README.md", "--source-url", "https://x"], "--source-url needs"),
        (["--card", "README.md", "--experiment", "x"], "--experiment needs --mlflow"),
        (["--card", "README.md", "--model", "x"], "--model needs --mlflow"),
        (["--card", "README.md", "--eval-results", "none"], "not the folder of a model's"),
        (["--card", "README.md", "--eval-results", ".", "--dataset", "x"], "owner/name"),
        (["--card", "README.md", "--record", "none.json"], "cannot read the record"),
        (["--card", "broken.md", "--eval-results", "."], "broken.md: the card has 1 of"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_nothing_is_written(
    passed: Run,
    card: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(card.parent)
    Path("broken.md").write_text("<!-- evalsuite:begin -->\n")
    assert main(["publish", str(passed.folder), *options]) == 3
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err
    assert card.read_text() == CARD
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["README.md", "broken.md"]


def test_a_folder_without_a_run_is_refused(
    card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(tmp_path / "none"), "--card", str(card)]) == 3
    assert "there is no run folder" in capsys.readouterr().err
    assert card.read_text() == CARD


def test_a_run_that_was_edited_is_not_published(
    tmp_path: Path, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "run", failing=True)
    path = run.folder / "verdicts.json"
    path.write_text(path.read_text("utf-8").replace("failed", "passed"), "utf-8")
    assert main(["publish", str(run.folder), "--card", str(card)]) == 3
    assert "was changed after the run" in capsys.readouterr().err
    assert card.read_text() == CARD


def test_hostile_text_reaches_no_terminal(
    hostile: Run, card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(hostile.folder), "--card", str(card)]) == 1
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\u202e" not in told


@pytest.mark.parametrize(("missing", "said"), [("mlflow", "mlflow-skinny"), ("sqlalchemy", "sql")])
def test_what_is_not_installed_is_named(
    passed: Run, monkeypatch: pytest.MonkeyPatch, missing: str, said: str
) -> None:
    if missing == "sqlalchemy":
        pytest.importorskip("mlflow", reason="install evalsuite[mlflow]")
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.partition(".")[0] == missing:
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match=said) as raised:
        track(passed, "sqlite:///mlflow.db")
    assert ".[mlflow]" in str(raised.value)


@pytest.mark.slow
def test_the_numbers_of_a_real_run_say_what_they_are(
    candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path, card: Path
) -> None:
    run = tmp_path / "run"
    status = main(
        ["gate", "--adapter", str(candidate), "--policy", str(small_policy), "--cases",
         str(few_cases), "--out", str(run), "--seed", "11", "--cache",
         str(candidate.parent / "outputs.sqlite3"), "--registry", str(tmp_path / "registry")]
    )  # fmt: skip
    targets = ["--card", str(card), "--eval-results", str(card.parent)]
    assert main(["publish", str(run), *targets]) == status
    entries = yaml.safe_load((card.parent / ".eval_results" / "evalsuite.yaml").read_text("utf-8"))
    assert {entry["dataset"]["task_id"] for entry in entries} == {
        "liveness_failed_share",
        "template_round_trip_defect_rate",
        "example_leakage_defect_rate",
        "pronoun_resolution_defect_rate",
        "forgetting_loss_against_base",
    }
    text = card.read_text("utf-8")
    assert "| forgetting | zh |" in text
    assert "| forgetting | en |" in text


def test_what_mlflow_is_told_is_the_environments_to_say_and_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_LOGGING_LEVEL", "MLFLOW_TRACKING_URI")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_LOGGING_LEVEL", "DEBUG")
    before = dict(os.environ)
    with environment("sqlite:///x.db"):
        assert [os.environ[name] for name in names] == ["true", "DEBUG", "sqlite:///x.db"]
    assert dict(os.environ) == before
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    with environment("sqlite:///x.db"):
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_publishing_loads_nothing_heavy() -> None:
    code = (
        "import sys, evalsuite.publishing; "
        "print([name for name in ('torch', 'mlflow', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
