"""The commands of a review, from a run to its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalsuite.cases.casefiles import lint
from evalsuite.cli import main
from evalsuite.review import load_key, sheets_of, third_sheet
from evalsuite.review.raters import read_sheets
from tests.review.world import filled, specs, write_run


@pytest.fixture
def drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a review of 16 rows."""
    write_run(tmp_path / "run", [*specs(20), *specs(20, wrong=True, answer="How much is Flindo?")])
    out = tmp_path / "review"
    assert main(["review", "draw", str(tmp_path / "run"), "--out", str(out), "--n", "16"]) == 0
    told = capsys.readouterr().out
    assert "16 of 40 answers in 2 strata" in told
    assert "key.json" in told
    return out


def test_a_review_from_draw_to_cases(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = load_key(drawn)
    for sheet in sheets_of(key):
        assert (drawn / "sheets" / f"{sheet.id}.csv").read_bytes().startswith(b"\xef\xbb\xbf")
        assert (drawn / "sheets" / f"{sheet.id}.html").exists()
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    says = [lambda _: ("yes", "no", ""), lambda n: ("no" if "wrong" in n else "yes", "no", "")]
    for path, sheet, say in zip(paths, sheets_of(key), says, strict=True):
        path.write_bytes(filled(key, sheet, say, delimiter=";").encode())
    args = ["review", "read", str(drawn), *map(str, paths)]
    assert main(args) == 2
    assert "for a third reading" in capsys.readouterr().out
    assert len(list((drawn / "sheets").iterdir())) == 6
    third = third_sheet(key, read_sheets(key, paths))
    paths.append(tmp_path / "c.csv")
    paths[-1].write_bytes(filled(key, third, says[0]).encode())
    cases = tmp_path / "found.yaml"
    assert main([*args, str(paths[-1]), "--to-cases", str(cases)]) == 0
    told = capsys.readouterr().out
    assert "a third settled the 8" in told
    assert "false accusations: 8 of 8" in told
    assert lint(cases) == []
    data = json.loads((drawn / "review.json").read_bytes())
    assert data["settled"]
    assert "Do the detectors agree with people?" in (drawn / "index.html").read_text("utf-8")
    # A person may have edited what is there: neither cases nor a sheet are written again.
    assert main([*args, str(paths[-1]), "--to-cases", str(cases)]) == 3
    assert "is there already, and may have been edited" in capsys.readouterr().err
    kept = next(path for path in (drawn / "sheets").glob("*-c.csv"))
    kept.write_bytes(b"filled")
    assert main(args) == 2
    assert kept.read_bytes() == b"filled"


def test_a_review_is_not_drawn_over_another(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (drawn / "key.json").read_bytes()
    args = ["review", "draw", str(tmp_path / "run"), "--out", str(drawn), "--n", "16"]
    assert main([*args, "--seed", "5"]) == 3
    assert "name a new or empty folder" in capsys.readouterr().err
    assert (drawn / "key.json").read_bytes() == before


def test_nothing_is_written_where_a_sheet_is_wrong(
    drawn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unfilled = sorted((drawn / "sheets").glob("*.csv"))
    assert main(["review", "read", str(drawn), *map(str, unfilled)]) == 3
    told = capsys.readouterr().err
    assert "right is empty; write yes, no, cannot tell" in told
    assert "... and 14 more; fix these first" in told
    assert not (drawn / "review.json").exists()
