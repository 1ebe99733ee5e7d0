"""The command score, from files to a table, rows and an exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.cases.casefiles import dump_cases
from evalsuite.cli import main
from tests.answers.samples import case, stays

GOOD, BAD = "What is Flindo's price?", "What is its price?"
DEMONSTRATIONS = """- language: en
  query: Who built it?
  rewrite: Who built the Ostrava Loom?
  entities: [Ostrava Loom]
"""


def cases(folder: Path, n: int) -> Path:
    """A folder of cases in two files; the last case stays as it is."""
    path = folder / "cases"
    path.mkdir()
    rewritten = [case(f"case-{at}") for at in range(n - 1)]
    (path / "first_en.yaml").write_text(dump_cases(rewritten), "utf-8")
    (path / "second_en.yaml").write_text(dump_cases([stays()]), "utf-8")
    return path


def answers(folder: Path, name: str, n: int, wrong: int) -> Path:
    """Answers to them, in reverse, of which the first ``wrong`` cases' are not right."""
    texts = {f"case-{at}": BAD if at < wrong else GOOD for at in range(n - 1)}
    texts["stays"] = "What is Quobra's price?"
    rows = [{"id": one, "answer": text} for one, text in reversed(texts.items())]
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_one_file_is_judged_summed_up_and_written_row_by_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, out = answers(tmp_path, "a.jsonl", 10, 3), tmp_path / "out.jsonl"
    assert main(["score", str(cases(tmp_path, 10)), str(given), "--json", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["stays", *(f"case-{at}" for at in range(8, -1, -1))]
    assert rows[0] == {
        "id": "stays",
        "right": True,
        "losses": {"named": None, "kept": None, "form": None, "untouched": 0, "leak": None},
    }
    assert rows[-1]["right"] is False
    assert rows[-1]["losses"]["named"] == 1
    told = capsys.readouterr().out
    for words in (
        "7 of 10 answers are right, 70.0 %; ",
        "lost: named 3 of 9, kept 0 of 9, form 0 of 9, untouched 0 of 1",
        "1 stays (had to stay as it was: untouched decides)",
        "9 authored (",
        "wrong answers (3 of 3 shown)",
        "needed and wrong",
        f"wrote {out}",
    ):
        assert words in told


def row_of(told: str, name: str) -> list[str]:
    (line,) = [line for line in told.splitlines() if line.startswith(f"{name}  ")]
    return line.removeprefix(name).split()


def test_metrics_and_cells_stand_in_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = answers(tmp_path, "a.jsonl", 10, 3)
    assert main(["score", str(cases(tmp_path, 10)), str(given)]) == 0
    told = capsys.readouterr().out
    # 6 of 9 that need it are rewritten, all of them rightly; the tenth is kept.
    assert row_of(told, "EM (RUN)") == ["70.00"]
    assert row_of(told, "restored P1") == ["100.00"]
    assert row_of(told, "restored R1") == ["66.67"]
    assert row_of(told, "restored F1") == ["80.00"]
    assert row_of(told, "needed and right") == ["6"]
    assert row_of(told, "needed and wrong") == ["3"]
    assert row_of(told, "not needed and untouched") == ["1"]
    assert row_of(told, "not needed and changed") == ["0"]
    assert row_of(told, "rewritten: precision") == ["100.00"]
    assert row_of(told, "rewritten: recall") == ["66.67"]
    assert row_of(told, "rewritten: F1") == ["80.00"]
    assert row_of(told, "rewritten: accuracy") == ["70.00"]


@pytest.mark.parametrize(
    ("n", "wrong", "other", "status", "word"),
    [
        (200, 20, 20, 0, "✓ No worse."),
        (200, 90, 10, 1, "✗ Worse."),
        (9, 1, 1, 2, "? Undecided."),
    ],
)
def test_two_files_are_compared_and_the_status_says_how(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    n: int,
    wrong: int,
    other: int,
    status: int,
    word: str,
) -> None:
    asked = cases(tmp_path, n)
    ours, theirs = (answers(tmp_path, name, n, k) for name, k in (("a", wrong), ("b", other)))
    assert main(["score", str(asked), str(ours), str(theirs)]) == status
    told = capsys.readouterr().out
    assert word in told
    assert row_of(told, "needed and wrong") == [str(wrong), str(other)]


@pytest.mark.parametrize("margin", ["1.5", "-0.1", "nan"])
@pytest.mark.parametrize("files", [1, 2])
def test_a_margin_that_is_none_is_refused_before_anything_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], margin: str, files: int
) -> None:
    asked, out = cases(tmp_path, 3), tmp_path / "out.jsonl"
    given = [str(answers(tmp_path, name, 3, 1)) for name in "ab"[:files]]
    assert main(["score", str(asked), *given, f"--margin={margin}", "--json", str(out)]) == 3
    assert "must lie between 0 and 1" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(("empty", "said"), [(1, "1 answer is empty"), (2, "2 answers are empty")])
def test_empty_answers_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], empty: int, said: str
) -> None:
    given = tmp_path / "a.tsv"
    texts = ["" if at < empty else GOOD for at in range(2)]
    rows = [
        *(f"case-{at}\t{text}" for at, text in enumerate(texts)),
        "stays\tWhat is Quobra's price?",
    ]
    given.write_text("\n".join(rows), "utf-8")
    assert main(["score", str(cases(tmp_path, 3)), str(given)]) == 0
    assert f"{said}, which is wrong." in " ".join(capsys.readouterr().out.split())


def test_two_files_leave_rows_of_the_first(tmp_path: Path) -> None:
    asked, out = cases(tmp_path, 20), tmp_path / "out.jsonl"
    ours, theirs = (answers(tmp_path, name, 20, k) for name, k in (("a", 5), ("b", 0)))
    main(["score", str(asked), str(ours), str(theirs), "--json", str(out)])
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert sum(row["right"] is False for row in rows) == 5


def test_leaks_are_counted_where_it_is_known_what_was_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = tmp_path / "shown.yaml"
    shown.write_text(DEMONSTRATIONS, "utf-8")
    given, out = tmp_path / "a.tsv", tmp_path / "out.jsonl"
    given.write_text(
        "case-0\tWhat is Flindo's price, and the Ostrava Loom's?\nstays\tWhat is Quobra's price?\n",
        "utf-8",
    )
    asked = cases(tmp_path, 2)
    args = ["score", str(asked), str(given), "--json", str(out), "--demonstrations", str(shown)]
    assert main(args) == 0
    leaks = [json.loads(line)["losses"]["leak"] for line in out.read_text("utf-8").splitlines()]
    assert leaks == [1, 0]
    assert "leak 1 of 2" in capsys.readouterr().out


def test_texts_that_are_tokenised_are_split_at_blanks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "a.tsv"
    given.write_text("case-0\tWhat is Flindo 's price ?\nstays\tWhat is Quobra's price?\n", "utf-8")
    asked = str(cases(tmp_path, 2))
    assert main(["score", asked, str(given)]) == 0
    by_words = row_of(capsys.readouterr().out, "EM (RUN)")
    assert main(["score", asked, str(given), "--tokenised"]) == 0
    assert (by_words, row_of(capsys.readouterr().out, "EM (RUN)")) == (["100.00"], ["50.00"])


def test_what_is_wrong_is_told_with_its_place_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, given, out = cases(tmp_path, 3), tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    given.write_text('{"id": "case-0", "answer": 3}\n{"id": "case-9", "answer": "x"}\n', "utf-8")
    out.write_text("before", "utf-8")
    assert main(["score", str(asked), str(given), "--json", str(out)]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    for words in (
        "a.jsonl:1: answer: 3 is read as int",
        "a.jsonl:2: id='case-9' is no case",
        "a.jsonl: case 'case-1' (",
        "a.jsonl: case 'stays' (",
    ):
        assert words in told.err
    assert out.read_text("utf-8") == "before"


def test_cases_and_answers_are_told_about_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases.yaml").write_text("cases:\n  - id: a\n    langauge: en\n", "utf-8")
    (tmp_path / "a.jsonl").write_text("{", "utf-8")
    assert main(["score", str(tmp_path / "cases.yaml"), str(tmp_path / "a.jsonl")]) == 3
    told = capsys.readouterr().err
    assert "cases.yaml:3" in told
    assert "a.jsonl:1: is not JSON" in told


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("none/out.jsonl", "does not exist"),
        ("a.jsonl", "is the input"),
        ("cases/first_en.yaml", "is the input"),
        ("cases", "is a folder"),
    ],
)
def test_rows_are_written_neither_over_an_input_nor_into_a_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, words: str
) -> None:
    asked, given = cases(tmp_path, 3), answers(tmp_path, "a.jsonl", 3, 0)
    before = given.read_bytes(), (asked / "first_en.yaml").read_bytes()
    assert main(["score", str(asked), str(given), "--json", str(tmp_path / out)]) == 3
    assert words in capsys.readouterr().err
    assert (given.read_bytes(), (asked / "first_en.yaml").read_bytes()) == before
    assert not (tmp_path / "none").exists()


def test_an_input_under_another_name_is_an_input_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, given = cases(tmp_path, 3), answers(tmp_path, "a.jsonl", 3, 0)
    (tmp_path / "link.jsonl").symlink_to(given)
    assert main(["score", str(asked), str(given), "--json", str(tmp_path / "link.jsonl")]) == 3
    assert "is the input" in capsys.readouterr().err


def test_cases_that_contradict_each_other_are_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from evalsuite.cases import Expectation

    other = Expectation(rewrites=("What is Quobra's price?",), must_name=("Quobra",))
    path, given = tmp_path / "cases.yaml", tmp_path / "a.tsv"
    path.write_text(dump_cases([case("a"), case("b", expect=other)]), "utf-8")
    given.write_text(f"a\t{GOOD}\nb\t{GOOD}\n", "utf-8")
    assert main(["score", str(path), str(given)]) == 0
    assert "warning: " in (told := capsys.readouterr().out)
    assert "no answer is right for both" in told


def test_text_of_a_system_cannot_move_the_cursor_or_fill_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "a.jsonl"
    hostile = "\x1b[2J[bold]\u202e" + "x" * 10_000
    rows = [{"id": "case-0", "answer": hostile}, {"id": "stays", "answer": "What\nis"}]
    given.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert main(["score", str(cases(tmp_path, 2)), str(given)]) == 0
    told = capsys.readouterr().out
    assert "[U+001B][2J[bold][U+202E]" in told
    assert "answer: What is" in told
    assert max(map(len, told.splitlines())) < 500


def test_scoring_loads_no_heavy_package(tmp_path: Path) -> None:
    asked, given = cases(tmp_path, 3), answers(tmp_path, "a.jsonl", 3, 1)
    program = (
        "import sys; from evalsuite.cli import main; "
        f"status = main(['score', {str(asked)!r}, {str(given)!r}]); "
        "heavy = ('torch', 'transformers', 'peft', 'pandas'); "
        "print([name for name in heavy if name in sys.modules], status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"
    assert done.stderr == ""
