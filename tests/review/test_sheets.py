"""Sheets as spreadsheet programs and people bring them back."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import InvalidReview
from evalsuite.report import render_sheet
from evalsuite.report.pages import environment
from evalsuite.review import Key, Sheet, csv_text, draw, read_sheets, sheets_of
from evalsuite.review.filled import Filled, parse_filled
from evalsuite.review.raters import UNCLEAR
from evalsuite.review.sheet import Asked, Entry, Field, shown
from evalsuite.runs.folder import Run
from tests.review.world import as_csv, filled

Rows = list[dict[str, str]]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FORMULA = "=+-@\t\r\n'"


def sheet_with(texts: list[str], answers: list[str]) -> Sheet:
    """A sheet of these texts, with these answers filled in."""
    return Sheet(
        id="bcd-a",
        title="T",
        lead=(),
        fields=(Field("text", "Text"),),
        asked=(Asked("said", "?", needed=False),),
        entries=tuple(
            Entry(f"r{'x' * at}", {"text": shown(text)}, {"said": shown(said).strip()})
            for at, (text, said) in enumerate(zip(texts, answers, strict=True))
        ),
    )


def read(text: str, sheet: Sheet) -> Filled:
    problems: list[str] = []
    found = parse_filled(text.removeprefix("\ufeff"), "f.csv", {sheet.id: sheet}, problems)
    assert problems == []
    assert found is not None
    return found


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_a_sheet_is_read_back_as_it_was_written(pairs: list[tuple[str, str]]) -> None:
    sheet = sheet_with([text for text, _ in pairs], [said for _, said in pairs])
    found = read(csv_text(sheet), sheet)
    assert [found.answers[e.code]["said"] for e in sheet.entries] == [
        e.proposed["said"] for e in sheet.entries
    ]


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_other_delimiters_and_a_lost_apostrophe_are_taken(texts: list[str], mark: str) -> None:
    sheet = sheet_with(texts, ["yes"] * len(texts))
    rows = list(csv.DictReader(io.StringIO(csv_text(sheet).removeprefix("\ufeff"), newline="")))
    # Some programs drop the guard when they read a file.
    bare = [{name: cell.removeprefix("'") for name, cell in row.items()} for row in rows]
    turned = [dict(reversed(list(row.items()))) for row in bare]
    assert len(read(as_csv(turned, mark), sheet).answers) == len(texts)


@settings(deadline=None)
@given(st.sampled_from(FORMULA), TEXTS)
def test_no_cell_of_a_sheet_starts_a_formula(mark: str, rest: str) -> None:
    sheet = sheet_with([mark + rest], [mark + rest])
    for row in csv.reader(io.StringIO(csv_text(sheet).removeprefix("\ufeff"), newline="")):
        assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's script with")
def test_the_page_saves_the_csv_that_is_read_back(tmp_path: Path) -> None:
    texts = ["=1+1", 'He said "no", and\nleft; </script>', "它多少钱？", "'quoted"]
    said = ["@SUM(A1)", 'a "b"; c\nd', "", "-1"]
    sheet = sheet_with(texts, [""] * 4)
    page = render_sheet(sheet.to_json())
    data = page.split('id="sheet">')[1].split("</script>")[0]
    answers = {f"{e.code}-said": text for e, text in zip(sheet.entries, said, strict=True)}
    program = tmp_path / "page.js"
    script = str(environment().globals["sheet_script"])
    program.write_text(
        f"{script}\nprocess.stdout.write(csvText({data}, {json.dumps(answers)}));", "utf-8"
    )
    done = subprocess.run(["node", program], capture_output=True, check=True)
    text = done.stdout.decode()
    assert [one["said"] for one in read(text, sheet).answers.values()] == said
    unfilled = csv.reader(io.StringIO(csv_text(sheet), newline=""))
    saved = csv.reader(io.StringIO(text, newline=""))
    assert [row[:3] for row in saved] == [row[:3] for row in unfilled]


def test_the_page_runs_its_own_script_alone(key: Key) -> None:
    page = render_sheet(sheets_of(key)[0].to_json())
    digest = environment().globals["sheet_script_digest"]
    assert f"script-src '{digest}'" in page
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_long_texts_are_cut_for_spreadsheets_and_invisible_ones_named() -> None:
    assert shown("a\r\nb\rc") == "a\nb\nc"
    assert shown("a\u202eb\x00") == "a[U+202E]b[U+0000]"
    assert shown("x" * 20_000) == "x" * 12_000 + " [8,000 more characters]"


GOOD = ("yes", "no", "")


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def both(tmp_path: Path, key: Key) -> tuple[Path, Path]:
    a, b = sheets_of(key)
    return (
        write(tmp_path, "a.csv", filled(key, a, lambda _: GOOD)),
        write(tmp_path, "b.csv", filled(key, b, lambda _: GOOD, delimiter=";")),
    )


def test_two_good_sheets_are_read_in_either_order(tmp_path: Path, key: Key) -> None:
    a, b = both(tmp_path, key)
    assert read_sheets(key, [a, b]) == read_sheets(key, [b, a])


def remove(rows: Rows) -> Rows:
    return rows[1:]


def double(rows: Rows) -> Rows:
    return [*rows, rows[0]]


def foreign(rows: Rows) -> Rows:
    return [*rows, rows[0] | {"row": "zzzzzzz"}]


def edit(rows: Rows) -> Rows:
    return [rows[0] | {"answer": "Something else."}, *rows[1:]]


def misspell(rows: Rows) -> Rows:
    return [rows[0] | {"right": "yess"}, *rows[1:]]


def empty(rows: Rows) -> Rows:
    return [rows[0] | {"copied": " "}, *rows[1:]]


def cannot_copy(rows: Rows) -> Rows:
    return [rows[0] | {"copied": "cannot tell"}, *rows[1:]]


def drop_column(rows: Rows) -> Rows:
    return [{k: v for k, v in row.items() if k != "query"} for row in rows]


def add_column(rows: Rows) -> Rows:
    return [row | {"remarks": "x"} for row in rows]


def rename(rows: Rows) -> Rows:
    return [{k.replace("copied", "copid"): v for k, v in row.items()} for row in rows]


def other_draw(rows: Rows) -> Rows:
    return [row | {"sheet": "somethingelse-a"} for row in rows]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (remove, r"a\.csv:1: lacks the row '[a-z]{7}'; take it"),
        (double, r"a\.csv:\d+: row '[a-z]{7}' stands on line 2 too"),
        (foreign, r"a\.csv:\d+: sheet='\w+-a', row='zzzzzzz' is no row of sheet"),
        (edit, r"a\.csv:2: row '[a-z]{7}': the text under 'answer' is not the one"),
        (misspell, r"a\.csv:2: row '[a-z]{7}': right='yess' is unknown; did you mean 'yes'"),
        (empty, r"a\.csv:2: row '[a-z]{7}': copied is empty; write yes, no"),
        (cannot_copy, r"copied='cannot tell' is unknown; write yes, no"),
        (drop_column, r"a\.csv:1: the column 'query' is there not"),
        (add_column, r"a\.csv:1: the column 'remarks' is unknown"),
        (rename, r"the column 'copied' is there not \(but 'copid' is\)"),
        (other_draw, r"is a sheet of another draw: sheet='somethingelse-a'"),
    ],
)
def test_a_sheet_that_came_back_wrong_is_refused(
    tmp_path: Path, key: Key, change: Callable[[Rows], Rows], words: str
) -> None:
    a, b = sheets_of(key)
    first = write(tmp_path, "a.csv", filled(key, a, lambda _: GOOD, change=change))
    second = write(tmp_path, "b.csv", filled(key, b, lambda _: GOOD))
    with pytest.raises(InvalidReview, match=words):
        read_sheets(key, [first, second])


def test_everything_is_told_at_once_of_all_files(tmp_path: Path, key: Key) -> None:
    a, b = sheets_of(key)
    first = write(
        tmp_path, "a.csv", filled(key, a, lambda _: GOOD, change=lambda r: edit(double(r)))
    )
    second = write(tmp_path, "b.csv", filled(key, b, lambda _: GOOD, change=misspell))
    third = tmp_path / "missing.csv"
    with pytest.raises(InvalidReview) as caught:
        read_sheets(key, [first, second, third])
    told = str(caught.value)
    for words in ("is not the one", "stands on line 2 too", "'yess' is unknown", "does not exist"):
        assert words in told


def test_the_same_sheet_twice_is_not_two_raters(tmp_path: Path, key: Key) -> None:
    a, _ = sheets_of(key)
    path = write(tmp_path, "a.csv", filled(key, a, lambda _: GOOD))
    again = write(tmp_path, "again.csv", path.read_text("utf-8"))
    with pytest.raises(InvalidReview, match=r"again\.csv: is sheet .*, and so is .*a\.csv"):
        read_sheets(key, [path, again])


def test_a_sheet_of_another_draw_is_refused(tmp_path: Path, run: Run, key: Key) -> None:
    other = draw(run, n=40, seed=9)
    a, _ = both(tmp_path, key)
    theirs = sheets_of(other)[1]
    path = write(tmp_path, "b.csv", filled(other, theirs, lambda _: GOOD))
    with pytest.raises(InvalidReview, match="is a sheet of another draw"):
        read_sheets(key, [a, path])


def test_words_are_taken_in_any_case_and_blank_rows_are_passed_over(
    tmp_path: Path, key: Key
) -> None:
    a, b = sheets_of(key)
    text = filled(key, a, lambda _: (" Cannot  Tell", "NO ", "=why?"))
    first = write(tmp_path, "a.csv", text + "," * text.split("\n")[0].count(",") + "\r\n")
    readings = read_sheets(
        key, [first, write(tmp_path, "b.csv", filled(key, b, lambda _: (UNCLEAR, "no", "")))]
    )
    assert not readings.differing
    assert {one.words["right"] for one in readings.by_row.values()} == {UNCLEAR}  # type: ignore[index]
    assert {one.comments for one in readings.by_row.values()} == {("=why?",)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ('sheet,row\r\n"abc', "is no CSV from here on"),
        ("nothing,here\r\n1,2\r\n", "the column 'sheet' is there not"),
    ],
)
def test_what_is_no_sheet_is_refused(tmp_path: Path, key: Key, text: str, words: str) -> None:
    _, b = both(tmp_path, key)
    with pytest.raises(InvalidReview, match=words):
        read_sheets(key, [write(tmp_path, "x.csv", text), b])


def test_another_encoding_is_named(tmp_path: Path, key: Key) -> None:
    _, b = both(tmp_path, key)
    path = tmp_path / "x.csv"
    path.write_bytes("列,它\r\n".encode("gb18030"))
    with pytest.raises(InvalidReview, match="GB18030"):
        read_sheets(key, [path, b])
