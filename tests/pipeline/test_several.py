"""Several candidates of one base: runs of their own, and one page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.cli import main
from evalsuite.errors import InvalidInput
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.several import each, evaluate_each
from evalsuite.runs.folder import Run, load_run


@pytest.fixture
def request_(candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path) -> GateRequest:
    return GateRequest(
        adapter=Path(),
        policy=str(small_policy),
        cases=few_cases,
        out=tmp_path / "many",
        cache=candidate.parent / "outputs.sqlite3",
    )


def told(run: Run) -> object:
    """What a run says, without where and when."""
    verdicts = [verdict.to_json() for verdict in run.verdicts]
    outputs = [(row.panel, row.case_id, row.side, row.text, row.logprob) for row in run.outputs]
    return verdicts, outputs, run.info.seeds, run.info.circumstances, run.info.engine


def test_each_gets_the_run_that_it_gets_alone(
    request_: GateRequest, candidate: Path, good: Path, tmp_path: Path
) -> None:
    apart = replace(request_, cache=tmp_path / "apart.sqlite3")
    found = list(evaluate_each(each(apart, [candidate, good, tmp_path / "none"])))
    for gated, folder in zip(found, (candidate, good), strict=False):
        assert gated.run is not None
        assert gated.run.folder == apart.out / folder.name
        alone = evaluate(replace(request_, adapter=folder, out=tmp_path / "alone"))
        assert told(gated.run) == told(alone)
    assert found[2].run is None
    assert "does not exist" in found[2].problem


def test_two_of_one_name_are_refused(request_: GateRequest, tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place / "same").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="are both called 'same'"):
        each(request_, [tmp_path / "a" / "same", tmp_path / "b" / "same"])


@pytest.mark.parametrize("again", ["same", "a/../same", "link"])
def test_one_folder_twice_is_refused(request_: GateRequest, tmp_path: Path, again: str) -> None:
    (tmp_path / "same").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "same")
    with pytest.raises(InvalidInput, match="are one folder; leave one of them out"):
        each(request_, [tmp_path / "same", tmp_path / again])


def gate(request_: GateRequest, *more: str) -> int:
    return main(
        ["gate", "--policy", str(request_.policy), "--cases", str(request_.cases), "--out",
         str(request_.out), "--cache", str(request_.cache), "--registry",
         str(request_.out.parent / "registry"), *more]
    )  # fmt: skip


def test_the_command_writes_a_row_for_each_and_ends_as_the_worst(
    request_: GateRequest, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(request_, "--adapters", str(good), str(tmp_path / "none")) == 3
    shown = capsys.readouterr()
    assert "✓ Passed" in shown.out
    assert "none: adapter" in shown.err
    data = json.loads((request_.out / "candidates.json").read_bytes())
    assert [one["status"] for one in data["candidates"]] == ["passed", None]
    assert data["candidates"][0]["gates"]["liveness"] == "passed"
    assert load_run(request_.out / good.name).info.adapter is not None
    assert f'href="{good.name}/report.html"' in (request_.out / "index.html").read_text()
    assert "| none | " in (request_.out / "candidates.md").read_text()
    # The champion is marked, and a second time everything is replaced.
    main(["promote", str(request_.out / good.name), "--registry", str(tmp_path / "registry")])
    assert gate(request_, "--adapters", str(good)) == 0
    data = json.loads((request_.out / "candidates.json").read_bytes())
    assert [one["champion"] for one in data["candidates"]] == [True]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--plan"], "--plan is about one candidate, and --adapters names 2"),
        (["--waivers", "x.yaml"], "--waivers is about one candidate"),
        (["--candidate", "x"], "not allowed with argument"),
        (["--adapters", "c"], "argument --adapters: is given twice; several candidates are named"),
    ],
)
def test_what_is_about_one_candidate_is_refused(
    request_: GateRequest, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    try:
        status = gate(request_, "--adapters", "a", "b", *more)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == 3
    assert said in capsys.readouterr().err.replace("\n", " ")
    assert not request_.out.exists()
