"""A search as a person runs it, on the embedded model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evalsuite.cli import main
from evalsuite.engines import CachingEngine, open_engine
from evalsuite.errors import InvalidInput
from evalsuite.pipeline import GateRequest
from evalsuite.pipeline.inputs import resolve
from evalsuite.regressions import FOLDER, load_regressions
from evalsuite.search import Hunt, Posed, SearchRequest, prepared, search, to_json

ROOT = Path(__file__).parents[2]
OPERATORS = ("drop_assistant", "long_turn", "distractor")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched") / "cases"
    shutil.copytree(ROOT / "cases", folder)
    return folder


@pytest.fixture(scope="module")
def command(reckless: Path, cases: Path, small_policy: Path) -> list[str]:
    place = cases.parent
    return [
        "search", "--adapter", str(reckless), "--cases", str(cases), "--budget", "40",
        "--policy", str(small_policy),
        "--cache", str(place / "c.sqlite3"), "--out", str(place / "search"),
        "--operators", *OPERATORS, "--most", "2", "--relations", "4",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_search_reports_saves_and_repeats_no_inference(
    command: list[str],
    cases: Path,
    reckless: Path,
    small_policy: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(command)
    told = capsys.readouterr().out
    data = json.loads((cases.parent / "search" / "search.json").read_text("utf-8"))
    found = data["counterexamples"]
    assert found, "training that forgets breaks promises"
    assert status == 1
    assert data["progress"]["tried"] == 40
    assert data["relations"]
    assert len(found) <= 2
    for one in found:
        assert one["absolute"] or one["baseline_keeps_it"]
        keeps = "keeps this promise" if one["baseline_keeps_it"] else "breaks it too"
        assert f"{one['gate']}; the baseline {keeps}" in told
    saved = load_regressions(cases / FOLDER)
    assert {item.case.id for item in saved} == {one["defect"] for one in found}
    assert {f"{one['defect']}.yaml" for one in found} == {
        path.name for path in (cases / FOLDER).glob("*.yaml")
    }
    assert told.count("saved: ") == len({one["defect"] for one in found})
    assert "<script" not in (cases.parent / "search" / "index.html").read_text("utf-8")

    cache = cases.parent / "c.sqlite3"
    policy = str(small_policy)
    gate = GateRequest(adapter=reckless, policy=policy, cases=cases, cache=cache)
    again = search(SearchRequest(gate=gate, budget=40, most=2, operators=OPERATORS, relations=4))
    assert isinstance(again.asker.engine, CachingEngine)
    assert again.asker.engine.calls == 0
    repeated = to_json(again)
    assert repeated["counterexamples"] == found
    assert repeated["progress"]["worst"] == data["progress"]["worst"]


def test_a_second_search_saves_nothing_twice_and_no_save_saves_nothing(
    command: list[str], cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(command)
    before = {path: path.read_bytes() for path in (cases / FOLDER).glob("*")}
    capsys.readouterr()
    main(command)
    told = capsys.readouterr().out
    assert "saved" not in told
    assert told.count("known already, in ") == len(before)
    assert {path: path.read_bytes() for path in (cases / FOLDER).glob("*")} == before
    shutil.rmtree(cases / FOLDER, ignore_errors=True)
    main([*command, "--no-save"])
    assert not (cases / FOLDER).exists()


def test_results_replace_nothing_but_results(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "index.html").write_text("MY PAGE", "utf-8")
    assert main([*command, "--out", str(mine)]) == 3
    assert "holds something else than such results (index.html)" in capsys.readouterr().err
    assert (mine / "index.html").read_text("utf-8") == "MY PAGE"
    (tmp_path / "file").write_text("", "utf-8")
    assert main([*command, "--out", str(tmp_path / "file")]) == 3
    assert "a file stands where a folder is needed" in capsys.readouterr().err


def test_a_search_that_was_interrupted_at_once_leaves_the_older_result(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "search"
    assert main([*command, "--out", str(out), "--no-save"]) == 1
    before = (out / "search.json").read_bytes()

    def interrupt(self: Hunt, number: int) -> list[Posed]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Hunt, "draw", interrupt)
    assert main([*command, "--out", str(out), "--no-save"]) == 130
    assert "nothing was written" in capsys.readouterr().out
    assert (out / "search.json").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--operators", "gap", "nag"], "operators=['nag'] are unknown; use any of"),
        (["--budget", "0"], "budget=0 must be at least 1"),
        (["--most", "0"], "most=0 must be at least 1"),
        (["--minutes", "0"], "minutes=0.0 must be more than 0"),
        (["--minutes", "nan"], "minutes=nan must be more than 0"),
        (["--relations", "-1"], "relations=-1 must be at least 0"),
        (["--adapter", "nowhere"], "nowhere"),
        (["--prompt-format", "html"], "format='html' is unknown"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_asked(
    command: list[str], more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *more]) == 3
    assert said in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{operators: [nag]}", "search.operators=['nag'] are unknown"),
        ("{operators: [lookalike], max_demonstrations: 0}", "need demonstrations, but search.max"),
        ("{max_tokens: 100}", "a prompt with its answer may hold 100 tokens; raise search.max_tok"),
    ],
)
def test_a_policy_with_a_wrong_envelope_is_refused(
    candidate: Path, cases: Path, small_policy: Path, tmp_path: Path, rule: str, said: str
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(small_policy.read_text("utf-8") + f"search: {rule}\n", "utf-8")
    cache = tmp_path / "c.sqlite3"
    gate = GateRequest(adapter=candidate, cases=cases, policy=str(policy), cache=cache)
    with pytest.raises(InvalidInput) as caught:
        search(SearchRequest(gate=gate, budget=4))
    assert said in str(caught.value)


def test_the_envelope_is_what_the_policy_says(
    candidate: Path, cases: Path, small_policy: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    rule = "{operators: [gap, window], kinds: [single], languages: [zh], max_edits: 2, "
    rule += "max_tokens: 700, skills: false}"
    policy.write_text(small_policy.read_text("utf-8") + f"search: {rule}\n", "utf-8")
    gate = GateRequest(adapter=candidate, cases=cases, policy=str(policy), cache=tmp_path / "c")
    inputs = resolve(gate)
    plain = resolve(GateRequest(adapter=candidate, cases=cases, policy=str(small_policy)))
    assert inputs.policy.digest == plain.policy.digest, "an envelope decides no verdict"
    engine = open_engine(inputs.base, (inputs.adapter,), cache=inputs.cache)
    hunt = prepared(SearchRequest(gate=gate, budget=30), inputs, engine)
    posed = [p for n in range(2) for p in hunt.draw(n)]
    assert {p.case.language for p in posed} == {"zh"}
    assert {p.case.kind for p in posed} == {"single"}
    assert {name for p in posed for name in p.operators} == {"gap", "window"}
    assert max(len(p.used) for p in posed) == 2
    assert max(700 - hunt.asker.room(p) for p in posed) <= 700
    assert max(700 - hunt.asker.room(p) for p in posed) > 690
    engine.close()
