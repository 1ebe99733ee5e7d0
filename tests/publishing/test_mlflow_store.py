"""Logging to real local stores: a database, and a folder. Needs the extra ``mlflow``."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evalsuite.cli import main
from evalsuite.errors import PublishingError, RegistryError
from evalsuite.publishing import matching_record, run_digest, track
from evalsuite.publishing.mlflow_values import RUN_TAG
from evalsuite.registry import promote, rollback
from evalsuite.runs.folder import Run, load_run
from tests.registry.world import NOW, World
from tests.report.factory import verdict, write_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Of MLflow and its database layer, not of this project.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]
mlflow = pytest.importorskip("mlflow", reason="install evalsuite[mlflow]")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables and nothing in them; making one takes seconds."""
    path = tmp_path_factory.mktemp("store") / "fresh.db"
    client(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(fresh: Path, tmp_path: Path) -> str:
    """The address of a store of this test's own."""
    (tmp_path / "store").mkdir()
    path = tmp_path / "store" / "mlflow.db"
    path.write_bytes(fresh.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def client(uri: str) -> MlflowClient:
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def entries(uri: str, experiment: str = "evalsuite") -> list[Any]:
    found = client(uri).get_experiment_by_name(experiment)
    return [] if found is None else list(client(uri).search_runs([found.experiment_id]))


def files(uri: str, run_id: str, folder: str = "") -> set[str]:
    return {file.path for file in client(uri).list_artifacts(run_id, folder or None)}


def test_a_run_is_logged_with_its_numbers_digests_and_evidence(failed: Run, store: str) -> None:
    tracked = track(failed, store)
    (entry,) = entries(store)
    assert tracked.created
    assert entry.info.run_id == tracked.run_id
    assert entry.info.status == "FINISHED"
    assert entry.data.params["base_sha256"] == failed.info.base.digest
    assert entry.data.params["seed/panel-blocking"] == "20250304"
    assert entry.data.metrics["example_leakage/value"] == 0.138
    assert entry.data.metrics["example_leakage/upper"] == 0.175
    assert entry.data.metrics["example_leakage/limit"] == 0.03
    assert entry.data.metrics["example_leakage/n"] == 400
    assert entry.data.metrics["example_leakage/zh/value"] == 0.155
    assert entry.data.metrics["example_leakage/status"] == 1
    assert entry.data.metrics["forgetting/status"] == 2
    assert entry.data.metrics["status"] == 1
    assert entry.data.tags["evalsuite.status"] == "failed"
    assert entry.data.tags[RUN_TAG] == run_digest(failed)
    assert entry.data.tags["evalsuite.sha256.policy"] == failed.info.policy.digest
    assert "✗ FAILED" in entry.data.tags["mlflow.note.content"]
    assert files(store, tracked.run_id) == {"report.html", "report.md", "evidence"}
    assert files(store, tracked.run_id, "evidence") == {
        f"evidence/{name}" for name in ("run.json", *failed.files)
    }


def test_what_was_logged_is_the_evidence_itself(passed: Run, store: str, tmp_path: Path) -> None:
    tracked = track(passed, store)
    got = Path(client(store).download_artifacts(tracked.run_id, "evidence", str(tmp_path)))
    assert load_run(got).verdicts == passed.verdicts


def test_logging_again_finds_the_entry_and_adds_nothing(passed: Run, store: str) -> None:
    first, second = track(passed, store), track(passed, store)
    assert (first.run_id, second.created) == (second.run_id, False)
    (entry,) = entries(store)
    history = client(store).get_metric_history(entry.info.run_id, "pronoun_resolution/value")
    assert [metric.value for metric in history] == [0.021]
    other = track(passed, store, experiment="another")
    assert other.created


def test_an_entry_that_was_broken_off_is_completed(passed: Run, store: str) -> None:
    gone = replace(passed, folder=passed.folder.parent / "none")
    with pytest.raises(PublishingError, match=r"run\.json"):
        track(gone, store)
    assert entries(store) == []
    tracked = track(passed, store)
    inside = client(store)
    inside.set_terminated(tracked.run_id, status="FAILED")
    inside.set_tag(tracked.run_id, "evalsuite.status", "unknown")
    again = track(passed, store)
    (entry,) = entries(store)
    assert again.run_id == tracked.run_id
    assert entry.info.status == "FINISHED"
    assert entry.data.tags["evalsuite.status"] == "passed"


def test_what_breaks_on_the_way_leaves_an_entry_that_says_so(
    passed: Run, store: str, tmp_path: Path
) -> None:
    blocked = tmp_path / "store" / "mlartifacts"
    blocked.write_text("a file where the folder of artifacts belongs")
    with pytest.raises(PublishingError, match="refused"):
        track(passed, store)
    assert [entry.info.status for entry in entries(store)] == ["FAILED"]
    blocked.unlink()
    assert not track(passed, store).created
    assert [entry.info.status for entry in entries(store)] == ["FINISHED"]


def test_a_measurement_that_is_missing_is_no_number(store: str, tmp_path: Path) -> None:
    blank = verdict("late", "inconclusive", value=None, lower=None, upper=None, limit=None, n=0)
    track(write_run(tmp_path / "run", verdicts=[blank]), store)
    (entry,) = entries(store)
    assert entry.data.metrics == {
        "late/n": 0, "late/clusters": 96, "late/status": 2, "status": 2,
    }  # fmt: skip


def test_hostile_text_in_tags_is_named_and_escaped(hostile: Run, store: str) -> None:
    track(hostile, store)
    (entry,) = entries(store)
    note = entry.data.tags["mlflow.note.content"]
    assert not re.search(r"<script|<img|@team|://evil|www\.evil", note)
    for text in (*entry.data.tags.values(), *entry.data.params.values()):
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)


def test_names_of_gates_that_mlflow_would_refuse_are_changed(store: str, tmp_path: Path) -> None:
    odd = [verdict("../a b'\"$(x)"), verdict("岚"), verdict("x" * 400)]
    track(write_run(tmp_path / "run", verdicts=odd), store)
    (entry,) = entries(store)
    assert "_a_b_x_/value" in entry.data.metrics
    assert len(entry.data.metrics) == 3 * 7 + 1


def test_a_passed_adapter_is_a_challenger_and_can_be_downloaded(
    passed: Run, store: str, tmp_path: Path
) -> None:
    assert passed.info.adapter is not None
    for _ in range(2):
        tracked = track(passed, store, model="rewriter")
        assert (tracked.model_version, tracked.alias) == ("1", "challenger")
    version = client(store).get_model_version_by_alias("rewriter", "challenger")
    assert version.run_id == tracked.run_id
    assert version.tags[RUN_TAG] == run_digest(passed)
    got = Path(client(store).download_artifacts(tracked.run_id, "adapter", str(tmp_path)))
    for file in Path(passed.info.adapter.path).iterdir():
        assert (got / file.name).read_bytes() == file.read_bytes()


def test_a_promoted_adapter_is_the_champion_and_challenges_nobody(world: World, store: str) -> None:
    run = load_run(world.run())
    assert track(run, store, model="rewriter").alias == "challenger"
    record = promote(run.folder, world.registry, now=NOW)
    tracked = track(run, store, model="rewriter", record=matching_record(run, record.path))
    assert (tracked.model_version, tracked.alias) == ("1", "champion")
    aliases = client(store).get_registered_model("rewriter").aliases
    assert {name: str(version) for name, version in aliases.items()} == {"champion": "1"}
    (entry,) = entries(store)
    assert entry.data.tags["evalsuite.record_sha256"] == record.sha256


def test_the_alias_moves_with_the_registry_and_back(world: World, store: str) -> None:
    first, second = world.promoted("one"), world.promoted("two", hours=1)
    runs = {name: load_run(world.folder / "reports" / name) for name in ("one", "two")}
    with pytest.raises(PublishingError, match="not the champion's any more"):
        track(runs["one"], store, model="m", record=first)
    assert entries(store) == []
    track(runs["two"], store, model="m", record=second)
    rollback(world.registry, "1", now=NOW + timedelta(hours=2))
    track(runs["one"], store, model="m", record=first)
    champion = client(store).get_model_version_by_alias("m", "champion")
    assert champion.tags[RUN_TAG] == run_digest(runs["one"])


def test_an_adapter_that_did_not_pass_or_changed_gets_no_alias(
    failed: Run, world: World, store: str
) -> None:
    with pytest.raises(PublishingError, match="is failed, and only an adapter that passed"):
        track(failed, store, model="rewriter")
    run = load_run(world.run())
    (world.adapter() / "adapter_model.safetensors").write_bytes(b"other")
    with pytest.raises(RegistryError, match="is not the one that the run names"):
        track(run, store, model="rewriter")
    with pytest.raises(PublishingError, match="without '/'"):
        track(run, store, model="a/b")
    none = replace(run, info=replace(run.info, adapter=None))
    with pytest.raises(PublishingError, match="had no adapter"):
        track(none, store, model="rewriter")
    assert entries(store) == []


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("", "names no store"),
        ("sqlite:mlflow.db", "refused: Could not parse"),
        ("nonsense://x", "refused: .*unsupported URI"),
        ("mlruns", "refused: .*maintenance mode"),
        ("sqlite:////dev/null/x/m.db", "refused"),
        ("postgresql://me:pass%40word@127.0.0.1/db", r"\*\*\*@127.0.0.1|psycopg"),
    ],
)
def test_a_store_that_cannot_be_used_is_named(
    passed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PublishingError, match=why) as raised:
        track(passed, uri)
    assert "word" not in str(raised.value)


def test_a_server_that_is_not_there_is_named_without_its_password(
    passed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(PublishingError, match=r"\*\*\*@127\.0\.0\.1.*check that it is there") as no:
        track(passed, f"http://me:secret@127.0.0.1:{closed_port()}")
    assert "secret" not in str(no.value)


def test_a_deleted_experiment_is_not_filled(passed: Run, store: str) -> None:
    made = client(store).create_experiment("old")
    client(store).delete_experiment(made)
    with pytest.raises(PublishingError, match="experiment='old' was deleted"):
        track(passed, store, experiment="old")


def test_a_store_that_is_a_folder_works_where_mlflow_is_told_to_take_it(
    passed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    uri = (tmp_path / "mlruns").as_uri()
    for _ in range(2):
        tracked = track(passed, uri, model="rewriter")
    assert (len(entries(uri)), tracked.alias) == (1, "challenger")
    history = client(uri).get_metric_history(tracked.run_id, "pronoun_resolution/value")
    assert len(history) == 1


def test_a_new_experiment_keeps_its_files_beside_the_database(
    passed: Run, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    track(passed, store)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "store" / "mlartifacts").is_dir()


def test_telemetry_is_off_when_nobody_asked_for_it(passed: Run) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from evalsuite.publishing import track; from evalsuite.runs.folder import load_run\n"
        "assert 'mlflow' not in sys.modules\n"
        "try: track(load_run(Path(sys.argv[1])), 'nonsense://x')\n"
        "except Exception as error: print(type(error).__name__)\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "print(get_telemetry_client())"
    )
    # MLflow keeps silent by itself where it takes a run for a test or a job.
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code, str(passed.folder)], env=kept, capture_output=True,
        text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.split() == ["PublishingError", "None"]


def test_the_command_logs_and_says_where(
    failed: Run, passed: Run, store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "README.md"
    card.write_text("# A\n")
    assert main(["publish", str(failed.folder), "--card", str(card), "--mlflow", store]) == 1
    told = capsys.readouterr().out
    (entry,) = entries(store)
    assert f"logged as MLflow run {entry.info.run_id} of the experiment evalsuite" in told
    assert "published as FAILED: This adapter must not be promoted." in told
    assert main(["publish", str(passed.folder), "--mlflow", store, "--model", "m"]) == 0
    assert "model m, version 1: challenger" in capsys.readouterr().out


def test_a_store_that_refuses_leaves_the_card_as_it_was(passed: Run, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text("# A\n")
    status = main(
        ["publish", str(passed.folder), "--card", str(card), "--mlflow", "nonsense://x"]
    )  # fmt: skip
    assert status == 3
    assert card.read_text() == "# A\n"


def test_the_store_holds_what_the_run_says(passed: Run, store: str, tmp_path: Path) -> None:
    tracked = track(passed, store)
    got = Path(client(store).download_artifacts(tracked.run_id, "evidence/verdicts.json"))
    document = json.loads(got.read_bytes())
    numbers = {row["gate"]: row["value"] for row in document["verdicts"]}
    (entry,) = entries(store)
    assert {gate: entry.data.metrics[f"{gate}/value"] for gate in numbers} == numbers
