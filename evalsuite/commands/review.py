"""review: sheets for people, and how well the detectors agree with what they filled in."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.gate import from_here
from evalsuite.commands.options import (
    Subparsers,
    check_result,
    command,
    require_new,
    write_result,
)

if TYPE_CHECKING:
    from evalsuite.review import Key, Readings, Sheet

SHEETS = "sheets"
"""The folder of what raters get."""
_OPEN = 2


def add(subparsers: Subparsers) -> None:
    """Declare the commands."""
    review = subparsers.add_parser("review", help="how well the detectors agree with people")
    actions = review.add_subparsers(required=True, metavar="ACTION")
    draw = command(
        actions,
        "draw",
        _draw,
        help="draw answers of a run for two people to read",
        example="evalsuite review draw reports/RUN --out review",
    )
    draw.add_argument("folder", type=Path, metavar="RUN", help="the folder of a run")
    draw.add_argument("--out", type=Path, required=True, help="a new folder for sheets and key")
    draw.add_argument("--n", type=int, default=120, help="rows to read (default: 120)")
    draw.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    draw.add_argument(
        "--panel",
        action="append",
        default=[],
        metavar="NAME",
        help="draw from this panel or golden set of the run alone; may be given again",
    )
    read = command(
        actions,
        "read",
        _read,
        help="read filled sheets back, and measure the detectors by them",
        example="evalsuite review read review a.csv b.csv",
        ends="exit status: 0 done; 2 a third reading is due; 3 could not be read; 130 interrupted",
    )
    read.add_argument("folder", type=Path, metavar="DIR", help="that review draw --out wrote")
    read.add_argument("first", type=Path, metavar="RATER_A.csv", help="the sheet of one rater")
    read.add_argument("second", type=Path, metavar="RATER_B.csv", help="the sheet of the other")
    read.add_argument(
        "third",
        type=Path,
        nargs="?",
        metavar="THIRD.csv",
        help="the sheet with the rows that these two differ about",
    )
    read.add_argument(
        "--to-cases",
        type=Path,
        metavar="FILE.yaml",
        help="write golden cases of what people and detectors judge differently",
    )


def _draw(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_once
    from evalsuite.review import KEY, draw, dump_key, sheets_of
    from evalsuite.runs.folder import load_run

    check_result(args.out)
    key = draw(load_run(args.folder), n=args.n, seed=args.seed, panels=args.panel)
    with storage_errors(args.out, RunStorageError):
        args.out.mkdir(parents=True, exist_ok=True)
        write_once(args.out / KEY, dump_key(key).encode())
    written = write_sheets(args.out / SHEETS, sheets_of(key))
    terminal.say(
        f"{len(key.rows)} of {sum(one.size for one in key.strata):,} answers in "
        f"{len(key.strata)} strata"
    )
    for csv, page in written:
        terminal.say(f"for one rater: {from_here(page)} or {from_here(csv)}")
    terminal.say(f"for nobody who rates: {from_here(args.out / KEY)}")
    return 0


def write_sheets(folder: Path, sheets: Iterable[Sheet]) -> list[tuple[Path, Path]]:
    """Write each sheet as CSV and as a page, and return their paths.

    Raises:
        RunStorageError: the folder refuses them.
    """
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import atomic_write, storage_errors
    from evalsuite.report import render_sheet
    from evalsuite.review import csv_text

    written = []
    with storage_errors(folder, RunStorageError):
        folder.mkdir(parents=True, exist_ok=True)
        for sheet in sheets:
            csv, page = folder / f"{sheet.id}.csv", folder / f"{sheet.id}.html"
            atomic_write(csv, csv_text(sheet).encode())
            atomic_write(page, render_sheet(sheet.to_json()).encode())
            written.append((csv, page))
    return written


def _read(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.report import render_review, review_text
    from evalsuite.review import load_key, read_sheets, results, third_sheet

    if args.to_cases is not None:
        require_new(args.to_cases, option="--to-cases")
    key = load_key(args.folder)
    paths = [path for path in (args.first, args.second, args.third) if path is not None]
    readings = read_sheets(key, paths)
    data = results(key, readings)
    write_result(args.folder, "review.json", data, render_review(data))
    terminal.say(review_text(data))
    terminal.say("")
    due = bool(readings.differing) and not readings.settled
    if due:
        csv, page = _third(args.folder / SHEETS, third_sheet(key, readings))
        terminal.say(f"for a third reading: {from_here(page)} or {from_here(csv)}")
    if args.to_cases is not None:
        _write_cases(args.to_cases, key, readings, terminal)
    terminal.say(f"page: {from_here(args.folder / 'index.html')}")
    return _OPEN if due else 0


def _third(folder: Path, sheet: Sheet) -> tuple[Path, Path]:
    """Where the sheet for a third reading lies; one that is there may be filled, and stays."""
    csv, page = folder / f"{sheet.id}.csv", folder / f"{sheet.id}.html"
    return (csv, page) if csv.exists() else write_sheets(folder, [sheet])[0]


def _write_cases(out: Path, key: Key, readings: Readings, terminal: Terminal) -> None:
    from evalsuite.cases.casefiles import dump_cases
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_named
    from evalsuite.review import goldens_of

    found = goldens_of(key, readings)
    for sentence in found.left_out:
        terminal.say(f"no case of {sentence}")
    if not found.cases:
        terminal.say(f"no cases: {out} was not written")
        return
    with storage_errors(out, RunStorageError):
        write_named(out, dump_cases(found.cases).encode())
    terminal.say(f"cases: {out} ({len(found.cases)}); read each before you use it")
