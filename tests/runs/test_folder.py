"""Run folders: written all or nothing, and read back exactly."""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Expectation
from evalsuite.conversation import Message, Role
from evalsuite.detectors import Detector, Score, Span
from evalsuite.errors import RunError, RunInUse, RunStorageError
from evalsuite.models import digest_file
from evalsuite.runs import (
    CaseRow,
    DemonstrationsRow,
    OutputRow,
    ScoreRow,
    ShownRow,
    Side,
    SpanRow,
    Status,
    TokensRow,
)
from evalsuite.runs.folder import RunWriter, load_run, with_digest, write_derived
from evalsuite.tasks import task_of
from tests.registry.world import made_older
from tests.report.factory import CASES, ENGLISH, PANEL, PASSING, info, output, write_run

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
visible = text.filter(str.strip)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
messages = st.builds(Message, st.sampled_from([Role.USER, Role.ASSISTANT]), visible)
spans = st.builds(SpanRow, start=st.integers(0, 9), end=st.integers(9, 99), label=text)
case_rows = st.builds(
    CaseRow,
    panel=text,
    case_id=text,
    language=text,
    kind=text,
    cluster=text,
    history=st.lists(messages, max_size=3).map(tuple),
    query=text,
    expect=st.none() | st.builds(Expectation, rewrites=st.tuples(visible)),
    source=text,
    demonstrations=text,
)
output_rows = st.builds(
    OutputRow,
    key=text,
    side=st.sampled_from(Side),
    panel=text,
    case_id=text,
    prompt_format=text,
    text=text,
    finish=text,
    logprob=numbers,
    tokens=st.integers(0, 10**6),
    demonstrations=text,
)
score_rows = st.builds(
    ScoreRow,
    detector=text,
    case_id=text,
    side=st.sampled_from(Side),
    value=numbers,
    explanation=text,
    spans=st.lists(spans, max_size=3).map(tuple),
    outputs=st.lists(text, max_size=2).map(tuple),
)


demonstration_rows = st.builds(
    DemonstrationsRow,
    name=text,
    shown=st.lists(
        st.builds(ShownRow, history=st.just(ENGLISH.history), query=text, rewrite=text), max_size=2
    ).map(tuple),
)
token_rows = st.lists(st.tuples(st.integers(0, 2**31), text), max_size=5).flatmap(
    lambda pairs: st.builds(
        TokensRow,
        key=text,
        ids=st.just(tuple(token for token, _ in pairs)),
        texts=st.just(tuple(piece for _, piece in pairs)),
        answer=st.integers(0, len(pairs)),
    )
)


@settings(max_examples=25)
@given(
    cases=st.lists(case_rows, max_size=4),
    outputs=st.lists(output_rows, max_size=4),
    scores=st.lists(score_rows, max_size=4),
    shown=st.lists(demonstration_rows, max_size=2),
    tokens=st.lists(token_rows, max_size=2),
)
def test_what_is_written_is_what_is_read(
    cases: list[CaseRow],
    outputs: list[OutputRow],
    scores: list[ScoreRow],
    shown: list[DemonstrationsRow],
    tokens: list[TokensRow],
) -> None:
    with tempfile.TemporaryDirectory() as folder, RunWriter(Path(folder)) as writer:
        writer.add_cases(cases)
        writer.add_outputs(outputs[:2])
        writer.add_outputs(outputs[2:])
        writer.add_scores(scores)
        writer.add_demonstrations(shown)
        writer.add_tokens(tokens)
        writer.set_verdicts(PASSING, ())
        recorded = info(Path("adapter"))
        run = writer.finish(recorded)
    assert (run.cases, run.outputs, run.scores) == (tuple(cases), tuple(outputs), tuple(scores))
    assert (run.demonstrations, run.tokens) == (tuple(shown), tuple(tokens))
    assert run.verdicts == PASSING
    assert run.status is Status.PASSED
    values = {name: getattr(run.info, name) for name in recorded.__dataclass_fields__}
    assert values == {name: getattr(recorded, name) for name in values}


def test_a_finished_folder_holds_the_contracted_files_and_nothing_unfinished(
    tmp_path: Path,
) -> None:
    write_run(tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    expected = {"run.json", "cases.jsonl", "outputs.jsonl", "scores.jsonl", "verdicts.json"}
    assert names == expected | {"demonstrations.jsonl", "tokens.jsonl", ".lock"}
    document = json.loads((tmp_path / "run" / "verdicts.json").read_bytes())
    assert document["status"] == "passed"
    assert document["verdicts"][0]["gate"] == "liveness"


def test_a_required_gate_that_was_not_judged_makes_the_run_inconclusive(tmp_path: Path) -> None:
    assert write_run(tmp_path / "run", required=["absent"]).status is Status.INCONCLUSIVE


def test_rows_keep_line_separators_inside_a_text(tmp_path: Path) -> None:
    hostile = "a\u2028b\u0085c\r\nd\x00"
    with RunWriter(tmp_path / "run") as writer:
        writer.add_outputs([output("c", Side.CANDIDATE, hostile)])
        writer.set_verdicts(PASSING, ())
        assert writer.finish(info(tmp_path)).outputs[0].text == hostile


def test_indexes_find_cases_and_outputs(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert run.case_index[PANEL, ENGLISH.id].query == ENGLISH.query
    answers = run.output_index[PANEL, ENGLISH.id, Side.CANDIDATE]
    assert [row.demonstrations for row in answers] == ["A", "B"]


def test_a_case_and_a_score_turn_into_rows() -> None:
    row = CaseRow.of(task_of(CASES[0]), panel="p", demonstrations="A")
    score = Score(Detector.LITERAL_LEAK, row.case_id, 1.0, "leaks", (Span(1, 3, "x"),))
    made = ScoreRow.of(score, row, gate="example_leakage", outputs=("k",))
    assert (made.kind, made.language, made.panel) == ("comparison", "en", "p")
    assert made.spans == (SpanRow(start=1, end=3, label="x"),)
    assert made.failed


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(RunError, match="use None"):
        ScoreRow(detector="d", case_id="c", side=Side.CANDIDATE, value=value, explanation="")


def test_an_interrupted_run_is_told_as_such(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run") as writer:
        writer.add_cases([CaseRow.of(task_of(ENGLISH), panel=PANEL)])
    with pytest.raises(RunError, match="was not finished"):
        load_run(tmp_path / "run")


def test_a_killed_writer_leaves_a_folder_that_the_next_one_takes_over(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from evalsuite.runs.folder import RunWriter\n"
        "writer = RunWriter(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(RunError, match="was not finished"):
        load_run(tmp_path / "run")
    assert write_run(tmp_path / "run").status is Status.PASSED


def test_an_interrupted_second_run_keeps_the_first(tmp_path: Path) -> None:
    first = write_run(tmp_path / "run")
    with RunWriter(tmp_path / "run") as writer:
        writer.add_cases(first.cases)
    with pytest.raises(RunError, match="delete unfinished/ to go back"):
        load_run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "unfinished")
    assert load_run(tmp_path / "run") == first


def test_a_run_that_wrote_nothing_leaves_no_trace(tmp_path: Path) -> None:
    first = write_run(tmp_path / "run")
    with RunWriter(tmp_path / "run"):
        pass
    assert load_run(tmp_path / "run") == first


def test_a_new_run_replaces_the_old_one_and_its_reports(tmp_path: Path) -> None:
    old = write_run(tmp_path / "run")
    (old.folder / "report.html").write_text("of the old run")
    assert write_run(tmp_path / "run", failing=True).status is Status.FAILED
    assert not (old.folder / "report.html").exists()


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run"), pytest.raises(RunInUse, match=f"process {os.getpid()}"):
        RunWriter(tmp_path / "run")
    with RunWriter(tmp_path / "run"):
        pass


def test_a_folder_with_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match=r"something else than a run \(thesis.txt\)"):
        RunWriter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_run_json_of_another_tool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="something else"):
        RunWriter(tmp_path)
    with pytest.raises(RunError, match="not written by evalsuite"):
        load_run(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(RunStorageError, match="a file stands where a folder is needed"):
        RunWriter(tmp_path / "run")
    with pytest.raises(RunStorageError, match="name another folder"):
        RunWriter(tmp_path / "run" / "below")


@contextmanager
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may read and not write, even where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)


def test_a_read_only_folder_is_named() -> None:
    with read_only_folder() as folder:
        with pytest.raises(RunStorageError, match="change its permissions"):
            RunWriter(folder / "run")
        with pytest.raises(RunStorageError, match="change its permissions"):
            RunWriter(folder)


def test_a_full_disk_in_the_middle_keeps_the_older_run(tmp_path: Path) -> None:
    first = write_run(tmp_path / "run")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with RunWriter(tmp_path / "run") as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
        try:
            with pytest.raises(RunStorageError, match=r"outputs\.jsonl.*free some space"):
                writer.add_outputs([output("c", Side.CANDIDATE, "x" * 1000)] * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
    shutil.rmtree(tmp_path / "run" / "unfinished")
    assert load_run(tmp_path / "run") == first


@pytest.mark.parametrize("name", ["cases.jsonl", "outputs.jsonl", "scores.jsonl", "verdicts.json"])
def test_a_file_that_was_edited_or_removed_is_named(tmp_path: Path, name: str) -> None:
    run = write_run(tmp_path / "run")
    path = run.folder / name
    path.write_bytes(path.read_bytes().replace(b"0.0", b"1.0", 1) + b"\n")
    with pytest.raises(RunError, match=rf"{name}' was changed after the run"):
        load_run(run.folder)
    path.unlink()
    with pytest.raises(RunError, match=rf"{name}' is missing"):
        load_run(run.folder)


def test_a_run_of_a_later_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    document = json.loads((run.folder / "run.json").read_bytes()) | {"version": 7}
    (run.folder / "run.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="version=7, this evalsuite reads 1 to 6; use the"):
        load_run(run.folder)


def test_a_run_says_that_older_evalsuites_do_not_read_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert json.loads((run.folder / "run.json").read_bytes())["version"] == 6
    assert run.info.version == 6


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_run_of_an_earlier_version_is_read_with_the_one_score_that_it_has_of_rewrites(
    tmp_path: Path, version: int
) -> None:
    run = write_run(tmp_path / "run")
    cases = [json.loads(line) for line in (run.folder / "cases.jsonl").read_text().splitlines()]
    for row in cases:
        row.pop("standard")
        for added in ("extractive", "aliases"):
            row["expect"].pop(added)
    score = json.loads((run.folder / "scores.jsonl").read_text().splitlines()[0])
    score |= {"detector": "pronoun_resolution", "gate": "pronoun_resolution", "value": 1.0}
    texts = {
        "cases.jsonl": "".join(f"{json.dumps(row)}\n" for row in cases),
        "scores.jsonl": f"{json.dumps(score)}\n",
    }
    document = json.loads((run.folder / "run.json").read_bytes()) | {"version": version}
    for name, text in texts.items():
        (run.folder / name).write_text(text, "utf-8")
        document["files"][name]["sha256"] = digest_file(run.folder / name)
    (run.folder / "run.json").write_text(json.dumps(with_digest(document)))
    old = load_run(run.folder)
    assert old.info.version == version
    assert {row.standard for row in old.cases} == {None}
    # What it says of a case is the same case to a later run.
    assert old.cases == run.cases
    [found] = old.scores
    assert found.failed
    assert Detector(found.detector) is Detector.PRONOUN_RESOLUTION


def test_an_unknown_key_in_run_json_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    document = json.loads((run.folder / "run.json").read_bytes()) | {"surprise": 2}
    (run.folder / "run.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="surprise"):
        load_run(run.folder)


def test_a_folder_that_is_not_there_is_named_with_the_command_that_makes_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(RunError, match="evalsuite gate --out"):
        load_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"has no run\.json"):
        load_run(tmp_path)


def test_times_need_a_zone(tmp_path: Path) -> None:
    made = info(tmp_path)
    with pytest.raises(RunError, match="no time zone"):
        replace(made, created=made.created.replace(tzinfo=None))


def test_finishing_without_verdicts_is_refused(tmp_path: Path) -> None:
    with (
        RunWriter(tmp_path / "run") as writer,
        pytest.raises(RunError, match="call set_verdicts"),
    ):
        writer.finish(info(tmp_path))


def test_a_run_of_an_older_evalsuite_has_no_annex_and_still_reads(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run").folder
    made_older(folder)
    run = load_run(folder)
    assert run.info.version == 1
    assert (run.info.champion, run.info.history, run.info.registry) == (None, (), None)
    assert (run.demonstrations, run.tokens) == ((), ())
    assert set(run.files) == {"cases.jsonl", "outputs.jsonl", "scores.jsonl", "verdicts.json"}


def test_names_that_were_not_recorded_are_not_read_as_none_at_all(tmp_path: Path) -> None:
    kept = [
        DemonstrationsRow(
            name="A",
            shown=tuple(
                ShownRow(history=ENGLISH.history, query="q", rewrite="r", entities=entities)
                for entities in (None, (), ("Ostrava Loom",))
            ),
        )
    ]
    with RunWriter(tmp_path / "run") as writer:
        writer.add_demonstrations(kept)
        writer.set_verdicts(PASSING, ())
        run = writer.finish(info(tmp_path))
    assert list(run.demonstrations) == kept


def test_a_changed_annex_is_refused(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run").folder
    (folder / "tokens.jsonl").write_text("{}\n")
    with pytest.raises(RunError, match=r"tokens\.jsonl' was changed after the run"):
        load_run(folder)


def test_tokens_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(RunError, match="do not fit together"):
        TokensRow(key="k", ids=(1, 2), texts=("a",), answer=0)
    with pytest.raises(RunError, match="answer=3"):
        TokensRow(key="k", ids=(1, 2), texts=("a", "b"), answer=3)


def test_a_report_never_follows_a_link_that_came_with_its_folder(tmp_path: Path) -> None:
    run, outside = write_run(tmp_path / "run"), tmp_path / "outside"
    outside.write_text("precious")
    (run.folder / "report.html").symlink_to(outside)
    write_derived(run, "report.html", "<p>report</p>")
    assert outside.read_text() == "precious"
    assert (run.folder / "report.html").read_text() == "<p>report</p>"


def test_a_link_in_place_of_the_stage_empties_no_other_folder(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "cases.jsonl").write_text("kept", "utf-8")
    folder = tmp_path / "run"
    with RunWriter(folder):
        pass
    (folder / "unfinished").symlink_to(precious)
    with pytest.raises(RunError, match="is a link, which no run makes; remove it"):
        RunWriter(folder)
    assert (precious / "cases.jsonl").read_text("utf-8") == "kept"


@given(at=st.integers(0), byte=st.integers(0, 255))
def test_one_changed_byte_of_run_json_is_noticed_or_without_effect(
    at: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder / "run")
    path = folder / "run" / "run.json"
    before = bytearray(path.read_bytes())
    after = bytearray(before)
    after[at % len(after)] = byte
    path.write_bytes(after)
    try:
        load_run(path.parent)
    except RunError:
        return
    assert json.loads(after) == json.loads(before)
